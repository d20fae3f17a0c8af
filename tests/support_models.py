"""Models of one warehouse on several dates, without versions: each is the parent of the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Any

from segmentation.assign import assign_sql
from segmentation.modelling import Trained, train_model
from segmentation.naming import parse_playbook
from segmentation.params import ExplainingParams, FeatureParams, ModelParams, RefitParams, ScoringParams
from segmentation.recipe import Action, Parent, Query, Recipe
from segmentation.scoring import parse_rfm_map
from tasks import drafts
from warehouse import features
from warehouse.store import Warehouse


def new_recipe(
    as_of: date, features: FeatureParams | None = None, model: ModelParams | None = None, next_segment_key: int = 1
) -> Recipe:
    """A recipe with the built-in names and, unless given, default parameters."""
    names = files("segmentation")
    return Recipe(
        as_of=as_of,
        features=features or FeatureParams(),
        model=model or ModelParams(),
        refit=RefitParams(),
        explaining=ExplainingParams(),
        scoring=ScoringParams(),
        playbook=parse_playbook(names.joinpath("playbook.toml").read_text()),
        rfm_map=parse_rfm_map(names.joinpath("rfm_map.json").read_text()),
        next_segment_key=next_segment_key,
    )


def as_parent(row: Mapping[str, Any], trained: Trained, recipe: Recipe) -> Parent:
    """A model that was just trained as the one before."""
    return Parent(
        model_id=1,
        epoch=row["epoch"],
        refitted=row["refitted"],
        features=recipe.features,
        model=recipe.model,
        scaler=trained.scaler,
        bins=trained.bins,
        clusters=row["clusters"],
        k_reason=row["k_reason"],
    )


@dataclass
class Line:
    """A line of models on the dates of one warehouse; `keys` maps customers to segment keys of the latest day."""

    warehouse: Warehouse
    features: FeatureParams = field(default_factory=FeatureParams)
    model: ModelParams = field(default_factory=ModelParams)
    parent: Parent | None = None
    next_segment_key: int = 1

    @property
    def query(self) -> Query:
        return drafts.query(self.warehouse)

    def prepare(self, as_of: date) -> None:
        """Make `features` of a date, as a night does."""
        prepare_features(self.warehouse, as_of, self.features)

    def train(self, as_of: date, action: Action = "refit") -> Trained:
        """Train on the prepared `features`, and go on from there."""
        recipe = new_recipe(as_of, self.features, self.model, self.next_segment_key)
        trained = train_model(self.query, "features", recipe, self.parent, action)
        self.parent = as_parent(trained.row, trained, recipe)
        keys = [cluster["segment_key"] for cluster in trained.row["clusters"]]
        self.next_segment_key = max(self.next_segment_key, 1 + max(keys))
        return trained


def prepare_features(warehouse: Warehouse, as_of: date, params: FeatureParams) -> None:
    """Make the temporary table `features` of a date, as a night does."""
    features.prepare(warehouse, as_of, params.window_days)
    features.prepare_inputs(
        warehouse, params.inputs, as_of=as_of, window_days=params.window_days, net=params.money == "net", own_sql=""
    )


def moved_share(query: Query, old: Parent, new: Parent, relation: str = "features") -> float:
    """Share of the customers of one day whom two models put into segments of different keys."""
    both = query(
        f"SELECT old.cluster AS old, new.cluster AS new, count(*) AS customers FROM "
        f"({assign_sql(old.scaler, old.centroids, relation)}) AS old JOIN "
        f"({assign_sql(new.scaler, new.centroids, relation)}) AS new USING (customer_id) GROUP BY ALL"
    )
    moved = sum(
        count
        for before, after, count in zip(*(both[name].tolist() for name in ("old", "new", "customers")), strict=True)
        if old.clusters[before]["segment_key"] != new.clusters[after]["segment_key"]
    )
    return float(moved / both["customers"].sum())
