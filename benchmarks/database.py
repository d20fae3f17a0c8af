"""Pulls a table of PostgreSQL that changes meanwhile, in slices of two sizes, and holds the result to the table.

    python -m benchmarks.database [--uri postgresql://postgres@127.0.0.1:5432/test] [--lines 2000000]

The section of benchmarks/README.md is written anew. Needs the rights to create and drop the schema resegment_benchmark.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.database_shop import COLUMNS, DatabaseShop
from benchmarks.processes import Ended, ended
from benchmarks.report import machine
from benchmarks.sections import spread, write_section

LOOK_BACK = "30s"
#: Pulls one slice after another into a warehouse of its own and accepts nothing: what is measured is the pull.
_STAGE_ONLY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from warehouse import landing, store
from warehouse.params import SourceParams, WarehouseParams
params = WarehouseParams(path=Path(sys.argv[1]), memory_limit=sys.argv[2], threads=2)
source = SourceParams.model_validate_json(sys.argv[3])
with store.writing(params, "benchmark") as warehouse:
    landing.stage(warehouse, source, "UTC", datetime.now(UTC).replace(tzinfo=None), lambda done, total: None)
"""


@dataclass(frozen=True)
class Night:
    """One pull: seconds to stage and to accept, slices and lines staged, slices found unchanged."""

    stage_seconds: float
    accept_seconds: float
    slices: int
    lines: int
    unchanged: int


@dataclass(frozen=True)
class Measured:
    """What the benchmark found; `staged` is a whole process by (engine, rows of a slice)."""

    rows: int
    money: Decimal
    customers: int
    changes: dict[str, int]
    nights: list[Night]
    staged: dict[tuple[str, int], list[Ended]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uri", default="postgresql://postgres@127.0.0.1:5432/test")
    parser.add_argument("--lines", type=int, default=2_000_000)
    arguments = parser.parse_args()
    facts = machine()
    with tempfile.TemporaryDirectory() as folder:
        shop = DatabaseShop(arguments.uri, arguments.lines)
        shop.create(Path(folder) / "shop")
        try:
            measured = measure(shop, Path(folder), kinds=[("adbc", 20_000), ("adbc", 200_000), ("connectorx", 20_000)])
        finally:
            shop.drop()
    text = markdown(measured, facts)
    write_section(Path(__file__).with_name("README.md"), "database", text)
    print(text)


def measure(shop: DatabaseShop, folder: Path, kinds: list[tuple[str, int]], nights: int = 5) -> Measured:
    """Raises RuntimeError if the totals differ once the shop has come to rest."""
    staged = {kind: [stage_process(shop, folder, *kind)] for kind in kinds}
    done, rows, money, customers = pull_while_selling(shop, folder, nights)
    return Measured(rows, money, customers, shop.changes, done, staged)


def source_of(shop: DatabaseShop, engine: str = "adbc", slice_rows: int = 100_000) -> Any:
    from warehouse.params import SourceParams

    database = {"uri": shop.uri, "table": shop.table, "watermark": "updated_at", "look_back": LOOK_BACK,
                "slice_rows": slice_rows, "engine": engine}  # fmt: skip
    return SourceParams.model_validate(
        {"kind": "database", "columns": COLUMNS, "database": database, "cancellation_prefix": ""}
    )


def stage_process(shop: DatabaseShop, folder: Path, engine: str, slice_rows: int) -> Ended:
    work = folder / f"{engine}-{slice_rows}"
    work.mkdir()
    source = source_of(shop, engine, slice_rows).model_dump_json()
    return ended(
        ["-c", _STAGE_ONLY, str(work / "warehouse.duckdb"), "256MiB", source], work, PYTHONPATH=str(Path.cwd())
    )


def pull_while_selling(
    shop: DatabaseShop, folder: Path, nights: int, slice_rows: int = 100_000
) -> tuple[list[Night], int, Decimal, int]:
    """Pull and accept night after night, the last one at rest; returns the nights, rows, money and customers."""
    from warehouse import store
    from warehouse.params import WarehouseParams

    source = source_of(shop, slice_rows=slice_rows)
    done = []
    with store.writing(WarehouseParams(path=folder / "warehouse.duckdb"), "benchmark") as warehouse:
        with shop.selling():
            for _ in range(nights - 1):
                done.append(_night(warehouse, source))
                time.sleep(1)
        done.append(_night(warehouse, source))
        counted = " UNION ALL ".join(
            f"SELECT customer, amount FROM {table} WHERE outcome <> 'duplicate'"
            for table in (
                "(SELECT *, customer_id AS customer FROM sales.transaction_lines)",
                "(SELECT *, delivered ->> 'customer' AS customer FROM landing.quarantine)",
            )
        )
        found = warehouse.execute(
            f"SELECT coalesce(customer, ''), count(*), sum(amount) FROM ({counted}) GROUP BY 1"
        ).fetchall()
    ours = {customer: amount for customer, _, amount in found}
    rows, money, theirs = shop.totals()
    if sum(lines for _, lines, _ in found) != rows or ours != theirs:
        wrong = [customer for customer in theirs.keys() | ours.keys() if theirs.get(customer) != ours.get(customer)]
        raise RuntimeError(f"{len(wrong)} customers differ from the database, as {wrong[:5]}")
    return done, rows, money, len(theirs)


def _night(warehouse: Any, source: Any) -> Night:
    from warehouse import landing

    now = datetime.now(UTC).replace(tzinfo=None)
    started = time.perf_counter()
    staged = landing.stage(warehouse, source, "UTC", now, lambda done, total: None)
    pulled = time.perf_counter()
    with warehouse.transaction():
        landing.accept(warehouse, source, now)
    return Night(
        pulled - started, time.perf_counter() - pulled, staged.files, staged.lines, staged.unchanged_files
    )  # fmt: skip


def markdown(measured: Measured, facts: dict[str, Any]) -> str:
    changes = ", ".join(f"{number:,} {kind}" for kind, number in measured.changes.items())
    nights = ["| pull | slices | lines | unchanged slices | staging, s | accepting, s |", "|---|---|---|---|---|---|"]
    for number, night in enumerate(measured.nights, start=1):
        nights.append(
            f"| {number} | {night.slices} | {night.lines:,} | {night.unchanged} | {night.stage_seconds:.2f} | "
            f"{night.accept_seconds:.2f} |"
        )
    staged = ["| engine | rows of a slice | s | peak MiB |", "|---|---|---|---|"]
    for (engine, slice_rows), runs in measured.staged.items():
        peak = max(one.peak_mib for one in runs)
        staged.append(f"| {engine} | {slice_rows:,} | {spread([one.seconds for one in runs])} | {peak:.0f} |")
    return "\n\n".join(
        [
            "## A database as the source",
            f"PostgreSQL on the same machine; {facts['cores']} cores, {facts['memory_gib']} GiB, load {facts['load']} "
            f"at the start; Python {facts['python']}. While the table was pulled, rows came, changed and went "
            f"({changes}), some committed 1.5 s after their watermark; look-back {LOOK_BACK}. At rest after the last "
            f"pull the table has {measured.rows:,} rows worth {measured.money:,}; so has the warehouse, and the money "
            f"of each of the {measured.customers:,} customers is the same to the penny.",
            "\n".join(nights),
            "The first pull alone, in a process of its own, by rows of a slice; DuckDB may take 256 MiB:",
            "\n".join(staged),
        ]
    )


if __name__ == "__main__":
    main()
