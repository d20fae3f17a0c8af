"""Steps of a backfill: what is there and what is to be made, and the versions themselves, date after date."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from segmentation.drafting import Draft, Previous, draft_assignment, parse_previous
from tasks import drafts
from tasks.checking import check
from tasks.judging import breaker_reasons
from tasks.night import Night, shop_date, utc_now
from tasks.progress import counted, listener, logger
from tasks.ranges import Asked, BackfillError, Mode
from tasks.segments import SUITES
from tasks.wrapper import task
from warehouse import backfill, landing, models, publish, store, versions
from warehouse.errors import WarehouseError
from warehouse.store import Warehouse


@dataclass(frozen=True)
class Planned:
    """One date: `action` is make, supersede, leave or skip; `version_id` is what is published there already."""

    as_of: date
    action: str
    why: str
    version_id: int | None = None
    model_id: int | None = None
    restates: bool = False

    @property
    def to_do(self) -> bool:
        """Whether a version is to be made."""
        return self.action in ("make", "supersede")


@dataclass(frozen=True)
class Plan:
    """All dates of a backfill, oldest first, and how the models of their versions are come by."""

    mode: Mode
    chain_from: date | None
    dates: tuple[Planned, ...]

    @property
    def to_make(self) -> list[Planned]:
        """The dates a version is to be made for."""
        return [one for one in self.dates if one.to_do]


def for_dates(night: Night, asked: Asked) -> Night:
    """The run's own date: the last of the range that has come, for `affected` that of the version readers see.

    Raises BackfillError if the whole range lies in the future.
    """
    today = shop_date(night.began, night.shop_zone)
    if asked.affected:
        current = publish.current_pointer(night.warehouse.serving)
        return replace(night, as_of=date.fromisoformat(current["as_of"]) if current else today)
    come = [one for one in asked.dates() if one <= today]
    if not come:
        raise BackfillError(f"All dates of the range are after today, {today}; there is nothing to segment yet.")
    return replace(night, as_of=come[-1])


@task
def plan_versions(night: Night, asked: Asked) -> Plan:
    """What is there on each date, and what is to be made.

    Raises BackfillError if there is no such model or no date that can be segmented.
    """
    with store.opened(night.warehouse) as warehouse:
        plan = _affected_plan(warehouse) if asked.affected else _range_plan(warehouse, night, asked)
    for line in told_in_short(plan):
        logger.info(line)
    return plan


@task
def make_versions(night: Night, plan: Plan) -> list[dict[str, Any]]:
    """Make, judge and publish the version of each date; one that is published stays so if the run is stopped.

    What would hold a night's version back is recorded with it, and the backfill goes on.
    """
    made, todo = [], plan.to_make
    with store.opened(night.warehouse) as warehouse, backfill.fitting_threads(warehouse):
        for number, version_id in enumerate(_versions(warehouse, night, plan, todo), start=1):
            made.append(_told(versions.version(warehouse, version_id)))
            listener.get().advance(number, len(todo))
    return made


def look_ahead(night: Night, asked: Asked) -> dict[str, Any]:
    """The plan with what it will take: customers, bytes and seconds; changes nothing.

    Raises WarehouseError if there is no warehouse yet.
    """
    if not night.warehouse.path.exists():
        raise WarehouseError(f"There is no warehouse at {night.warehouse.path} yet. Run `resegment nightly` first.")
    with store.looking(night.warehouse, "backfill --plan"), store.opened(night.warehouse) as warehouse:
        plan = _affected_plan(warehouse) if asked.affected else _range_plan(warehouse, night, asked)
        customers = backfill.customers_on(warehouse, [one.as_of for one in plan.dates])
        each, size = backfill.seconds_each(warehouse), backfill.bytes_each(night.warehouse.serving)
        new = landing.anything_new(warehouse, night.source)
    number = len(plan.to_make)
    return {
        "model": asked.model,
        "dates": [
            {
                "as_of": one.as_of, "action": one.action, "why": one.why, "version_id": one.version_id,
                "customers": customers.get(one.as_of),
            }
            for one in plan.dates
        ],
        "versions_to_make": number,
        "customers_to_assign": sum(customers[one.as_of] for one in plan.to_make),
        "bytes": None if size is None else round(size * number),
        "seconds": None if each is None else round(each * number, 1),
        "new_deliveries_first": new,
    }  # fmt: skip


def told_in_short(plan: Plan) -> Iterator[str]:
    """A line for each thing that is done or not done, and why."""
    kinds = dict.fromkeys((one.action, one.why) for one in plan.dates)
    for action, why in kinds:
        days = [one.as_of for one in plan.dates if (one.action, one.why) == (action, why)]
        span = f"{days[0]}" if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"
        yield f"{action} {span}: {why}"


def _affected_plan(warehouse: Warehouse) -> Plan:
    why = "later deliveries changed lines before this date"
    rows = backfill.affected(warehouse)
    dates = (Planned(row["as_of"], "supersede", why, row["version_id"], row["model_id"], restates=True) for row in rows)
    return Plan(Mode.GIVEN, None, tuple(dates))


def _range_plan(warehouse: Warehouse, night: Night, asked: Asked) -> Plan:
    model_id = None if asked.mode is Mode.REPLAY else _named_model(warehouse, asked.model)
    first = backfill.first_purchase(warehouse)
    if first is None:
        raise BackfillError("There are no purchases yet, so no date can be segmented; run `resegment nightly` first.")
    days = asked.dates()
    if days[-1] <= first:
        raise BackfillError(
            f"The first purchase is of {first}, so the first date that can be segmented is the day after."
        )
    fingerprint = _used_night(warehouse, night, model_id).fingerprint
    wanted = {
        "ledger_revision": backfill.ledger_revision(warehouse), "params_fingerprint": fingerprint,
        "model_mode": asked.mode.value, "model_id": model_id, "chain_from": _chain_from(asked),
    }  # fmt: skip
    if asked.mode is Mode.REPLAY:
        del wanted["model_id"]
    there = backfill.published(warehouse, days[0], days[-1])
    today = shop_date(night.began, night.shop_zone)
    planned = (
        replace(_planned(as_of, there.get(as_of), wanted, asked.force, first, today), model_id=model_id)
        for as_of in days
    )
    return Plan(asked.mode, _chain_from(asked), tuple(planned))


def _planned(
    as_of: date, row: dict[str, Any] | None, wanted: dict[str, Any], force: bool, first: date, today: date
) -> Planned:
    if as_of <= first:
        return Planned(as_of, "skip", f"before the first purchase, {first}, counts")
    if as_of > today:
        return Planned(as_of, "skip", f"after today, {today}")
    if row is None:
        return Planned(as_of, "make", "nothing is published for it")
    if all(row[name] == value for name, value in wanted.items()):
        return Planned(as_of, "leave", "made so already, from the same lines and parameters", row["version_id"])
    if force:
        return Planned(as_of, "supersede", "asked for", row["version_id"])
    return Planned(as_of, "leave", "published already; --force supersedes it", row["version_id"])


def _chain_from(asked: Asked) -> date | None:
    return asked.start if asked.mode is Mode.REPLAY else None


def _named_model(warehouse: Warehouse, name: str) -> int:
    if name == "current":
        current = versions.current(warehouse)
        if current is None:
            raise BackfillError(
                "Nothing is published, so there is no current model; run `resegment nightly`, or use --model replay."
            )
        return int(current["model_id"])
    if not models.exists(warehouse, int(name)):
        raise BackfillError(f'There is no model {name}; see `resegment sql "FROM segment_versions"`.')
    return int(name)


def _versions(warehouse: Warehouse, night: Night, plan: Plan, todo: list[Planned]) -> Iterator[int]:
    """Ids of the versions as they are published; while the window stays, activity goes on from date to date."""
    before: tuple[date, int | None] | None = None
    for number, planned in enumerate(todo):
        own = replace(_used_night(warehouse, night, planned.model_id), as_of=planned.as_of)
        window = own.features.window_days
        with counted("features_to_assignment"):
            backfill.prepare(warehouse, own.as_of, window, before[0] if before and before[1] == window else None)
            version_id = _draft(warehouse, own, plan, planned)
        with counted("judging"):
            _judge(warehouse, own, version_id, thoroughly=number in (0, len(todo) - 1))
        with counted("publication"):
            publish.publish(warehouse, version_id, utc_now())
        before = own.as_of, window
        yield version_id


def _draft(warehouse: Warehouse, night: Night, plan: Plan, planned: Planned) -> int:
    if planned.model_id is None:
        return drafts.store(
            warehouse, night, _replayed(warehouse, night, plan), model_mode=plan.mode, chain_from=plan.chain_from
        )
    origin = {"model_mode": plan.mode.value, "chain_from": plan.chain_from}
    if planned.restates and planned.version_id is not None:
        former = versions.version(warehouse, planned.version_id)
        origin = {name: former[name] for name in origin} | {"restates_version_id": planned.version_id}
    return drafts.store(
        warehouse, night, _assigned(warehouse, night, planned.model_id), model_id=planned.model_id, **origin
    )


def _assigned(warehouse: Warehouse, night: Night, model_id: int) -> Draft:
    before, cuts = drafts.previous(warehouse, night.as_of), backfill.thresholds_of(warehouse, model_id)
    counts = before.feature_counts if before else {}
    previous = Previous(counts, parse_previous("{}", cuts).thresholds) if cuts else before
    model = drafts.parent(warehouse, model_id)
    drafts.prepare_inputs(warehouse, night)
    return draft_assignment(drafts.query(warehouse), "features", drafts.recipe(warehouse, night), model, previous)


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


def _used_night(warehouse: Warehouse, night: Night, model_id: int | None) -> Night:
    """The run with the features and parameters of a stored model, so that it assigns as it was fitted.

    Raises BackfillError if the model needs the shop's own SELECT and that has another text now.
    """
    if model_id is None:
        return night
    model = drafts.parent(warehouse, model_id)
    used = replace(night, features=model.features, model=model.model)
    if model.features.sql != drafts.features_of(used).sql:
        raise BackfillError(
            f"Model {model_id} was fitted on columns of [features] sql that has another text now, so it cannot assign "
            "anybody; use --model replay, or put the former file back."
        )
    return used


def _told(row: dict[str, Any]) -> dict[str, Any]:
    shown = ("version_id", "as_of", "model_id", "customers", "moved", "held_reasons", "restates_version_id")
    return {name: row[name] for name in shown}


@task
def summarise_backfill(night: Night, plan: Plan, made: list[dict[str, Any]]) -> dict[str, Any]:
    """What was made, left and skipped, and the version readers see now."""
    left = [{"as_of": one.as_of, "action": one.action, "why": one.why} for one in plan.dates if not one.to_do]
    current = publish.current_pointer(night.warehouse.serving)
    return {"versions": made, "others": left, "told": list(told_in_short(plan)), "current": current}
