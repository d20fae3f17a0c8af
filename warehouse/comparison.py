"""A sample of the customers of a date, for comparing recipes; temporary tables only, nothing is kept."""

from datetime import date

from warehouse.store import Warehouse
from warehouse.text import quoted


def known_days(warehouse: Warehouse) -> tuple[date, date] | None:
    """First day with a purchase and the day after the last one known; None if nobody has bought anything."""
    rows = warehouse.select(
        "SELECT min(shop_day) AS first, least(max(shop_day) + 1, (SELECT as_of FROM features.state)) AS until "
        "FROM sales.invoices WHERE purchase_lines > 0"
    )
    first, until = rows[0]["first"], rows[0]["until"]
    return (first, until) if first is not None and until is not None else None


def place_customers(warehouse: Warehouse, as_of: date, horizon_days: int) -> int:
    """Make `placed` from the temporary tables `features` and `rfm`; return how many customers are in it.

    It has the columns of `features`, `gross`, `later_spend`, `later_active` and `place`: 0, 1, ... by growing values.
    Whose place only chance decides are equal in every value, so customer_id decides nothing.
    """
    warehouse.run("comparison/place", as_of=as_of, horizon_days=horizon_days)
    values = [row["column_name"] for row in warehouse.select("DESCRIBE valued") if row["column_name"] != "customer_id"]
    order = ", ".join(map(quoted, values))
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE placed AS "
        f"SELECT *, row_number() OVER (ORDER BY {order}) - 1 AS place FROM valued"
    )
    return int(warehouse.value("SELECT count(*) FROM placed"))


def take_sample(warehouse: Warehouse, places: list[int]) -> None:
    """Make `sampled`, the customers at these places, and `sampled_gross` with gross money as `monetary`."""
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE sampled AS FROM placed WHERE place IN (SELECT unnest($places::BIGINT[]))",
        {"places": places},
    )
    warehouse.execute(
        "CREATE OR REPLACE TEMP VIEW sampled_gross AS "
        "SELECT customer_id, recency_days, frequency, gross AS monetary FROM sampled"
    )
