"""The command line. Exit 0: done, 1: failed, 2: wrong use, 3: held.

Everything slow is imported inside the commands, so that `resegment --help` is quick.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from warehouse.errors import ResegmentError

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; default ./resegment.toml if there is one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def main() -> None:
    """Entry point of the command `resegment`."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


@app.callback()
def resegment() -> None:
    """Re-segments a shop's customers every night and publishes versioned segment tables."""


@app.command()
def nightly(
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Date to segment for; default today.")
    ] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Fit the model anew instead of updating it.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take in new deliveries and publish the segments as of a date."""
    from flows.running import run_flow
    from flows.showing import show_night

    with _explained(as_json):
        outcome = run_flow("nightly", quiet=as_json, as_of=as_of.date() if as_of else None, refit=refit, config=config)
        _print_json(outcome) if as_json else show_night(outcome)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo's shop, warehouse and published files go.")] = Path(
        "demo"
    ),
    as_json: Json = False,
) -> None:
    """Run some nights of an invented shop, from nothing to published segments."""
    from flows.demo import run_demo
    from flows.showing import show_demo

    with _explained(as_json):
        outcome = run_demo(folder, quiet=as_json)
        _print_json(outcome) if as_json else show_demo(outcome)


@app.command()
def status(config: Config = None, as_json: Json = False) -> None:
    """Tell how the last run ended and what is published."""
    from flows.settings import load_settings
    from flows.showing import show_status
    from warehouse import reading

    with _explained(as_json):
        found = reading.status(load_settings(config).settings.warehouse.serving)
        if not found:
            raise ResegmentError("No run has ended here yet. Run `resegment nightly` first.")
        _print_json(found) if as_json else show_status(found)


@app.command()
def verify(config: Config = None, as_json: Json = False) -> None:
    """Rebuild everything from the lines beside what is stored and count the rows that differ."""
    from flows.showing import show_verification
    from flows.verification import run_verification

    with _explained(as_json):
        found = run_verification(config)
        _print_json(found) if as_json else show_verification(found)
        if any(row["differing_rows"] for row in found):
            raise typer.Exit(1)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='One statement, as "FROM customer_segments LIMIT 5".')],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Query the published tables (the current version, read-only)."""
    from flows.settings import load_settings
    from flows.showing import show_rows
    from warehouse import reading

    with _explained(as_json):
        names, rows = reading.query(load_settings(config).settings.warehouse.serving, query)
        if as_json:
            _print_json([dict(zip(names, row, strict=True)) for row in rows])
        else:
            show_rows(names, rows)


@app.command("config")
def show_configuration(
    config: Config = None,
    as_json: Json = False,
    example: Annotated[bool, typer.Option("--example", help="Print a commented resegment.toml to start from.")] = False,
) -> None:
    """Print what is in force and where each value came from."""
    from flows.settings import describe, example_toml, load_settings
    from flows.showing import show_configuration

    with _explained(as_json):
        if example:
            typer.echo(example_toml(), nl=False)
            return
        loaded = load_settings(config)
        described = describe(loaded)
        if as_json:
            _print_json({one.key: {"value": one.value, "origin": one.origin} for one in described})
        else:
            show_configuration(described, loaded.file)


@app.command()
def fetch(
    folder: Annotated[Path, typer.Argument(help="Folder for the daily files.")] = Path("data"),
    as_json: Json = False,
) -> None:
    """Download the public UCI Online Retail set and prepare it as one CSV file a day."""
    from tasks.fetch import fetch_online_retail

    from flows.showing import show_fetched

    with _explained(as_json):
        found = fetch_online_retail(folder)
        _print_json(found) if as_json else show_fetched(found)


@contextmanager
def _explained(as_json: bool) -> Iterator[None]:
    """Errors made for people end the command with their message and exit code; others keep their traceback."""
    from segmentation.errors import SegmentationError

    try:
        yield
    except (ResegmentError, SegmentationError) as error:
        held = type(error).__name__ == "VersionHeldError"
        if as_json:
            _print_json({"status": "held" if held else "failed", "error": str(error)})
        typer.echo(f"resegment: {error}", err=True)
        raise typer.Exit(3 if held else 1) from error


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
