"""Steps of erasing customers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.by_hand import kept
from tasks.present import utc_now, who
from tasks.progress import listener, logger
from tasks.upkeep import check_exists
from tasks.wrapper import task
from warehouse import erasure, publish, store
from warehouse.errors import ErasureError
from warehouse.params import SourceParams, WarehouseParams


@task
def plan_erasure(
    params: WarehouseParams, source: SourceParams, file: Path | None, *, new_key: bool = False
) -> dict[str, Any]:
    """What `erase_customers` would remove, table by table and version by version; changes nothing."""
    check_exists(params)
    with store.looking(params, "erase"), store.opened(params) as warehouse:
        customers = _customers(warehouse, source, file)
        tables = erasure.rows_of(warehouse, source, customers)
        versions = erasure.rows_of_versions(warehouse, customers)
        fresh = list(customers) if new_key else erasure.to_request(warehouse, source, customers)
        return {
            "status": "planned",
            "customers": len(customers),
            "new_customers": len(fresh),
            "unknown_customers": len(erasure.unknown(warehouse, source, fresh)),
            "unfinished": len(erasure.pending(warehouse)),
            "tables": tables,
            "versions": versions,
            "bytes_needed": _bytes_needed(params, versions),
            "copies": erasure.copies_left(params),
        }


@task
def erase_customers(
    params: WarehouseParams, source: SourceParams, file: Path | None, *, new_key: bool = False
) -> dict[str, Any]:
    """Erase the customers a file names, and finish an erasure that was stopped; return what was removed.

    `new_key` replaces a key that is lost; the file then names everybody who was ever erased.

    Raises
    ------
    ErasureError
        The file names no customer, or there is neither a file nor anything to finish.
    ErasureKeyError
        Customers were erased before, and their key is missing.
    DiskFullError
        There is no room for a copy. The customers are out of all tables; run it again to finish.
    """
    check_exists(params)
    with store.holding(params, "erase"), kept(params, "erase") as deed:
        with store.opening(params), store.opened(params) as warehouse:
            for mended in publish.reconcile(warehouse, utc_now()):
                logger.warning("after an earlier run that was stopped: %s", mended)
            customers = _customers(warehouse, source, file)
            deed.about = f"{len(customers):,} customers"
            fresh = list(customers) if new_key else erasure.to_request(warehouse, source, customers)
            unknown = erasure.unknown(warehouse, source, fresh)
            removed = erasure.request(warehouse, source, fresh, who(), utc_now(), new_key=new_key) if fresh else {}
            if not fresh and not erasure.pending(warehouse):
                return {"status": "unchanged", "customers": len(customers), "copies": erasure.copies_left(params)}
            versions = erasure.revise_versions(warehouse, utc_now(), listener.get().advance)
            erasure.close(warehouse, utc_now())
        copied = erasure.finish(params)
    return {
        "status": "done",
        "customers": len(customers),
        "new_customers": len(fresh),
        "unknown_customers": len(unknown),
        "tables": removed,
        "versions": versions,
        "bytes_before": copied.bytes_before,
        "bytes_after": copied.bytes_after,
        "copies": erasure.copies_left(params),
    }


@task
def list_erasures(params: WarehouseParams) -> list[dict[str, Any]]:
    """Every erasure so far: when, by whom, how many customers, rows by table; no ids."""
    check_exists(params)
    with store.looking(params, "erase"), store.opened(params) as warehouse:
        return erasure.history(warehouse)


def _customers(warehouse: store.Warehouse, source: SourceParams, file: Path | None) -> Sequence[str]:
    if file is not None:
        return erasure.read_customers(warehouse, source, file)
    stopped = erasure.pending(warehouse)
    if not stopped:
        raise ErasureError("There is no stopped erasure to finish. Name whom to erase with --customers FILE.")
    return stopped


def _bytes_needed(params: WarehouseParams, versions: dict[int, Any]) -> int:
    """Free disk the largest copy takes; copies are made one after the other."""
    files = [params.path, *(publish.version_file(params.serving, number) for number in versions)]
    return max(file.stat().st_size for file in files)
