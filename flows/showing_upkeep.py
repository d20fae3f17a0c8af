"""What a person sees of the upkeep of the warehouse."""

from typing import Any

from flows.showing import _console


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
