"""The private warehouse: opening it, bringing its schema up to date, running its queries by name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError, WarehouseLockedError
from warehouse.lock import writer_lock
from warehouse.params import WarehouseParams

ROOM = Path(__file__).parent
#: DuckDB names the catalogue after the file, and a catalogue hides a schema of the same name.
_TAKEN_NAMES = (
    "landing",
    "sales",
    "features",
    "models",
    "segments",
    "ops",
    "checks",
    "main",
    "temp",
    "system",
    "publication",
)
_open: dict[Path, "Warehouse"] = {}


class Warehouse:
    """One connection to the private warehouse, with queries by name and transactions."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, params: WarehouseParams) -> None:
        self.connection = connection
        self.params = params

    def execute(self, sql: str, parameters: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run one statement with bound parameters; raise WarehouseError telling the statement if it fails."""
        try:
            return self.connection.execute(sql, parameters or {})
        except duckdb.Error as error:
            raise _explained(error, sql, self.params.path) from error

    def run(self, name: str, **parameters: Any) -> duckdb.DuckDBPyConnection:
        """Run `queries/<name>.sql`; each of its statements gets those of `parameters` it uses.

        Returns the connection, holding the result of the last statement.
        """
        for statement in _statements(name):
            used = {key: parameters[key] for key in statement.named_parameters}
            try:
                self.connection.execute(statement, used)
            except duckdb.Error as error:
                raise _explained(error, f"query {name}: {statement.query.strip()}", self.params.path) from error
        return self.connection

    def rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """All rows of the last statement of `queries/<name>.sql`, as dictionaries; for small results only."""
        return self.fetch_dicts(self.run(name, **parameters))

    def select(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a small SELECT, as dictionaries."""
        return self.fetch_dicts(self.execute(sql, parameters))

    def value(self, sql: str, parameters: dict[str, Any] | None = None) -> Any:
        """First column of the first row of a SELECT, or None if it has no rows."""
        row = self.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def fetch_dicts(self, result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """Drain `result` into dictionaries by column name."""
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block wrote, all of it, or nothing if it raises."""
        self.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        self.execute("COMMIT")

    def _roll_back(self) -> None:
        try:
            self.connection.execute("ROLLBACK")
        except duckdb.Error:
            return  # the error that brought us here has already ended the transaction


@contextmanager
def writing(params: WarehouseParams, command: str) -> Iterator[Warehouse]:
    """Open the warehouse as its only writer until the block ends; `opened` hands out connections meanwhile.

    Raises
    ------
    WarehouseLockedError
        Somebody else writes.
    WarehouseError
        The file is no warehouse, damaged, or made by a newer version.
    """
    path = params.path
    with _for_owner_only(), writer_lock(path, command):
        warehouse = Warehouse(_connect(params), params)
        try:
            migrate(warehouse)
            _open[path] = warehouse
            yield warehouse
        finally:
            _open.pop(path, None)
            warehouse.connection.close()


@contextmanager
def opened(params: WarehouseParams) -> Iterator[Warehouse]:
    """A connection of its own for one step of the run that holds the warehouse; temporary tables end with it."""
    if params.path not in _open:
        raise WarehouseError(f"{params.path} is not open: steps run inside `warehouse.store.writing`")
    connection = _open[params.path].connection.cursor()
    connection.execute("SET TimeZone = 'UTC'")
    try:
        yield Warehouse(connection, params)
    finally:
        connection.close()


def migrate(warehouse: Warehouse) -> None:
    """Apply the migrations not applied yet, each in one transaction with its record, and refresh the views."""
    warehouse.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER, name VARCHAR, views VARCHAR)")
    applied = warehouse.value("SELECT max(version) FROM schema_migrations") or 0
    ours = _migrations()
    if applied > max(ours):
        raise WarehouseError(
            f"{warehouse.params.path} was made by a newer version of resegment (its schema is number {applied}, "
            f"this version knows {max(ours)}). Upgrade resegment; nothing was changed."
        )
    for version, path in ours.items():
        if version > applied:
            with warehouse.transaction():
                _run_script(warehouse, path.read_text())
                record = {"version": version, "name": path.stem}
                warehouse.execute("INSERT INTO schema_migrations VALUES ($version, $name, '')", record)
    _refresh_views(warehouse)


def _refresh_views(warehouse: Warehouse) -> None:
    """Views and macros are code, not data: they follow the installed version."""
    text = "\n".join(path.read_text() for path in sorted((ROOM / "views").glob("*.sql")))
    if warehouse.value("SELECT views FROM schema_migrations ORDER BY version DESC") == text:
        return
    with warehouse.transaction():
        _run_script(warehouse, text)
        warehouse.execute("UPDATE schema_migrations SET views = $text", {"text": text})


def _migrations() -> dict[int, Path]:
    return {int(path.name[:4]): path for path in sorted((ROOM / "migrations").glob("*.sql"))}


def _run_script(warehouse: Warehouse, text: str) -> None:
    for statement in duckdb.extract_statements(text):
        warehouse.execute(statement.query)


@cache
def _statements(name: str) -> list[duckdb.Statement]:
    return duckdb.extract_statements((ROOM / "queries" / f"{name}.sql").read_text())


def _connect(params: WarehouseParams) -> duckdb.DuckDBPyConnection:
    path = params.path
    if path.stem in _TAKEN_NAMES:
        raise WarehouseError(
            f"[warehouse] path: a file named {path.name} would hide the schema {path.stem}; rename it."
        )
    try:
        connection = duckdb.connect(path, config=_options(params))
        connection.execute("SET TimeZone = 'UTC'")
    except duckdb.Error as error:
        raise _explained(error, "open", path) from error
    return connection


@contextmanager
def _for_owner_only() -> Iterator[None]:
    """DuckDB creates the file, its WAL and spill files: customer data, so nobody else may read them."""
    mask = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(mask)


def _options(params: WarehouseParams) -> dict[str, str | bool | int | float | list[str]]:
    options: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if params.memory_limit:
        options["memory_limit"] = params.memory_limit
    if params.threads:
        options["threads"] = params.threads
    return options


def _explained(error: duckdb.Error, doing: str, path: Path) -> WarehouseError | WarehouseLockedError:
    text = str(error).splitlines()[0]
    if "Conflicting lock" in text or "Could not set lock" in text:
        return WarehouseLockedError(
            f"{path} is open in another process: {text}. End that process, then run this again."
        )
    if "No space left" in text or "out of disk" in text.lower():
        return WarehouseError(f"The disk of {path} is full. Nothing was changed; free some space and run this again.")
    if "not a valid DuckDB database" in text:
        return WarehouseError(f"{path} is not a DuckDB file. Move it away or set [warehouse] path to another name.")
    if doing == "open":
        return WarehouseError(f"{path} cannot be opened: {text}")
    return WarehouseError(f"{error}\nin {doing}")
