"""What a model is made from: parameters, names, and the model that served before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmentation.drift import TrainingBins
from segmentation.naming import Playbook
from segmentation.params import (
    ExplainingParams,
    FeatureParams,
    ModelParams,
    RefitParams,
    ScoringParams,
    params_fingerprint,
)
from segmentation.scoring import RfmMap
from segmentation.transforms import Scaler

#: Runs a SELECT and returns its columns by name.
Query = Callable[[str], Mapping[str, NDArray[Any]]]
Action = Literal["refit", "update", "assign"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Parent:
    """The model that served before: its id, parameters, scaler and clusters (rows with centroid, segment_key, ...).

    `refitted` is the date of the last refit in its line, `bins` what drift is measured against since then.
    """

    model_id: int
    epoch: int
    refitted: date
    features: FeatureParams
    model: ModelParams
    scaler: Scaler
    bins: TrainingBins
    clusters: list[Row]
    k_reason: str = ""

    @property
    def centroids(self) -> NDArray[np.float64]:
        """Centroids (k, d) in standard deviations."""
        return np.array([cluster["centroid"] for cluster in self.clusters], dtype=np.float64)

    def centroids_in(self, scaler: Scaler) -> NDArray[np.float64]:
        """The same centroids in the standard deviations of another scaler of the same features."""
        old, new = self.scaler.features, scaler.features
        raw = self.centroids * [feature.scale for feature in old] + [feature.mean for feature in old]
        return np.asarray((raw - [feature.mean for feature in new]) / [feature.scale for feature in new])


@dataclass(frozen=True)
class Recipe:
    """What a version is made by: its date, parameters, names and the first key no segment ever had."""

    as_of: date
    features: FeatureParams
    model: ModelParams
    refit: RefitParams
    explaining: ExplainingParams
    scoring: ScoringParams
    playbook: Playbook
    rfm_map: RfmMap
    next_segment_key: int

    def follows(self, parent: Parent) -> bool:
        """Whether segments can be followed from the parent: same features, same transforms; k may differ."""
        return same_space(self.features, self.model, parent.features, parent.model)


def choose_action(
    recipe: Recipe, parent: Parent | None, drift: Mapping[str, float], *, asked: bool
) -> tuple[Action, str]:
    """What to do with the model tonight, and why; `drift` is each feature's stability index since the last refit."""
    if parent is None:
        return "refit", "there is no model of an earlier date"
    if asked:
        return "refit", "asked for"
    if params_fingerprint(parent.features, parent.model) != params_fingerprint(recipe.features, recipe.model):
        return "refit", "the parameters changed"
    age = (recipe.as_of - parent.refitted).days
    if recipe.refit.every_days is not None and age >= recipe.refit.every_days:
        return "refit", f"the last refit is {age} days old"
    far = max(drift, key=lambda name: drift[name], default=None)
    if far is not None and recipe.refit.drift is not None and drift[far] > recipe.refit.drift:
        return "refit", f"{far} drifted (population stability index {drift[far]:.2f})"
    return recipe.refit.nightly, "nightly"


def same_space(features: FeatureParams, model: ModelParams, other: FeatureParams, other_model: ModelParams) -> bool:
    """Whether customers lie at the same places for both, so that segments can be followed from one to the other."""
    return _space(features, model) == _space(other, other_model)


def _space(features: FeatureParams, model: ModelParams) -> tuple[Any, ...]:
    transforms = [model.transform_of(name) for name in features.inputs]
    return features, transforms, model.winsorize_quantiles, model.iqr_factor
