"""A backfill of every date of Online Retail against the notebook run for each of them, and one that is killed twice.

    python -m benchmarks.backfill --data FOLDER

The notebook is measured on a sample of dates, before and after the backfill, on the files of the days before each. The
model is that of a night on all data. `benchmarks/README.md` gets the table.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import duckdb

from benchmarks import backfill_report, notebook, processes, report
from warehouse import published_file, serving

REPOSITORY = Path(__file__).parents[1]
_RESEGMENT = ["-c", "from flows.cli import main; main()"]
#: Tables that a stopped backfill has to leave as an undisturbed one does: these of the warehouse, and all of every file
#: but what was checked, which each run adds to.
_PRIVATE = ("segments.membership", "segments.movements", "segments.sizes", "segments.drift", "segments.versions")
_PUBLISHED = tuple(table for table in published_file.contract() if table != "check_results")
#: Up to so many seconds go by after a version was finished until the process that makes the next is killed.
_KILLED_WITHIN = 0.5


@dataclass
class Measured:
    """Seconds of the notebook by date, of the backfill by part, and its whole process; what the killed one did."""

    notebook: dict[date, list[float]] = field(default_factory=dict)
    notebook_processor: list[float] = field(default_factory=list)
    parts: dict[str, float] = field(default_factory=dict)
    process: processes.Ended | None = None
    versions: int = 0
    kills: list[int] = field(default_factory=list)
    differing: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def notebook_each(self) -> float:
        """Mean seconds of the notebook for a date."""
        return mean(mean(seconds) for seconds in self.notebook.values())

    def ratios(self) -> dict[str, float]:
        """Seconds of the notebook for all dates over ours."""
        all_dates = self.notebook_each * self.versions
        process = {} if self.process is None else {"whole process, start and checks included": self.process.seconds}
        ours = {
            "features to assignment": self.parts["features_to_assignment"],
            "with judging and publication of every date": self.parts["make_versions"],
        } | process
        return {name: all_dates / seconds for name, seconds in ours.items()}


def measure(data: Path, work: Path, *, sample: int = 8, kills: int = 2) -> Measured:
    """Measure on the daily CSV files in `data`, named YYYY-MM-DD.csv; everything is written below `work`."""
    days = [date.fromisoformat(file.stem) for file in sorted(data.glob("*.csv"))]
    first, last = days[0] + timedelta(days=1), days[-1] + timedelta(days=1)
    base = _base(work, data, last)
    asked = ["backfill", "--from", str(first), "--to", str(last), "--json"]
    measured = Measured(facts=report.machine() | {"files": len(days), "first": first, "last": last})
    sampled = [days[round((number + 0.5) * len(days) / sample)] + timedelta(days=1) for number in range(sample)]
    _run_notebook(measured, data, work, sampled[-1:])  # the first run imports
    measured.notebook.clear()
    measured.notebook_processor.clear()
    _run_notebook(measured, data, work, sampled)
    whole = _copy(base, work / "whole")
    measured.process = processes.ended([*_RESEGMENT, *asked], whole, PREFECT_API_URL="")
    measured.parts = _status(whole)["seconds"]
    measured.versions = len(_status(whole)["backfill"]["versions"])
    _run_notebook(measured, data, work, sampled)
    if kills:
        killed = _copy(base, work / "killed")
        for number in range(kills):
            until = measured.versions * (number + 1) // (kills + 1)
            measured.kills.append(_killed(killed, asked, until))
        processes.ended([*_RESEGMENT, *asked], killed, PREFECT_API_URL="")
        measured.differing = len(_differing(whole, killed))
    return measured


def main() -> None:
    """Measure, print the table and put it into `benchmarks/README.md`."""
    parser = argparse.ArgumentParser(description="A backfill against the notebook.")
    default = os.environ.get("RESEGMENT_REAL_DATA") or REPOSITORY.parent / "shared" / "data" / "online_retail"
    parser.add_argument("--data", type=Path, default=Path(default) / "by-day", help="folder of daily CSV files")
    parser.add_argument("--sample", type=int, default=8, help="dates the notebook is measured on")
    parser.add_argument("--kills", type=int, default=2, help="0 leaves the killed backfill out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="resegment-backfill-") as work:
        try:
            text = backfill_report.markdown(measure(given.data, Path(work), sample=given.sample, kills=given.kills))
        finally:
            for folder in Path(work).glob("*/serving"):
                processes.remove(folder.parent)
    backfill_report.write_section(REPOSITORY / "benchmarks" / "README.md", text)
    print(text)


def _base(work: Path, data: Path, last: date) -> Path:
    """A shop with all files taken in and the version of its last date, whose model is the current one."""
    folder = work / "base"
    shutil.copytree(data, folder / "data")
    (folder / "resegment.toml").write_text('[source]\npath = "data/*.csv"\n[report]\nenabled = false\n')
    processes.ended([*_RESEGMENT, "nightly", "--as-of", str(last), "--json"], folder, PREFECT_API_URL="")
    return folder


def _copy(folder: Path, to: Path) -> Path:
    return shutil.copytree(folder, to, symlinks=True)


def _run_notebook(measured: Measured, data: Path, work: Path, sampled: list[date]) -> None:
    for as_of in sampled:
        with tempfile.TemporaryDirectory(dir=work) as folder:
            for file in data.glob("*.csv"):
                if file.stem < str(as_of):
                    (Path(folder) / file.name).symlink_to(file)
            began = time.process_time()
            measured.notebook.setdefault(as_of, []).append(notebook.run(Path(folder), as_of)["seconds"]["all"])
            measured.notebook_processor.append(time.process_time() - began)


def _status(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "serving" / "status.json").read_text()))


def _killed(folder: Path, asked: list[str], until: int) -> int:
    """Run until so many dates have a version, kill it at a random moment then, and return how many there are."""
    environment = os.environ | {"PREFECT_API_URL": ""}
    process = subprocess.Popen([sys.executable, *_RESEGMENT, *asked], cwd=folder, env=environment, stdout=-3, stderr=-3)
    while process.poll() is None and len(serving.finished(folder / "serving")) <= until:
        time.sleep(0.02)
    time.sleep(random.uniform(0, _KILLED_WITHIN))
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise RuntimeError(f"the backfill in {folder} ended before it could be killed")
    return len(serving.finished(folder / "serving")) - 1


def _differing(one: Path, other: Path) -> list[str]:
    left, right = _contents(one), _contents(other)
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def _contents(folder: Path) -> dict[str, Any]:
    """A checksum of each table of the warehouse and of each published file, without the times they were made."""
    files = {
        number: serving.version_file(folder / "serving", number) for number in serving.finished(folder / "serving")
    }
    found = {f"{number} {table}": text for number, file in files.items() for table, text in _sums(file, _PUBLISHED)}
    return (
        found
        | dict(_sums(folder / "warehouse.duckdb", _PRIVATE))
        | {"current": [serving.linked_version(folder / "serving")]}
    )


def _sums(file: Path, tables: tuple[str, ...]) -> list[tuple[str, Any]]:
    with duckdb.connect(file, read_only=True) as connection:
        sums = []
        for table in tables:
            named = [
                f'"{name}"'
                for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()
                if kind != "TIMESTAMP"
            ]
            row = connection.execute(f"SELECT count(*), bit_xor(hash({', '.join(named)})) FROM {table}").fetchone()
            sums.append((table, row))
        return sums


if __name__ == "__main__":
    main()
