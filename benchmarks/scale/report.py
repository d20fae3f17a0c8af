"""What was measured of shops of several sizes, as Markdown for people."""

from collections.abc import Callable
from statistics import median

from benchmarks.scale.measuring import SAME_BATCH, Measured
from benchmarks.scale.recompute import INCREMENTAL, Recomputed
from benchmarks.scale.shop import LOAD_LIMIT, NIGHT_LIMIT, Taken

#: Steps of a night in groups; `publication` follows the number of customers, by design.
PARTS = {
    "staging": ("stage_deliveries",),
    "checks": ("check_batch", "check_activity", "judge_version"),
    "accepting, features": ("accept_batch",),
    "fit, assignment": ("segment_customers",),
    "publication": ("publish_version",),
    "report": ("report_current",),
}
#: Of a statement's text, for the part of a night that reads the whole history by design.
DUPLICATE_CHECK = "CREATE OR REPLACE TEMP TABLE touched_rows"
_TIMES = "times the fastest of the others"

_Figure = Callable[[Measured], float]


def markdown(measured: list[Measured]) -> str:
    """The section of `benchmarks/README.md`: shops in columns, the last with its ratio to the one before."""
    facts = measured[-1].facts
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    loads = ", ".join(str(one.facts["load"]) for one in measured)
    loaded_on = ", ".join(one.loaded.measured_on for one in measured)
    return "\n\n".join(
        [
            "## From one to a hundred million lines",
            "A generated shop of two years with about four lines an invoice, by the lines of its history. "
            f"{facts['cores']} cores, {facts['memory_gib']} GiB, load {loads} as each size began; Python "
            f"{facts['python']}, {versions}. Nights are whole processes, report included, with {NIGHT_LIMIT} for "
            f"DuckDB; the first load has {LOAD_LIMIT} and runs once ({loaded_on}). Medians of "
            f"{len(measured[-1].same)}; the ratio is of the last two.",
            table(measured, _shops()),
            f"A night that brings the same {SAME_BATCH:,} lines to each of them:",
            table(measured, _nights(lambda one: one.same, "same")),
            "A night that brings a 730th of the history:",
            table(measured, _nights(lambda one: one.share, "share")),
            "Features after that night: the invoices of the batch and the activity of their customers, against all "
            f"lines anew, with the times the first is faster; and after a night with the same {SAME_BATCH:,} lines.",
            _recomputed(measured),
            "A fit of all customers, and assigning them:",
            _fitted(measured),
        ]
    )


def table(measured: list[Measured], rows: list[tuple[str, _Figure, str]]) -> str:
    """Rows of (name, figure of a shop, format) over all shops."""
    names = [one.name for one in measured]
    ratio = len(measured) > 1
    lines = [
        "| | " + " | ".join(names) + (" | ratio |" if ratio else " |"),
        "|---" * (len(names) + 1 + ratio) + "|",
    ]
    for name, figure, form in rows:
        values = [figure(one) for one in measured]
        cells = [format(value, form) for value in values]
        if ratio:
            cells.append(f"{values[-1] / values[-2]:.2f}" if values[-2] else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def without_publication(taken: Taken) -> float:
    """Seconds of the steps of a night that should not follow the number of customers."""
    return sum(taken.steps[step] for part, steps in PARTS.items() if part != "publication" for step in steps)


def duplicate_check(one: Measured, kind: str) -> float:
    """Seconds of looking the batch's contents up among all lines."""
    return float(sum(row["seconds"] for row in one.statements[kind] if row["statement"].startswith(DUPLICATE_CHECK)))


def faster(one: Measured, incremental: Recomputed) -> float:
    """How many times as long the fastest way to compute all features anew takes."""
    others = [median(found.seconds) for way, found in one.recomputed.items() if way != INCREMENTAL]
    return min(others) / median(incremental.seconds)


def _shops() -> list[tuple[str, _Figure, str]]:
    return [
        ("lines", lambda one: one.loaded.lines, ",.0f"),
        ("segmented customers", lambda one: one.loaded.customers, ",.0f"),
        ("delivered Parquet, MB", lambda one: one.loaded.delivered_bytes / 1e6, ",.0f"),
        ("warehouse, MB", lambda one: one.loaded.warehouse_bytes / 1e6, ",.0f"),
        ("version, MB", lambda one: one.loaded.version_bytes / 1e6, ",.0f"),
        ("first load, s", lambda one: one.loaded.process.seconds, ",.1f"),
        ("- processor s", lambda one: one.loaded.process.processor_seconds, ",.1f"),
        ("- peak MiB", lambda one: one.loaded.process.peak_mib, ",.0f"),
    ]


def _nights(nights: Callable[[Measured], list[Taken]], kind: str) -> list[tuple[str, _Figure, str]]:
    def middle(figure: Callable[[Taken], float]) -> _Figure:
        return lambda one: median(figure(taken) for taken in nights(one))

    def part(steps: tuple[str, ...]) -> _Figure:
        return middle(lambda taken: sum(taken.steps.get(step, 0.0) for step in steps))

    return [
        ("whole night, s", middle(lambda taken: taken.process.seconds), ".2f"),
        ("- processor s", middle(lambda taken: taken.process.processor_seconds), ".2f"),
        ("- peak MiB", lambda one: max(taken.process.peak_mib for taken in nights(one)), ",.0f"),
        *((f"- {name}", part(steps), ".2f") for name, steps in PARTS.items()),
        ("all steps but publication, s", middle(without_publication), ".2f"),
        ("of these the duplicate check, s", lambda one: duplicate_check(one, kind), ".3f"),
    ]


def _recomputed(measured: list[Measured]) -> str:
    ways = list(dict.fromkeys(way for one in measured for way in one.recomputed))
    lines = [
        "| s (peak MiB) | " + " | ".join(one.name for one in measured) + " |",
        "|---" * (len(measured) + 1) + "|",
    ]
    rows = {way: [_told(one.recomputed.get(way)) for one in measured] for way in ways}
    rows[_TIMES] = [f"**{faster(one, one.recomputed[INCREMENTAL]):.0f}**" for one in measured]
    rows[f"{INCREMENTAL} by {SAME_BATCH:,} lines"] = [_told(one.recomputed_same) for one in measured]
    rows[f"{_TIMES}, too"] = [f"**{faster(one, one.recomputed_same):.0f}**" for one in measured]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())])


def _told(found: Recomputed | None) -> str:
    return f"{median(found.seconds):.3f} ({found.peak_mib:,.0f})" if found else "not tried"


def _fitted(measured: list[Measured]) -> str:
    lines = [
        "| s (inertia above KMeans) | " + " | ".join(one.name for one in measured) + " |",
        "|---" * (len(measured) + 1) + "|",
    ]
    for way in measured[-1].fitted.seconds:
        cells = [f"{median(one.fitted.seconds[way]):.2f} ({one.fitted.inertia[way]:+.4%})" for one in measured]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    for query in measured[-1].fitted.assignment:
        cells = [f"{median(one.fitted.assignment[query]):.2f}" for one in measured]
        lines.append(f"| {query} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
