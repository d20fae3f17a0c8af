"""Between the rows of the warehouse and the values of the core: the model before, and tonight's draft as rows."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from segmentation.drafting import Draft, Previous, draft_version, parse_previous
from segmentation.drift import TrainingBins
from segmentation.modelling import with_quality
from segmentation.naming import parse_playbook
from segmentation.params import INPUTS, FeatureParams, ModelParams
from segmentation.recipe import Parent, Recipe
from segmentation.scoring import parse_rfm_map
from segmentation.transforms import Scaler
from tasks.night import Night
from tasks.present import utc_now
from warehouse import features, models, versions
from warehouse.store import Warehouse

_playbook, _rfm_map = lru_cache(maxsize=1)(parse_playbook), lru_cache(maxsize=1)(parse_rfm_map)


def query(warehouse: Warehouse) -> Callable[[str], dict[str, Any]]:
    """What runs the core's SELECTs: columns by name, as numpy arrays."""
    return lambda sql: warehouse.execute(sql).fetchnumpy()


def check_playbook(text: str) -> None:
    """Raises SegmentationError if it is no usable playbook."""
    parse_playbook(text)


def check_rfm_map(text: str) -> None:
    """Raises SegmentationError if it is no usable RFM map."""
    parse_rfm_map(text)


def features_of(night: Night) -> FeatureParams:
    """Tonight's features with the text of the shop's own SELECT as a digest instead of its path.

    A changed query measures something else, so its segments begin anew, while a file that only moved changes nothing.
    """
    own = any(name not in INPUTS for name in night.features.inputs)
    digest = hashlib.sha256(night.own_features.strip().encode()).hexdigest()[:16] if own else ""
    return night.features.model_copy(update={"sql": digest})


def recipe(warehouse: Warehouse, night: Night) -> Recipe:
    """Tonight's parameters and names."""
    return Recipe(
        as_of=night.as_of,
        features=features_of(night),
        model=night.model,
        refit=night.refitting,
        explaining=night.explaining,
        scoring=night.scoring,
        playbook=_playbook(night.playbook),
        rfm_map=_rfm_map(night.rfm_map),
        next_segment_key=models.next_segment_key(warehouse),
    )


@dataclass(frozen=True)
class Before:
    """What a version is made after: a model, which may serve for keys only, and the figures of the version before."""

    parent: Parent | None
    previous: Previous | None
    keys_only: bool = False


def before(warehouse: Warehouse, night: Night) -> Before:
    """The model and the figures of the version published for the date before; never those this night replaces.

    A model that has seen lines of the night's date or later is none to carry on. Where there is no other, segments take
    their keys and names from the version of this very date, else of the next one: a date made anew, or before all
    others, has the segments people know.
    """
    model_id = versions.model_before(warehouse, night.as_of)
    if model_id is not None:
        return Before(parent(warehouse, model_id), previous(warehouse, night.as_of, model_id))
    known = versions.published_on(warehouse, night.as_of) or versions.neighbours(warehouse, night.as_of).after
    return Before(parent(warehouse, known["model_id"]) if known else None, None, keys_only=known is not None)


def previous(warehouse: Warehouse, as_of: date, model_id: int) -> Previous | None:
    """The figures of the version of the date before; without its counts if they are of other bins than the model's."""
    row = versions.neighbours(warehouse, as_of).before
    if row is None:
        return None
    counts = row["feature_counts"] if models.same_bins(warehouse, row["model_id"], model_id) else "{}"
    return parse_previous(counts, row["rfm_thresholds"])


def parent(warehouse: Warehouse, model_id: int) -> Parent:
    """A stored model as a value."""
    stored = models.load_model(warehouse, model_id)
    return Parent(
        model_id=model_id,
        epoch=stored["epoch"],
        refitted=stored["refitted"],
        features=FeatureParams.model_validate(stored["params"]["features"]),
        model=ModelParams.model_validate(stored["params"]["model"]),
        scaler=Scaler.model_validate_json(json.dumps(stored["scaler"])),
        bins=TrainingBins.model_validate_json(stored["training_bins"]),
        clusters=stored["clusters"],
        k_reason=stored["k_reason"],
    )


def draft(warehouse: Warehouse, night: Night) -> Draft:
    """Decide what to do with the model and do it on the activity of the night's date; nothing is stored."""
    features.prepare(warehouse, night.as_of, night.features.window_days)
    return drafted(warehouse, night, before(warehouse, night))


def drafted(warehouse: Warehouse, night: Night, before: Before) -> Draft:
    """Decide what to do with the model, after `before`, and do it on the customers of the temporary table `rfm`."""
    prepare_inputs(warehouse, night)
    return draft_version(
        query(warehouse), "features", recipe(warehouse, night), before.parent, before.previous,
        refit=night.refit, keys_only=before.keys_only,
    )  # fmt: skip


def prepare_inputs(warehouse: Warehouse, night: Night) -> None:
    """Make the temporary table `features` of the customers in `rfm`."""
    features.prepare_inputs(
        warehouse, night.features.inputs, as_of=night.as_of, window_days=night.features.window_days,
        net=night.features.money.value == "net", own_sql=night.own_features,
    )  # fmt: skip


@dataclass(frozen=True)
class Drafted:
    """The draft of a night's date; `origin` are fields of the candidate that tell how its model was chosen."""

    night: Night
    draft: Draft
    origin: Mapping[str, Any] = field(default_factory=dict)


def store(
    warehouse: Warehouse,
    drafted: Sequence[Drafted],
    *,
    model_id: int | None = None,
    within: Callable[[date, str], str] = lambda _as_of, sql: sql,
) -> list[int]:
    """Store the customers of `snapshot` as candidates, one a draft, and return their ids.

    All are of the stored model `model_id`; without it there is one draft, whose model is stored. `within` tells how the
    SELECT of a draft is asked for its date. Runs inside the caller's transaction.
    """
    now = utc_now()
    if model_id is None:
        (only,) = drafted
        model = with_quality(only.draft.model, only.draft.quality.result())
        model_id = models.write_model(warehouse, model | {"as_of": only.night.as_of, "created_at": now})
    version_ids = versions.write_assignments(warehouse, model_id, [one.night.as_of for one in drafted])
    by_id = dict(zip(version_ids, drafted, strict=True))
    versions.write_maps(warehouse, {key: _map(one, within) for key, one in by_id.items()})
    versions.write_candidates(warehouse, {key: _candidate(one, model_id, now) for key, one in by_id.items()})
    versions.write_measures(
        warehouse, {key: versions.Measures(one.draft.shifts, one.draft.drift) for key, one in by_id.items()}
    )
    return version_ids


def _map(one: Drafted, within: Callable[[date, str], str]) -> versions.Map:
    shown = one.draft.projection
    return versions.Map(within(one.night.as_of, shown.points_sql), shown.axes, shown.customers)


def _candidate(one: Drafted, model_id: int, now: datetime) -> versions.Candidate:
    night, draft = one.night, one.draft
    silhouette, silhouette_sample = draft.quality.result()  # meanwhile it was still being measured
    return versions.Candidate(
        as_of=night.as_of,
        model_id=model_id,
        trigger=night.command,
        created_at=now,
        params_fingerprint=night.fingerprint,
        silhouette=silhouette,
        silhouette_sample=silhouette_sample,
        inertia=draft.model["inertia"],
        meaning_shift=draft.meaning_shift,
        drift=max((training for training, _ in draft.drift.values()), default=None),
        feature_counts=json.dumps(draft.feature_counts),
        rfm_thresholds=draft.thresholds.model_dump_json(),
        **one.origin,
    )
