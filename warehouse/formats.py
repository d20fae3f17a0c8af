"""Delivered files as DuckDB relations: what columns they have and the text to read them with.

A relation has the file's columns (texts, or the types of a Parquet file), `filename` and nothing else; lines come in
the order of the file.
"""

import csv
import difflib
import gzip
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb

from warehouse.deliveries import Unit
from warehouse.params import REQUIRED_COLUMNS, FileFormat, SourceParams
from warehouse.text import literal, quoted

_LONGEST_HEADER = 1_000_000
ENCODING_ADVICE = "set [source] encoding (windows-1252 and iso-8859-1 are usual)"
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


class UnreadableFileError(Exception):
    """One delivered file cannot be read as configured; the message says why and what to do."""


@dataclass(frozen=True)
class Shape:
    """Format and columns (name, DuckDB type) of a file; files of one shape are read by one statement."""

    format: FileFormat
    columns: tuple[tuple[str, str], ...]


def shape_of(connection: duckdb.DuckDBPyConnection, unit: Unit, source: SourceParams) -> Shape:
    """Look at the head of a file.

    Raises
    ------
    UnreadableFileError
        Empty, not of its format, without the mapped columns, or with a column twice.
    """
    if unit.size_bytes == 0:
        raise UnreadableFileError("the file is empty, not even a header; deliver it again or remove it")
    file_format = _format_of(unit.path, source)
    try:
        if file_format is FileFormat.CSV:
            columns = tuple((name, "VARCHAR") for name in _csv_header(unit.path, source))
        elif file_format is FileFormat.PARQUET:
            rows = connection.execute("DESCRIBE SELECT * FROM read_parquet($path)", {"path": str(unit.path)}).fetchall()
            columns = tuple((row[0], row[1]) for row in rows)
        elif file_format is FileFormat.JSONL:
            columns = tuple((name, "VARCHAR") for name in _json_keys(connection, unit.path))
        else:
            columns = tuple((name, "VARCHAR") for name in _xlsx(unit.path).columns)
    except (OSError, EOFError, duckdb.Error, UnicodeDecodeError) as error:
        raise UnreadableFileError(explain(error, source)) from error
    _check_columns([name for name, _ in columns], source)
    return Shape(file_format, columns)


def relation_sql(shape: Shape, paths: list[Path], source: SourceParams) -> str:
    """Text of a FROM clause over files of one shape (CSV already in UTF-8; xlsx is `xlsx_relation`'s)."""
    files = "[" + ", ".join(literal(str(path)) for path in paths) + "]"
    if shape.format is FileFormat.PARQUET:
        return f"read_parquet({files}, filename = true)"
    if shape.format is FileFormat.JSONL:
        keys = ", ".join(f"json ->> {literal('$.' + quoted(name))} AS {quoted(name)}" for name, _ in shape.columns)
        return f"(SELECT {keys}, filename FROM read_ndjson_objects({files}, filename = true))"
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name, _ in shape.columns)
    return (
        f"read_csv({files}, columns = {{{columns}}}, auto_detect = false, header = {str(source.header).lower()}, "
        f"delim = {literal(source.delimiter)}, quote = {literal(source.quote)}, escape = {literal(source.quote)}, "
        "strict_mode = true, store_rejects = true, filename = true)"
    )


def in_utf8(path: Path, source: SourceParams, folder: Path) -> Path:
    """The file itself if it is UTF-8, else a UTF-8 copy of it in `folder`; DuckDB reads no other code pages itself.

    Raises
    ------
    UnreadableFileError
        A byte has no meaning in the configured encoding.
    """
    if source.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii"):
        return path
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=folder, suffix=".csv", delete=False
    ) as copy:
        try:
            with _opened(path) as raw, io.TextIOWrapper(raw, encoding=source.encoding, newline="") as text:
                while block := text.read(1 << 20):
                    copy.write(block)
        except (UnicodeDecodeError, EOFError, OSError) as error:
            raise UnreadableFileError(explain(error, source)) from error
    return Path(copy.name)


def read_xlsx(path: Path) -> object:
    """The first sheet as an Arrow table of texts, with `filename`; for sheets of thousands of lines, not millions."""
    import polars

    frame = _xlsx(path).with_columns(polars.lit(str(path)).alias("filename"))
    return frame.to_arrow()


def explain(error: Exception, source: SourceParams) -> str:
    """What a reader's error means for the person who has to mend the file."""
    text = " ".join(str(error).split())[:300]
    if "GZIP" in text or isinstance(error, EOFError | gzip.BadGzipFile):
        return "the gzip file is damaged or cut off; deliver it again"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not {source.encoding}; {ENCODING_ADVICE}"
    if "state machine reached an invalid state" in text:
        return (
            "its line ends are mixed (\\r\\n and \\n) or a quote is out of place; deliver it with one kind of line end"
        )
    if isinstance(error, PermissionError):
        return "it may not be read by this user; give it read permission"
    return f"it cannot be read: {text}"


def _format_of(path: Path, source: SourceParams) -> FileFormat:
    if source.format is not FileFormat.AUTO:
        return source.format
    name = path.with_suffix("") if path.suffix == ".gz" else path
    if name.suffix.lower() not in _ENDINGS:
        known = ", ".join(sorted(_ENDINGS))
        raise UnreadableFileError(
            f"the ending {name.suffix!r} is unknown (known: {known}, .csv.gz); set [source] format"
        )
    return _ENDINGS[name.suffix.lower()]


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _csv_header(path: Path, source: SourceParams) -> list[str]:
    with _opened(path) as file:
        first = file.readline(_LONGEST_HEADER)
        while source.quote and first.count(source.quote.encode()) % 2 and len(first) < _LONGEST_HEADER:
            more = file.readline(_LONGEST_HEADER)
            if not more:
                break
            first += more
    if len(first) >= _LONGEST_HEADER:
        raise UnreadableFileError("its first line is longer than 1 MB, so it is no CSV file; check what was delivered")
    if b"\0" in first:
        raise UnreadableFileError("it is binary, not CSV text; check what was delivered or set [source] format")
    text = first.decode("utf-8-sig" if source.encoding.lower() in ("utf-8", "utf8") else source.encoding)
    reader = csv.reader(io.StringIO(text), delimiter=source.delimiter[0], quotechar=source.quote or None)
    names = next(reader, [])
    return names if source.header else [f"column{number}" for number in range(len(names))]


def _json_keys(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    keys = connection.execute(
        "SELECT DISTINCT unnest(json_keys(json)) AS key FROM (FROM read_ndjson_objects($path) LIMIT 1000) ORDER BY key",
        {"path": str(path)},
    ).fetchall()
    return [key for (key,) in keys]


def _xlsx(path: Path):  # type: ignore[no-untyped-def]
    import polars

    try:
        return polars.read_excel(path, infer_schema_length=0)
    except Exception as error:
        raise UnreadableFileError(f"it is no readable xlsx file: {' '.join(str(error).split())[:200]}") from error


def _check_columns(found: list[str], source: SourceParams) -> None:
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise UnreadableFileError(f"its header has the column {twice[0]!r} twice; each column needs a name of its own")
    wanted = source.columns.model_dump()
    for ours in (*REQUIRED_COLUMNS, *wanted):
        theirs = wanted[ours]
        if (theirs or ours in REQUIRED_COLUMNS) and theirs not in found:
            raise UnreadableFileError(_missing_column(ours, theirs, found, source))


def _missing_column(ours: str, theirs: str, found: list[str], source: SourceParams) -> str:
    if len(found) == 1:
        other = next((mark for mark in (";", "\t", "|", ",") if mark != source.delimiter and mark in found[0]), None)
        if other:
            return f"its header is one column; the columns seem to be separated by {other!r}: set [source] delimiter"
    near = difflib.get_close_matches(theirs, found, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (
        f"it has no column {theirs!r} (our {ours}){hint} It has: {', '.join(found[:20])}. "
        f"Correct [source.columns] {ours}, or the delivery"
    )
