"""A version before it is stored: tonight's model, how it assigns and scores, and how far things moved."""

import json
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from segmentation.ageing import explain_and_age_sql
from segmentation.drift import feature_drift, psi
from segmentation.explaining import reason_words_sql
from segmentation.modelling import Trained, count_bins, train_model
from segmentation.projection import Projection, project_inputs
from segmentation.recipe import Action, Parent, Query, Recipe, Row, choose_action
from segmentation.scoring import Thresholds, scored_sql, thresholds_from_row, thresholds_sql
from segmentation.silhouette import Quality
from segmentation.stability import centroid_shift

#: Customers per bin, by feature.
Counts = Mapping[str, list[int]]


@dataclass(frozen=True)
class Previous:
    """What of the version published before matters tonight: its customers per bin and its quintile cuts."""

    feature_counts: Counts
    thresholds: Thresholds


@dataclass(frozen=True)
class Draft:
    """Everything a version is made of, but the customers themselves.

    `assign_sql` has the columns of `explain_and_age_sql` with `$as_of` to bind, `scored_sql` those of the scored RFM.
    `drift` is the population stability index of each feature against (the training data, the version before); `shifts`
    how far each segment's centroid moved, by segment key, in standard deviations; `projection` the map of the segments.
    `model` has no silhouette yet, see `Trained`.
    """

    reason: str
    model: Row
    quality: "Future[Quality]"
    assign_sql: str
    scored_sql: str
    thresholds: Thresholds
    feature_counts: Counts
    drift: Mapping[str, tuple[float, float | None]]
    shifts: Mapping[int, float]
    meaning_shift: float | None
    projection: Projection


def draft_version(
    query: Query,
    relation: str,
    recipe: Recipe,
    parent: Parent | None,
    previous: Previous | None,
    *,
    refit: bool,
    keys_only: bool = False,
) -> Draft:
    """Decide what to do with the model, do it on `relation`, and measure how far it and the customers moved.

    With `keys_only` the parent gives segments their keys and names and nothing else: the model is fitted as if there
    were none. Raises SegmentationError if there are no customers or a feature is not finite.
    """
    followed, counts, drift = _measured(query, relation, recipe, parent, previous)
    action, reason = choose_action(
        recipe, None if keys_only else parent, {name: training for name, (training, _) in drift.items()}, asked=refit
    )
    trained = train_model(query, relation, recipe, parent, action, keys_only=keys_only)
    return _drafted(query, relation, recipe, trained, action, reason, followed, counts, drift, previous)


def draft_assignment(query: Query, relation: str, recipe: Recipe, model: Parent, previous: Previous | None) -> Draft:
    """Assign the customers of `relation` with a model as it is, whatever the schedule says; its row stays as stored.

    Raises SegmentationError if there are no customers or a feature is not finite.
    """
    followed, counts, drift = _measured(query, relation, recipe, model, previous)
    trained = train_model(query, relation, recipe, model, "assign")
    return _drafted(query, relation, recipe, trained, "assign", "asked for", followed, counts, drift, previous)


def parse_previous(feature_counts: str, thresholds: str) -> Previous:
    """What a stored version says of itself, from its JSON texts."""
    return Previous(json.loads(feature_counts), Thresholds.model_validate_json(thresholds))


def _measured(
    query: Query, relation: str, recipe: Recipe, parent: Parent | None, previous: Previous | None
) -> tuple[Parent | None, Counts, Mapping[str, tuple[float, float | None]]]:
    """The parent if segments can be followed from it, today's customers in its bins, and their drift."""
    followed = parent if parent is not None and recipe.follows(parent) else None
    counts = count_bins(query, relation, followed.scaler, followed.bins) if followed else {}
    return followed, counts, _drift(followed, counts, previous)


def _drafted(
    query: Query,
    relation: str,
    recipe: Recipe,
    trained: Trained,
    action: Action,
    reason: str,
    followed: Parent | None,
    counts: Counts,
    drift: Mapping[str, tuple[float, float | None]],
    previous: Previous | None,
) -> Draft:
    kept = previous.thresholds if previous and recipe.scoring.cuts == "refit" and action != "refit" else None
    thresholds = kept or _thresholds(query, relation)
    if action == "refit":
        counts = count_bins(query, relation, trained.scaler, trained.bins)
    window = recipe.features.window_days
    assign = explain_and_age_sql(trained.scaler, trained.centroids, relation, recipe.explaining, window_days=window)
    shifts, meaning_shift = _shifts(trained, followed)
    words = reason_words_sql(trained.scaler.names, recipe.playbook.vocabulary)
    return Draft(
        reason=reason,
        model=trained.row | {"reason_words_sql": words},
        quality=trained.quality,
        assign_sql=assign,
        scored_sql=scored_sql(thresholds, recipe.rfm_map, relation, recipe.scoring),
        thresholds=thresholds,
        feature_counts=counts,
        drift=drift,
        shifts=shifts,
        meaning_shift=meaning_shift,
        projection=project_inputs(query, relation, trained.scaler),
    )


def _drift(parent: Parent | None, counts: Counts, previous: Previous | None) -> dict[str, tuple[float, float | None]]:
    if parent is None:
        return {}
    training = feature_drift(parent.bins, {name: np.asarray(one) for name, one in counts.items()})
    before = previous.feature_counts if previous else {}
    return {name: (training[name], _psi_between(before.get(name), counts[name])) for name in counts}


def _psi_between(before: list[int] | None, after: list[int]) -> float | None:
    """None where the version before was not counted in the same bins."""
    if before is None or len(before) != len(after):
        return None
    return psi(np.asarray(before) / max(sum(before), 1), after)


def _thresholds(query: Query, relation: str) -> Thresholds:
    return thresholds_from_row({name: column.tolist()[0] for name, column in query(thresholds_sql(relation)).items()})


def _shifts(trained: Trained, parent: Parent | None) -> tuple[dict[int, float], float | None]:
    """Shift of the centroid of each segment that lives on, by key, and the mean over its customers."""
    if parent is None:
        return {}, None
    old = {row["segment_key"]: place for place, row in enumerate(parent.clusters)}
    lasting = [row for row in trained.row["clusters"] if row["segment_key"] in old]
    if not lasting:
        return {}, None
    before = parent.centroids_in(trained.scaler)[[old[row["segment_key"]] for row in lasting]]
    after = trained.centroids[[row["cluster"] for row in lasting]]
    moved = centroid_shift(before, after, np.array([row["training_customers"] for row in lasting]))
    return {row["segment_key"]: far for row, far in zip(lasting, moved.per_segment, strict=True)}, moved.mean
