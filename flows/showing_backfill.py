"""What a person sees of a backfill: before it, what would be made; after it, what was."""

from typing import Any

from rich.text import Text

from flows.showing import _console, _counted, _deliveries, _show_restatable, _table

_SHOWN_VERSIONS = 40


def show_plan(found: dict[str, Any]) -> None:
    """One line a date, and what all of it would take."""
    terminal = _console()
    if not found["dates"]:
        terminal.print("No published version is contradicted by later lines; there is nothing to make.")
        return
    shown = _table("as of", "action", "customers", "why")
    for one in found["dates"]:
        shown.add_row(
            Text(str(one["as_of"])), Text(one["action"]), f"{one['customers'] or 0:,}", Text(_why(one)),
        )  # fmt: skip
    terminal.print(shown)
    if not found["versions_to_make"] and not found["new_deliveries_first"]:
        terminal.print("There is nothing to make.")
        return
    size = "an unknown size" if found["bytes"] is None else f"about {found['bytes'] / 1e6:,.0f} MB"
    time = "an unknown time" if found["seconds"] is None else f"about {_duration(found['seconds'])}"
    terminal.print(
        f"{_counted(found['versions_to_make'], 'version')} to make, "
        f"{_counted(found['customers_to_assign'], 'customer')} to assign, "
        f"{size}, {time} by the latest runs. Nothing was changed."
    )
    if found["new_deliveries_first"]:
        terminal.print("New deliveries would be taken in and checked first; they may change what is left as it is.")


def show_backfill(outcome: dict[str, Any]) -> None:
    """What came in, the versions that were made, and what was left and why."""
    terminal = _console()
    found = outcome["backfill"]
    terminal.print(_deliveries(outcome["deliveries"]))
    versions = found["versions"]
    if versions:
        terminal.print(_versions(versions[:_SHOWN_VERSIONS]))
    if len(versions) > _SHOWN_VERSIONS:
        terminal.print(f"... and {len(versions) - _SHOWN_VERSIONS:,} more, up to {versions[-1]['as_of']}.")
    for line in found["told"]:
        if not (versions and line.startswith("make ")):  # the table tells
            terminal.print(line, soft_wrap=True)
    marked = [str(one["as_of"]) for one in versions if one["held_reasons"]]
    if marked:
        terminal.print(
            f"A night would have held {len(marked)} of them back, as of {', '.join(marked[:5])}"
            f"{', ...' if len(marked) > 5 else ''}: see held_reasons in segment_versions.",
            soft_wrap=True,
        )
    _show_restatable(terminal, outcome["deliveries"])
    current = found["current"]
    if current:
        terminal.print(f"Readers see version {current['version_id']} as of {current['as_of']}.")


def show_difference(found: dict[str, Any]) -> None:
    """Both versions, their segments side by side, and who is elsewhere."""
    terminal = _console()
    former, later, totals = found["former"], found["later"], found["totals"]
    terminal.print(
        f"From version {former['version_id']} as of {former['as_of']} to version {later['version_id']} as of "
        f"{later['as_of']}: {totals['customers_before']:,} and {totals['customers_after']:,} customers.\n"
        f"{totals['stayed']:,} stayed in their segment, {totals['moved']:,} moved, {totals['entered']:,} entered, "
        f"{totals['left']:,} left; {totals['changed_figures']:,} have other figures.",
        soft_wrap=True,
    )
    before, after = f"in {former['version_id']}", f"in {later['version_id']}"
    names = ("segment", f"customers {before}", after, "change", f"revenue {before}", after, "change")
    shown = _table(*names, numeric=set(names) - {"segment"})
    for one in found["segments"]:
        customers, money = _pair(one, "customers"), _pair(one, "revenue")
        shown.add_row(Text(one["segment"]), *customers, *money)
    shown.add_row("all", *_pair(totals, "customers"), *_pair(totals, "revenue"))
    terminal.print(shown)
    for move in found["movements"]:
        start, end = move["from_segment"] or "(new)", move["to_segment"] or "(none)"
        revenue = float(move["revenue_after"] if move["to_segment"] else move["revenue_before"])
        terminal.print(f"  {move['customers']:>7,}  {start} -> {end}  (revenue {revenue:,.0f})")


def _pair(row: dict[str, Any], what: str) -> tuple[str, str, str]:
    before, after = float(row[f"{what}_before"]), float(row[f"{what}_after"])
    change = f"{after - before:+,.0f}"
    return f"{before:,.0f}", f"{after:,.0f}", "0" if change in ("+0", "-0") else change


def _versions(versions: list[dict[str, Any]]) -> Any:
    shown = _table(
        "version", "as of", "model", "customers", "moved", numeric={"version", "model", "customers", "moved"}
    )
    for one in versions:
        moved = "" if one["moved"] is None else f"{one['moved']:,}"
        shown.add_row(str(one["version_id"]), str(one["as_of"]), str(one["model_id"]), f"{one['customers']:,}", moved)
    return shown


def _why(one: dict[str, Any]) -> str:
    version = "" if one["version_id"] is None else f" (version {one['version_id']})"
    return f"{one['why']}{version}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
