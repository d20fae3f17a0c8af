"""Steps that put a backup in the place of a warehouse."""

from typing import Any

from tasks.by_hand import kept
from tasks.progress import logger
from tasks.wrapper import task
from warehouse import publish, restoring, serving, store, versions
from warehouse.errors import WarehouseError
from warehouse.params import WarehouseParams
from warehouse.restoring import Backup, check_backup, put_configuration

__all__ = ["Backup", "check_backup", "put_configuration", "restore_warehouse"]


@task
def restore_warehouse(params: WarehouseParams, backup: Backup, *, force: bool) -> dict[str, Any]:
    """Put a checked backup in the warehouse's place; return what readers see now; raises as `restoring.restore`."""
    with (
        store.holding(params, "restore", restoring=True),
        kept(params, "restore", f"from {backup.folder}") as deed,
    ):
        deed.about = f"{backup.folder.absolute()} of {backup.manifest['created_at'][:16].replace('T', ' ')} UTC"
        restoring.restore(params, backup, force=force)
        pinned = _tell_readers(params)
    pointer = publish.current_pointer(params.serving)
    return {
        "status": "done",
        "path": str(params.path),
        "backup": str(backup.folder),
        "created_at": backup.manifest["created_at"],
        "versions": [serving.number_of(folder) for folder in backup.versions],
        "current": pointer and {name: pointer[name] for name in ("version_id", "as_of")},
        "pinned": pinned,
        "erasure_key": backup.manifest["erasure_key"],
    }


def _tell_readers(params: WarehouseParams) -> bool:
    """`status.json` is of the last run this warehouse knows; returns whether readers are kept on a version."""
    try:
        with store.opening(params, upgrade=False) as warehouse:
            (run,) = warehouse.rows("ops/last_run") or [{}]
            pinned = versions.pinned(warehouse) is not None
    except WarehouseError as error:  # of an older schema, say, which the next night upgrades
        logger.warning("%s", error)
        return False
    if run:
        known: dict[str, Any] = {"failed_checks": [], "changes": [], "seconds": {}, "pinned": pinned}
        publish.write_status(params.serving, run | known | {"current": publish.current_pointer(params.serving)})
    return pinned
