"""Customers as files for other tools: the shop's mailing list, its CRM."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import Config, Json, command, explained, show

if TYPE_CHECKING:
    from tasks.audience import FileKind


@command()
def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What to write, .csv or .parquet; a manifest comes beside it.")
    ],
    segment: Annotated[
        list[str] | None,
        typer.Option("--segment", metavar="NAME", help="A segment's name or key; may be repeated. Without it, all."),
    ] = None,
    where: Annotated[
        str,
        typer.Option(metavar="SQL", help="Condition on the columns of customer_segments, as \"country = 'France'\"."),
    ] = "",
    columns: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Columns of customer_segments, with commas between.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(metavar="VERSION", help="Version to take; without it, the current one.")
    ] = None,
    changed_since: Annotated[
        int | None,
        typer.Option(metavar="VERSION", help="Only who entered or left this audience since that version, for a CRM."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--format", metavar="csv|parquet", help="Without it, by the file's name.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write customers, picked by segment and condition, as a file.

    A manifest beside it has the filter, the version and the sha256.
    """
    from flows.settings import load_settings
    from tasks.audience import COLUMNS, Audience, export_audience

    wanted = _wanted(file, kind)
    with explained(as_json):
        serving = load_settings(config).settings.warehouse.serving
        named = tuple(name.strip() for name in columns.split(",")) if columns else COLUMNS
        asked = Audience(tuple(segment or ()), where, named, version, changed_since)
        show("show_export", export_audience(serving, asked, file, wanted) | {"path": file}, as_json)


@command()
def flat(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go; they are replaced each time.")],
    kind: Annotated[str, typer.Option("--format", metavar="csv|parquet", help="Format of the files.")] = "parquet",
    version: Annotated[
        int | None, typer.Option(metavar="VERSION", help="Version to take; without it, the current one.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write every published table as a Parquet or CSV file.

    For BI tools of other accounts: everybody who may enter the folder may read them.
    """
    from flows.settings import load_settings
    from tasks.audience import write_flat_files

    wanted = _wanted(folder, kind)
    with explained(as_json):
        serving = load_settings(config).settings.warehouse.serving
        manifest = write_flat_files(serving, folder, wanted, version)
        show("show_flat_files", manifest | {"folder": folder}, as_json)


def _wanted(file: Path, named: str | None) -> "FileKind":
    """Raises the wrong-use error for a format there is not."""
    from tasks.audience import AudienceError, kind_of

    try:
        return kind_of(file, named)
    except AudienceError as error:
        raise typer.BadParameter(str(error)) from error
