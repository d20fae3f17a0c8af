"""What a person sees of the upkeep of the warehouse."""

from collections.abc import Iterator
from typing import Any

from flows.showing import _console, _counted


def show_compacted(found: dict[str, Any]) -> None:
    """Bytes before and after."""
    before, after = found["bytes_before"], found["bytes_after"]
    rows = sum(table["rows"] for table in found["tables"])
    given = f"{before - after:,} given back" if after < before else "nothing to give back"
    _console().print(
        f"{found['file']}: {before:,} bytes before, {after:,} after, {given}. "
        f"All {rows:,} rows of {len(found['tables'])} tables are the same.",
        soft_wrap=True,
    )


def show_backup(found: dict[str, Any]) -> None:
    """Where the backup is, what is in it and how to check it."""
    console = _console()
    size = sum(file["bytes"] for file in found["files"].values())
    included = [str(row["version_id"]) for row in found["versions"] if row["included"]]
    key = "and the erasure key" if found["erasure_key"] else "there is no erasure key"
    configured = any(name.startswith("configuration/") for name in found["files"])
    configuration = "the configuration" if configured else "no configuration, as there is no file of it"
    console.print(f"Backup: {found['path']} ({_counted(len(found['files']), 'file')}, {size:,} bytes)", soft_wrap=True)
    console.print(
        f"In it: the warehouse (schema {found['schema']}), {configuration}, published versions: "
        f"{', '.join(included) or 'none'}; {key}.",
        soft_wrap=True,
    )
    console.print("Not in it: the deliveries. Check it any time: sha256sum --check SHA256SUMS", soft_wrap=True)


def show_restored(found: dict[str, Any]) -> None:
    """What came back, what readers see, and what is left to do."""
    console = _console()
    numbers = ", ".join(map(str, found["versions"])) or "none"
    key = ", the erasure key" if found["erasure_key"] else ""
    console.print(f"Restored: {found['path']}{key}, published versions: {numbers}", soft_wrap=True)
    for file in found["configuration"]:
        console.print(f"Configuration: {file}", soft_wrap=True)
    current = found["current"]
    told = f"version {current['version_id']} as of {current['as_of']}" if current else "nothing"
    console.print(f"Readers see {told}{', and are kept on it' if found['pinned'] else ''}.")
    console.print(
        f"All is as it was on {found['created_at'][:16].replace('T', ' ')} UTC: customers erased since then are to be "
        "erased again, and the next night takes in deliveries that came since.",
        soft_wrap=True,
    )


def show_plan(ahead: dict[str, Any]) -> None:
    """What a night would do."""
    console = _console()
    console.print(f"A night as of {ahead['as_of']}; nothing was done.")
    for line in _planned(ahead):
        console.print(f"  {line}", soft_wrap=True)


def _planned(ahead: dict[str, Any]) -> Iterator[str]:
    if ahead["upgrade"]:
        yield (
            f"The warehouse is upgraded from schema {ahead['upgrade']['from']} to {ahead['upgrade']['to']}, after a "
            "copy of it beside it."
        )
    if ahead["new_deliveries"]:
        yield "New deliveries are taken in."
    elif ahead.get("unchanged"):
        yield f"Nothing is new: version {ahead['published']} of this date stays."
        return
    if ahead.get("lines_go"):
        going = ahead["lines_go"]
        yield (
            f"{going['lines']:,} lines of days before {going['before']} go for good ([retention] lines_years); their "
            "invoices stay."
        )
    yield from (change["told"] for change in ahead["changes"])
    unless = "" if ahead["action"] == "refit" else "; or refit, if a feature drifted"
    yield f"Model: {ahead['action']} ({ahead['reason']}){unless}."
    if ahead["published"]:
        yield f"The new version supersedes version {ahead['published']} of this date, if anything differs."
