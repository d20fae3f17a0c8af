"""Pictures of a version for people."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import Config, Json, command, explained, show


@command()
def report(
    version: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="Published version; without it, the current one.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write it there instead of beside the version.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write a version's report: one HTML file that names no customer."""
    from flows.settings import load_settings
    from tasks.reporting import report_version

    with explained(as_json):
        settings = load_settings(config).settings
        found = report_version(settings.warehouse.serving, settings.report, version, output)
        show("show_report", found, as_json)
