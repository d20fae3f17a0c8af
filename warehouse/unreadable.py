"""Why one delivered file cannot be read, in words for the person who has to mend it."""

import difflib
import errno
import gzip
import os
import re
import zlib
from pathlib import Path

import duckdb

from warehouse.failures import disk_full
from warehouse.params import OPTIONAL_COLUMNS, SourceParams

ENCODING_ADVICE = "set [source] encoding (windows-1252 and iso-8859-1 are usual)"
#: What DuckDB calls a line longer than 2 MB.
LONG_LINE = "LINE SIZE OVER MAXIMUM"
REMOVED = "it was removed before it could be read; run this again"
MIXED_LINE_ENDS = "state machine reached an invalid state"
#: What looking into a file may raise; everything else is a fault of ours.
LOOKING_FAILS = (OSError, EOFError, zlib.error, duckdb.Error, UnicodeError)


class UnreadableFileError(Exception):
    """One delivered file cannot be read as configured; the message says why and what to do."""


def explained_file_error(error: Exception, source: SourceParams) -> str:
    """What an error met while reading a file means; raises DiskFullError if it is no fault of the file."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise disk_full(error.filename or "a copy of a delivered file") from error
    text = re.sub(r' in file "[^"]*"', "", " ".join(str(error).split()))[:300]
    if "GZIP" in text or isinstance(error, EOFError | gzip.BadGzipFile | zlib.error):
        return "it is no gzip file, or one that is damaged or cut off; deliver it again"
    if isinstance(error, FileNotFoundError) or "No files found" in text:
        return REMOVED
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return "it may not be read by this user; give it read permission"
    if isinstance(error, UnicodeEncodeError):
        return "its name is not UTF-8; rename it"
    if broken := re.search(r"Malformed JSON, at byte \d+ in line (\d+): ([^.]*)", text):
        line = int(broken[1]) - 1  # DuckDB has counted the line it stopped at
        return f"line {line} is no JSON ({broken[2]}); mend that line"
    if "maximum_object_size" in text:
        return "one of its lines is longer than 16 MB, or it is no JSON lines file; deliver one object per line"
    if MIXED_LINE_ENDS in text:
        return "its quotes or line ends are out of place, so its lines cannot be told apart; deliver it again"
    return f"it cannot be read: {text}"


def missing_column(ours: str, theirs: str, found: list[str], source: SourceParams) -> str:
    """A column we need, or were told to expect, is not in the file's header."""
    if not theirs:
        return f"our column {ours} has no counterpart; name the file's column in [source.columns] {ours}"
    if len(found) == 1:
        marks = [mark for mark in (";", "\t", "|", ",") if mark != source.delimiter and mark in found[0]]
        if marks:
            return f"its header is one column; the columns seem to be separated by {marks[0]!r}: set [source] delimiter"
    near = difflib.get_close_matches(theirs, found, n=1) or [name for name in found if name.lower() == theirs.lower()]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    advice = f"Correct [source.columns] {ours}, or the delivery"
    if ours in OPTIONAL_COLUMNS:
        advice = f'If the shop has none, set [source.columns] {ours} = ""; else name it there, or correct the delivery'
    return f"it has no column {theirs!r} (our {ours}){hint}. It has: {', '.join(found[:20])}. {advice}"


def broken_line(error_type: str, line: int, source: SourceParams) -> str:
    """A line that puts its neighbours in doubt."""
    if error_type == "INVALID ENCODING":
        return f"line {line} is not {source.encoding}; {ENCODING_ADVICE}"
    if error_type == LONG_LINE:
        return f"line {line} is longer than 2 MB; a quote may be left open there, or it is no CSV file"
    return f"a quote opened in line {line} is never closed, so what follows cannot be told apart; mend that line"


def all_problems(problems: dict[Path, str]) -> str:
    """One message that names every unreadable file of a delivery."""
    lines = [f"  {printable(path)}: {problem}." for path, problem in list(problems.items())[:20]]
    more = [f"  ... and {len(problems) - 20} more"] if len(problems) > 20 else []
    files = "1 file" if len(problems) == 1 else f"{len(problems)} files"
    return "\n".join([f"{files} cannot be read; nothing of this delivery was accepted:", *lines, *more])


def printable(path: Path | str) -> str:
    """A path as text that can be stored and shown, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
