"""What published tables tell of single months: kept of those that are over, and made of the one a date cuts in two.

A row that is kept is right: what changes a day takes the rows of its month and of all later ones away, in the same
transaction. So a publication reads the invoices of two months, and of another one only once.
"""

from collections.abc import Mapping
from typing import Any

from warehouse.filling import Parameters
from warehouse.store import Warehouse


def prepare_sales(warehouse: Warehouse, parameters: Parameters) -> None:
    """Make the temporary tables of sales before `as_of`: days, buyers, cohorts, month_*, goods.

    The database `shared` of a publication gets months, booked and bought, which both its connections ask for.
    """
    warehouse.run("sales/prepare_days", as_of=parameters["as_of"])
    for row in warehouse.rows("sales/missing_months", as_of=parameters["as_of"]):
        with warehouse.transaction():
            warehouse.run("sales/keep_month", month=row["month"])
    warehouse.run("sales/prepare_totals", **parameters)


def prepare_segments(warehouse: Warehouse, version: Mapping[str, Any]) -> None:
    """Make the temporary tables `month_versions` and `month_sums` of a version whose history was prepared."""
    own = {"version_id": version["version_id"], "as_of": version["as_of"]}
    for row in warehouse.rows("segments/missing_months", **own):
        with warehouse.transaction():
            warehouse.run("segments/keep_month", **row)
    warehouse.run("segments/prepare_month", **own)
