"""Run a night: as scheduled, with a fresh model, or of a made-up shop."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import AsOf, Config, Json, command, explained, show


@command()
def nightly(
    as_of: AsOf = None,
    refit: Annotated[bool, typer.Option("--refit", help="Fit the model anew instead of updating it.")] = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Tell what the night would do, changed settings' consequences too; do nothing."),
    ] = False,
    reread: Annotated[
        bool | None,
        typer.Option(
            "--reread/--no-reread",
            help="After a change of how files or rows are read: read all again, or let it hold for new ones only.",
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take in new deliveries and publish the segments as of a date."""
    from flows.running import run_flow

    with explained(as_json):
        if plan:
            from flows.planning import look_ahead_to_night

            show("show_plan", look_ahead_to_night(as_of, refit, config), as_json, module="showing_upkeep")
            return
        outcome = run_flow("nightly", quiet=as_json, as_of=as_of, refit=refit, config=config, reread=reread)
        show("show_night", outcome, as_json)


@command()
def refit(as_of: AsOf = None, config: Config = None, as_json: Json = False) -> None:
    """Run a night that fits the model anew, whatever its age."""
    from flows.running import run_flow

    with explained(as_json):
        show("show_night", run_flow("nightly", quiet=as_json, as_of=as_of, refit=True, config=config), as_json)


@command()
def demo(
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where everything of the demo goes; an earlier demo is replaced.")
    ] = Path("demo"),
    as_json: Json = False,
) -> None:
    """Run four nights of a made-up shop; needs no network."""
    from flows.demo import run_demo

    def tell(line: str) -> None:
        if not as_json:
            typer.echo(line, err=True)

    with explained(as_json):
        show("show_demo", run_demo(folder, quiet=as_json, tell=tell), as_json)
