"""Delivered files as DuckDB relations: what columns they have and the text to read them with.

A relation has the file's columns as `c0`, `c1`, ... (texts, or the types of a Parquet file), so that no name of theirs
meets one of ours, and `file`, the path; lines come in the order of the file.
"""

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.csv_text import csv_header
from warehouse.deliveries import Unit
from warehouse.params import REQUIRED_COLUMNS, FileFormat, SourceParams
from warehouse.text import listed, literal, quoted
from warehouse.unreadable import LOOKING_FAILS, UnreadableFileError, explained_file_error, missing_column

_ENDINGS = {
    ".csv": FileFormat.CSV,
    ".txt": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".json": FileFormat.JSONL,
    ".xlsx": FileFormat.XLSX,
}
#: `filename = true` would fail on a file with a column of that name.
_PATH = "path of the delivered file"


@dataclass(frozen=True)
class Shape:
    """Format and columns (name, DuckDB type) of a file; files of one shape are read by one statement."""

    format: FileFormat
    columns: tuple[tuple[str, str], ...]

    def number_of(self, theirs: str) -> int:
        """Place of a column in the file, from 0."""
        return [name for name, _ in self.columns].index(theirs)


def shape_of(connection: duckdb.DuckDBPyConnection, unit: Unit, source: SourceParams) -> Shape:
    """Look at a file's columns.

    Raises
    ------
    UnreadableFileError
        Empty, not of its format, without the mapped columns, or with a column twice.
    """
    if unit.size_bytes == 0:
        raise UnreadableFileError("the file is empty, not even a header; deliver it again or remove it")
    file_format = _format_of(unit.path, source)
    try:
        str(unit.path).encode()  # DuckDB knows no other names
        columns = columns_of(connection, file_format, unit.path, source)
    except LOOKING_FAILS as error:
        raise UnreadableFileError(explained_file_error(error, source)) from error
    check_columns([name for name, _ in columns], source)
    return Shape(file_format, columns)


def relation_sql(shape: Shape, paths: list[Path], source: SourceParams) -> str:
    """SELECT over files of one shape (xlsx: over the registered `delivered_sheet`)."""
    names = [name for name, _ in shape.columns]
    if shape.format is FileFormat.CSV:
        return f"SELECT * FROM {_read_csv(len(names), paths, source)}"
    if shape.format is FileFormat.JSONL:
        values, files = [f"json ->> {literal(pointer(name))}" for name in names], _files(paths)
        reader = f"read_ndjson_objects({files}, filename = {literal(_PATH)}, hive_partitioning = false)"
    elif shape.format is FileFormat.PARQUET:
        values, files = [quoted(name) for name in names], _files(paths)
        reader = f"read_parquet({files}, filename = {literal(_PATH)}, hive_partitioning = false)"
    else:
        values, reader = [quoted(name) for name in names], "delivered_sheet"
    columns = [f"{value} AS c{number}" for number, value in enumerate(values)]
    return f"SELECT {', '.join(columns)}, {quoted(_PATH)} AS file FROM {reader}"


def sheet(path: Path) -> Any:
    """The first sheet as an Arrow table of texts, with its path; for sheets of thousands of lines, not millions."""
    import polars

    return _xlsx(path).with_columns(polars.lit(str(path)).alias(_PATH)).to_arrow()


def columns_of(
    connection: duckdb.DuckDBPyConnection, file_format: FileFormat, path: Path, source: SourceParams
) -> tuple[tuple[str, str], ...]:
    """Names of a file's columns with their DuckDB types; raises one of `LOOKING_FAILS` or UnreadableFileError."""
    if file_format is FileFormat.CSV:
        return _texts(csv_header(path, source))
    if file_format is FileFormat.PARQUET:
        described = f"DESCRIBE SELECT * FROM read_parquet({_files([path])}, hive_partitioning = false)"
        return tuple((row[0], row[1]) for row in connection.execute(described).fetchall())
    if file_format is FileFormat.JSONL:
        return _texts(_json_keys(connection, path))
    return _texts(_xlsx(path).columns)


def _texts(names: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, "VARCHAR") for name in names)


def _files(paths: list[Path]) -> str:
    """Paths are patterns to DuckDB: brackets and stars in names are escaped."""
    return listed(literal(glob.escape(str(path))) for path in paths)


def _read_csv(columns: int, paths: list[Path], source: SourceParams) -> str:
    types = ", ".join(f"c{number}: 'VARCHAR'" for number in range(columns))
    return (
        f"read_csv({_files(paths)}, columns = {{{types}}}, auto_detect = false, header = {str(source.header).lower()}, "
        f"delim = {literal(source.delimiter)}, quote = {literal(source.quote)}, escape = {literal(source.quote)}, "
        "strict_mode = true, store_rejects = true, hive_partitioning = false, filename = 'file')"
    )


def pointer(key: str) -> str:
    """A key as JSON Pointer (RFC 6901), which can hold every character."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _json_keys(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """All keys of all lines: a key that is absent from a line is a missing value there."""
    relation = f"read_ndjson_objects({_files([path])}, hive_partitioning = false)"
    row = connection.execute(
        "SELECT list_sort(list_distinct(flatten(list(DISTINCT json_keys(json))))), count(*), "
        f"count(*) FILTER (json_type(json) <> 'OBJECT') FROM {relation}"
    ).fetchone()
    keys, lines, others = row or ([], 0, 0)
    if not lines:
        raise UnreadableFileError("it has no line of JSON; deliver it again or remove it")
    if others:
        raise UnreadableFileError(f"{others} of its {lines} lines are no JSON objects; deliver one object per line")
    return list(keys or [])


def _xlsx(path: Path) -> Any:
    import polars

    try:
        return polars.read_excel(path, infer_schema_length=0)
    except OSError:
        raise
    except Exception as error:
        raise UnreadableFileError(f"it is no readable xlsx file: {' '.join(str(error).split())[:200]}") from error


def _format_of(path: Path, source: SourceParams) -> FileFormat:
    if source.format is not FileFormat.AUTO:
        return source.format
    zipped = path.suffix.lower() == ".gz"
    ending = (path.with_suffix("") if zipped else path).suffix.lower()
    if ending not in _ENDINGS or (zipped and _ENDINGS[ending] not in (FileFormat.CSV, FileFormat.JSONL)):
        known = ", ".join(sorted(_ENDINGS))
        raise UnreadableFileError(
            f"the ending of its name is unknown (known: {known}, .csv.gz, .jsonl.gz); set [source] format"
        )
    return _ENDINGS[ending]


def check_columns(found: list[str], source: SourceParams) -> None:
    """Raise UnreadableFileError if a mapped column is missing, or a column is there twice."""
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise UnreadableFileError(f"its header has the column {twice[0]!r} twice; each column needs a name of its own")
    for ours, theirs in source.columns.model_dump().items():
        if (theirs or ours in REQUIRED_COLUMNS) and theirs not in found:
            raise UnreadableFileError(missing_column(ours, theirs, found, source))
