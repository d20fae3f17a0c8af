"""What a person sees of the erasure of customers."""

from typing import Any

from rich.console import Console

from flows.showing import _console, _counted

_STAY = (
    "Not reached: backups, exports that were sent, readers that keep an old file open, the shop's own files; see "
    "docs/operations.md, Erasing customers."
)


def show_erasure_plan(found: dict[str, Any]) -> None:
    """Rows by table and by version, and the room it takes."""
    console = _console()
    console.print(_customers(found, "would be erased"), soft_wrap=True)
    _show_rows(console, found)
    if found["unfinished"]:
        console.print(f"An erasure of {_counted(found['unfinished'], 'customer')} was stopped and would be finished.")
    console.print(f"Free disk needed: {found['bytes_needed']:,} bytes, for one file at a time.")
    _show_copies(console, found)


def show_erasure(found: dict[str, Any]) -> None:
    """What was removed."""
    console = _console()
    if found["status"] == "unchanged":
        console.print(f"{_counted(found['customers'], 'customer')}: all erased already. Nothing was changed.")
    else:
        console.print(_customers(found, "erased"), soft_wrap=True)
        _show_rows(console, found)
        before, after = found["bytes_before"], found["bytes_after"]
        console.print(f"The warehouse's file was replaced: {before:,} bytes before, {after:,} after.")
    _show_copies(console, found)
    console.print(_STAY, soft_wrap=True)


def show_erasures(found: list[dict[str, Any]]) -> None:
    """One line for each erasure."""
    console = _console()
    for one in found:
        rows = sum(one["rows_removed"].values())
        ended = "not finished; run `resegment erase`" if one["unfinished"] else f"finished {one['finished_at']:%F %T}"
        console.print(
            f"{one['erasure_id']}. {one['requested_at']:%F %T} by {one['requested_by']}: "
            f"{_counted(one['customers'], 'customer')}, {_counted(rows, 'row')}, "
            f"{_counted(one['revised_versions'], 'published version')} written again; {ended}",
            soft_wrap=True,
        )
    if not found:
        console.print("Nobody has been erased.")


def _customers(found: dict[str, Any], what: str) -> str:
    known = found["customers"] - found["new_customers"]
    already = f"; {known:,} of the {found['customers']:,} named are erased already" if known else ""
    strange = found["unknown_customers"]
    unknown = (
        f" The warehouse has no row of {strange:,} of them: mistyped, or not delivered yet. They stay out all the same."
        if strange
        else ""
    )
    return f"{_counted(found['new_customers'], 'customer')} {what}{already}.{unknown}"


def _show_rows(console: Console, found: dict[str, Any]) -> None:
    for table, rows in found["tables"].items():
        console.print(f"  {table}: {_counted(rows, 'row')}")
    same: dict[str, list[str]] = {}
    for version, tables in found["versions"].items():
        parts = ", ".join(f"{_counted(rows, 'row')} of {table}" for table, rows in tables.items())
        same.setdefault(parts, []).append(str(version))
    for parts, versions in same.items():
        which = f"version {versions[0]}" if len(versions) == 1 else f"versions {', '.join(versions)}, each"
        console.print(f"  published {which}: {parts}", soft_wrap=True)


def _show_copies(console: Console, found: dict[str, Any]) -> None:
    for path in found["copies"]:
        console.print(f"Another DuckDB file beside the warehouse is not reached: {path}. Delete it.", soft_wrap=True)
