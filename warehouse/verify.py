"""Proof that what was kept up night by night equals a rebuild from the lines."""

from dataclasses import dataclass
from datetime import date

from warehouse import rules
from warehouse.closing import closed_before
from warehouse.params import SourceParams
from warehouse.store import Warehouse

#: Stored table, what it is rebuilt to.
_PAIRS = {
    "line outcomes": ("stored_outcomes", "rebuilt_lines"),
    "sales.invoices": ("sales.invoices", "rebuilt_invoices"),
    "sales.daily": ("sales.daily", "rebuilt_daily"),
    "sales.product_months": ("sales.product_months", "rebuilt_product_months"),
    "sales.customer_products": ("sales.customer_products", "rebuilt_customer_products"),
    "sales.month_countries": ("sales.month_countries", "rebuilt_month_countries"),
    "sales.month_cohorts": ("sales.month_cohorts", "rebuilt_month_cohorts"),
    "segments.month_sums": ("stored_month_sums", "rebuilt_month_sums"),
    "features.customer_activity": ("features.customer_activity", "rebuilt_activity"),
    "landing.loads": ("stored_counts", "recounted_loads"),
    "delivered lines and money": ("delivered", "accounted"),
}


@dataclass(frozen=True)
class Comparison:
    """One stored table against its rebuild: rows in the rebuild, rows that are in only one of the two.

    `since`: lines of days before it went; what was made of them is taken as it is.
    """

    table: str
    rows: int
    differing_rows: int
    since: date | None = None


def verify(warehouse: Warehouse, source: SourceParams) -> list[Comparison]:
    """Rebuild from the lines beside what is stored, in the same order as `_PAIRS`, and count the rows that differ."""
    warehouse.run("verify/rebuild", keep=rules.keeps_duplicates(warehouse, source))
    warehouse.run("verify/months")
    warehouse.run("verify/recount")
    since = closed_before(warehouse)
    return [_compare(warehouse, table, stored, rebuilt, since) for table, (stored, rebuilt) in _PAIRS.items()]


def _compare(warehouse: Warehouse, table: str, stored: str, rebuilt: str, since: date | None) -> Comparison:
    columns = ", ".join(row["column_name"] for row in warehouse.select(f"DESCRIBE {stored}"))
    left, right = f"SELECT {columns} FROM {stored}", f"SELECT {columns} FROM {rebuilt}"
    gone, come = f"({left} EXCEPT ALL {right})", f"({right} EXCEPT ALL {left})"
    differing = warehouse.value(f"SELECT (SELECT count(*) FROM {gone}) + (SELECT count(*) FROM {come})")
    return Comparison(table, warehouse.value(f"SELECT count(*) FROM {rebuilt}"), differing, since)
