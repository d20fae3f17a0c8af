"""Models as rows: whatever is needed to assign customers again, and nothing that only Python can read."""

import json
from typing import Any

from warehouse.store import Warehouse


def write_model(warehouse: Warehouse, model: dict[str, Any]) -> int:
    """Store a model (keys as the columns of `models.models`, with `clusters`, `k_search` and `lineage` as lists).

    Runs inside the caller's transaction; returns the new model's id.
    """
    model_id = int(warehouse.value("SELECT coalesce(max(model_id), 0) + 1 FROM models.models"))
    tables = {"clusters": "models.clusters", "k_search": "models.k_search", "lineage": "models.lineage"}
    own = {key: value for key, value in model.items() if key not in tables}
    warehouse.insert("models.models", [{"model_id": model_id} | own])
    for part, table in tables.items():
        warehouse.insert(table, [{"model_id": model_id} | row for row in model[part]])
    return model_id


def load_model(warehouse: Warehouse, model_id: int) -> dict[str, Any]:
    """A model with its clusters in the order of their numbers."""
    (model,) = warehouse.select("FROM models.models WHERE model_id = $id", {"id": model_id})
    clusters = warehouse.select("FROM models.clusters WHERE model_id = $id ORDER BY cluster", {"id": model_id})
    return model | {"scaler": json.loads(model["scaler"]), "params": json.loads(model["params"]), "clusters": clusters}


def exists(warehouse: Warehouse, model_id: int) -> bool:
    """Whether there is a model of that number."""
    return bool(warehouse.value("SELECT count(*) FROM models.models WHERE model_id = $id", {"id": model_id}))


def same_bins(warehouse: Warehouse, one: int, other: int) -> bool:
    """Whether customers are counted in the same bins by two models."""
    bins = "SELECT count(DISTINCT training_bins) = 1 FROM models.models WHERE model_id IN ($one, $other)"
    return one == other or bool(warehouse.value(bins, {"one": one, "other": other}))


def next_segment_key(warehouse: Warehouse) -> int:
    """The first key no segment ever had."""
    return int(warehouse.value("SELECT coalesce(max(segment_key), 0) + 1 FROM models.clusters"))
