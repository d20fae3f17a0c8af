"""The rules lines were landed by, so that a change of them does not pass in silence.

How equal lines are judged can be changed for all stored lines at once, and is. How files are read cannot: the texts are
not kept. So a person says whether the files are to be read again or the change is for new ones only.
"""

import json
from typing import Any

from warehouse.errors import RulesChangedError
from warehouse.params import Duplicates, SourceKind, SourceParams
from warehouse.store import Warehouse

#: Settings of a source that make texts into lines.
_READING = (
    "format", "columns", "encoding", "delimiter", "quote", "header", "decimal_separator", "thousands_separator",
    "date_format", "missing_values", "cancellation_prefix",
)  # fmt: skip

_OF_FILES = (
    "`resegment nightly --reread` reads all files again that are still there; `resegment nightly --no-reread` lets the "
    "change hold for new files only."
)
_OF_DATABASE = (
    "`resegment nightly --reread` pulls all rows again; `resegment nightly --no-reread` lets the change hold for rows "
    "pulled from now on."
)


def changed_reading(warehouse: Warehouse, source: SourceParams, shop_zone: str) -> dict[str, tuple[Any, Any]]:
    """Settings of reading that are not those the source's accepted lines were read with: setting -> (was, is)."""
    kept = _kept(warehouse, source)
    if kept is None or kept["reading"] is None:
        return {}
    was, now = json.loads(kept["reading"]), _reading(source, shop_zone)
    return {key: (was[key], value) for key, value in now.items() if key in was and was[key] != value}


def changed_duplicates(warehouse: Warehouse, source: SourceParams) -> tuple[str, str] | None:
    """How equal lines were judged and are to be judged, if that is not the same."""
    kept = _kept(warehouse, source)
    if kept is None or kept["duplicates"] in (None, source.duplicates.value):
        return None
    return kept["duplicates"], source.duplicates.value


def refuse_silent_change(warehouse: Warehouse, source: SourceParams, shop_zone: str, reread: bool | None) -> None:
    """Stop if files would be read otherwise than those before without somebody having said what that is to mean.

    Raises
    ------
    RulesChangedError
        The rules changed, lines were read by the former ones, and `reread` is None.
    """
    changes = changed_reading(warehouse, source, shop_zone)
    loads = warehouse.value(
        "SELECT count(*) FROM landing.loads WHERE source = $source AND status = 'accepted'", {"source": source.name}
    )
    if not (changes and loads) or reread is not None:
        return
    told = "\n".join(
        f"  [{_section(key)}] {_name(key)}: was {was!r}, is {now!r}" for key, (was, now) in changes.items()
    )
    advice = _OF_DATABASE if source.kind is SourceKind.DATABASE else _OF_FILES
    raise RulesChangedError(
        f"Deliveries would be read otherwise than the {loads} deliveries before:\n{told}\n"
        f"{advice} Or set it back. Nothing was changed."
    )


def keep(warehouse: Warehouse, source: SourceParams, shop_zone: str) -> None:
    """Note how files are read from now on, in the caller's transaction."""
    reading = _reading(source, shop_zone)
    kept = _kept(warehouse, source)
    if kept is None or kept["reading"] is None or json.loads(kept["reading"]) != reading:
        warehouse.run("landing/keep_rules", source=source.name, reading=json.dumps(reading), duplicates=None)


def keeps_duplicates(warehouse: Warehouse, source: SourceParams) -> bool:
    """Whether stored lines were judged so that equal ones all count."""
    changed = changed_duplicates(warehouse, source)
    return (changed[0] if changed else source.duplicates.value) == Duplicates.KEEP.value


def judge_anew(warehouse: Warehouse, source: SourceParams) -> None:
    """Add all keys that several lines share to `touched_keys` if equal lines are judged otherwise than before."""
    kept = _kept(warehouse, source)
    if kept is not None and kept["duplicates"] == source.duplicates.value:
        return
    if changed_duplicates(warehouse, source):
        warehouse.run("landing/touch_shared_keys")
    warehouse.run("landing/keep_rules", source=source.name, reading=None, duplicates=source.duplicates.value)


def _kept(warehouse: Warehouse, source: SourceParams) -> dict[str, Any] | None:
    rows = warehouse.select("FROM landing.rules WHERE source = $source", {"source": source.name})
    return rows[0] if rows else None


def _reading(source: SourceParams, shop_zone: str) -> dict[str, Any]:
    values = source.model_dump(mode="json", include=set(_READING))
    columns = {f"columns.{ours}": theirs for ours, theirs in values.pop("columns").items()}
    return values | columns | {"time_zone": source.time_zone or shop_zone, "schedule.time_zone": shop_zone}


def _section(key: str) -> str:
    return {"schedule": "schedule", "columns": "source.columns"}.get(key.partition(".")[0], "source")


def _name(key: str) -> str:
    return key.rpartition(".")[2]
