"""A DuckDB file copied table by table, held to its original column by column, and put in the original's place.

Deleted rows stay in a file as bytes, and a file never shrinks: only a fresh copy holds nothing but what it should. One
implementation serves whoever needs such a copy:

- `rewrite_file(params, file)` replaces a file by a copy of itself, which gives back the space it no longer uses;
- `rewrite_file(params, file, keep={"sales.invoices": "customer_id NOT IN (FROM gone)"}, prepare=...)` leaves rows out;
- `copy_file(params, source, target)` only makes the copy, as for a backup or a new revision of a published file;
- `copy_catalogue(connection, name, target)` does the same from a connection that has the original open already.

`keep` maps "schema.table" to the SQL condition of the rows that stay; tables not in it are copied whole. `prepare`
gets the connection before anything is read, to make the temporary tables that conditions ask. The files must be
open nowhere else, the caller's process included (DuckDB would refuse them): do it inside `warehouse.store.holding`,
which has the writer's lock without opening the warehouse. Killed at any moment, the original is whole.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.durable import fsync
from warehouse.errors import DiskFullError, WarehouseError
from warehouse.failures import explaining, explaining_files
from warehouse.params import WarehouseParams
from warehouse.private_file import copy_name, options
from warehouse.text import literal, quoted

Prepare = Callable[[duckdb.DuckDBPyConnection], None]
_EVERYTHING: Mapping[str, str] = {}
#: Where the order of rows spares reading them: a day's are found by the least and greatest day of each row group.
_IN_ORDER = {"sales.invoices": "ORDER BY shop_day"}
#: Besides rows, what must come out the same of both files. Neither names the file it is in.
_DEFINITIONS = (
    "SELECT schema_name, table_name, column_name, data_type, column_default, is_nullable, comment "
    "FROM duckdb_columns() WHERE database_name = $name AND NOT internal",
    "SELECT schema_name, table_name, sql, comment FROM duckdb_tables() WHERE database_name = $name AND NOT internal",
    "SELECT schema_name, table_name, constraint_text FROM duckdb_constraints() WHERE database_name = $name",
    "SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE database_name = $name AND NOT internal",
    "SELECT schema_name, function_name, macro_definition, comment FROM duckdb_functions() "
    "WHERE database_name = $name AND NOT internal",
    "SELECT schema_name, index_name, sql FROM duckdb_indexes() WHERE database_name = $name",
)


@dataclass(frozen=True)
class TableCopy:
    """One table of a copy: its rows, and how many of the original's were left out."""

    table: str
    rows: int
    left_out: int


@dataclass(frozen=True)
class Copied:
    """What a copy holds and how large original and copy are, in bytes."""

    bytes_before: int
    bytes_after: int
    tables: tuple[TableCopy, ...]


def rewrite_file(
    params: WarehouseParams,
    file: Path,
    keep: Mapping[str, str] = _EVERYTHING,
    *,
    prepare: Prepare | None = None,
    storage_version: str = "",
) -> Copied:
    """Replace a DuckDB file by a checked copy of itself without the rows that `keep` leaves out; its mode stays.

    The old bytes are unlinked; a reader that has the old file open keeps seeing it until it closes.

    Raises
    ------
    DiskFullError
        There is no room for the copy beside the original. Nothing was changed.
    WarehouseError
        The file is damaged, or the copy differs from it. Nothing was changed.
    """
    _empty_log(params, file)
    target = copy_name(file)
    try:
        copied = copy_file(params, file, target, keep, prepare=prepare, storage_version=storage_version)
        with explaining_files("The copy cannot take the place of the original", file):
            shutil.copymode(file, target)
            target.replace(file)
            fsync(file.parent)
    finally:
        discard(target)
    return copied


def copy_file(
    params: WarehouseParams,
    source: Path,
    target: Path,
    keep: Mapping[str, str] = _EVERYTHING,
    *,
    prepare: Prepare | None = None,
    storage_version: str = "",
) -> Copied:
    """Make `target` a checked copy of the DuckDB file `source`, on disk when this returns; raises as `rewrite_file`.

    `storage_version` is that of published files, for clients older than ours; empty: DuckDB's own.
    """
    settings = options(params) | {"temp_directory": str(_spill(target))}
    with explaining(source, "copying"), duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH {literal(str(source))} AS original (READ_ONLY)")
        if prepare is not None:
            prepare(connection)
        return copy_catalogue(connection, "original", target, keep, storage_version=storage_version)


def copy_catalogue(
    connection: duckdb.DuckDBPyConnection,
    original: str,
    target: Path,
    keep: Mapping[str, str] = _EVERYTHING,
    *,
    storage_version: str = "",
) -> Copied:
    """Copy the attached database `original` into the new file `target`, checked and on disk; raises as `rewrite_file`.

    A `target` that is there already is replaced; nothing of a copy that fails stays.
    """
    discard(target)
    path, used = _place(connection, original)
    _check_room(used, target)
    version = f", STORAGE_VERSION {literal(storage_version)}" if storage_version else ""
    try:
        with explaining(path, "copying"), _attached(connection, target, version) as copy:
            _check_names(connection, original, keep)
            connection.execute(f"COPY FROM DATABASE {quoted(original)} TO {copy} (SCHEMA)")
            for schema, table in _tables(connection, original):
                kept = keep.get(f"{schema}.{table}", "true")
                name = f"{quoted(schema)}.{quoted(table)}"
                order = _IN_ORDER.get(f"{schema}.{table}", "")
                connection.execute(f"INSERT INTO {copy}.{name} FROM {quoted(original)}.{name} WHERE {kept} {order}")
            connection.execute(f"CHECKPOINT {copy}")
            tables = _compared(connection, original, copy, keep)
        with explaining_files("The copy cannot be written", target):
            fsync(target)
            fsync(target.parent)
    except BaseException:
        discard(target)
        raise
    finally:
        shutil.rmtree(_spill(target), ignore_errors=True)
    return Copied(path.stat().st_size, target.stat().st_size, tables)


def discard(file: Path) -> None:
    """Remove a DuckDB file with its write-ahead log, if they are there."""
    for one in (file, _log(file)):
        one.unlink(missing_ok=True)


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, target: Path, version: str) -> Iterator[str]:
    connection.execute(f"ATTACH {literal(str(target))} AS fresh_copy (READ_WRITE{version})")
    try:
        yield "fresh_copy"
    finally:
        connection.execute("DETACH fresh_copy")


def _place(connection: duckdb.DuckDBPyConnection, original: str) -> tuple[Path, int]:
    """The original's file, and the bytes of it that are in use."""
    path, used = connection.execute(
        "SELECT path, used_blocks * block_size FROM duckdb_databases() "
        "JOIN pragma_database_size() USING (database_name) WHERE database_name = $name",
        {"name": original},
    ).fetchall()[0]
    return Path(path), int(used)


def _check_room(needed: int, target: Path) -> None:
    """A fresh copy takes no more than the original uses."""
    with explaining_files("The copy cannot be written", target.parent):
        free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise DiskFullError(
            f"There is no room for a copy: it needs {needed:,} bytes, and {target.parent} has {free:,} free. "
            "Nothing was changed; free some space and run this again."
        )


def _empty_log(params: WarehouseParams, file: Path) -> None:
    """Bring what is still in the write-ahead log into the file: the log of the old file would spoil the new one."""
    if not _log(file).exists():
        return
    with explaining(file, "opening"), duckdb.connect(file, config=options(params)) as connection:
        connection.execute("CHECKPOINT")
    if _log(file).exists():
        raise WarehouseError(f"{_log(file)} cannot be brought into {file}. Nothing was changed; run this again.")


def _check_names(connection: duckdb.DuckDBPyConnection, original: str, keep: Mapping[str, str]) -> None:
    """A misspelt table would be copied whole."""
    known = {f"{schema}.{table}" for schema, table in _tables(connection, original)}
    unknown = sorted(keep.keys() - known)
    if unknown:
        raise WarehouseError(f"There is no table {', '.join(unknown)} to leave rows out of. Nothing was changed.")


def _tables(connection: duckdb.DuckDBPyConnection, catalogue: str) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $name ORDER BY ALL",
        {"name": catalogue},
    ).fetchall()


def _compared(
    connection: duckdb.DuckDBPyConnection, original: str, copy: str, keep: Mapping[str, str]
) -> tuple[TableCopy, ...]:
    for definitions in _DEFINITIONS:
        if _defined(connection, definitions, original) != _defined(connection, definitions, copy):
            raise WarehouseError("The copy has other tables or views than the original. Nothing was changed.")
    return tuple(
        _compared_table(connection, original, copy, schema, table, keep.get(f"{schema}.{table}", "true"))
        for schema, table in _tables(connection, original)
    )


def _compared_table(
    connection: duckdb.DuckDBPyConnection, original: str, copy: str, schema: str, table: str, kept: str
) -> TableCopy:
    name = f"{quoted(schema)}.{quoted(table)}"
    columns = [row[0] for row in connection.execute(f"DESCRIBE {quoted(original)}.{name}").fetchall()]
    digest = _digest_sql(columns)
    old = connection.execute(f"{digest} FROM {quoted(original)}.{name} AS whole_row WHERE {kept}").fetchall()[0]
    new = connection.execute(f"{digest} FROM {copy}.{name} AS whole_row").fetchall()[0]
    total = connection.execute(f"SELECT count(*) FROM {quoted(original)}.{name}").fetchall()[0][0]
    compared = zip(("the number of rows", "the pairing of columns", *columns), old, new, strict=True)
    differing = [what for what, before, after in compared if before != after]
    if differing:
        raise WarehouseError(
            f"The copy of {schema}.{table} differs from the original in {', '.join(differing)}. Nothing was changed."
        )
    return TableCopy(f"{schema}.{table}", new[0], total - new[0])


def _digest_sql(columns: list[str]) -> str:
    """Rows, and sums of hashes, which do not depend on the order of rows: of whole rows and of each column."""
    sums = [f"sum(hash({quoted(column)}))" for column in columns]
    return f"SELECT count(*), sum(hash(whole_row)), {', '.join(sums)}"


def _defined(connection: duckdb.DuckDBPyConnection, select: str, catalogue: str) -> list[tuple[object, ...]]:
    return connection.execute(f"{select} ORDER BY ALL", {"name": catalogue}).fetchall()


def _log(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def _spill(target: Path) -> Path:
    return target.with_name(target.name + ".tmp")
