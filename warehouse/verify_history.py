"""Proof that the history of segments is what the published versions say, each in its own file."""

from collections.abc import Iterator
from typing import Any

from warehouse.serving import version_file
from warehouse.store import Warehouse
from warehouse.text import literal
from warehouse.verify import Comparison

_PUBLISHED = """
SELECT version_id, as_of, previous_version_id FROM segments.versions WHERE status = 'published' ORDER BY as_of
"""


def verify_history(warehouse: Warehouse) -> list[Comparison]:
    """Hold membership on each published date, movements since the version before and sizes to the files there are."""
    membership, movements = Comparison("segments.membership", 0, 0), Comparison("segments.movements", 0, 0)
    profiles = Comparison("segments.profiles", 0, 0)
    for version in _with_files(warehouse):
        found = warehouse.rows("verify/membership_of", as_of=version["as_of"])[0]
        membership = _and(membership, found)
        profiles = _and(profiles, warehouse.rows("verify/profiles_of", version_id=version["version_id"])[0])
        if version["has_former"]:
            found = warehouse.rows("verify/movements_of", version_id=version["version_id"])[0]
            movements = _and(movements, found)
    return [membership, movements, profiles]


def _with_files(warehouse: Warehouse) -> Iterator[dict[str, Any]]:
    """Each published version whose file is there, with its customers as the temporary tables the queries ask."""
    loaded: int | None = None
    for version in warehouse.select(_PUBLISHED):
        former = version["previous_version_id"]
        if not _exists(warehouse, version["version_id"]):
            continue
        has_former = former is not None and _exists(warehouse, former)
        if has_former and loaded != former:
            _load(warehouse, former)
        if has_former:
            warehouse.execute("CREATE OR REPLACE TEMP TABLE former_snapshot AS FROM snapshot")
        _load(warehouse, version["version_id"])
        loaded = version["version_id"]
        yield version | {"has_former": has_former}


def _exists(warehouse: Warehouse, version_id: int) -> bool:
    return version_file(warehouse.params.serving, version_id).exists()


def _load(warehouse: Warehouse, version_id: int) -> None:
    file = version_file(warehouse.params.serving, version_id)
    warehouse.execute(f"ATTACH {literal(str(file))} AS published_version (READ_ONLY)")
    try:
        warehouse.run("verify/load_snapshot")
    finally:
        warehouse.execute("DETACH published_version")


def _and(so_far: Comparison, found: dict[str, Any]) -> Comparison:
    return Comparison(so_far.table, so_far.rows + found["rows"], so_far.differing_rows + found["differing"])
