"""Nights against the notebook, in one session: the first load, a later night, whole processes and memory.

    python -m benchmarks.nights --data FOLDER

Ratios count, not seconds: everything is repeated and interleaved on the same machine, so what else it does touches all
sides alike. `benchmarks/README.md` gets the table.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import notebook, processes, report

REPOSITORY = Path(__file__).parents[1]
#: Steps from the deliveries to every customer's segment; features are computed in `accept_batch` and the last.
INGEST_TO_ASSIGNMENT = ("stage_deliveries", "accept_batch", "segment_customers")
CHECKS = ("check_batch", "check_activity", "judge_version")
PUBLICATION = ("publish_version",)


@dataclass
class Measured:
    """Seconds of each repetition: the load's and the night's by step (`all` is the call), the notebook's by part."""

    load: list[dict[str, float]] = field(default_factory=list)
    night: list[dict[str, float]] = field(default_factory=list)
    notebook: list[dict[str, float]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    whole_processes: dict[str, list[processes.Ended]] = field(default_factory=dict)

    def ratios(self) -> dict[str, float]:
        """Median seconds of the notebook over ours, for each claim and with checks and publication."""
        yardstick = median(one["all"] for one in self.notebook)
        return {
            "load, ingest to assignment": yardstick / median(_sum(one, INGEST_TO_ASSIGNMENT) for one in self.load),
            "load, everything": yardstick / median(one["all"] for one in self.load),
            "night, ingest to assignment": yardstick / median(_sum(one, INGEST_TO_ASSIGNMENT) for one in self.night),
            "night, everything": yardstick / median(one["all"] for one in self.night),
        }


def measure(data: Path, work: Path, *, loads: int = 3, nights: int = 5, whole_processes: int = 5) -> Measured:
    """Measure nights on the daily CSV files in `data`, named YYYY-MM-DD.csv; everything is written below `work`.

    `whole_processes` repetitions of each process; 0 leaves them and the Prefect server out.
    """
    _warm_up()
    days = sorted(data.glob("*.csv"))
    last = date.fromisoformat(days[-1].stem)
    base, shop = _base(work, days, last), _shop(work / "shop", days)
    measured = Measured(facts=report.machine() | _facts(days))
    for repetition in range(max(loads, nights)):
        if repetition < loads:
            measured.load.append(_timed_night(_copy(shop, work / "load"), last))
        measured.notebook.append(notebook.run(shop / "data")["seconds"])
        if repetition < nights:
            measured.night.append(_timed_night(_with_file(_copy(base, work / "night"), days[-1]), last))
    if whole_processes:
        with_new_file = _with_file(_copy(base, work / "whole"), days[-1])
        as_of = last + timedelta(days=1)
        measured.whole_processes = processes.measure(shop, with_new_file, work, as_of, whole_processes)
    return measured


def main() -> None:
    """Measure, print the table and put it into `benchmarks/README.md`."""
    parser = argparse.ArgumentParser(description="Nights against the notebook.")
    default = os.environ.get("RESEGMENT_REAL_DATA") or REPOSITORY.parent / "shared" / "data" / "online_retail"
    parser.add_argument("--data", type=Path, default=Path(default) / "by-day", help="folder of daily CSV files")
    parser.add_argument("--loads", type=int, default=3)
    parser.add_argument("--nights", type=int, default=5)
    parser.add_argument("--processes", type=int, default=5, help="0 leaves whole processes out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="resegment-nights-") as work:
        measured = measure(
            given.data, Path(work), loads=given.loads, nights=given.nights, whole_processes=given.processes
        )
    text = report.markdown(measured)
    report.write_section(REPOSITORY / "benchmarks" / "README.md", text)
    print(text)


def _warm_up() -> None:
    """The compute figures are of a process that has imported what it needs."""
    import pandas  # noqa: F401
    import sklearn.cluster
    import sklearn.metrics
    import sklearn.preprocessing  # noqa: F401

    from expectations.run import preload

    preload()


def _base(work: Path, days: list[Path], last: date) -> Path:
    """A shop as the last file found it: everything before is in, and the version of that morning is published."""
    base = _shop(work / "base", days[:-1])
    _timed_night(base, last - timedelta(days=1))
    return base


def _shop(folder: Path, days: list[Path]) -> Path:
    data = folder / "data"
    data.mkdir(parents=True)
    for day in days:
        shutil.copy2(day, data)
    (folder / "resegment.toml").write_text('[source]\npath = "data/*.csv"\n')
    return folder


def _copy(folder: Path, to: Path) -> Path:
    if to.exists():
        processes.remove(to)
    return shutil.copytree(folder, to, symlinks=True)


def _with_file(folder: Path, day: Path) -> Path:
    shutil.copy2(day, folder / "data")
    return folder


def _timed_night(folder: Path, last: date) -> dict[str, float]:
    """Seconds of one night on the morning after `last`, by step; `all` is the whole call."""
    from flows.nightly import nightly

    started = time.perf_counter()
    outcome = nightly(as_of=last + timedelta(days=1), config=folder / "resegment.toml")
    taken = time.perf_counter() - started
    if outcome["status"] != "done":
        raise RuntimeError(f"the night in {folder} ended as {outcome['status']}, so there is nothing to measure")
    return json.loads((folder / "serving" / "status.json").read_text())["seconds"] | {"all": taken}


def _sum(seconds: dict[str, float], steps: tuple[str, ...]) -> float:
    return sum(seconds[step] for step in steps)


def _facts(days: list[Path]) -> dict[str, Any]:
    lines = [file.read_bytes().count(b"\n") - 1 for file in days]
    return {"files": len(days), "lines": sum(lines), "new_lines": lines[-1]}


if __name__ == "__main__":
    main()
