"""Steps taken by hand: promote, roll back, release."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.by_hand import kept
from tasks.present import utc_now
from tasks.upkeep import check_exists
from tasks.wrapper import task
from warehouse import promotion, publish, reading, store, versions
from warehouse.params import WarehouseParams


@task
def promote_version(params: WarehouseParams, version_id: int) -> dict[str, Any]:
    """Publish a held version all the same; return what readers see now."""
    with _deciding(params, "promote", f"version {version_id}") as warehouse:
        promotion.promote(warehouse, version_id, utc_now())
        return _shown(warehouse)


@task
def roll_back(params: WarehouseParams, version_id: int | None) -> dict[str, Any]:
    """Keep readers on an older version; return what they see now."""
    about = f"to version {version_id}" if version_id else "to the version before"
    with _deciding(params, "rollback", about) as warehouse:
        promotion.roll_back(warehouse, version_id, utc_now())
        return _shown(warehouse)


@task
def release_readers(params: WarehouseParams) -> dict[str, Any]:
    """End a rollback; return what readers see now."""
    with _deciding(params, "rollback", "released") as warehouse:
        promotion.release(warehouse)
        return _shown(warehouse)


@contextmanager
def _deciding(params: WarehouseParams, command: str, about: str) -> Iterator[store.Warehouse]:
    check_exists(params)  # opening it would make an empty one, in whichever folder the command was typed
    with (
        store.holding(params, command),
        kept(params, command, about),
        store.opening(params),
        store.opened(params) as warehouse,
    ):
        publish.reconcile(warehouse, utc_now())
        yield warehouse


def _shown(warehouse: store.Warehouse) -> dict[str, Any]:
    serving = warehouse.params.serving
    last = reading.status(serving)
    pinned = versions.pinned(warehouse) is not None
    if last:  # the last run's own record, but what is current is what it is now
        publish.write_status(serving, last | {"current": publish.current_pointer(serving), "pinned": pinned})
    row = versions.current(warehouse)
    return {"current": {"version_id": row["version_id"], "as_of": row["as_of"]} if row else None, "pinned": pinned}
