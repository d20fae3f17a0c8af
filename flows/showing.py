"""What a person sees at the end of a command: tables on a terminal, the same as plain lines in a pipe."""

import shutil
import sys
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.querying import Rows
from tasks.ranges import dated

_OUTCOMES = ("purchase", "return", "unattributed", "quarantined", "duplicate")
_NUMERIC = {"customers", "share", "recency", "frequency", "monetary", "revenue", "rows", "differing"}
#: Short texts that stay on one line; longer ones beside them are folded where a terminal is narrow.
_WHOLE = {"setting", "from", "as of", "action", "received"}


def show_night(outcome: dict[str, Any]) -> None:
    """Summary of a night: what came in and what was published."""
    console = _console()
    published = outcome["published"]
    if outcome["status"] == "unchanged":
        console.print(
            f"Nothing new: version {published['version_id']} as of {published['as_of']} is published already, "
            "from the same lines and parameters. Nothing was changed."
        )
        _show_retired(console, outcome["retired"])
        _show_report(console, outcome["report"])
        return
    console.print(_deliveries(outcome["deliveries"]))
    console.print(_version(published))
    console.print(_segments(published["segments"]))
    console.print(f"Published: {published['file']}", soft_wrap=True)
    _show_restatable(console, outcome["deliveries"])
    _show_retired(console, outcome["retired"])
    _show_report(console, outcome["report"])
    if published["readers_see"] is not None:
        why = (
            "until `resegment rollback --release` or a promotion" if published["pinned"] else "which is of a later date"
        )
        console.print(f"Readers still see version {published['readers_see']}, {why}.", soft_wrap=True)


def show_demo(outcome: dict[str, Any]) -> None:
    """Each night in two lines, the segments of the last, who moved, how good it is, and what to try next."""
    console = _console()
    console.print("\nWhat came in and what was published:")
    for number, night in enumerate(outcome["nights"], start=1):
        console.print(f"  {number}. {_deliveries(night['deliveries'])}")
        console.print(f"     {_version(night['published'])}")
    last = outcome["nights"][-1]["published"]
    console.print(f"\nThe segments as of {last['as_of']}:", _segments(last["segments"]))
    _show_movements(console, outcome["movements"])
    planted = outcome["planted_behaviours"]
    console.print(
        f"\nThe shop is made up: its customers were given {len(planted)} behaviours ({', '.join(planted)}). "
        f"The segments match them with an adjusted Rand index of {outcome['adjusted_rand_index']:.2f} "
        "(1: the same groups, 0: chance)."
    )
    how = "as flow runs on a Prefect server, now stopped" if outcome["prefect_api"] else "as plain functions"
    console.print(f"The nights ran {how}.")
    command = f"{_own_name()} {{}} --config {outcome['config']}"
    console.print(f"\nPublished: {outcome['current']}", soft_wrap=True)
    _show_report(console, outcome["report"])
    console.print(f"Look at it: {command.format('dashboard')}", soft_wrap=True)
    console.print(f'            {command.format("sql")} "FROM customer_segments LIMIT 5"', soft_wrap=True)
    console.print(f'            {command.format("sql")} "FROM data_dictionary"', soft_wrap=True)
    console.print(f"            {command.format('status')}", soft_wrap=True)


def show_status(found: dict[str, Any]) -> None:
    """How the last run ended, and the version readers see."""
    console = _console()
    if found["status"] is None:
        console.print(f"No run has ended here yet: {found['serving']} has no status.json to read.", soft_wrap=True)
        console.print("Start one with `resegment nightly`.")
        return
    console.print(f"Last run: {found['command']} as of {found['as_of']}: {found['status']}, {_utc(found['ended'])}")
    if found["error"]:
        console.print(f"Error: {found['error']}", soft_wrap=True)
    current = found["current"]
    told = f"version {current['version_id']} as of {current['as_of']}" if current else "nothing is published yet"
    since = f", published {_utc(current['published_at'])}" if current and "published_at" in current else ""
    console.print(f"Current: {told}{since}")
    if found.get("pinned"):
        console.print("Readers are kept on it until `resegment rollback --release` or a promotion.")
    _show_report(console, found.get("report"))
    for step in found.get("by_hand", []):
        about = f" {step['about']}" if step["about"] else ""
        told = f"{step['status']}, {_utc(step['ended'])}, by {step['by']}"
        console.print(f"Since then by hand: {step['command']}{about}: {told}", soft_wrap=True)
    for check in found["failed_checks"]:
        meaning = check["meaning"].rstrip(".")
        if meaning[1:] not in (found["error"] or ""):  # which begins it with a small letter
            seen = "nothing" if check["observed"] == "None" else check["observed"]
            console.print(
                f"{check['severity']}: expected that {meaning[:1].lower()}{meaning[1:]}. Found {seen}; the limit: "
                f"{check['expected']}.",
                soft_wrap=True,
            )
    if found.get("published", {}).get("segments"):
        console.print(_segments(found["published"]["segments"]))
    _show_restatable(console, found.get("deliveries", {}))


def show_report(found: dict[str, Any]) -> None:
    """Where the report is."""
    size = found["bytes"] / 1_000_000
    _console().print(f"Report of version {found['version_id']}: {found['file']} ({size:.1f} MB)", soft_wrap=True)


def show_current(found: dict[str, Any]) -> None:
    """What readers see after a promotion or a rollback."""
    current = found["current"]
    told = f"version {current['version_id']} as of {current['as_of']}" if current else "nothing"
    kept = "; they stay on it until `resegment rollback --release` or a promotion" if found["pinned"] else ""
    console = _console()
    console.print(f"Readers see {told}{kept}.")
    _show_report(console, found["report"])


def show_verification(found: list[dict[str, Any]]) -> None:
    """One line a table, and the verdict."""
    console = _console()
    table = _table("table", "rows", "differing")
    for row in found:
        table.add_row(row["table"], f"{row['rows']:,}", f"{row['differing_rows']:,}")
    console.print(table)
    differing = sum(row["differing_rows"] for row in found)
    differ = "1 row differs from its rebuild." if differing == 1 else f"{differing:,} rows differ from their rebuild."
    verdict = differ if differing else "Everything equals its rebuild."
    console.print(verdict)
    if found[0]["since"]:
        told = "lines of earlier days went ([retention] lines_years), and what was made of them is taken as it is"
        console.print(f"Verified from {found[0]['since']} on: {told}.", soft_wrap=True)


def show_rows(found: Rows) -> None:
    """Result of a query: on a terminal a table, or a block a row if it is too wide; tab-separated lines in a pipe."""
    console = _console()
    lines = [["" if value is None else str(value) for value in row] for row in found.rows]
    if not console.is_terminal:
        for line in [found.names, *lines] if found.names else []:
            console.file.write("\t".join(_on_one_line(value) for value in line) + "\n")
        return
    widths = [max(map(len, column)) for column in zip(found.names, *lines, strict=True)]
    if sum(widths) + 2 * len(widths) > console.width and len(widths) > 2:
        _show_blocks(console, found.names, lines)
    else:
        table = _table(*found.names, numeric=_numeric_columns(found))
        for line in lines:
            table.add_row(*map(Text, line))
        console.print(table)
    console.print(_counted(len(lines), "row"))


def show_configuration(described: dict[str, dict[str, Any]]) -> None:
    """Every setting with its value and where it came from; what is not the default stands out."""
    console = _console()
    table = _table("setting", "value", "from")
    for key, one in described.items():
        style = "" if one["origin"] == "default" else "bold"
        table.add_row(Text(key, style), Text(_setting(one["value"]), style), Text(one["origin"], style))
    console.print(table)
    if all(one["origin"] == "default" for one in described.values()):
        console.print("Nothing is set: no configuration file was found here, and no variable of the environment.")


def show_fetched(found: dict[str, Any]) -> None:
    """Where the files are and what to run on them."""
    console = _console()
    console.print(
        f"{_counted(found['files'], 'file')} with {found['lines']:,} lines in {found['folder']}", soft_wrap=True
    )
    console.print(f"Checked: {found['checked']}", soft_wrap=True)
    console.print(f'Next: set [source] path = "{found["folder"]}/*.csv" in resegment.toml,', soft_wrap=True)
    console.print("      then `resegment nightly --as-of 2011-12-10`.")


def show_flat_files(found: dict[str, Any]) -> None:
    """How many tables of which version were written where."""
    console = _console()
    console.print(f"{len(found['files'])} tables of version {found['version_id']}: {found['folder']}", soft_wrap=True)


def show_export(found: dict[str, Any]) -> None:
    """What was written where, and of which version."""
    console = _console()
    told = f"{_counted(found['rows'], 'customer')} of version {found['version_id']} (as of {found['as_of']})"
    console.print(f"{told}: {found['path']}", soft_wrap=True)
    if found["changed_since"] is not None:
        console.print(f"Only those that entered or left the audience since version {found['changed_since']}.")
    for column, number in found["neutralised_texts"].items():
        console.print(
            f"{_counted(number, 'text')} of {column} got an apostrophe in front, as formulas begin the same way."
        )
    console.print(
        f"The manifest beside it has the filter and the sha256: {found['file']}.manifest.json", soft_wrap=True
    )


def _show_report(console: Console, file: str | None) -> None:
    if file:
        console.print(f"Report: {file}", soft_wrap=True)


def _show_retired(console: Console, retired: dict[str, list[int]]) -> None:
    told = ", ".join(f"{len(versions):,} {name}" for name, versions in retired.items() if versions)
    if told:
        console.print(f"Old versions: {told} ([retention] in the configuration).")


def _deliveries(deliveries: dict[str, Any]) -> str:
    if not deliveries["files"]:
        return "No new deliveries."
    shown = [*_OUTCOMES, *(one for one in ("erased", "closed") if deliveries[f"{one}_lines"])]
    parts = ", ".join(_outcome(deliveries[f"{outcome}_lines"], outcome) for outcome in shown)
    files, lines = _counted(deliveries["files"], "file"), _counted(deliveries["delivered_lines"], "line")
    return f"Accepted {files} with {lines}: {parts}"


def _show_restatable(console: Console, deliveries: dict[str, Any]) -> None:
    """Published versions that say what is no longer so."""
    versions = deliveries.get("restatable", [])
    if not versions:
        return
    one = len(versions) == 1
    which = f"{dated('version', [row['as_of'] for row in versions])}, {'is' if one else 'are'}"
    told = "contradicted by lines that came later; `resegment backfill --affected` restates"
    console.print(f"{which} {told} {'it' if one else 'them'}.", soft_wrap=True)


def _version(published: dict[str, Any]) -> str:
    moved = "" if published["moved"] is None else f", {published['moved']:,} moved since the version before"
    return (
        f"Version {published['version_id']} as of {published['as_of']} ({published['action']}): "
        f"{_counted(published['customers'], 'customer')} in {_counted(len(published['segments']), 'segment')}{moved}; "
        f"silhouette {_number(published['silhouette'], 3)}"
    )


def _segments(segments: list[dict[str, Any]]) -> Table:
    table = _table("segment", "customers", "share", "recency", "frequency", "monetary", "revenue", "share")
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


def _show_movements(console: Console, movements: list[dict[str, Any]]) -> None:
    console.print("Who moved in the last night:" if movements else "Nobody moved in the last night.")
    for move in movements:
        start, end = move["from_segment"] or "(new)", move["to_segment"] or "(none)"
        console.print(f"  {move['customers']:>5,}  {start} -> {end}")


def _show_blocks(console: Console, names: list[str], lines: list[list[str]]) -> None:
    widest = max(map(len, names))
    for number, line in enumerate(lines, start=1):
        console.print(Text(f"row {number}", "bold"))
        for name, value in zip(names, line, strict=True):
            console.print(Text(f"  {name:<{widest}}  {value}"), soft_wrap=True)


def _numeric_columns(found: Rows) -> set[str]:
    """Columns that hold numbers only."""
    columns = zip(found.names, zip(*found.rows, strict=True), strict=False)
    return {name for name, values in columns if all(isinstance(value, int | float | Decimal) for value in values)}


def _on_one_line(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _own_name() -> str:
    """What to type for `resegment` here: the path it was called by, if it is not on the PATH."""
    called = sys.argv[0]
    return called if called.endswith("resegment") and not shutil.which("resegment") else "resegment"


def _setting(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(repr(one) if one in ("", " ") else str(one) for one in value)
    return "(not set)" if value is None else '""' if value == "" else str(value)


def _counted(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def _outcome(lines: int, outcome: str) -> str:
    """Outcomes that are nouns have a plural."""
    return _counted(lines, outcome) if outcome in ("purchase", "return", "duplicate") else f"{lines:,} {outcome}"


def _utc(moment: str) -> str:
    return f"{moment[:16].replace('T', ' ')} UTC"


def _number(value: float | Decimal | str | None, digits: int) -> str:
    return "" if value is None else f"{float(value):,.{digits}f}"


def _table(*names: str, numeric: set[str] = _NUMERIC) -> Table:
    """Numbers are never broken: half of one would be another number."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, caption_justify="left")
    for name in names:
        number = name in numeric
        whole = number or name in _WHOLE
        table.add_column(
            Text(name), justify="right" if number else "left", no_wrap=whole, overflow="ellipsis" if whole else "fold"
        )
    return table


def _console() -> Console:
    """In a pipe lines are as long as they need to be."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=1_000)
