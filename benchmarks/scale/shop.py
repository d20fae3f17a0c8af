"""The shops that are measured, by their number of lines: generated once, loaded once, and kept in a cache.

    CACHE/10m/generated/2010-12-01.parquet ...    all files of the shop
    CACHE/10m/base                                a shop whose history is loaded and published, never run again
    CACHE/10m/work                                a copy of it, which the nights of a measurement change

The days after the history are left for the nights, each cut to the number of lines that is asked for, so that the same
batch can be given to shops of any size.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import processes

DAYS = 730
#: Shop days at the end that are no part of the history.
NIGHTS = 12
#: What DuckDB may take; a first load of a hundred million lines would spill for long on what a night is content with.
NIGHT_LIMIT, LOAD_LIMIT = "1GiB", "4GiB"
_SETTINGS = f"""
[source]
path = "data/*.parquet"
[warehouse]
memory_limit = "{NIGHT_LIMIT}"
"""
_RESEGMENT = ["-c", "from flows.cli import main; main()"]


@dataclass(frozen=True)
class Loaded:
    """What the first load of a shop took: the whole process, its steps in seconds, and what it left on the disk."""

    lines: int
    files: int
    customers: int
    delivered_bytes: int
    process: processes.Ended
    steps: dict[str, float]
    warehouse_bytes: int
    version_bytes: int
    measured_on: str


class ScaledShop:
    """About `lines` lines in two years, kept in a folder of the cache; without `report` its nights make none."""

    def __init__(self, cache: Path, name: str, lines: int, *, report: bool = True) -> None:
        self.name, self.lines, self.report = name, lines, report
        self.folder = cache / name
        self.base, self.work = self.folder / "base", self.folder / "work"

    @property
    def nightly_lines(self) -> int:
        """Lines of an average night."""
        return max(1, self.lines // DAYS)

    def generate(self) -> None:
        """Write all files, unless they are there."""
        if (self.folder / "generated").exists():
            return
        from segmentation.generator import ShopParams, sized_for_lines
        from tasks.generate import write_shop

        partial = self.folder / "generating"
        params = sized_for_lines(ShopParams(days=DAYS, lines_per_invoice=4.0), self.lines)
        write_shop(params, partial, "parquet", "day")
        partial.rename(self.folder / "generated")

    def load(self, *, again: bool = False, limit: str = LOAD_LIMIT) -> Loaded:
        """Load the history and publish its version, unless that was done; return what it took."""
        told = self.folder / "loaded.json"
        if again or not told.exists():
            self.generate()
            told.unlink(missing_ok=True)
            _remove(self.base)
            _remove(self.work)
            for file in self._files[:-NIGHTS]:
                _link(file, self.base / "data" / file.name)
            settings = _SETTINGS + ("" if self.report else "[report]\nenabled = false\n")
            (self.base / "resegment.toml").write_text(settings)
            taken = night(self.base, _day(self._files[-NIGHTS - 1]), limit=limit)
            told.write_text(json.dumps(asdict(self._loaded(taken)), indent=1))
        found = json.loads(told.read_text())
        return Loaded(**found | {"process": processes.Ended(**found["process"])})

    @contextmanager
    def nights(self) -> Iterator["Nights"]:
        """The copy that nights may change; it goes when the block ends."""
        _remove(self.work)
        shutil.copytree(self.base, self.work, symlinks=True, copy_function=_link_deliveries)
        try:
            yield Nights(self.work, self._files[-NIGHTS:])
        finally:
            _remove(self.work)

    @property
    def _files(self) -> list[Path]:
        return sorted((self.folder / "generated").glob("*.parquet"))

    def _loaded(self, taken: "Taken") -> Loaded:
        import duckdb

        delivered = [file.stat().st_size for file in (self.base / "data").iterdir()]
        with duckdb.connect(self.base / "serving" / "current" / "segments.duckdb", read_only=True) as version:
            customers = _number(version, "SELECT count(*) FROM customer_segments")
            lines = _number(version, "SELECT sum(delivered_lines) FROM data_quality")
        return Loaded(
            lines=lines,
            files=len(delivered),
            customers=customers,
            delivered_bytes=sum(delivered),
            process=taken.process,
            steps=taken.steps,
            warehouse_bytes=(self.base / "warehouse.duckdb").stat().st_size,
            version_bytes=(self.base / "serving" / "current" / "segments.duckdb").stat().st_size,
            measured_on=datetime.now(UTC).date().isoformat(),
        )


@dataclass(frozen=True)
class Taken:
    """One night: the whole process and the seconds of its steps."""

    process: processes.Ended
    steps: dict[str, float]


class Nights:
    """Successive nights of one shop, each with the first lines of the next day's file."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self.folder, self._left = folder, list(files)

    def deliver(self, lines: int) -> date:
        """Deliver so many lines of the next day; return the day."""
        import pyarrow.parquet as pq

        file = self._left.pop(0)
        batch = pq.read_table(file).slice(0, lines)
        pq.write_table(batch, self.folder / "data" / file.name)
        return _day(file)

    def run(self, lines: int, *, command: list[str] | None = None) -> Taken:
        """Deliver so many lines and run the night after, by another command than `resegment` if one is given."""
        return night(self.folder, self.deliver(lines), command=command)

    def statements(self, lines: int) -> list[dict[str, Any]]:
        """Deliver and run once more, with the time of each statement of the warehouse told."""
        self.run(lines, command=["-m", "benchmarks.scale.statements"])
        return list(json.loads((self.folder / "statements.json").read_text()))


def night(folder: Path, last: date, *, limit: str = "", command: list[str] | None = None) -> Taken:
    """Run the night after the shop day `last` in a process of its own, to its end."""
    environment = {"RESEGMENT__WAREHOUSE__MEMORY_LIMIT": limit} if limit else {}
    asked = [*(command or _RESEGMENT), "nightly", "--as-of", str(last + timedelta(days=1)), "--json"]
    process = processes.ended(asked, folder, PREFECT_API_URL="", **environment)
    status: dict[str, Any] = json.loads((folder / "serving" / "status.json").read_text())
    if status["status"] != "done":
        raise RuntimeError(f"the night in {folder} ended as {status['status']}, so there is nothing to measure")
    return Taken(process, status["seconds"])


def _day(file: Path) -> date:
    return date.fromisoformat(file.stem)


def _number(connection: Any, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])


def _link(file: Path, to: Path) -> None:
    """Deliveries never change, so copies of a shop share them."""
    to.parent.mkdir(parents=True, exist_ok=True)
    os.link(file, to)


def _link_deliveries(file: str, to: str) -> str:
    if Path(file).suffix == ".parquet":
        _link(Path(file), Path(to))
    else:
        shutil.copy2(file, to)
    return to


def _remove(folder: Path) -> None:
    if folder.exists():
        processes.remove(folder)
