"""Keep the private warehouse in order, outside the night."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import Config, Json, command, explained, show


@command()
def compact(config: Config = None, as_json: Json = False) -> None:
    """Give back disk space the private warehouse no longer uses.

    A copy is made beside it, compared table by table and put in its place; as much free disk as the warehouse uses is
    needed meanwhile. Readers of published versions notice nothing.
    """
    from flows.settings import load_settings
    from tasks.upkeep import compact_warehouse

    with explained(as_json):
        found = compact_warehouse(load_settings(config).settings.warehouse)
        show("show_compacted", found, as_json, module="showing_upkeep")


@command()
def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that `resegment backup` made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace for good the warehouse and the published versions that are there.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a backup back, here or on another machine.

    Every file of it is checked first. Where there is no configuration the backup's is put into this folder. Deliveries
    are not in a backup; put them back where [source] path finds them.
    """
    from flows.restoring import run_restore

    with explained(as_json):
        show("show_restored", run_restore(backup, config, force=force), as_json, module="showing_upkeep")


@command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where backups go, each in a folder of its own.")],
    every_version: Annotated[
        bool, typer.Option("--every-version", help="Keep every published version, not only the one readers see.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy the warehouse, the configuration and the current version.

    The copy is consistent and checked. Waits for nobody: while a run writes it refuses. Deliveries are not copied. How
    to restore: docs/runbook.md.
    """
    from flows.planning import configuration_files
    from flows.settings import load_settings
    from tasks.upkeep import back_up_warehouse

    with explained(as_json):
        loaded = load_settings(config)
        found = back_up_warehouse(
            loaded.settings.warehouse, folder, configuration_files(loaded), every_version=every_version
        )
        show("show_backup", found, as_json, module="showing_upkeep")
