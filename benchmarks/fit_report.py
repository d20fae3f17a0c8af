"""What `benchmarks.fit` measured, as Markdown for people."""

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import sections
from benchmarks.sections import spread

if TYPE_CHECKING:
    from benchmarks.fit import Measured


def markdown(measured: "Measured") -> str:
    """The section of `benchmarks/README.md`."""
    facts = measured.facts
    versions = ", ".join(f"{name} {facts['versions'][name]}" for name in ("duckdb", "scikit-learn", "numpy"))
    return "\n\n".join(
        [
            "## Fits on a weighted summary",
            f"{facts['customers']:,} generated customers with recency, frequency and monetary; k = {facts['k']}, "
            f"{facts['n_init']} starts each, cells {facts['cell_width']:g} standard deviations wide. {facts['cores']} "
            f"cores, {facts['memory_gib']} GiB, load {facts['load']} at the start; Python {facts['python']}, "
            f"{versions}. The summary's seconds begin at the customers' features in DuckDB, scikit-learn's at the "
            "standardised matrix in memory. Inertia is over all customers; it can be below scikit-learn's, which by "
            "default stops a little early. Medians (smallest to largest) where there are several repetitions.",
            _fit_table(measured),
            f"Choice of k from {facts['ks'][0]} to {facts['ks'][1]}, all measures and resamples included: "
            + ", ".join(
                f"{name} {seconds:.1f} s (k = {measured.chosen[name]})" for name, seconds in measured.choosing.items()
            )
            + ".",
            "Assignment of all customers into a table, each in a process of its own; the memory is what the process "
            "takes at its peak beyond what it held with the customers loaded.",
            _assignment_table(measured),
        ]
    )


def write_section(file: Path, text: str) -> None:
    """Put the text where the README has this benchmark's section."""
    sections.write_section(file, "fit", text)


def _fit_table(measured: "Measured") -> str:
    rows = [
        "| transform | fitted by | s | times as fast as all customers | inertia above theirs |",
        "|---|---|---|---|---|",
    ]
    for transform, ways in measured.fits.items():
        full = ways["scikit-learn KMeans"]
        for name, way in ways.items():
            cells = f" of {measured.cells[transform]:,} cells" if name == "weighted summary" else ""
            ratio = median(full.seconds) / median(way.seconds)
            rows.append(
                f"| {transform} | {name}{cells} | {spread(way.seconds)} | {ratio:.1f} | "
                f"{way.inertia / full.inertia - 1:+.4%} |"
            )
    return "\n".join(rows)


def _assignment_table(measured: "Measured") -> str:
    rows = ["| query | s | extra MiB |", "|---|---|---|"]
    rows += [f"| {name} | {spread(one.seconds)} | {one.extra_mib:.0f} |" for name, one in measured.assigned.items()]
    return "\n".join(rows)
