"""What `benchmarks.backfill` measured, as Markdown for people."""

from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from benchmarks import sections

if TYPE_CHECKING:
    from benchmarks.backfill import Measured

_PARTS = {
    "features_to_assignment": "features to assignment of every customer, stored",
    "judging": "judging: who moved, what drifted",
    "publication": "publication: history, the version's file, the commit",
    "make_versions": "all dates",
}


def markdown(measured: "Measured") -> str:
    """The section of `benchmarks/README.md`."""
    facts = measured.facts
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    parts = [
        "## A backfill against the notebook",
        f"One command makes the versions of all dates from {facts['first']} to {facts['last']}, which follow the "
        f"{facts['files']} shop days and the days between them: {measured.versions} versions, assigned by the current "
        f"model; the last date has one already. The notebook is run on the files before each of "
        f"{len(measured.notebook)} sampled dates, before the backfill and after it. {facts['cores']} cores, "
        f"{facts['memory_gib']} GiB, load {facts['load']} at the start; Python {facts['python']}, {versions}.",
        _table(measured),
        f"The notebook takes {measured.notebook_each:.2f} s for a date on average "
        f"({min(map(mean, measured.notebook.values())):.2f} to {max(map(mean, measured.notebook.values())):.2f}), "
        f"{mean(measured.notebook_processor):.2f} s of processor time. Times faster than the notebook for all of these "
        "dates: " + ", ".join(f"{name} **{ratio:.1f}**" for name, ratio in measured.ratios().items()) + ".",
    ]
    if measured.process:
        process = measured.process
        ratio = mean(measured.notebook_processor) * measured.versions / process.processor_seconds
        parts.append(
            f"The whole process took {process.seconds:.1f} s, {process.processor_seconds:.1f} s of processor time "
            f"(the notebook: **{ratio:.1f}** times that) and {process.peak_mib:.0f} MiB at its peak."
        )
    if measured.kills:
        left = ", ".join(map(str, measured.kills))
        parts.append(
            f"Killed with SIGKILL after {left} versions and run again: "
            + ("**the same result**, " if not measured.differing else "")
            + f"{measured.differing} tables of the warehouse and the published files differ from those of the one "
            "that was left alone."
        )
    return "\n\n".join(parts)


def write_section(file: Path, text: str) -> None:
    """Put the text where the README has this benchmark's section."""
    sections.write_section(file, "backfill", text)


def _table(measured: "Measured") -> str:
    rows = ["| | s | ms a date |", "|---|---|---|"]
    for part, name in _PARTS.items():
        seconds = measured.parts[part]
        rows.append(f"| {name} | {seconds:.1f} | {1000 * seconds / measured.versions:.0f} |")
    return "\n".join(rows)
