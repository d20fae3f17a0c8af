"""What every command shares: the application, its usual options, and how results and errors reach the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.json_text import json_text
from warehouse.errors import ResegmentError, reason_of, signals_raised

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


def command(name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose line in the list is the whole first line of its docstring; typer would cut it."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        return app.command(name, short_help=(function.__doc__ or "").partition("\n")[0])(function)

    return register


def day(text: str) -> date:
    """A date typed as 2011-12-31; raises the wrong-use error of the command line for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it as 2011-12-31") from None


AsOf = Annotated[
    date | None,
    typer.Option(
        parser=day,
        metavar="YYYY-MM-DD",
        help="Date to segment for: lines before this day count. Without it, today in the shop's time zone.",
    ),
]


def show(how: str, found: Any, as_json: bool, module: str = "showing") -> None:
    """Print a result as JSON, or by the function of flows.showing, or another module, for people."""
    if as_json:
        typer.echo(json_text(found))
        return
    from importlib import import_module

    getattr(import_module(f"flows.{module}"), how)(found)


@contextmanager
def explained(as_json: bool) -> Iterator[None]:
    """Errors made for people and the system's own end the command with one message; others keep their traceback."""
    from segmentation.errors import SegmentationError

    try:
        with signals_raised():
            yield
    except BrokenPipeError:
        raise
    except (ResegmentError, SegmentationError, OSError) as error:
        told = _told(error) if isinstance(error, OSError) else str(error)
        held = type(error).__name__ == "VersionHeldError"  # its module is slow to import
        if as_json:
            typer.echo(json_text({"status": "held" if held else "failed", "error": told}))
        typer.echo(f"resegment: {told}", err=True)
        raise typer.Exit(3 if held else 1) from error


def _told(error: OSError) -> str:
    """What the system refused, without its number, which tells nobody anything."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{reason_of(error)}. Mend that, then run this again."
