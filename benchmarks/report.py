"""What was measured, as Markdown for people."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import sections
from benchmarks.sections import spread

if TYPE_CHECKING:
    from benchmarks.nights import Measured
    from benchmarks.processes import Ended

_LIBRARIES = ("duckdb", "pandas", "scikit-learn", "numpy", "great-expectations", "prefect")


def machine() -> dict[str, Any]:
    """Facts of the machine a figure depends on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory, 1),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _LIBRARIES},
    }


def markdown(measured: "Measured") -> str:
    """The section of `benchmarks/README.md`."""
    facts = measured.facts
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    parts = [
        "## Nights against the notebook",
        f"{facts['files']} files with {facts['lines']:,} lines; the later night brings one file of "
        f"{facts['new_lines']:,} lines on top of the others. {facts['cores']} cores, {facts['memory_gib']} GiB, load "
        f"{facts['load']} at the start; Python {facts['python']}, {versions}. Medians (smallest to largest), all kinds "
        "in turns in one session, libraries imported beforehand.",
        _compute_table(measured),
        "Times faster than the notebook over all data, checks and publication included in *everything*: "
        + ", ".join(f"{name} **{ratio:.1f}**" for name, ratio in measured.ratios().items())
        + ".",
    ]
    if measured.whole_processes:
        parts += [
            "Whole processes, from start to exit; processor time is what other work on the machine changes least.",
            _process_table(measured.whole_processes),
        ]
    return "\n\n".join(parts)


def write_section(file: Path, text: str) -> None:
    """Put the text where the README has this benchmark's section."""
    sections.write_section(file, "nights", text)


def _compute_table(measured: "Measured") -> str:
    from benchmarks.nights import CHECKS, INGEST_TO_ASSIGNMENT, PUBLICATION

    rows = ["| | first load, s | later night, s |", "|---|---|---|"]
    for name, steps in (
        ("ingest to assignment", INGEST_TO_ASSIGNMENT),
        *((f"- {step}", (step,)) for step in INGEST_TO_ASSIGNMENT),
        ("checks", CHECKS),
        ("publication", PUBLICATION),
        ("everything", ("all",)),
    ):
        taken = [[sum(one[step] for step in steps) for one in part] for part in (measured.load, measured.night)]
        rows.append(f"| {name} | {spread(taken[0])} | {spread(taken[1])} |")
    whole = spread([one["all"] for one in measured.notebook])
    features = spread([one["features"] for one in measured.notebook])
    rows.append(f"| notebook, all data | {whole} | the same |")
    rows.append(f"| - before its first model | {features} | the same |")
    return "\n".join(rows)


def _process_table(kinds: "dict[str, list[Ended]]") -> str:
    rows = ["| process | s | processor s | peak MiB |", "|---|---|---|---|"]
    for kind, runs in kinds.items():
        peak = max(one.peak_mib for one in runs)
        rows.append(
            f"| {kind} | {spread([one.seconds for one in runs])} | "
            f"{spread([one.processor_seconds for one in runs])} | {peak:.0f} |"
        )
    return "\n".join(rows)
