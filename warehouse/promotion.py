"""By hand: publish a version that was held back, keep readers on an older one, let them go again."""

from datetime import datetime

from warehouse import publish, versions
from warehouse.errors import VersionError
from warehouse.serving import version_file
from warehouse.store import Warehouse


def promote(warehouse: Warehouse, version_id: int, now: datetime) -> bool:
    """Publish a held version all the same and end a rollback; return whether it is `current` now.

    Raises
    ------
    VersionError
        The version is not held.
    """
    row = versions.version(warehouse, version_id)
    if row["status"] != "held":
        raise VersionError(f"Version {version_id} is {row['status']}, not held; only a held version can be promoted.")
    release(warehouse)
    return publish.publish(warehouse, version_id, now)


def roll_back(warehouse: Warehouse, version_id: int | None, now: datetime) -> int:
    """Keep readers on an older published version (default: the one before `current`); return which.

    Nights go on publishing; readers stay until `release` or a promotion. The pin is committed before the link moves, so
    a stopped rollback is finished by the next run.

    Raises
    ------
    VersionError
        The version is not published, its file is gone, or there is none before the current one.
    """
    target = version_id if version_id is not None else _before_current(warehouse)
    row = versions.version(warehouse, target)
    if row["status"] != "published":
        raise VersionError(f"Version {target} is {row['status']}; readers can only go back to a published version.")
    if not version_file(warehouse.params.serving, target).exists():
        raise VersionError(
            f"The file of version {target} is not in {warehouse.params.serving}; bring it back from a backup, or name "
            "another published version."
        )
    with warehouse.transaction():
        warehouse.execute("DELETE FROM segments.pin")
        warehouse.execute("INSERT INTO segments.pin VALUES ($id, $now)", {"id": target, "now": now})
    publish.point_current(warehouse)
    return target


def release(warehouse: Warehouse) -> int | None:
    """Let readers see the newest published version again; return which, or None if nothing was pinned."""
    if versions.pinned(warehouse) is None:
        return None
    with warehouse.transaction():
        warehouse.execute("DELETE FROM segments.pin")
    publish.point_current(warehouse)
    newest = versions.current(warehouse)
    return newest["version_id"] if newest else None


def _before_current(warehouse: Warehouse) -> int:
    current = versions.current(warehouse)
    before = versions.published_before(warehouse, current["as_of"]) if current else None
    if before is None:
        raise VersionError("There is no published version before the current one to go back to.")
    return int(before["version_id"])
