"""Whole runs of the command line on a small shop, killed, crossed or starved, and what they leave behind."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Self

import duckdb
from support_shop import ShopFolder

from warehouse import serving

#: Times are this run's own; everything else has to be the same.
_TABLES = (
    "landing.loads", "landing.quarantine", "landing.staged_lines", "sales.transaction_lines", "sales.invoices",
    "features.customer_activity", "features.state", "models.models", "models.clusters", "models.lineage",
    "models.k_search", "segments.versions", "segments.assignments", "segments.movements", "segments.membership",
)  # fmt: skip
#: A shop of three weeks changes as a whole from one night to the next; here that is not what is looked at.
_YOUNG = "[breaker]\nmin_customers = 1000000\n"
_READER = Path(__file__).with_name("support_reader.py")
_DYING = Path(__file__).with_name("support_dying.py")


@dataclass(frozen=True)
class Place(ShopFolder):
    """A shop's folder in which commands run; deliveries come as copies of files in `shop`."""

    shop: Path
    warehouse_file: ClassVar[str] = "private/warehouse.duckdb"

    def set_up(self) -> Self:
        """Make the folder of deliveries, and write the configuration."""
        (self.folder / "data").mkdir(parents=True)
        return self.configure(_YOUNG)

    def deliver(self, before: date) -> None:
        """Let the files of all days before a date arrive, with the times of change they have in the shop."""
        for file in sorted(self.shop.glob("*.csv")):
            if file.stem < str(before) and not (self.folder / "data" / file.name).exists():
                shutil.copy2(file, self.folder / "data" / file.name)

    def copied_to(self, folder: Path) -> "Place":
        """The same place elsewhere."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Place(folder, self.shop)

    def start(self, as_of: date, *options: str) -> "subprocess.Popen[str]":
        """Begin a night in a process of its own."""
        command = [sys.executable, "-c", "from flows.cli import main; main()", "nightly", "--config", str(self.config)]
        environment = os.environ | {"PREFECT_API_URL": "", "PREFECT_HOME": str(self.folder / ".prefect")}
        return subprocess.Popen(
            [*command, "--as-of", str(as_of), *options], stdout=-1, stderr=-1, text=True, env=environment
        )

    def run(self, as_of: date) -> "Ended":
        """A night to its end."""
        process = self.start(as_of)
        out, err = process.communicate()
        return Ended(process.returncode, out, err)

    def status(self) -> dict[str, Any]:
        """What `status.json` says."""
        return dict(json.loads((self.serving / "status.json").read_text()))


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def state(place: ShopFolder) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every table of the warehouse and of every published file, without times and the record of runs."""
    found = {}
    with duckdb.connect(place.warehouse, read_only=True) as connection:
        for table in _TABLES:
            found[table] = _rows(connection, table)
    for number, folder in serving.finished(place.serving).items():
        with duckdb.connect(folder / "segments.duckdb", read_only=True) as connection:
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
                found[f"published {number} {table}"] = _rows(connection, table)
    found["current"] = [(serving.linked_version(place.serving),)]
    found["entries"] = [(name,) for name in sorted(os.listdir(place.serving))]  # noqa: PTH208
    found["versions"] = [(name,) for name in sorted(os.listdir(place.serving / "versions"))]  # noqa: PTH208
    found["private"] = [(name,) for name in sorted(os.listdir(place.warehouse.parent))]  # noqa: PTH208
    return found


def differences(one: dict[str, list[tuple[Any, ...]]], other: dict[str, list[tuple[Any, ...]]]) -> dict[str, str]:
    """Tables that differ, with a few of the rows that are in one only."""
    told = {}
    for table in sorted(one.keys() | other.keys()):
        left, right = one.get(table), other.get(table)
        if left != right:
            only = ([row for row in a or [] if row not in (b or [])][:2] for a, b in ((left, right), (right, left)))
            told[table] = f"{left and len(left)} and {right and len(right)} rows; {list(only)}"
    return told


def driven(**asked: Any) -> Any:
    """What `support_dying.py` prints of the runs it is asked for; their tracebacks are in what pytest captured."""
    done = subprocess.run([sys.executable, _DYING], input=json.dumps(asked), stdout=-1, text=True, check=True)
    return json.loads(done.stdout)


@contextmanager
def readers(place: ShopFolder) -> Iterator[dict[str, Any]]:
    """Meanwhile, another process reads `current`: again and again, and on one connection it keeps.

    Afterwards the dictionary holds what it saw: reads, versions, failures.
    """
    seen: dict[str, Any] = {}
    process = subprocess.Popen(
        [sys.executable, str(_READER), str(place.serving)], stdin=-1, stdout=-1, stderr=-1, text=True
    )
    try:
        yield seen
    finally:
        out, err = process.communicate("")
        assert process.returncode == 0, err
        seen.update(json.loads(out))


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    columns = [
        f'"{name}"'
        for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()
        if kind != "TIMESTAMP" or name == "invoiced_at"
    ]
    return connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL").fetchall()
