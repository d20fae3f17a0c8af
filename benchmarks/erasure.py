"""Erasing customers from a shop with a hundred published versions: seconds a version, bytes, and that nothing is left.

    python -m benchmarks.erasure [--versions 100] [--customers 3000]

Two people go one after the other: one who first bought late, and so is in some of the versions only, and one who is in
all of them. Every column of text of every file is searched for their ids before and after, and the bytes after.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks.sections import write_section
from flows.backfill import backfill
from flows.nightly import nightly
from flows.settings import load_settings
from segmentation.generator import ShopParams
from tasks.erasing import erase_customers
from tasks.generate import write_shop
from warehouse import serving

README = Path(__file__).with_name("README.md")
START = date(2011, 1, 1)
CONFIG = '[source]\npath = "data/*.csv"\n[report]\nenabled = false\n[checks]\nstale_days_stop = 100000\n'


@dataclass(frozen=True)
class Erased:
    """One erasure: files that told of the person before and after, versions written again, seconds, bytes."""

    who: str
    before: int
    after: int
    rewritten: int
    seconds: float
    processor_seconds: float
    version_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=100)
    parser.add_argument("--customers", type=int, default=3_000)
    asked = parser.parse_args()
    os.environ["PREFECT_API_URL"] = ""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder), asked.versions, asked.customers)
        measured = [erase(Path(folder), who) for who in chosen(Path(folder))]
    text = told(made, measured, asked.customers, load)
    print(text)
    write_section(README, "erasure", text)


def make(folder: Path, versions: int, customers: int) -> int:
    """A shop with so many published versions, a day apart."""
    shop = ShopParams(customers=customers, days=versions + 60, start=START, lines_per_invoice=4)
    write_shop(shop, folder / "data", "csv")
    (folder / "resegment.toml").write_text(CONFIG)
    last = START + timedelta(days=versions + 60)
    nightly(as_of=last, config=folder / "resegment.toml")
    if versions > 1:
        backfill(last - timedelta(days=versions - 1), last - timedelta(days=1), config=folder / "resegment.toml")
    return len(serving.finished(folder / "serving"))


def chosen(folder: Path) -> list[str]:
    """Somebody whose first purchase is in the middle of the versions, and somebody who bought on the first day."""
    with duckdb.connect(folder / "warehouse.duckdb", read_only=True) as connection:
        rows = connection.execute(
            "SELECT customer_id, first_purchase_day FROM features.customer_activity "
            "WHERE length(customer_id) >= 5 ORDER BY first_purchase_day, customer_id"
        ).fetchall()
        days = connection.execute("SELECT min(as_of), max(as_of) FROM segments.versions").fetchall()[0]
    middle = days[0] + (days[1] - days[0]) * 0.6
    return [next(who for who, day in rows if day >= middle), rows[0][0]]


def erase(folder: Path, who: str) -> Erased:
    before = files_that_tell(folder, who)
    (folder / "ids.txt").write_text(f"{who}\n")
    settings = load_settings(folder / "resegment.toml").settings
    started, used = time.perf_counter(), time.process_time()
    found = erase_customers(settings.warehouse, settings.source, folder / "ids.txt")
    seconds, used = time.perf_counter() - started, time.process_time() - used
    size = max(path.stat().st_size for path in (folder / "serving" / "versions").glob("*/segments.duckdb"))
    return Erased(who, before, files_that_tell(folder, who), len(found["versions"]), seconds, used, size)


def files_that_tell(folder: Path, who: str) -> int:
    """Files of the warehouse and of versions with the id in a column of text, or as bytes."""
    files = [folder / "warehouse.duckdb", *(folder / "serving" / "versions").glob("*/segments.duckdb")]
    return sum(tells(file, who) for file in files)


def tells(file: Path, who: str) -> bool:
    with duckdb.connect(file, read_only=True) as connection:
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() "
            "USING (database_name, schema_name, table_name) WHERE data_type = 'VARCHAR' AND NOT duckdb_tables.internal"
        ).fetchall()
        for schema, table, column in columns:
            query = f'SELECT count(*) FROM "{schema}"."{table}" WHERE "{column}" = ?'
            if connection.execute(query, [who]).fetchall()[0][0]:
                return True
    return False


def told(versions: int, measured: list[Erased], customers: int, load: float) -> str:
    rows = [
        f"| {one.before} | {one.rewritten} | {one.seconds:.1f} | {one.seconds / max(one.rewritten, 1):.2f} "
        f"| {one.processor_seconds / max(one.rewritten, 1):.2f} "
        f"| {one.version_bytes / 1e6:.1f} | {one.after} |"
        for one in measured
    ]
    return "\n".join(
        [
            "## Erasing customers from a hundred versions",
            "",
            f"{versions} published versions of a generated shop with {customers:,} customers; one customer who is in "
            f"some of them, then one who is in all. {os.cpu_count()} cores, load {load:.1f} at the start. A version "
            "without the customer is only looked into.",
            "",
            "| files that told of the customer | versions written again | s | s a version | processor s a version | MB "
            "of a version | files that tell afterwards |",
            "|---|---|---|---|---|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    main()
