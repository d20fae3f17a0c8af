"""Look at what is there: the last run, the published tables, other recipes, the proof."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import Config, Json, command, day, explained, show


@command()
def status(config: Config = None, as_json: Json = False) -> None:
    """Tell how the last run ended and what is published."""
    from flows.settings import load_settings
    from warehouse import reading

    with explained(as_json):
        serving = load_settings(config).settings.warehouse.serving
        found = reading.status(serving) or {"status": None, "current": None, "serving": serving}
        show("show_status", found, as_json)


@command()
def verify(config: Config = None, as_json: Json = False) -> None:
    """Rebuild everything from the lines and count rows that differ."""
    from flows.verification import run_verification

    with explained(as_json):
        found = run_verification(config)
        show("show_verification", found, as_json)
        if any(row["differing_rows"] for row in found):
            raise typer.Exit(1)


@command()
def compare(
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=day,
            metavar="YYYY-MM-DD",
            help="Date to group for. Without it, the newest with 90 later days known, else the newest.",
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=2, max=20_000, metavar="NUMBER", help="Most customers to compare on.")
    ] = 5_000,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write comparison.html, a page of pictures, into this folder.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Compare other ways to group customers with the one in use.

    Publishes nothing.
    """
    from flows.comparison import run_comparison

    with explained(as_json):
        found = run_comparison(as_of, sample, config, pictures)
        show("show_comparison", found, as_json, module="showing_comparison")


@command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help='One statement, as "FROM customer_segments LIMIT 5".')],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Query the published tables of the current version, read-only.

    `FROM data_dictionary` tells what they are. On a terminal rows are shown as a table, in a pipe as lines separated
    by tabs.
    """
    from flows.querying import run_query

    with explained(as_json):
        rows = run_query(query, config)
        show("show_rows", rows.as_dicts() if as_json else rows, as_json)
