"""The customers' features by four ways: what changed last night, or all lines anew with DuckDB, polars and pandas.

    python -m benchmarks.scale.recompute WAY SHOP REPETITIONS     (a process of its own, so that its memory is its own)

All four come to the same table, with every column that features are made of. Those that compute anew are spared what
a night has done before: they begin at lines that are parsed, judged and typed, DuckDB at the warehouse's table, polars
and pandas at a Parquet file of the columns that count, and may use all memory there is; a night is content with 1 GiB.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import processes

INCREMENTAL, DUCKDB, POLARS, PANDAS = "what changed", "DuckDB, all lines", "polars, all lines", "pandas, all lines"
#: pandas holds every line at once; beyond this it is not tried.
_LINES_OF_PANDAS = 30_000_000
_LINES = "lines.parquet"
_ALL_LINES = """
    SELECT customer_id, min(first_day) AS first_purchase_day, max(last_day) AS last_purchase_day,
        count(last_day) AS frequency, sum(gross) AS gross, sum(returned) AS returned,
        sum(purchase_lines) AS purchase_lines, sum(return_lines) AS return_lines, sum(items) AS items,
        count(DISTINCT date_trunc('month', last_day)) AS active_months, arg_max(country, booked) AS country
    FROM (
        SELECT customer_id, invoice_no, max(country) AS country, max(shop_day) AS booked,
            min(shop_day) FILTER (outcome = 'purchase') AS first_day,
            max(shop_day) FILTER (outcome = 'purchase') AS last_day,
            sum(amount) FILTER (outcome = 'purchase') AS gross, sum(amount) FILTER (outcome = 'return') AS returned,
            count(*) FILTER (outcome = 'purchase') AS purchase_lines,
            count(*) FILTER (outcome = 'return') AS return_lines,
            sum(quantity) FILTER (outcome = 'purchase') AS items
        FROM {lines} WHERE outcome IN ('purchase', 'return') GROUP BY customer_id, invoice_no
    )
    GROUP BY customer_id
"""
_TOTALS = """
    SELECT count(*), sum(date_diff('day', DATE '2000-01-01', first_purchase_day)),
        sum(date_diff('day', DATE '2000-01-01', last_purchase_day)), sum(frequency), sum(gross), sum(returned),
        sum(purchase_lines), sum(return_lines), sum(items), sum(active_months), sum(length(country))
    FROM
"""
#: What accepting the last load had to bring up to date, found again from its lines.
_TOUCHED = """
    CREATE OR REPLACE TEMP TABLE touched_invoices AS
    SELECT DISTINCT source, customer_id, invoice_no, shop_day FROM sales.transaction_lines
    WHERE load_id = (SELECT max(load_id) FROM landing.loads WHERE status = 'accepted') AND customer_id IS NOT NULL
"""
_WITHOUT_TOUCHED = """
    DELETE FROM sales.invoices USING touched_invoices AS touched
    WHERE invoices.source = touched.source AND invoices.customer_id = touched.customer_id
        AND invoices.invoice_no = touched.invoice_no AND invoices.shop_day = touched.shop_day
"""


@dataclass(frozen=True)
class Recomputed:
    """Seconds of each repetition, and the most memory (MiB) of the process that did them."""

    seconds: list[float]
    peak_mib: float


def measure(folder: Path, lines: int, repetitions: int) -> dict[str, Recomputed]:
    """All ways on the shop in `folder`, one after the other; raises RuntimeError if they do not come to the same."""
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as connection:
        wanted = (
            "customer_id, invoice_no, shop_day, outcome, CAST(amount AS DOUBLE) AS amount, "
            "CAST(quantity AS DOUBLE) AS quantity, country"
        )
        counted = "FROM sales.transaction_lines WHERE outcome IN ('purchase', 'return')"
        connection.execute(f"COPY (SELECT {wanted} {counted}) TO '{folder / _LINES}' (FORMAT parquet)")
    tried = [way for way in _WAYS if way != PANDAS or lines <= _LINES_OF_PANDAS]
    found = {way: _measured(way, folder, repetitions) for way in tried}
    (folder / _LINES).unlink()
    totals = {way: told for way, (_, told) in found.items()}
    if len({json.dumps(told) for told in totals.values()}) > 1:
        raise RuntimeError(f"the features differ: {totals}")
    return {way: one for way, (one, _) in found.items()}


def measure_incremental(folder: Path, repetitions: int) -> Recomputed:
    """What the last load of the shop in `folder` changed, which is left as it is."""
    return _measured(INCREMENTAL, folder, repetitions)[0]


def _measured(way: str, folder: Path, repetitions: int) -> tuple[Recomputed, list[int]]:
    """One way in a process of its own, and the totals it came to."""
    ended = processes.ended(["-m", "benchmarks.scale.recompute", way, str(folder), str(repetitions)], folder)
    told = json.loads((folder / ".output").read_text())
    return Recomputed(told["seconds"], ended.peak_mib), told["totals"]


def _incremental(folder: Path, repetitions: int) -> tuple[list[float], list[Any]]:
    """Put back what was before the last load, then do as accepting it did; take it back each time, but for the end."""
    from warehouse import features
    from warehouse.params import WarehouseParams
    from warehouse.store import Warehouse, writing

    seconds = []

    def put_back(warehouse: Warehouse, former: date) -> None:
        warehouse.execute(_TOUCHED)
        warehouse.execute(_WITHOUT_TOUCHED)
        warehouse.run("features/rebuild", as_of=former, window_days=None)
        warehouse.run("features/set_state", as_of=former, window_days=None, accepted=False)

    def once(warehouse: Warehouse, as_of: date) -> list[Any]:
        started = time.perf_counter()
        warehouse.run("landing/rebuild_invoices")
        features.advance(warehouse, as_of, None, accepted=True)
        seconds.append(time.perf_counter() - started)
        return warehouse.execute(f"{_TOTALS} features.customer_activity").fetchall()[0]

    params = WarehouseParams(path=folder / "warehouse.duckdb", serving=folder / "serving", memory_limit="1GiB")
    with writing(params, "benchmark") as warehouse:
        as_of = warehouse.value("SELECT as_of FROM features.state")
        put_back(warehouse, as_of - timedelta(days=1))
    with writing(params, "benchmark") as warehouse:  # a night finds its tables in the file
        warehouse.execute(_TOUCHED)
        for _ in range(repetitions + 1):
            with suppress(_TakeBack), warehouse.transaction():
                totals = once(warehouse, as_of)
                raise _TakeBack
        with warehouse.transaction():
            warehouse.run("landing/rebuild_invoices")
            features.advance(warehouse, as_of, None, accepted=False)
    return seconds[1:], totals  # the first reads from the disk what a night has just written


class _TakeBack(Exception):  # noqa: N818 - no error
    """Ends a transaction without leaving anything."""


def _repeated(compute: Callable[[], list[Any]], repetitions: int) -> tuple[list[float], list[Any]]:
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        totals = compute()
        seconds.append(time.perf_counter() - started)
    return seconds, totals


def _duckdb(folder: Path, repetitions: int) -> tuple[list[float], list[Any]]:
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as connection:
        select = _ALL_LINES.format(lines="sales.transaction_lines")

        def compute() -> list[Any]:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE anew AS {select}")
            return connection.execute(f"{_TOTALS} anew").fetchall()[0]

        return _repeated(compute, repetitions + 1)


def _polars(folder: Path, repetitions: int) -> tuple[list[float], list[Any]]:
    import polars as pl

    day, bought = pl.col("shop_day"), pl.col("outcome") == "purchase"
    invoices = (
        pl.scan_parquet(folder / _LINES)
        .group_by("customer_id", "invoice_no")
        .agg(
            first_day=day.filter(bought).min(),
            last_day=day.filter(bought).max(),
            gross=pl.col("amount").filter(bought).sum(),
            returned=pl.col("amount").filter(~bought).sum(),
            purchase_lines=bought.sum(),
            return_lines=(~bought).sum(),
            items=pl.col("quantity").filter(bought).sum(),
            country=pl.col("country").max(),
            booked=day.max(),
        )
    )
    customers = invoices.group_by("customer_id").agg(
        first_purchase_day=pl.col("first_day").min(),
        last_purchase_day=pl.col("last_day").max(),
        frequency=pl.col("last_day").count(),
        gross=pl.col("gross").sum(),
        returned=pl.col("returned").sum(),
        purchase_lines=pl.col("purchase_lines").sum(),
        return_lines=pl.col("return_lines").sum(),
        items=pl.col("items").sum(),
        active_months=pl.col("last_day").drop_nulls().dt.truncate("1mo").n_unique(),
        country=pl.col("country").get(pl.col("booked").arg_max()),
    )

    def compute() -> list[Any]:
        return _totals(customers.collect(engine="streaming"))

    return _repeated(compute, repetitions)


def _pandas(folder: Path, repetitions: int) -> tuple[list[float], list[Any]]:
    import pandas

    def compute() -> list[Any]:
        lines = pandas.read_parquet(folder / _LINES, dtype_backend="pyarrow")
        bought = lines["outcome"] == "purchase"
        lines = lines.assign(
            day=lines["shop_day"].where(bought),
            gross=lines["amount"].where(bought, 0.0),
            returned=lines["amount"].where(~bought, 0.0),
            purchase_lines=bought.astype("int64"),
            return_lines=(~bought).astype("int64"),
            items=lines["quantity"].where(bought, 0.0),
        )
        invoices = lines.groupby(["customer_id", "invoice_no"], sort=False, as_index=False).agg(
            first_day=("day", "min"),
            last_day=("day", "max"),
            gross=("gross", "sum"),
            returned=("returned", "sum"),
            purchase_lines=("purchase_lines", "sum"),
            return_lines=("return_lines", "sum"),
            items=("items", "sum"),
            country=("country", "max"),
            booked=("shop_day", "max"),
        )
        invoices["month"] = pandas.to_datetime(invoices["last_day"]).dt.to_period("M")
        anew = (
            invoices.sort_values("booked")
            .groupby("customer_id", sort=False)
            .agg(
                first_purchase_day=("first_day", "min"),
                last_purchase_day=("last_day", "max"),
                frequency=("last_day", "count"),
                gross=("gross", "sum"),
                returned=("returned", "sum"),
                purchase_lines=("purchase_lines", "sum"),
                return_lines=("return_lines", "sum"),
                items=("items", "sum"),
                active_months=("month", "nunique"),
                country=("country", "last"),
            )
        )
        return _totals(anew)

    return _repeated(compute, repetitions)


def _totals(anew: Any) -> Any:
    """The totals of a data frame."""
    with duckdb.connect() as connection:
        return connection.register("anew", anew).execute(f"{_TOTALS} anew").fetchall()[0]


_WAYS: dict[str, Callable[[Path, int], tuple[list[float], list[Any]]]] = {
    INCREMENTAL: _incremental,
    DUCKDB: _duckdb,
    POLARS: _polars,
    PANDAS: _pandas,
}


def main() -> None:
    """One way, in this process; prints its seconds and the totals it came to, money and items in whole units."""
    way, folder, repetitions = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    seconds, totals = _WAYS[way](folder, repetitions)
    print(json.dumps({"seconds": seconds, "totals": [round(float(total)) for total in totals]}))


if __name__ == "__main__":
    main()
