"""The plan of a backfill: what is there on each date, what is to be made of it, and what that will take."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tasks import drafts
from tasks.night import Night, shop_date
from tasks.progress import logger
from tasks.ranges import Asked, BackfillError, Mode
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
    fingerprint = used_night(warehouse, night, model_id).fingerprint
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


def used_night(warehouse: Warehouse, night: Night, model_id: int | None) -> Night:
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
