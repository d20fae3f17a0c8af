"""Delivered CSV as text: its header, how many records it has, and a copy DuckDB can read where it cannot read the file.

DuckDB's reader drops a line longer than its buffer (32 MB) and lines around an open quote that spans buffers without a
word, so what it gives is held to a count of our own.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from warehouse.params import SourceParams
from warehouse.unreadable import (
    ENCODING_ADVICE,
    LONG_LINE,
    LOOKING_FAILS,
    UnreadableFileError,
    broken_line,
    explained_file_error,
)

_LONGEST_HEADER = 1_000_000
_LONGEST_LINE = 2_000_000
_BLOCK = 1 << 20
_UNIT_SEPARATOR = "\x1f"


def csv_header(path: Path, source: SourceParams) -> list[str]:
    """Names in the first line, or column0, column1, ... if the source's files have no header.

    Raises
    ------
    UnreadableFileError
        The file has no first line, is binary, or is in another encoding.
    """
    with _opened(path) as raw, io.TextIOWrapper(raw, _encoding(source), errors="replace", newline="") as text:
        first = text.readline(_LONGEST_HEADER)
        while source.quote and first.count(source.quote) % 2 and len(first) < _LONGEST_HEADER:
            more = text.readline(_LONGEST_HEADER)
            if not more:
                break
            first += more
    if len(first) >= _LONGEST_HEADER:
        raise UnreadableFileError("its first line is longer than 1 MB, so it is no CSV file; check what was delivered")
    if any(character < " " and character not in "\t\r\n" + source.delimiter for character in first):
        raise UnreadableFileError("it is binary, not CSV text; check what was delivered or set [source] format")
    if "\ufffd" in first:
        raise UnreadableFileError(f"its first line is not {source.encoding}; {ENCODING_ADVICE}")
    if not first.strip():
        raise UnreadableFileError("its first line is empty; deliver it again with its header in the first line")
    names = _split(first, source)
    return names if source.header else [f"column{number}" for number in range(len(names))]


def count_lines(path: Path) -> int:
    """Lines of a file, the last one with or without an end; fast."""
    ends, returns, last = 0, 0, b"\n"
    with _opened(path) as file:
        while block := file.read(_BLOCK):
            ends += block.count(b"\n")
            returns += 0 if ends else block.count(b"\r")
            last = block[-1:]
    return (ends or returns) + (last not in (b"\n", b"\r"))


def count_records(path: Path, source: SourceParams) -> int:
    """Records of a UTF-8 file without blank lines and header, by Python's reader of CSV; slower, and sure.

    Raises
    ------
    UnreadableFileError
        A line is longer than 2 MB, or a quote is left open.
    """
    with _opened(path) as raw, io.TextIOWrapper(raw, "utf-8", errors="replace", newline="") as text:
        reader = _reader(_bounded(text, source), source)
        try:
            return sum(1 for record in reader if record) - source.header
        except csv.Error as error:
            near = f"a quote may be left open near line {reader.line_num} ({error})"
            raise UnreadableFileError(f"{near}, so its lines cannot be told apart; mend that line") from error


def _bounded(text: IO[str], source: SourceParams) -> Iterator[str]:
    number = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        if len(line) >= _LONGEST_LINE:
            raise UnreadableFileError(broken_line(LONG_LINE, number, source))
        yield line.replace(source.delimiter, _UNIT_SEPARATOR)


def is_utf8(source: SourceParams) -> bool:
    """Whether DuckDB reads the source's encoding itself."""
    return source.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii", "us-ascii")


def utf8_copy(path: Path, source: SourceParams, copy: Path, one_line_end: bool) -> None:
    """Write `copy`: the text in UTF-8, if wanted with one kind of line end (inside quoted values too).

    Raises
    ------
    UnreadableFileError
        A byte has no meaning in the configured encoding, or the file is damaged.
    """
    line = 1
    try:
        with (
            _opened(path) as raw,
            io.TextIOWrapper(raw, _encoding(source), newline=None if one_line_end else "") as text,
            copy.open("w", encoding="utf-8", newline="") as out,
        ):
            while block := text.read(_BLOCK):
                out.write(block)
                line += block.count("\n")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"line {line} or one soon after it is not {source.encoding} ({error.reason}); {ENCODING_ADVICE}"
        ) from error
    except LOOKING_FAILS as error:
        raise UnreadableFileError(explained_file_error(error, source)) from error


def _encoding(source: SourceParams) -> str:
    return "utf-8-sig" if is_utf8(source) else source.encoding


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _split(first: str, source: SourceParams) -> list[str]:
    reader = _reader(io.StringIO(first.replace(source.delimiter, _UNIT_SEPARATOR), newline=""), source)
    try:
        names: list[str] = next(reader, [])
    except csv.Error as error:
        raise UnreadableFileError(f"its first line is no CSV header: {error}; check what was delivered") from error
    return [name.replace(_UNIT_SEPARATOR, source.delimiter).strip() for name in names]


def _reader(lines: Iterable[str], source: SourceParams) -> Any:
    """Python's reader knows one-character delimiters only: the lines come with another."""
    if not source.quote:
        return csv.reader(lines, delimiter=_UNIT_SEPARATOR, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=_UNIT_SEPARATOR, quotechar=source.quote)
