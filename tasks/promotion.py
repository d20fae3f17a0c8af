"""Steps taken by hand: promote, roll back, release."""

from typing import Any

from tasks.night import utc_now
from tasks.wrapper import task
from warehouse import promotion, publish, reading, store, versions
from warehouse.errors import WarehouseError
from warehouse.params import WarehouseParams


@task
def promote_version(params: WarehouseParams, version_id: int) -> dict[str, Any]:
    """Publish a held version all the same; return what readers see now."""
    _expect(params)
    with store.writing(params, "promote"), store.opened(params) as warehouse:
        publish.reconcile(warehouse, utc_now())
        promotion.promote(warehouse, version_id, utc_now())
        return _shown(warehouse)


@task
def roll_back(params: WarehouseParams, version_id: int | None) -> dict[str, Any]:
    """Keep readers on an older version; return what they see now."""
    _expect(params)
    with store.writing(params, "rollback"), store.opened(params) as warehouse:
        publish.reconcile(warehouse, utc_now())
        promotion.roll_back(warehouse, version_id, utc_now())
        return _shown(warehouse)


@task
def release_readers(params: WarehouseParams) -> dict[str, Any]:
    """End a rollback; return what readers see now."""
    _expect(params)
    with store.writing(params, "rollback"), store.opened(params) as warehouse:
        publish.reconcile(warehouse, utc_now())
        promotion.release(warehouse)
        return _shown(warehouse)


def _expect(params: WarehouseParams) -> None:
    """Opening it would make an empty one, in whichever folder the command was typed."""
    if not params.path.exists():
        raise WarehouseError(f"There is no warehouse at {params.path} yet. Run `resegment nightly` first.")


def _shown(warehouse: store.Warehouse) -> dict[str, Any]:
    serving = warehouse.params.serving
    last = reading.status(serving)
    pinned = versions.pinned(warehouse) is not None
    if last:  # the last run's own record, but what is current is what it is now
        publish.write_status(serving, last | {"current": publish.current_pointer(serving), "pinned": pinned})
    row = versions.current(warehouse)
    return {"current": {"version_id": row["version_id"], "as_of": row["as_of"]} if row else None, "pinned": pinned}
