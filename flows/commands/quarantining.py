"""The quarantine: what is in it and why, as a file to correct, and tried again."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import Config, Json, app, day, explained, show

if TYPE_CHECKING:
    from tasks.quarantining import Asked

quarantine = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)
app.add_typer(
    quarantine,
    name="quarantine",
    help="Look at lines that were set aside, correct them, take them in.",
    short_help="Look at lines that were set aside, correct them, take them in.",
)

Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="REASON", help="Only lines with this reason; may be repeated."),
]
Loads = Annotated[
    list[int] | None, typer.Option("--load", metavar="LOAD", help="Only lines of this load; may be repeated.")
]
Since = Annotated[
    date | None,
    typer.Option(parser=day, metavar="YYYY-MM-DD", help="Only lines received on that day (UTC) or later."),
]


@quarantine.command("list")
def list_lines(
    reason: Reasons = None,
    load: Loads = None,
    since: Since = None,
    lines: Annotated[
        int, typer.Option("--lines", min=0, metavar="NUMBER", help="Show so many lines as they were delivered.")
    ] = 0,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Count the lines that are set aside, by reason and by load."""
    from flows.settings import load_settings
    from tasks.quarantining import list_quarantine

    with explained(as_json):
        settings = load_settings(config).settings
        found = list_quarantine(settings.warehouse, settings.source, _asked(reason, load, since), lines)
        show("show_quarantine", found, as_json, module="showing_quarantine")


@quarantine.command("export")
def export_lines(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to write: .csv, .parquet or .jsonl.")],
    reason: Reasons = None,
    load: Loads = None,
    since: Since = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write the lines to a file in which they can be corrected.

    They are as they were delivered, with their reasons.
    """
    from flows.settings import load_settings
    from tasks.quarantining import export_quarantine

    _check_ending(file)
    with explained(as_json):
        settings = load_settings(config).settings
        found = export_quarantine(settings.warehouse, settings.source, _asked(reason, load, since), file)
        show("show_exported", found, as_json, module="showing_quarantine")


@quarantine.command("replay")
def replay_lines(
    reason: Reasons = None,
    load: Loads = None,
    since: Since = None,
    corrections: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="An export in which lines were corrected: only those are tried."),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only tell what would become of the lines.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take in lines that are sound by now, or as they were corrected.

    They are checked and accepted as a delivery, in a load named after the one they were set aside in. What is still
    faulty stays. The next night publishes what changed.
    """
    from flows.replaying import replay

    if corrections:
        _check_ending(corrections)
    with explained(as_json):
        found = replay(_asked(reason, load, since), corrections, plan, config)
        show("show_replay", found, as_json, module="showing_quarantine")


def _asked(reason: list[str] | None, load: list[int] | None, since: date | None) -> "Asked":
    """Raises the wrong-use error for a reason there is not."""
    from tasks.quarantining import REASONS, Asked

    for one in reason or ():
        if one not in REASONS:
            raise typer.BadParameter(f"{one!r} is no reason; there are {', '.join(REASONS)}")
    return Asked(tuple(reason or ()), tuple(load or ()), since)


def _check_ending(file: Path) -> None:
    """Raises the wrong-use error for a file of another format than those of an export."""
    from tasks.quarantining import ENDINGS

    if file.suffix.lower() not in ENDINGS:
        raise typer.BadParameter(f"{file}: the format is not known; its name must end in {', '.join(ENDINGS)}")
