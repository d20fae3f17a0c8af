"""Before the first night: the configuration, and data to try it on."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import Config, Json, command, explained, show


@command("config")
def show_configuration(
    config: Config = None,
    as_json: Json = False,
    example: Annotated[bool, typer.Option("--example", help="Print a commented resegment.toml to start from.")] = False,
) -> None:
    """Print every setting in force and where its value came from."""
    from flows.settings import describe, example_toml, load_settings

    with explained(as_json):
        if example:
            typer.echo(example_toml(), nl=False)
            return
        loaded = load_settings(config)
        described = {one.key: {"value": one.value, "origin": one.origin} for one in describe(loaded)}
        show("show_configuration", described, as_json)


@command()
def fetch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder for the daily files.")] = Path("data"),
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Prepare this file, the archive or the xlsx in it; download none."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Download the public UCI Online Retail set, one CSV file a day."""
    from tasks.fetch import fetch_online_retail

    with explained(as_json):
        show("show_fetched", fetch_online_retail(folder, from_file), as_json)
