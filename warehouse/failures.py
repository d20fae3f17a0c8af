"""What DuckDB and the operating system report, in words for the person who has to act on it."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.errors import (
    DiskFullError,
    ResegmentError,
    WarehouseError,
    WarehouseLockedError,
    reason_of,
    signals_raised,
)

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DAMAGED = (
    "Corrupt database file",
    "Could not read enough bytes",
    "does not match stored checksum",
    "not a valid DuckDB database file",
)


@contextmanager
def explaining(path: Path, doing: str, statement: str = "") -> Iterator[None]:
    """Turn what DuckDB raises in the block, and a full disk, into a ResegmentError about the warehouse at `path`.

    `doing` names the step in the message; the statement itself is a note of the error.
    """
    try:
        with signals_raised():
            yield
    except duckdb.Error as error:
        explained = explained_error(error, path, doing)
        if statement:
            explained.add_note(statement)
        raise explained from error
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(error.filename or path) from error
        raise


@contextmanager
def explaining_files(doing: str, path: Path, kind: type[WarehouseError] = WarehouseError) -> Iterator[None]:
    """Turn an OSError of the block into an error that says what could not be done to which file, and why."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(error.filename or path) from error
        raise kind(f"{doing}: {error.filename or path}: {reason_of(error)}. Mend that, then run this again.") from error


def disk_full(file: object) -> DiskFullError:
    """The error for a disk without room for `file`."""
    return DiskFullError(
        f"The disk is full: no space left to write {file}. Readers are not affected; free some space and run this "
        "again, it goes on from there."
    )


def is_damage(told: str) -> bool:
    """Whether what DuckDB said is that a file is not whole."""
    return any(sign in told for sign in _DAMAGED)


def explained_error(error: duckdb.Error, path: Path, doing: str) -> ResegmentError:
    """The ResegmentError that tells what an error of DuckDB means for the warehouse at `path`."""
    whole = str(error)
    text = whole.splitlines()[0] if whole else type(error).__name__
    if "Conflicting lock" in text or "Could not set lock" in text:
        return WarehouseLockedError(f"{path} is open in {_holder(text)}. End that process, then run this again.")
    if "No space left" in whole or "max_temp_directory_size" in whole:
        named = re.search(r'file "([^"]+)"', text)
        return disk_full(named[1] if named else f"{path}.tmp, where what does not fit in memory goes")
    if isinstance(error, duckdb.OutOfMemoryException):
        return WarehouseError(
            f"DuckDB ran out of memory in {doing} ({text}). Raise [warehouse] memory_limit, lower [warehouse] threads, "
            "or free some memory; then run this again."
        )
    if is_damage(whole):
        return WarehouseError(
            f"{path} is damaged ({text}). Restore it from a backup; or move it away and run again, "
            "which reads all deliveries anew."
        )
    if doing == "opening":
        return WarehouseError(f"{path} cannot be opened: {text}")
    return WarehouseError(f"{doing} failed on {path}: {text}")


def _holder(text: str) -> str:
    held = re.search(r"held in (.+?) \(PID (\d+)\)", text)
    return f"another process ({held[1]}, process {held[2]})" if held else f"another process ({text})"
