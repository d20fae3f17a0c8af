"""Versions of past dates: each drafted, judged and published before the next is begun."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from typing import Any

from segmentation.drafting import Draft, Previous, draft_assignment, parse_previous
from segmentation.recipe import Parent, Recipe
from segmentation.scoring import Thresholds
from tasks import drafts
from tasks.backfill_plan import Plan, Planned, told_in_short, used_night
from tasks.checking import check
from tasks.judging import breaker_reasons
from tasks.night import Night
from tasks.present import utc_now
from tasks.progress import counted, listener, logger
from tasks.ranges import Mode
from tasks.segments import SUITES
from tasks.wrapper import task
from warehouse import backfill, features, many_dates, ops, publish, store, threads, versions
from warehouse.many_dates import ManyDates
from warehouse.store import Warehouse


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
    for number, planned in enumerate(todo):
        own = replace(made_for(planned.model_id), as_of=planned.as_of)
        with counted("features_to_assignment"):
            ahead = _ahead(warehouse, own, todo[number:], ahead)
            if ahead:
                customers = ahead.show(own.as_of)
            else:
                window = own.features.window_days
                last, before = before, (own.as_of, window)
                customers = backfill.prepare(
                    warehouse, own.as_of, window, last[0] if last and last[1] == window else None
                )
            if not customers:
                logger.warning("no version as of %s: no customer has a purchase in the window before it", own.as_of)
                yield None
                continue
            draft = (
                _replayed(warehouse, own, plan)
                if planned.model_id is None
                else _assigned(warehouse, own, model_of(planned.model_id), ahead)
            )
            assign = ahead.assign if ahead else partial(versions.assign, warehouse)
            assign(own.as_of, draft.assign_sql, draft.scored_sql)
            version_id = _store(warehouse, own, plan, planned, draft)
        with counted("judging"):
            _judge(warehouse, own, version_id, thoroughly=number in (0, len(todo) - 1))
        with counted("publication"):
            publish.publish(warehouse, version_id, utc_now(), together)
        yield version_id


def _ahead(warehouse: Warehouse, night: Night, todo: list[Planned], former: ManyDates | None) -> ManyDates | None:
    """The features of the next dates, for a model that is there; None where each date is looked at by itself."""
    used = night.features
    asked: dict[str, Any] = {"inputs": used.inputs, "window_days": used.window_days, "net": used.money.value == "net"}
    if todo[0].model_id is None or not features.of_invoices(used.inputs):
        return None
    if former and former.has(night.as_of, **asked):
        return former
    return many_dates.prepare(warehouse, [one.as_of for one in todo], **asked) if threads.is_small(warehouse) else None


def _store(warehouse: Warehouse, night: Night, plan: Plan, planned: Planned, draft: Draft) -> int:
    origin = {"model_mode": plan.mode.value, "chain_from": plan.chain_from}
    if planned.model_id is not None and planned.restates and planned.version_id is not None:
        former = versions.version(warehouse, planned.version_id)
        origin = {name: former[name] for name in origin} | {"restates_version_id": planned.version_id}
    with warehouse.transaction():
        return drafts.store(warehouse, night, draft, model_id=planned.model_id, **origin)


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


def _assigned(warehouse: Warehouse, night: Night, given: _Given, ahead: ManyDates | None) -> Draft:
    before = drafts.previous(warehouse, night.as_of, given.model.model_id)
    previous = Previous(before.feature_counts if before else {}, given.cuts) if given.cuts else before
    if not ahead:
        drafts.prepare_inputs(warehouse, night)
    run, relation = (ahead.query(night.as_of), many_dates.SHOWN) if ahead else (drafts.query(warehouse), "features")
    return draft_assignment(run, relation, replace(given.recipe, as_of=night.as_of), given.model, previous)


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


def published_ids(plan: Plan, made: list[dict[str, Any]]) -> list[int]:
    """The version that is published now for each date of the plan that has one, made or left, oldest date first."""
    there = {one.as_of: one.version_id for one in plan.dates if one.version_id is not None}
    there |= {row["as_of"]: row["version_id"] for row in made}
    return [there[day] for day in sorted(there)]


@task
def summarise_backfill(night: Night, plan: Plan, made: list[dict[str, Any]]) -> dict[str, Any]:
    """What was made, left and skipped, and the version readers see now."""
    left = [{"as_of": one.as_of, "action": one.action, "why": one.why} for one in plan.dates if not one.to_do]
    current = publish.current_pointer(night.warehouse.serving)
    return {"versions": made, "others": left, "told": list(told_in_short(plan)), "current": current}
