"""The command line. Exit 0: done, 1: failed, 2: wrong use, 3: held.

Everything slow is imported inside the commands, so that `resegment --help` is quick.
"""

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.json_text import json_text
from warehouse.errors import ResegmentError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration file; without it ./resegment.toml, if there is one."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read, and nothing else.")]


def main() -> None:
    """Entry point of the command `resegment`.

    Taking the interpreter apart piece by piece costs a night a third of a second and says nothing new, so it ends at
    once; only Prefect has to send what it still holds.
    """
    atexit.register(_close_standard_error)
    try:
        app()
    except SystemExit as ended:
        if "prefect" in sys.modules or not isinstance(ended.code, int | None):
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code or 0)


def _close_standard_error() -> None:
    """Registered first, it runs after every other handler.

    DuckDB's binding takes objects for leaked while a thread of Prefect's or an import still lives, and would fill the
    screen with them as the interpreter ends.
    """
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _command(name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose line in the list is the whole first line of its docstring; typer would cut it."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        return app.command(name, short_help=(function.__doc__ or "").partition("\n")[0])(function)

    return register


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it as 2011-12-31") from None


AsOf = Annotated[
    date | None,
    typer.Option(
        parser=_day,
        metavar="YYYY-MM-DD",
        help="Date to segment for: lines before this day count. Without it, today in the shop's time zone.",
    ),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"resegment {version('resegment')}")
        raise typer.Exit


@app.callback()
def resegment(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Re-segments a shop's customers every night and publishes versioned segment tables.

    Exit codes: 0 done, 1 failed, 2 wrong use, 3 a version was held back for a person to judge.
    """


@_command()
def nightly(
    as_of: AsOf = None,
    refit: Annotated[bool, typer.Option("--refit", help="Fit the model anew instead of updating it.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take in new deliveries and publish the segments as of a date."""
    from flows.running import run_flow

    with _explained(as_json):
        outcome = run_flow("nightly", quiet=as_json, as_of=as_of, refit=refit, config=config)
        _show("show_night", outcome, as_json)


@_command()
def refit(as_of: AsOf = None, config: Config = None, as_json: Json = False) -> None:
    """Run a night that fits the model anew, whatever the schedule says."""
    from flows.running import run_flow

    with _explained(as_json):
        _show("show_night", run_flow("nightly", quiet=as_json, as_of=as_of, refit=True, config=config), as_json)


@_command()
def promote(
    version: Annotated[int, typer.Argument(metavar="VERSION", help="Number of the held version.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Publish a version that was held back; also ends a rollback."""
    from flows.settings import load_settings
    from tasks.promotion import promote_version

    with _explained(as_json):
        found = promote_version(load_settings(config).settings.warehouse, version)
        _show("show_current", found, as_json)


@_command()
def rollback(
    version: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", help="Version to show; without it, the one before the current.")
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="End the rollback: show the newest version again.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Keep readers on an older published version; nights go on publishing."""
    from flows.settings import load_settings
    from tasks.promotion import release_readers, roll_back

    with _explained(as_json):
        warehouse = load_settings(config).settings.warehouse
        _show("show_current", release_readers(warehouse) if release else roll_back(warehouse, version), as_json)


@_command()
def demo(
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where everything of the demo goes; an earlier demo is replaced.")
    ] = Path("demo"),
    as_json: Json = False,
) -> None:
    """Run four nights of a made-up shop, from nothing to published segments; needs no network."""
    from flows.demo import run_demo

    def tell(line: str) -> None:
        if not as_json:
            typer.echo(line, err=True)

    with _explained(as_json):
        _show("show_demo", run_demo(folder, quiet=as_json, tell=tell), as_json)


@_command()
def status(config: Config = None, as_json: Json = False) -> None:
    """Tell how the last run ended and what is published."""
    from flows.settings import load_settings
    from warehouse import reading

    with _explained(as_json):
        serving = load_settings(config).settings.warehouse.serving
        found = reading.status(serving) or {"status": None, "current": None, "serving": serving}
        _show("show_status", found, as_json)


@_command()
def verify(config: Config = None, as_json: Json = False) -> None:
    """Rebuild everything from the lines beside what is stored and count the rows that differ."""
    from flows.verification import run_verification

    with _explained(as_json):
        found = run_verification(config)
        _show("show_verification", found, as_json)
        if any(row["differing_rows"] for row in found):
            raise typer.Exit(1)


@_command()
def compare(
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=_day,
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
    """Compare other ways to group customers with the one in use; publishes nothing."""
    from flows.comparison import run_comparison

    with _explained(as_json):
        found = run_comparison(as_of, sample, config, pictures)
        _show("show_comparison", found, as_json, module="showing_comparison")


@_command()
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

    with _explained(as_json):
        rows = run_query(query, config)
        _show("show_rows", rows.as_dicts() if as_json else rows, as_json)


@_command("config")
def show_configuration(
    config: Config = None,
    as_json: Json = False,
    example: Annotated[bool, typer.Option("--example", help="Print a commented resegment.toml to start from.")] = False,
) -> None:
    """Print every setting in force and where its value came from."""
    from flows.settings import describe, example_toml, load_settings

    with _explained(as_json):
        if example:
            typer.echo(example_toml(), nl=False)
            return
        loaded = load_settings(config)
        described = {one.key: {"value": one.value, "origin": one.origin} for one in describe(loaded)}
        _show("show_configuration", described, as_json)


@_command()
def fetch(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Folder for the daily files.")] = Path("data"),
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Prepare this file, the archive or the xlsx in it; download none."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Download the public UCI Online Retail set and prepare it as one CSV file a day."""
    from tasks.fetch import fetch_online_retail

    with _explained(as_json):
        _show("show_fetched", fetch_online_retail(folder, from_file), as_json)


def _show(how: str, found: Any, as_json: bool, module: str = "showing") -> None:
    """Print a result as JSON, or by the function of flows.showing, or another module, for people."""
    if as_json:
        typer.echo(json_text(found))
        return
    from importlib import import_module

    getattr(import_module(f"flows.{module}"), how)(found)


@contextmanager
def _explained(as_json: bool) -> Iterator[None]:
    """Errors made for people and the system's own end the command with one message; others keep their traceback."""
    from segmentation.errors import SegmentationError

    try:
        yield
    except BrokenPipeError:
        raise
    except (ResegmentError, SegmentationError, OSError) as error:
        held = type(error).__name__ == "VersionHeldError"  # its module is slow to import
        if as_json:
            typer.echo(json_text({"status": "held" if held else "failed", "error": str(error)}))
        typer.echo(f"resegment: {error}", err=True)
        raise typer.Exit(3 if held else 1) from error


if __name__ == "__main__":
    main()
