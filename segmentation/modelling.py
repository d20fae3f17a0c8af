"""A night's model: fitted anew or moved a little from its parent, with segments that keep their key, name and colour.

SQL goes out and small columns come back through a `Query` handed in, so nothing here knows what runs it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmentation.assign import assign_sql
from segmentation.identity import Alignment, Match, align_segments
from segmentation.kmeans import (
    Fit,
    Summary,
    fit_kmeans,
    silhouette,
    squared_distances,
    summary_from_columns,
    update_kmeans,
)
from segmentation.naming import Playbook, name_clusters
from segmentation.params import FeatureParams, ModelParams, params_fingerprint
from segmentation.transforms import Scaler, bounds_sql, moments_sql, scaler_from_moments, summary_sql

#: Runs a SELECT and returns its columns by name.
Query = Callable[[str], Mapping[str, NDArray[Any]]]
Action = Literal["refit", "update"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Parent:
    """The model that served before: its id, parameters, scaler and clusters (rows with centroid, segment_key, ...)."""

    model_id: int
    epoch: int
    features: FeatureParams
    model: ModelParams
    scaler: Scaler
    clusters: list[Row]

    @property
    def centroids(self) -> NDArray[np.float64]:
        """Centroids (k, d) in standard deviations."""
        return np.array([cluster["centroid"] for cluster in self.clusters], dtype=np.float64)


@dataclass(frozen=True)
class Recipe:
    """What a model is made by: parameters, the playbook of names and the first key no segment ever had."""

    features: FeatureParams
    model: ModelParams
    playbook: Playbook
    next_segment_key: int


def choose_action(recipe: Recipe, parent: Parent | None, *, refit: bool) -> Action:
    """`update` if there is a parent made by the same parameters and no refit is asked for."""
    if refit or parent is None:
        return "refit"
    same = params_fingerprint(parent.features, parent.model) == params_fingerprint(recipe.features, recipe.model)
    return "update" if same else "refit"


def train_model(query: Query, relation: str, recipe: Recipe, parent: Parent | None, action: Action) -> tuple[Row, str]:
    """Fit or update a model on `relation`; return it as a row (see `warehouse.models`) and the SQL to assign with.

    Raises SegmentationError if there are no customers or a feature is not finite.
    """
    updating = parent is not None and action == "update"
    scaler = parent.scaler if parent is not None and updating else _fit_scaler(query, relation, recipe)
    summary = _summary(query, relation, scaler, recipe.model)
    fit = (
        _update(summary, parent, recipe) if parent is not None and updating else _refit(summary, scaler, parent, recipe)
    )
    measured, sample = silhouette(
        summary, fit.labels, sample_size=recipe.model.silhouette_sample, seed=recipe.model.seed
    )
    clusters, lineage = _identify(query, relation, scaler, fit, summary, recipe, parent, action)
    epoch = 1 if parent is None else parent.epoch + (not _comparable(recipe, parent))
    row = _described(recipe, parent, action, scaler, summary, fit) | {
        "epoch": epoch,
        "silhouette": measured,
        "silhouette_sample": sample,
        "clusters": clusters,
        "lineage": lineage,
        "k_search": [_candidate_k(fit, clusters, measured, sample)],
    }
    return row, assign_sql(scaler, fit.centroids, relation)


def _fit_scaler(query: Query, relation: str, recipe: Recipe) -> Scaler:
    asked = bounds_sql(recipe.features, recipe.model, relation)
    bounds = _first_row(query(asked)) if asked else None
    moments = _first_row(query(moments_sql(recipe.features, recipe.model, bounds, relation)))
    return scaler_from_moments(recipe.features, recipe.model, bounds, moments)


def _summary(query: Query, relation: str, scaler: Scaler, model: ModelParams) -> Summary:
    customers = _first_row(query(f"SELECT count(*) AS customers FROM {relation}"))["customers"]
    exact = int(customers or 0) <= model.exact_up_to
    return summary_from_columns(query(summary_sql(scaler, model.cell_width, relation, exact=exact)), scaler)


def _refit(summary: Summary, scaler: Scaler, parent: Parent | None, recipe: Recipe) -> Fit:
    model = recipe.model
    previous = _carried_over(parent, scaler) if parent is not None and _comparable(recipe, parent) else None
    return fit_kmeans(summary, model.k, seed=model.seed, n_init=model.n_init, previous=previous)


def _update(summary: Summary, parent: Parent, recipe: Recipe) -> Fit:
    return update_kmeans(summary, parent.centroids, iterations=recipe.model.update_iterations)


def _carried_over(parent: Parent, scaler: Scaler) -> NDArray[np.float64]:
    """The parent's centroids in the standard deviations of another scaler."""
    old, new = parent.scaler.features, scaler.features
    raw = parent.centroids * [feature.scale for feature in old] + [feature.mean for feature in old]
    return np.asarray((raw - [feature.mean for feature in new]) / [feature.scale for feature in new])


def _comparable(recipe: Recipe, parent: Parent) -> bool:
    """Whether segments can be followed from the parent: same features, same transforms; k may differ."""

    def space(features: FeatureParams, model: ModelParams) -> tuple[Any, ...]:
        return (
            features,
            [model.transform_of(name) for name in features.inputs],
            model.winsorize_quantiles,
            model.iqr_factor,
        )

    return space(recipe.features, recipe.model) == space(parent.features, parent.model)


def _identify(
    query: Query,
    relation: str,
    scaler: Scaler,
    fit: Fit,
    summary: Summary,
    recipe: Recipe,
    parent: Parent | None,
    action: Action,
) -> tuple[list[Row], list[Row]]:
    """Clusters with key, name and colour (carried over where a segment lives on), and what became of each segment."""
    if parent is None or not _comparable(recipe, parent):
        alignment = Alignment(matches=(), deaths=(), births=tuple(range(fit.k)))
    elif action == "update":
        alignment = Alignment(tuple(Match(number, number, 1.0) for number in range(fit.k)), (), ())
    else:
        overlap = _overlap(query, relation, parent, scaler, fit)
        alignment = align_segments(overlap, squared_distances(_carried_over(parent, scaler), fit.centroids))
    known = parent.clusters if parent is not None else []
    kept = {new: known[old] for old, new, _ in alignment.matches}
    births = _born(scaler, fit, recipe, alignment, {cluster["segment_name"] for cluster in kept.values()})
    customers = np.bincount(fit.labels, weights=summary.weights, minlength=fit.k)
    identity = ("segment_key", "segment_name", "colour", "prototype", "prototype_distance")
    clusters = [
        {name: (kept.get(number) or births[number])[name] for name in identity}
        | {"cluster": number, "centroid": fit.centroids[number].tolist(), "training_customers": int(customers[number])}
        for number in range(fit.k)
    ]
    return clusters, _lineage(alignment, clusters, known)


def _overlap(query: Query, relation: str, parent: Parent, scaler: Scaler, fit: Fit) -> NDArray[np.int64]:
    """Customers (old k, new k) by their cluster in both models on the same day."""
    old, new = assign_sql(parent.scaler, parent.centroids, relation), assign_sql(scaler, fit.centroids, relation)
    counted = query(
        f"SELECT old.cluster AS old, new.cluster AS new, count(*) AS customers "
        f"FROM ({old}) AS old JOIN ({new}) AS new USING (customer_id) GROUP BY ALL"
    )
    overlap = np.zeros((len(parent.clusters), fit.k), dtype=np.int64)
    overlap[counted["old"], counted["new"]] = counted["customers"]
    return overlap


def _born(scaler: Scaler, fit: Fit, recipe: Recipe, alignment: Alignment, taken: set[str]) -> dict[int, Row]:
    births = sorted(alignment.births)
    names = name_clusters(fit.centroids[births], scaler.names, recipe.playbook, taken) if births else []
    return {
        number: {
            "segment_key": recipe.next_segment_key + place,
            "segment_name": named.name,
            "colour": named.colour,
            "prototype": named.prototype,
            "prototype_distance": named.distance,
        }
        for place, (number, named) in enumerate(zip(births, names, strict=True))
    }


def _lineage(alignment: Alignment, clusters: list[Row], known: list[Row]) -> list[Row]:
    births = [
        {"event": "birth", "segment_key": clusters[new]["segment_key"], "jaccard": None} for new in alignment.births
    ]
    deaths = [{"event": "death", "segment_key": known[old]["segment_key"], "jaccard": None} for old in alignment.deaths]
    return births + deaths


def _candidate_k(fit: Fit, clusters: list[Row], measured: float | None, sample: int) -> Row:
    sizes = [cluster["training_customers"] for cluster in clusters]
    return {
        "k": fit.k,
        "inertia": fit.inertia,
        "silhouette": measured,
        "silhouette_sample": sample,
        "smallest_share": min(sizes) / sum(sizes),
        "chosen": True,
    }


def _described(
    recipe: Recipe, parent: Parent | None, action: Action, scaler: Scaler, summary: Summary, fit: Fit
) -> Row:
    content = summary.centers.tobytes() + summary.weights.tobytes()
    params = {"features": recipe.features.model_dump(mode="json"), "model": recipe.model.model_dump(mode="json")}
    return {
        "parent_model_id": parent.model_id if parent is not None else None,
        "action": action,
        "params": json.dumps(params),
        "params_fingerprint": params_fingerprint(recipe.features, recipe.model),
        "scaler": scaler.model_dump_json(),
        "training_fingerprint": hashlib.sha256(content).hexdigest()[:16],
        "training_customers": summary.customers,
        "training_cells": len(summary.weights),
        "inertia": fit.inertia,
        "seed": recipe.model.seed,
        "library_versions": json.dumps({name: version(name) for name in ("scikit-learn", "numpy", "duckdb")}),
    }


def _first_row(columns: Mapping[str, NDArray[Any]]) -> dict[str, float | None]:
    row = {name: column.tolist()[0] for name, column in columns.items()}
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
