"""A backup put back: its configuration where there is none, then everything that configuration says the places of."""

from pathlib import Path
from typing import Any

from flows.settings import CONFIGURATION_FILE, load_settings
from tasks.restoring import check_backup, put_configuration, restore_warehouse


def run_restore(folder: Path, config: Path | None, *, force: bool) -> dict[str, Any]:
    """Check a backup and put it in the place of the configured warehouse; return what was done.

    Raises
    ------
    WarehouseError
        The backup is damaged or none, something is there already, or there is no room. No warehouse was changed.
    """
    backup = check_backup(folder)
    written = [] if config or CONFIGURATION_FILE.exists() else put_configuration(backup, Path.cwd())
    restored = restore_warehouse(load_settings(config).settings.warehouse, backup, force=force)
    return restored | {"configuration": [str(file) for file in written]}
