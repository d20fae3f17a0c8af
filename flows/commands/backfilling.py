"""Past dates: make their versions, make those anew that later deliveries contradict, and compare two versions."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from flows.commands.shared import Config, Json, command, day, explained, show
from tasks.ranges import Asked, BackfillError, Every, check


@command()
def backfill(
    start: Annotated[
        date | None, typer.Option("--from", parser=day, metavar="YYYY-MM-DD", help="First date of the range.")
    ] = None,
    end: Annotated[
        date | None,
        typer.Option("--to", parser=day, metavar="YYYY-MM-DD", help="Last date of the range, itself included."),
    ] = None,
    every: Annotated[
        Every, typer.Option(help="How far the dates are apart; months keep the day of the month, or the last there is.")
    ] = Every.DAY,
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="current or a model's number: assign with it; replay: a chain of models, each of what came before.",
        ),
    ] = "current",
    force: Annotated[bool, typer.Option("--force", help="Supersede versions that are published already.")] = False,
    affected: Annotated[
        bool,
        typer.Option("--affected", help="No range: restate the versions that later deliveries contradict."),
    ] = False,
    reports: Annotated[bool, typer.Option("--reports", help="Write the reports that are missing too.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be made, and change nothing.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Publish versions of past dates, or restate contradicted ones.

    A backfill that was stopped is run again and goes on where it was.
    """
    from flows.planning import plan_backfill
    from flows.running import run_flow
    from tasks.backfill_plan import look_ahead

    asked = Asked(start, end, every, model, force, affected)
    try:
        check(asked)
    except BackfillError as error:
        raise typer.BadParameter(str(error)) from error
    with explained(as_json):
        if plan:
            show("show_plan", look_ahead(plan_backfill(asked, config), asked), as_json, module="showing_backfill")
            return
        outcome = run_flow("backfill", quiet=as_json, **asdict(asked), reports=reports, config=config)
        show("show_backfill", outcome, as_json, module="showing_backfill")


@command()
def diff(
    former: Annotated[int, typer.Argument(metavar="VERSION", help="Number of one version.")],
    later: Annotated[
        int | None, typer.Argument(metavar="VERSION", help="Number of the other; without it, the current one.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Tell what differs between two versions: sizes, money, moves."""
    from flows.settings import load_settings
    from warehouse import reading

    with explained(as_json):
        serving = load_settings(config).settings.warehouse.serving
        if former == (later or reading.version_of(reading.current_file(serving))):
            which = "both are" if later else "the current one is"
            raise typer.BadParameter(f"{which} version {former}; name two that differ")
        found = reading.difference(serving, former, later)
        show("show_difference", found, as_json, module="showing_backfill")
