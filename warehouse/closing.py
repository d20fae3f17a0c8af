"""Lines and quarantine go after so long; invoices, totals and the ledger's counts stay."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from warehouse.params import RetentionParams
from warehouse.store import Warehouse


@dataclass(frozen=True)
class Expired:
    """Lines and quarantined lines that went; `before`: lines of earlier days are gone, None while all are there."""

    lines: int
    quarantined_lines: int
    before: date | None


def expire(warehouse: Warehouse, retention: RetentionParams, as_of: date, now: datetime) -> Expired:
    """Let go what is older than `retention` says on a date; `now` is UTC without a zone. One transaction.

    Days whose lines went are closed: nothing of them is computed again, and lines delivered for them later are counted
    and have no effect. A closed day is never opened again, whatever the setting or the date says later.
    """
    lines = quarantined = 0
    with warehouse.transaction():
        before = closing_date(warehouse, retention, as_of)
        if before is not None:
            warehouse.run("closing/expire_lines", before=before)
            lines, quarantined = _remove(warehouse)
        if retention.quarantine_days is not None:
            warehouse.run("closing/expire_quarantine", before=now - timedelta(days=retention.quarantine_days))
            quarantined += _remove(warehouse)[1]
    return Expired(lines, quarantined, closed_before(warehouse))


def closed_before(warehouse: Warehouse) -> date | None:
    """The first day whose lines are there; None while none went."""
    found: date | None = warehouse.value("SELECT max(before_day) FROM landing.closed_days")
    return found


def closing_date(warehouse: Warehouse, retention: RetentionParams, as_of: date) -> date | None:
    """The day before which lines go on `as_of`; None if none go that are not gone already.

    Whole months go, since totals are kept by month.
    """
    if retention.lines_years is None:
        return None
    before = date(as_of.year - retention.lines_years, as_of.month, 1)
    closed = closed_before(warehouse)
    if closed is not None and before <= closed:
        return None
    older = warehouse.value("SELECT count(*) FROM sales.transaction_lines WHERE shop_day < $before", {"before": before})
    return before if older else None


def _remove(warehouse: Warehouse) -> tuple[int, int]:
    counts = "SELECT (SELECT count(*) FROM going_lines), (SELECT count(*) FROM going_quarantine)"
    (lines, quarantined), *_ = warehouse.execute(counts).fetchall()
    warehouse.run("closing/remove")
    return lines, quarantined
