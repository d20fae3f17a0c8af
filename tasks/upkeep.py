"""Steps that keep the private warehouse itself in order, outside the night."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.by_hand import kept
from tasks.present import utc_now
from tasks.wrapper import task
from warehouse import backup, rewriting, store
from warehouse.errors import WarehouseError
from warehouse.params import WarehouseParams


@task
def compact_warehouse(params: WarehouseParams) -> dict[str, Any]:
    """Replace the warehouse's file by a checked copy of itself; return the bytes before and after and the tables.

    Raises
    ------
    WarehouseError
        There is no warehouse yet, or the copy was not made; nothing was changed.
    """
    check_exists(params)
    with store.holding(params, "compact"):
        with kept(params, "compact"):
            copied = rewriting.rewrite_file(params, params.path)
        return asdict(copied) | {"file": str(params.path), "bytes_after": params.path.stat().st_size}


@task
def back_up_warehouse(
    params: WarehouseParams, folder: Path, configuration: Mapping[str, Path], *, every_version: bool
) -> dict[str, Any]:
    """Make a backup in `folder` while nobody writes; return its manifest and path.

    Raises
    ------
    WarehouseError
        There is no warehouse yet, or the backup was not made; nothing of it is left.
    """
    check_exists(params)
    with store.holding(params, "backup"), kept(params, "backup", f"in {folder}"):
        return backup.back_up(params, folder, utc_now(), configuration, every_version=every_version)


def check_exists(params: WarehouseParams) -> None:
    """Raise WarehouseError if there is no warehouse yet."""
    if not params.path.exists():
        raise WarehouseError(f"There is no warehouse at {params.path} yet. Run `resegment nightly` first.")
