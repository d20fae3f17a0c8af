"""Files a person hands in: a table of texts with named columns, from CSV, Parquet or JSON lines.

Read strictly, unlike deliveries: a line that does not fit is an error with its number, for the person is at hand.
"""

import csv
import glob
import re
from pathlib import Path

import duckdb

from warehouse.errors import WarehouseError
from warehouse.formats import Shape, columns_of, relation_sql
from warehouse.params import FileFormat, SourceParams
from warehouse.store import Warehouse
from warehouse.text import literal
from warehouse.unreadable import LOOKING_FAILS, UnreadableFileError, explained_file_error

_DELIMITERS = (",", ";", "\t")
_FORMATS = {".csv": FileFormat.CSV, ".parquet": FileFormat.PARQUET, ".jsonl": FileFormat.JSONL}
#: Of the files that are known.
ENDINGS = tuple(_FORMATS)


def format_of(path: Path) -> FileFormat:
    """Format by the file's ending; raises UnreadableFileError for another than .csv, .parquet and .jsonl."""
    if path.suffix.lower() not in _FORMATS:
        raise UnreadableFileError(f"its name must end in {', '.join(ENDINGS)}")
    return _FORMATS[path.suffix.lower()]


def read_texts(warehouse: Warehouse, path: Path, table: str, required: tuple[str, ...]) -> list[str]:
    """Make the temporary table `table` (line, c0, c1, ...: texts) of a file; return the names of its columns.

    `line` is the line of a CSV file with its header as the first, else the record from 1.

    Raises
    ------
    UnreadableFileError
        It is not there, of another format, lacks a required column, has one twice, or a line does not fit.
    """
    if not path.exists():
        raise UnreadableFileError("there is no such file")
    try:
        names, relation = _csv(path, required) if format_of(path) is FileFormat.CSV else _typed(warehouse, path)
    except LOOKING_FAILS as error:
        raise UnreadableFileError(explained_file_error(error, SourceParams())) from error
    _check(names, required)
    columns = ", ".join(f"CAST(c{number} AS VARCHAR) AS c{number}" for number in range(len(names)))
    first = 2 if format_of(path) is FileFormat.CSV else 1
    try:
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS "
            f"SELECT row_number() OVER () + {first - 1} AS line, {columns} FROM ({relation})"
        )
    except WarehouseError as error:
        if not isinstance(
            error.__cause__, duckdb.InvalidInputException | duckdb.IOException | duckdb.ConversionException
        ):
            raise
        line = re.search(r"CSV Error on Line: (\d+)", str(error.__cause__))
        if line:
            raise UnreadableFileError(
                f"line {line[1]} has too few or too many columns, a stray quote, or no UTF-8"
            ) from error
        raise UnreadableFileError(explained_file_error(error.__cause__, SourceParams())) from error
    return names


def _csv(path: Path, required: tuple[str, ...]) -> tuple[list[str], str]:
    """UTF-8 with commas, semicolons or tabs, whichever makes the required columns of the first line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = next(iter(file), "")
    for delimiter in _DELIMITERS:
        names = next(csv.reader([first], delimiter=delimiter), [])
        if set(required) <= {name.strip() for name in names}:
            break
    else:
        raise UnreadableFileError(f"its first line must name the columns {', '.join(required)}")
    types = ", ".join(f"c{number}: 'VARCHAR'" for number in range(len(names)))
    relation = (
        f"FROM read_csv([{literal(glob.escape(str(path)))}], columns = {{{types}}}, auto_detect = false, "
        f"header = true, delim = {literal(delimiter)}, quote = '\"', escape = '\"', strict_mode = true)"
    )
    return [name.strip() for name in names], relation


def _typed(warehouse: Warehouse, path: Path) -> tuple[list[str], str]:
    columns = columns_of(warehouse.connection, format_of(path), path, SourceParams())
    relation = relation_sql(Shape(format_of(path), columns), [path], SourceParams())
    return [name for name, _ in columns], relation


def _check(names: list[str], required: tuple[str, ...]) -> None:
    missing = [name for name in required if name not in names]
    if missing:
        raise UnreadableFileError(f"it has no column {missing[0]}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableFileError(f"it has the column {twice[0]!r} twice")
