"""What a model is made from: parameters, names, and the model that served before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmentation.naming import Playbook
from segmentation.params import FeatureParams, ModelParams, params_fingerprint
from segmentation.transforms import Scaler

#: Runs a SELECT and returns its columns by name.
Query = Callable[[str], Mapping[str, NDArray[Any]]]
Action = Literal["refit", "update", "assign"]
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

    def centroids_in(self, scaler: Scaler) -> NDArray[np.float64]:
        """The same centroids in the standard deviations of another scaler of the same features."""
        old, new = self.scaler.features, scaler.features
        raw = self.centroids * [feature.scale for feature in old] + [feature.mean for feature in old]
        return np.asarray((raw - [feature.mean for feature in new]) / [feature.scale for feature in new])


@dataclass(frozen=True)
class Recipe:
    """What a model is made by: parameters, the playbook of names and the first key no segment ever had."""

    features: FeatureParams
    model: ModelParams
    playbook: Playbook
    next_segment_key: int

    def follows(self, parent: Parent) -> bool:
        """Whether segments can be followed from the parent: same features, same transforms; k may differ."""
        return _space(self.features, self.model) == _space(parent.features, parent.model)


def choose_action(recipe: Recipe, parent: Parent | None, *, refit: bool) -> Action:
    """`update` if there is a parent made by the same parameters and no refit is asked for."""
    if refit or parent is None:
        return "refit"
    same = params_fingerprint(parent.features, parent.model) == params_fingerprint(recipe.features, recipe.model)
    return "update" if same else "refit"


def _space(features: FeatureParams, model: ModelParams) -> tuple[Any, ...]:
    transforms = [model.transform_of(name) for name in features.inputs]
    return features, transforms, model.winsorize_quantiles, model.iqr_factor
