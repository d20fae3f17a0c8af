"""Versions of a range of dates: what is there, what making them will take, and activity that goes from date to date."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import mean
from typing import Any

from warehouse import features, serving
from warehouse.store import Warehouse

#: Files whose size a plan goes by.
_LATEST_FILES = 20


def prepare(warehouse: Warehouse, as_of: date, window_days: int | None, before: date | None) -> int:
    """Make the temporary table `rfm` of a date; return how many customers are in it.

    `before` is the date it was made for last on this connection: only customers whose activity differs are computed
    again. The stored activity stays as it is.
    """
    if before is None:
        warehouse.run("backfill/begin_activity", as_of=as_of, window_days=window_days)
    else:
        features.find_affected(warehouse, as_of, before, window_days)
        warehouse.run("backfill/advance_activity")
    warehouse.run("features/rfm", as_of=as_of, window_days=window_days)
    return int(warehouse.value("SELECT count(*) FROM rfm"))


def published(warehouse: Warehouse, first: date, last: date) -> dict[date, dict[str, Any]]:
    """The published version of each date of a range that has one."""
    rows = warehouse.select(
        "FROM segments.versions WHERE status = 'published' AND as_of BETWEEN $first AND $last",
        {"first": first, "last": last},
    )
    return {row["as_of"]: row for row in rows}


def affected(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Published versions that lines accepted since then contradict, oldest date first."""
    return warehouse.select("FROM segments.affected ORDER BY as_of")


def restated(warehouse: Warehouse) -> list[int]:
    """Published versions that were made in the place of a contradicted one, oldest date first."""
    rows = warehouse.select(
        "SELECT version_id FROM segments.versions WHERE status = 'published' AND restates_version_id IS NOT NULL "
        "ORDER BY as_of"
    )
    return [row["version_id"] for row in rows]


def last_of_chain(
    warehouse: Warehouse, chain_from: date | None, as_of: date, params_fingerprint: str
) -> dict[str, Any] | None:
    """The version a replay goes on from at a date: its latest before it, with the same parameters."""
    rows = warehouse.select(
        "FROM segments.history WHERE model_mode = 'replay' AND chain_from = $chain_from AND as_of < $as_of "
        "AND params_fingerprint = $fingerprint ORDER BY as_of DESC LIMIT 1",
        {"chain_from": chain_from, "as_of": as_of, "fingerprint": params_fingerprint},
    )
    return rows[0] if rows else None


def first_purchase(warehouse: Warehouse) -> date | None:
    """The first day with a purchase of a known customer."""
    found: date | None = warehouse.value("SELECT min(shop_day) FROM sales.invoices WHERE purchase_lines > 0")
    return found


def ledger_revision(warehouse: Warehouse) -> int:
    """How many batches have been accepted."""
    return int(warehouse.value("SELECT ledger_revision FROM features.state") or 0)


def thresholds_of(warehouse: Warehouse, model_id: int) -> str | None:
    """The quintile cuts of the first version a model made, as JSON."""
    found: str | None = warehouse.value(
        "SELECT rfm_thresholds FROM segments.versions WHERE model_id = $id ORDER BY version_id LIMIT 1",
        {"id": model_id},
    )
    return found


def customers_on(warehouse: Warehouse, dates: Sequence[date]) -> dict[date, int]:
    """Customers with a purchase before each date (with a trailing window: that many at most)."""
    rows = warehouse.rows("backfill/customers", dates=list(dates))
    return {row["as_of"]: row["customers"] for row in rows}


def seconds_each(warehouse: Warehouse) -> float | None:
    """Seconds a version took in the latest runs; None before the first."""
    found: float | None = warehouse.rows("backfill/pace")[0]["seconds_each"]
    return found


def bytes_each(folder: Path) -> float | None:
    """Mean size of the latest version files; None before the first."""
    numbers = sorted(serving.finished(folder), reverse=True)[:_LATEST_FILES] if folder.exists() else []
    files = [serving.version_file(folder, number) for number in numbers]
    sizes = [file.stat().st_size for file in files if file.exists()]
    return mean(sizes) if sizes else None


def made(warehouse: Warehouse, version_ids: Sequence[int]) -> list[dict[str, Any]]:
    """What is told of versions a run has made, in their order."""
    return warehouse.select(
        "SELECT version_id, as_of, model_id, customers, moved, held_reasons, restates_version_id "
        "FROM segments.versions WHERE list_contains($ids, version_id) ORDER BY version_id",
        {"ids": list(version_ids)},
    )


def mark(warehouse: Warehouse, version_id: int, reasons: list[str]) -> None:
    """Keep with a version why a night would have held it back; it is published all the same."""
    warehouse.execute(
        "UPDATE segments.versions SET held_reasons = $reasons WHERE version_id = $id",
        {"reasons": [reason.strip() for reason in reasons], "id": version_id},
    )
