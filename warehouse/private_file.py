"""The warehouse's own file on the disk: made whole, kept from others' eyes, and told apart from what is none."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from warehouse.errors import WarehouseError
from warehouse.failures import explaining_files
from warehouse.params import WarehouseParams

#: DuckDB names the catalogue after the file, and a catalogue hides a schema of the same name.
_TAKEN_NAMES = ("landing", "sales", "features", "models", "segments", "ops", "checks", "publication", "erasure")


def connect(params: WarehouseParams) -> duckdb.DuckDBPyConnection:
    """Open the warehouse for writing, making it if there is none.

    Raises
    ------
    duckdb.Error
        DuckDB cannot open it.
    WarehouseError
        It is no DuckDB file, or the system refuses it.
    """
    path = params.path
    with explaining_files("The warehouse cannot be opened", path):
        if not path.exists() or path.stat().st_size == 0:
            _create(path)
        elif not looks_like_duckdb(path):
            raise WarehouseError(f"{path} is not a DuckDB file. Move it away or set [warehouse] path to another name.")
    connection = duckdb.connect(path, config=options(params))
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _create(path: Path) -> None:
    """DuckDB writes a new file in several steps; one whose making was broken off could never be opened again."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    duckdb.connect(new).close()
    new.replace(path)


def looks_like_duckdb(path: Path) -> bool:
    """Whether a file begins as a DuckDB file does, whatever its name."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def check_name(path: Path) -> None:
    """Raise WarehouseError for a file whose name would hide one of our schemas."""
    catalogue = path.name.lstrip(".").split(".")[0]
    if catalogue.lower() in _TAKEN_NAMES:
        raise WarehouseError(
            f"[warehouse] path: a file named {path.name} would hide the schema {catalogue.lower()}; rename it."
        )


def sweep(path: Path) -> None:
    """Remove copies of customers' data that a killed run left; the writer's lock says nobody uses them."""
    copy = copy_name(path)
    folders = path.parent.glob(f"{glob.escape(scratch_prefix(path))}*")
    for folder in [*folders, path.with_name(path.name + ".tmp"), copy.with_name(copy.name + ".tmp")]:
        shutil.rmtree(folder, ignore_errors=True)
    for file in (copy, copy.with_name(copy.name + ".wal")):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def scratch_prefix(path: Path) -> str:
    """How the names of the warehouse's scratch folders begin."""
    return f".{path.name}.reading-"


def restoring_note(path: Path) -> Path:
    """Where it says that a backup is being put in the warehouse's place."""
    return path.with_name(path.name + ".restoring")


def check_restored(path: Path) -> None:
    """Raise WarehouseError if a restore was stopped between the old files and those of the backup."""
    note = restoring_note(path)
    if note.exists():
        backup = note.read_text(encoding="utf-8").strip()
        raise WarehouseError(f"A restore of {path} was stopped. Finish it first: `resegment restore {backup}`.")


def copy_name(path: Path) -> Path:
    """Where a copy of a DuckDB file is made that is to take its place."""
    return path.with_name(f".{path.name}.copy")


def keep_private(path: Path) -> None:
    """A file that was copied here, as from a backup, may be readable by others."""
    for file in (path, path.with_name(path.name + ".wal"), path.with_name(path.name + ".lock")):
        with suppress(FileNotFoundError, PermissionError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


@contextmanager
def for_owner_only() -> Iterator[None]:
    """DuckDB creates the file, its WAL and spill files: customer data, so nobody else may read them."""
    mask = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(mask)


def options(params: WarehouseParams) -> dict[str, str | bool | int | float | list[str]]:
    """What every connection of ours is opened with."""
    found: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if params.memory_limit:
        found["memory_limit"] = params.memory_limit
    if params.threads:
        found["threads"] = params.threads
    return found
