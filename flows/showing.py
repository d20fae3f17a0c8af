"""What a person sees at the end of a command: tables on a terminal, the same as plain lines in a pipe."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_OUTCOMES = ("purchase", "return", "unattributed", "quarantined", "duplicate")


def show_night(outcome: dict[str, Any]) -> None:
    """Summary of a night: what came in and what was published."""
    console = _console()
    published = outcome["published"]
    if outcome["status"] == "unchanged":
        console.print(
            f"Nothing new: version {published['version_id']} of {published['as_of']} is published already, "
            "from the same lines and parameters. Nothing was changed."
        )
        return
    console.print(_deliveries_line(outcome["deliveries"]))
    moved = "" if published["moved"] is None else f", {published['moved']:,} moved since the version before"
    console.print(
        f"Version {published['version_id']} as of {published['as_of']} ({published['action']}): "
        f"{published['customers']:,} customers in {len(published['segments'])} segments{moved}; "
        f"silhouette {_number(published['silhouette'], 3)}"
    )
    console.print(_segments(published["segments"]))
    console.print(f"Published: {published['file']}", soft_wrap=True)


def show_demo(outcome: dict[str, Any]) -> None:
    """The last night of the demo and what to try next."""
    show_night(outcome["night"])
    console = _console()
    console.print(f'\nTry: resegment sql --config {outcome["config"]} "FROM segment_movements"', soft_wrap=True)
    console.print(f"     resegment verify --config {outcome['config']}", soft_wrap=True)


def show_status(found: dict[str, Any]) -> None:
    """How the last run ended, and the version readers see."""
    console = _console()
    console.print(f"Last run: {found['command']} for {found['as_of']}, {found['status']} at {found['ended'][:19]} UTC")
    if found["error"]:
        console.print(f"Error: {found['error']}", soft_wrap=True)
    current = found["current"]
    told = f"version {current['version_id']} as of {current['as_of']}" if current else "nothing is published yet"
    console.print(f"Current: {told}")
    for check in found["failed_checks"]:
        console.print(
            f"{check['severity']}: {check['meaning']} Found {check['observed']}; expected {check['expected']}."
        )
    if found.get("published", {}).get("segments"):
        console.print(_segments(found["published"]["segments"]))


def show_verification(found: list[dict[str, Any]]) -> None:
    """One line a table, and the verdict."""
    console = _console()
    table = _table("table", "rows", "differing")
    for row in found:
        table.add_row(row["table"], f"{row['rows']:,}", f"{row['differing_rows']:,}")
    console.print(table)
    differing = sum(row["differing_rows"] for row in found)
    verdict = "Everything equals its rebuild." if not differing else f"{differing:,} rows differ from their rebuild."
    console.print(verdict)


def show_rows(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Result of a query: a table on a terminal, tab-separated lines in a pipe."""
    console = _console()
    if not console.is_terminal:
        for line in [names, *rows]:
            console.file.write("\t".join("" if value is None else str(value) for value in line) + "\n")
        return
    table = _table(*names)
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    console.print(table)


def show_configuration(described: list[Any], file: Path | None) -> None:
    """Every setting with its value and where it came from."""
    console = _console()
    console.print(f"Configuration: {file or 'no file, defaults and environment only'}", soft_wrap=True)
    table = _table("setting", "value", "from")
    for one in described:
        table.add_row(Text(one.key), Text("" if one.value is None else str(one.value)), Text(one.origin))
    console.print(table)


def show_fetched(found: dict[str, Any]) -> None:
    """Where the files are and what to run on them."""
    _console().print(f"{found['files']} files with {found['lines']:,} lines in {found['folder']}", soft_wrap=True)


def _deliveries_line(deliveries: dict[str, Any]) -> str:
    if not deliveries["files"]:
        return "No new deliveries."
    parts = ", ".join(f"{deliveries[f'{outcome}_lines']:,} {outcome}" for outcome in _OUTCOMES)
    return f"Accepted {deliveries['files']:,} files with {deliveries['delivered_lines']:,} lines: {parts}"


def _segments(segments: list[dict[str, Any]]) -> Table:
    table = _table("segment", "customers", "share", "recency", "frequency", "monetary", "revenue", "of revenue")
    for one in segments:
        table.add_row(
            Text(one["segment"]),
            f"{one['customers']:,}",
            f"{float(one['share']):.1%}",
            _number(one["median_recency_days"], 0),
            _number(one["median_frequency"], 0),
            _number(one["median_monetary"], 0),
            _number(one["revenue"], 0),
            "" if one["revenue_share"] is None else f"{float(one['revenue_share']):.1%}",
        )
    table.caption = "recency (days), frequency (orders) and monetary are medians"
    return table


def _number(value: float | Decimal | str | None, digits: int) -> str:
    return "" if value is None else f"{float(value):,.{digits}f}"


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption_justify="left")
    numeric = {"customers", "share", "recency", "frequency", "monetary", "revenue", "of revenue", "rows", "differing"}
    for name in names:
        table.add_column(name, justify="right" if name in numeric else "left", overflow="fold")
    return table


def _console() -> Console:
    """In a pipe lines are as long as they need to be."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)
