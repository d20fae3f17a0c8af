"""The three heavy steps over generated lines, by DuckDB and by Spark on two executors; the tables have to be equal.

    python -m benchmarks.spark [--lines 10000000] [--master local-cluster[2,1,2048]]

The section of benchmarks/README.md is written anew. Needs the extra `spark` (`make spark`) and Java 17.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.report import machine
from benchmarks.sections import write_section

INVOICES, ACTIVITY, ASSIGNMENT = "lines to invoices", "invoices to activity", "assignment of all customers"
_READ = {INVOICES: "sales.transaction_lines", ACTIVITY: "sales.invoices", ASSIGNMENT: "features"}
Make = Callable[[Any, str], None]
_CONFIGURATION = """
[source]
path = "shop/*.parquet"
[warehouse]
engine = "spark"
memory_limit = "4GiB"
[warehouse.spark]
master = "{master}"
from_rows = 1000
[warehouse.spark.options]
"spark.executor.memory" = "{memory}m"
"spark.driver.memory" = "1g"
"""


@dataclass(frozen=True)
class Step:
    """One step: rows it reads and makes, seconds by DuckDB and by Spark."""

    given: int
    rows: int
    duckdb_seconds: float
    spark_seconds: float


@dataclass(frozen=True)
class Measured:
    """What the benchmark found; `peak_mib` is the most memory of all Java processes together."""

    landing_seconds: float
    start_seconds: float
    steps: dict[str, Step]
    money: Decimal
    peak_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--master", default="local-cluster[2,1,2048]")
    parser.add_argument("--executor-mib", type=int, default=1536)
    arguments = parser.parse_args()
    facts = machine()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), arguments.lines, arguments.master, arguments.executor_mib)
    text = markdown(measured, arguments.master, arguments.executor_mib, facts)
    write_section(Path(__file__).with_name("README.md"), "spark", text)
    print(text)


def measure(folder: Path, lines: int, master: str, executor_mib: int) -> Measured:
    """Raises RuntimeError if a table of Spark's differs from DuckDB's."""
    from flows.planning import plan_night
    from segmentation.generator import ShopParams, sized_for_lines
    from tasks import drafts
    from tasks.generate import write_shop
    from warehouse import features, store
    from warehouse.store import Warehouse

    written = write_shop(sized_for_lines(ShopParams(), lines), folder / "shop", "parquet", "month")
    assert written.last_day is not None
    config = folder / "resegment.toml"
    config.write_text(_CONFIGURATION.format(master=master, memory=executor_mib))
    night = plan_night("nightly", written.last_day + timedelta(days=1), False, config)
    with store.writing(night.warehouse, "benchmark") as carried, _peak_of_java() as peak:
        here = Warehouse(carried.connection, carried.params)  # does everything in DuckDB
        landing_seconds = _timed(lambda: _take_in(here, night))
        features.prepare(here, night.as_of, None)
        draft = drafts.drafted(here, night, drafts.Before(None, None))
        here.execute("CREATE TEMP TABLE few AS FROM sales.invoices LIMIT 1000")
        begin = {
            INVOICES: _macro("sales.invoices_of('sales.transaction_lines')", night.as_of),
            ACTIVITY: _macro("features.activity_of('sales.invoices', $as_of, $window_days)", night.as_of),
            ASSIGNMENT: lambda one, name: one.create_computed(
                name, draft.assign_sql, "features", {"as_of": night.as_of}
            ),
        }
        few = _macro("features.activity_of('few', $as_of, $window_days)", night.as_of)
        start_seconds = _timed(lambda: few(carried, "few_activity"))
        steps = {step: _both(here, carried, _READ[step], make) for step, make in begin.items()}
        money = here.value("SELECT sum(gross + returned) FROM sales.invoices")
    return Measured(landing_seconds, start_seconds, steps, money, peak[0])


def _take_in(here: Any, night: Any) -> None:
    from warehouse import features, landing

    landing.stage(here, night.source, night.shop_zone, night.began, lambda done, total: None)
    with here.transaction():
        landing.accept(here, night.source, night.began)
        features.advance(here, night.as_of, None, accepted=True)


def _macro(call: str, as_of: date) -> Make:
    """What makes a temporary table of a step that is a macro."""

    def make(one: Any, name: str) -> None:
        sql = f"CREATE OR REPLACE TEMP TABLE {name} AS FROM {call}"
        parameters = {key: value for key, value in {"as_of": as_of, "window_days": None}.items() if f"${key}" in call}
        if one.spark is None:
            one.execute(sql, parameters)
        else:
            with one.spark.carried(one.connection, sql, parameters) as carried:
                one.execute(carried)

    return make


def _both(here: Any, carried: Any, relation: str, make: Make) -> Step:
    """Raises RuntimeError if the two tables are not the same, row for row and digit for digit."""
    seconds = [_timed(lambda: make(here, "here")), _timed(lambda: make(carried, "there"))]
    differing = here.value(
        "SELECT (SELECT count(*) FROM (FROM here EXCEPT ALL FROM there)) + "
        "(SELECT count(*) FROM (FROM there EXCEPT ALL FROM here))"
    )
    if differing:
        raise RuntimeError(f"{differing} rows made from {relation} differ")
    given, rows = (here.value(f"SELECT count(*) FROM {table}") for table in (relation, "there"))
    return Step(given, rows, *seconds)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def _peak_of_java() -> Iterator[list[float]]:
    """The most memory (MiB) all Java processes below this one held together, looked at twice a second."""
    import psutil

    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            held = 0
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    held += process.memory_info().rss if process.name() == "java" else 0
            peak[0] = max(peak[0], held / (1 << 20))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def markdown(measured: Measured, master: str, executor_mib: int, facts: dict[str, Any]) -> str:
    rows = ["| step | rows read | rows made | DuckDB, s | Spark, s | differing rows |", "|---|---|---|---|---|---|"]
    for name, step in measured.steps.items():
        rows.append(
            f"| {name} | {step.given:,} | {step.rows:,} | {step.duckdb_seconds:.1f} | {step.spark_seconds:.1f} | 0 |"
        )
    return "\n\n".join(
        [
            "## The heavy steps on Spark",
            f"Generated lines, taken in by DuckDB in {measured.landing_seconds:.0f} s; then each step by both engines, "
            f"Spark on `{master}` (executors are processes of their own, {executor_mib} MiB each), with the Parquet "
            f"there and back. {facts['cores']} cores, {facts['memory_gib']} GiB, load {facts['load']} at the start; "
            f"Python {facts['python']}, duckdb {facts['versions']['duckdb']}, pyspark {version('pyspark')}. Every "
            "column and digit is compared, with EXCEPT ALL both ways.",
            "\n".join(rows),
            f"Net money of all invoices: {measured.money:,} by both. Starting the session, with a first small step, "
            f"took {measured.start_seconds:.0f} s; all Java processes together held {measured.peak_mib:,.0f} MiB at "
            "most.",
        ]
    )


if __name__ == "__main__":
    main()
