"""What readers see: promote a held version, go back to an older one."""

from typing import Annotated

import typer

from flows.commands.shared import Config, Json, command, explained, show


@command()
def promote(
    version: Annotated[int, typer.Argument(metavar="VERSION", help="Number of the held version.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Publish a version that was held back; also ends a rollback."""
    from flows.settings import load_settings
    from tasks.promotion import promote_version
    from tasks.reporting import report_current

    with explained(as_json):
        settings = load_settings(config).settings
        found = promote_version(settings.warehouse, version)
        report = report_current(settings.warehouse.serving, settings.report)
        show("show_current", found | {"report": report}, as_json)


@command()
def rollback(
    version: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="Version to show; without it, the one before the current.")
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="End the rollback: show the newest version again.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Keep readers on an older version; nights go on publishing."""
    from flows.settings import load_settings
    from tasks.promotion import release_readers, roll_back
    from tasks.reporting import report_current

    if release and version is not None:
        raise typer.BadParameter("--release shows the newest version; leave the number out.")
    with explained(as_json):
        settings = load_settings(config).settings
        found = release_readers(settings.warehouse) if release else roll_back(settings.warehouse, version)
        report = report_current(settings.warehouse.serving, settings.report)
        show("show_current", found | {"report": report}, as_json)
