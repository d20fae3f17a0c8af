"""Steps for people: an audience, or all published tables, as files."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from tasks.wrapper import task
from warehouse import audience, flat_files
from warehouse.audience import COLUMNS, Audience, AudienceError
from warehouse.frame_files import FileKind

__all__ = ["COLUMNS", "Audience", "AudienceError", "FileKind", "export_audience", "kind_of", "write_flat_files"]


@task
def export_audience(serving: Path, asked: Audience, file: Path, kind: FileKind) -> dict[str, Any]:
    """Write the customers of an audience with a manifest beside the file; return the manifest."""
    return audience.export(serving, asked, file, kind, made_by=f"resegment {version('resegment')}")


@task
def write_flat_files(serving: Path, folder: Path, kind: FileKind, version_id: int | None) -> dict[str, Any]:
    """Write every published table of a version, by default the current one, as a file; return the manifest."""
    return flat_files.write_tables(serving, folder, kind, version_id)


def kind_of(file: Path, named: str | None) -> FileKind:
    """The format that was named, else the one of the file's name.

    Raises AudienceError if neither tells.
    """
    kind = (named or file.suffix.lstrip(".")).lower()
    if kind == "csv":
        return "csv"
    if kind == "parquet":
        return "parquet"
    if named:
        raise AudienceError(f"--format {named!r} is not known; use csv or parquet.")
    raise AudienceError(f"{file}: the format is not known; name the file .csv or .parquet, or give --format.")
