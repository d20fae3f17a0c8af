"""Versions of past dates: drafted some at a time, each judged and published before the next is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from itertools import islice, takewhile
from typing import Any

from segmentation.drafting import Draft, Previous, draft_assignment, parse_previous
from segmentation.recipe import Parent, Query, Recipe
from segmentation.scoring import Thresholds
from tasks import drafts
from tasks.backfill_plan import Plan, Planned, told_in_short, used_night
from tasks.checking import check
from tasks.judging import breaker_reasons
from tasks.night import Night
from tasks.present import utc_now
from tasks.progress import counted, listener, logger
from tasks.ranges import Asked, Mode
from tasks.segments import SUITES
from tasks.wrapper import task
from warehouse import backfill, features, many_dates, ops, publish, store, threads, versions
from warehouse.many_dates import ManyDates
from warehouse.store import Warehouse

#: Dates whose candidates are stored by the same statements.
_AT_ONCE = 8


@task
def make_versions(night: Night, plan: Plan) -> list[dict[str, Any]]:
    """Make, judge and publish the version of each date; one that is published stays so if the run is stopped.

    What would hold a night's version back is recorded with it, and the backfill goes on.
    """
    made: list[int] = []
    todo = plan.to_make
    with store.opened(night.warehouse) as warehouse, threads.fitting(warehouse):
        dates, one_model = [one.as_of for one in todo], plan.mode is Mode.GIVEN
        with publish.publishing(warehouse, dates, one_model=one_model) as together:
            for number, version_id in enumerate(_versions(warehouse, night, plan, todo, together), start=1):
                if version_id is not None:
                    made.append(version_id)
                listener.get().advance(number, len(todo))
        return backfill.made(warehouse, made)


@dataclass(frozen=True)
class _Given:
    """What the dates that a stored model assigns have in common; `cuts` are the quintile cuts of its first version."""

    model: Parent
    recipe: Recipe
    cuts: Thresholds | None


def _given(warehouse: Warehouse, night: Night, model_id: int) -> _Given:
    cuts = backfill.thresholds_of(warehouse, model_id)
    thresholds = parse_previous("{}", cuts).thresholds if cuts else None
    return _Given(drafts.parent(warehouse, model_id), drafts.recipe(warehouse, night), thresholds)


def _versions(
    warehouse: Warehouse, night: Night, plan: Plan, todo: list[Planned], together: publish.Together
) -> Iterator[int | None]:
    """Ids of the versions as they are published, None for a date whose window holds no customer.

    While the window stays the same, activity goes on from date to date.
    """
    made_for = cache(partial(used_night, warehouse, night))
    model_of = cache(lambda model_id: _given(warehouse, made_for(model_id), model_id))
    for model_id in {one.model_id for one in todo}:
        ops.keep_settings(warehouse, made_for(model_id).fingerprint, made_for(model_id).settings, utc_now())
    ahead: ManyDates | None = None
    before: tuple[date, int | None] | None = None
    left = todo
    while left:
        own = [replace(made_for(one.model_id), as_of=one.as_of) for one in _alike(left, alone=left is todo)]
        with counted("features_to_assignment"):
            ahead = _ahead(warehouse, own[0], left, ahead)
            if ahead:
                own = [one for one in own if ahead.has(one.as_of, **_asked(one))]
                given, todo_now = model_of(left[0].model_id), left[: len(own)]
                version_ids = _stored_together(warehouse, own, plan, todo_now, given, ahead)
                together.expect(dict(zip([one.as_of for one in own], version_ids, strict=True)))
            else:
                own, window = own[:1], own[0].features.window_days
                last, before = before, (own[0].as_of, window)
                from_date = last[0] if last and last[1] == window else None
                version_ids = [_stored(warehouse, own[0], plan, left[0], model_of, from_date)]
        for one, version_id in zip(own, version_ids, strict=True):
            if version_id is None:
                logger.warning("no version as of %s: no customer has a purchase in the window before it", one.as_of)
            else:
                with counted("judging"):
                    _judge(warehouse, one, version_id, thoroughly=one.as_of in (todo[0].as_of, todo[-1].as_of))
                with counted("publication"):
                    publish.publish(warehouse, version_id, utc_now(), together)
            yield version_id
        left = left[len(own) :]


def _alike(left: list[Planned], *, alone: bool) -> list[Planned]:
    """The next dates that one model assigns, as many as are stored at once; the suites judge the first date alone."""
    alike = takewhile(lambda one: one.model_id == left[0].model_id, left)
    return list(islice(alike, 1 if alone else _AT_ONCE))


def _asked(night: Night) -> dict[str, Any]:
    """What the features of a night are made by."""
    used = night.features
    return {"inputs": used.inputs, "window_days": used.window_days, "net": used.money.value == "net"}


def _ahead(warehouse: Warehouse, night: Night, todo: list[Planned], former: ManyDates | None) -> ManyDates | None:
    """The features of the next dates, for a model that is there; None where each date is looked at by itself."""
    if todo[0].model_id is None or not features.of_invoices(night.features.inputs):
        return None
    if former and former.has(night.as_of, **_asked(night)):
        return former
    dates = [one.as_of for one in todo]
    return many_dates.prepare(warehouse, dates, **_asked(night)) if threads.is_small(warehouse) else None


def _stored_together(
    warehouse: Warehouse, nights: list[Night], plan: Plan, todo: list[Planned], given: _Given, ahead: ManyDates
) -> list[int | None]:
    """Candidates of dates that a stored model assigns: their ids, None where there is no customer.

    Most of what a date takes is the planning of its statements, so it is shared by some. Each is published in its
    turn; those that a stopped run has not come to are dropped by the next one.
    """
    drafted: dict[date, drafts.Drafted] = {}
    before: Previous | None = None
    model_id, others = given.model.model_id, versions.dates_between(warehouse, nights[0].as_of, nights[-1].as_of)
    for night, planned in zip(nights, todo, strict=True):
        if not ahead.customers(night.as_of):
            continue
        last = max(drafted, default=None)
        if last is None or any(last < one < night.as_of for one in others):
            before = drafts.previous(warehouse, night.as_of, model_id)
        draft = _assigned(night, given, before, ahead.query(night.as_of), many_dates.SHOWN)
        drafted[night.as_of] = drafts.Drafted(night, draft, _origin(warehouse, plan, planned))
        before = Previous(draft.feature_counts, draft.thresholds)
    if not drafted:
        return [None] * len(nights)
    ahead.assign(draft.assign_sql, {as_of: one.draft.scored_sql for as_of, one in drafted.items()})
    with warehouse.transaction():
        ids = drafts.store(warehouse, list(drafted.values()), model_id=model_id, within=ahead.of)
    by_date = dict(zip(drafted, ids, strict=True))
    return [by_date.get(night.as_of) for night in nights]


def _stored(
    warehouse: Warehouse,
    night: Night,
    plan: Plan,
    planned: Planned,
    model_of: Callable[[int], _Given],
    from_date: date | None,
) -> int | None:
    """The candidate of a date that is looked at by itself, None if there is no customer."""
    if not backfill.prepare(warehouse, night.as_of, night.features.window_days, from_date):
        return None
    if planned.model_id is None:
        draft = _replayed(warehouse, night, plan)
    else:
        given = model_of(planned.model_id)
        drafts.prepare_inputs(warehouse, night)
        before = drafts.previous(warehouse, night.as_of, given.model.model_id)
        draft = _assigned(night, given, before, drafts.query(warehouse), "features")
    versions.assign(warehouse, night.as_of, draft.assign_sql, draft.scored_sql)
    drafted = drafts.Drafted(night, draft, _origin(warehouse, plan, planned))
    with warehouse.transaction():
        (version_id,) = drafts.store(warehouse, [drafted], model_id=planned.model_id)
    return version_id


def _origin(warehouse: Warehouse, plan: Plan, planned: Planned) -> dict[str, Any]:
    """How the model of a version was chosen; a restated one keeps what its former one was."""
    origin = {"model_mode": plan.mode.value, "chain_from": plan.chain_from}
    if planned.model_id is not None and planned.restates and planned.version_id is not None:
        former = versions.version(warehouse, planned.version_id)
        origin = {name: former[name] for name in origin} | {"restates_version_id": planned.version_id}
    return origin


def _assigned(night: Night, given: _Given, before: Previous | None, query: Query, relation: str) -> Draft:
    previous = Previous(before.feature_counts if before else {}, given.cuts) if given.cuts else before
    return draft_assignment(query, relation, replace(given.recipe, as_of=night.as_of), given.model, previous)


def _replayed(warehouse: Warehouse, night: Night, plan: Plan) -> Draft:
    """The chain's next model, as a night would make it; the first knows nothing but the lines before its date."""
    last = backfill.last_of_chain(warehouse, plan.chain_from, night.as_of, night.fingerprint)
    if last:
        figures = parse_previous(last["feature_counts"], last["rfm_thresholds"])
        before = drafts.Before(drafts.parent(warehouse, last["model_id"]), figures)
    else:
        before = drafts.before(warehouse, night)
        before = replace(before, keys_only=before.parent is not None)
    return drafts.drafted(warehouse, night, before)


def _judge(warehouse: Warehouse, night: Night, version_id: int, *, thoroughly: bool) -> None:
    """Record what a night would hold the version for; the suites judge the first and the last."""
    reasons = check(warehouse, night, SUITES).splitlines() if thoroughly else []
    reasons += breaker_reasons(warehouse, night, version_id, warn=False)
    if reasons:
        backfill.mark(warehouse, version_id, reasons)


def published_ids(night: Night, asked: Asked, plan: Plan, made: list[dict[str, Any]]) -> list[int]:
    """The version that is published now for each date that was asked for, made or left, oldest date first.

    Where what is contradicted was asked for, a stopped run has restated some that no plan names any more: all are told.
    """
    if asked.affected:
        with store.opened(night.warehouse) as warehouse:
            return backfill.restated(warehouse)
    there = {one.as_of: one.version_id for one in plan.dates if one.version_id is not None}
    there |= {row["as_of"]: row["version_id"] for row in made}
    return [there[day] for day in sorted(there)]


@task
def summarise_backfill(night: Night, plan: Plan, made: list[dict[str, Any]]) -> dict[str, Any]:
    """What was made, left and skipped, and the version readers see now."""
    left = [{"as_of": one.as_of, "action": one.action, "why": one.why} for one in plan.dates if not one.to_do]
    current = publish.current_pointer(night.warehouse.serving)
    return {"versions": made, "others": left, "told": list(told_in_short(plan)), "current": current}
