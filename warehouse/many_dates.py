"""The features of many dates at once, and whatever is asked of one of them, answered for all with the first question.

Nearly all of a small statement's time goes into planning it, and a backfill asks the same of one date after the other.
So the features of a date become a lateral subquery, and the statement runs once for all dates.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from warehouse import features
from warehouse.backfill import customers_on
from warehouse.store import Warehouse

#: Dates x customers held at a time.
_ROWS = 250_000
#: The relation of the features of the date that is shown.
SHOWN = "features_shown"
Columns = dict[str, Any]


def prepare(
    warehouse: Warehouse, dates: Sequence[date], *, inputs: Sequence[str], window_days: int | None, net: bool
) -> "ManyDates":
    """Make `rfm_of_dates` and `features_of_dates`, temporary tables of the customers as of each of the first dates.

    Both hold the customers of one date after the other, so that those of one are found at once.

    The inputs have to be those of `features.of_invoices`.
    """
    most = max(customers_on(warehouse, dates).values(), default=1)
    return ManyDates(warehouse, dates[: max(_ROWS // most, 1)], tuple(inputs), window_days, net)


class ManyDates:
    """What is known of some dates; see `prepare`."""

    def __init__(
        self, warehouse: Warehouse, dates: Sequence[date], inputs: tuple[str, ...], window_days: int | None, net: bool
    ) -> None:
        self._warehouse, self._dates, self._made_for = warehouse, frozenset(dates), (inputs, window_days, net)
        self._answers: dict[str, dict[date, Columns]] = {}
        self._assigned = ""
        warehouse.run("backfill/prepare_dates", dates=list(dates), window_days=window_days)
        select = features.inputs_sql(inputs, [], net=net, relation="rfm_of_dates", keep="as_of, customer_id")
        warehouse.execute(f"CREATE OR REPLACE TEMP TABLE features_of_dates AS {select}")
        counted = warehouse.select("SELECT as_of, count(*) AS customers FROM rfm_of_dates GROUP BY as_of")
        self._customers = {row["as_of"]: int(row["customers"]) for row in counted}

    def has(self, as_of: date, *, inputs: Sequence[str], window_days: int | None, net: bool) -> bool:
        """Whether the features of this date are here, made so."""
        return as_of in self._dates and self._made_for == (tuple(inputs), window_days, net)

    def customers(self, as_of: date) -> int:
        """How many customers there are on a date."""
        return self._customers.get(as_of, 0)

    def of(self, as_of: date, sql: str) -> str:
        """A SELECT from `SHOWN`, asked for one date."""
        return f"WITH {SHOWN} AS ({_of_date_sql(as_of)}) SELECT * FROM ({sql})"

    def query(self, as_of: date) -> Callable[[str], Columns]:
        """What answers a SELECT from `SHOWN` for a date: columns by name, as numpy arrays.

        A lateral subquery loses the order of its rows, so a SELECT with one is asked for each date.
        """

        def answered(sql: str) -> Columns:
            if "ORDER BY" not in sql:
                return self._answer(sql)[as_of]
            self._warehouse.execute(f"CREATE OR REPLACE TEMP VIEW {SHOWN} AS {_of_date_sql(as_of)}")
            columns: Columns = self._warehouse.execute(sql).fetchnumpy()
            return columns

        return answered

    def assign(self, assign_sql: str, scored_sql: Mapping[date, str]) -> None:
        """Make the temporary view `snapshot` of some dates, as `versions.assign` does of one; quintiles are of each."""
        if assign_sql != self._assigned:
            assigned = _of_customers_sql(assign_sql, "features_of_dates")
            self._warehouse.execute(
                "CREATE OR REPLACE TEMP TABLE assigned_of_dates AS "
                f"FROM rfm_of_dates JOIN ({assigned}) USING (as_of, customer_id)"
            )
            self._assigned = assign_sql
        alike: dict[str, list[date]] = {}
        for as_of, sql in scored_sql.items():
            alike.setdefault(sql, []).append(as_of)
        scored = " UNION ALL ".join(f"FROM ({_of_customers_sql(sql, _rows_of(dates))})" for sql, dates in alike.items())
        self._warehouse.execute(
            f"CREATE OR REPLACE TEMP VIEW snapshot AS FROM assigned_of_dates JOIN ({scored}) USING (as_of, customer_id)"
        )

    def _answer(self, sql: str) -> dict[date, Columns]:
        if sql not in self._answers:
            columns: Columns = self._warehouse.execute(_of_dates_sql(sql)).fetchnumpy()
            days = np.asarray(columns.pop("of_date"), dtype="datetime64[D]")
            order = np.argsort(days, kind="stable")
            found, starts = np.unique(days[order], return_index=True)
            parts = np.split(order, starts[1:])
            self._answers[sql] = {
                day: {name: column[rows] for name, column in columns.items()}
                for day, rows in zip(found.tolist(), parts, strict=True)
            }
        return self._answers[sql]


def _of_date_sql(as_of: date) -> str:
    return f"SELECT * EXCLUDE as_of FROM {_rows_of([as_of])}"


def _rows_of(dates: Sequence[date]) -> str:
    """The rows of some dates, as what stands after FROM."""
    listed = ", ".join(f"DATE '{as_of.isoformat()}'" for as_of in dates)
    return f"features_of_dates WHERE as_of IN ({listed})"


def _of_dates_sql(sql: str) -> str:
    """A SELECT from `SHOWN` for each of `dates`, with the date as `of_date`."""
    return (
        "SELECT dates.as_of AS of_date, found.* FROM dates, LATERAL ("
        f"WITH {SHOWN} AS (SELECT * EXCLUDE as_of FROM features_of_dates WHERE features_of_dates.as_of = dates.as_of) "
        f"SELECT * FROM ({sql})) AS found"
    )


def _of_customers_sql(sql: str, rows: str) -> str:
    """A SELECT from `SHOWN` that tells something of each customer by itself, with the date as `as_of`.

    Its customers are those of `rows` on their dates, which takes less than a lateral subquery.
    """
    dated = f"SELECT * EXCLUDE as_of REPLACE ({{customer_id: customer_id, as_of: as_of}} AS customer_id) FROM {rows}"
    return (
        f"WITH {SHOWN} AS ({dated}) "
        "SELECT customer_id.as_of AS as_of, * REPLACE (customer_id.customer_id AS customer_id) "
        f"FROM ({sql.replace('$as_of', 'customer_id.as_of')})"
    )
