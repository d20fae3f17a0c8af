"""The private warehouse: opening it, bringing its schema up to date, running its queries by name."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import WarehouseError, signals_raised
from warehouse.failures import explaining
from warehouse.lock import writer_lock
from warehouse.migrating import migrate, pending_upgrade
from warehouse.params import StepEngine, WarehouseParams
from warehouse.private_file import (
    check_name,
    check_restored,
    connect,
    for_owner_only,
    keep_private,
    options,
    scratch_prefix,
    sweep,
)
from warehouse.rewriting import copy_catalogue
from warehouse.spark.steps import SparkSteps

ROOM = Path(__file__).parent
#: What proves the steps right does not do them on the same engine.
_IN_DUCKDB = ("verify/rebuild",)
_open: dict[Path, "Warehouse"] = {}


class Warehouse:
    """One connection to the private warehouse, with queries by name and transactions; `spark` does large steps."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, params: WarehouseParams, spark: SparkSteps | None = None
    ) -> None:
        self.connection = connection
        self.params = params
        self.spark = spark

    def execute(self, sql: str, parameters: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run one statement with bound parameters; raise WarehouseError if it fails, with the statement as a note."""
        with explaining(self.params.path, _shortened(sql), sql):
            return self.connection.execute(_parsed(sql), parameters or {})

    def insert_rows(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert a few rows, each with a value for every column of `table`."""
        if rows:
            places = ", ".join("?" * len(rows[0]))
            with explaining(self.params.path, f"inserting into {table}"):
                self.connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert a few rows, all with the same columns, in one statement; columns that are left out are null."""
        if rows:
            places = [", ".join(f"${name}_{number}" for name in rows[0]) for number in range(len(rows))]
            bound = {f"{name}_{number}": value for number, row in enumerate(rows) for name, value in row.items()}
            self.execute(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({'), ('.join(places)})", bound)

    def run(self, name: str, **parameters: Any) -> duckdb.DuckDBPyConnection:
        """Run `queries/<name>.sql`; each of its statements gets those of `parameters` it uses.

        Returns the connection, holding the result of the last statement.
        """
        for statement in _statements(name):
            used = {key: parameters[key] for key in statement.named_parameters}
            with explaining(self.params.path, f"query {name}", statement.query.strip()):
                if self.spark and name not in _IN_DUCKDB:
                    with self.spark.carried(self.connection, statement.query, used) as sql:
                        self._execute_used(sql, used)
                else:
                    self.connection.execute(statement, used)
        return self.connection

    def create_computed(self, name: str, sql: str, relation: str, parameters: Mapping[str, Any]) -> None:
        """Make the temporary table `name` of a query of steps over `relation`, by Spark if that is large."""
        with explaining(self.params.path, f"computing {name}"), ExitStack() as results:
            if self.spark:
                sql = results.enter_context(self.spark.selected(self.connection, name, sql, relation, parameters))
            self._execute_used(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}", parameters)

    def _execute_used(self, sql: str, parameters: Mapping[str, Any]) -> None:
        """Run one statement with those of `parameters` it names."""
        (statement,) = duckdb.extract_statements(sql)
        self.connection.execute(statement, {name: parameters[name] for name in statement.named_parameters})

    def close(self) -> None:
        """Close the connection and what steps were done with."""
        if self.spark:
            self.spark.close()
        self.connection.close()

    def rows(self, name: str, **parameters: Any) -> list[dict[str, Any]]:
        """All rows of the last statement of `queries/<name>.sql`, as dictionaries; for small results only."""
        return self.fetch_dicts(self.run(name, **parameters))

    def select(self, sql: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a small SELECT, as dictionaries."""
        return self.fetch_dicts(self.execute(sql, parameters))

    def value(self, sql: str, parameters: dict[str, Any] | None = None) -> Any:
        """First column of the first row of a SELECT, or None if it has no rows."""
        result = self.execute(sql, parameters)
        with signals_raised():  # rows may be made only when they are asked for
            row = result.fetchone()
        return row[0] if row else None

    def fetch_dicts(self, result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
        """Drain `result` into dictionaries by column name."""
        names = [column[0] for column in result.description or []]
        with signals_raised():
            rows = result.fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block wrote, all of it, or nothing if it raises."""
        self.execute("BEGIN TRANSACTION")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        """Take back what the transaction has done so far."""
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
        Somebody else writes, or has the file open.
    WarehouseError
        The file is no warehouse, damaged, made by a newer version, or may not be written.
    """
    with holding(params, command), opening(params) as warehouse:
        yield warehouse


@contextmanager
def opening(params: WarehouseParams, *, upgrade: bool = True) -> Iterator[Warehouse]:
    """Open the warehouse inside `holding`, so that its file can be worked on afterwards; raises as `writing`.

    Without `upgrade` one of an older schema is refused, and left as it is.
    """
    with explaining(params.path, "opening"):
        connection = connect(params)
    spark = SparkSteps(params) if params.engine is StepEngine.SPARK else None
    with _in_use(Warehouse(connection, params, spark)) as warehouse:
        if not upgrade and (found := pending_upgrade(warehouse)):
            raise WarehouseError(f"{params.path} has schema {found['from']}; the next night upgrades it.")
        migrate(warehouse)
        keep_private(params.path)
        yield warehouse


@contextmanager
def holding(params: WarehouseParams, command: str, *, restoring: bool = False) -> Iterator[None]:
    """Be the only writer without opening the warehouse, to work on its file as a whole; raises as `writing`.

    Only with `restoring` where a restore was stopped.
    """
    check_name(params.path)
    with for_owner_only(), writer_lock(params.path, command):
        if not restoring:
            check_restored(params.path)
        sweep(params.path)
        yield


@contextmanager
def looking(params: WarehouseParams, command: str) -> Iterator[dict[str, int] | None]:
    """Let `opened` hand out connections as in `writing`, but leave the warehouse as it is; it has to exist.

    One of an older schema is looked at as it will be, in a copy. Yields the numbers of the schemas that the next run
    finds and leaves, or None if it upgrades nothing. Raises as `writing`.
    """
    with holding(params, command), scratch_folder(params) as folder:
        with explaining(params.path, "opening"):
            connection = duckdb.connect(params.path, read_only=True, config=options(params))
        try:
            upgrade = pending_upgrade(Warehouse(connection, params))
            if upgrade:
                home = connection.execute("SELECT current_database()").fetchall()[0][0]
                copy_catalogue(connection, home, folder / params.path.name)
                connection.close()
                connection = connect(params.model_copy(update={"path": folder / params.path.name}))
                migrate(Warehouse(connection, params), keep_copy=False)
            with _in_use(Warehouse(connection, params)):
                yield upgrade
        finally:
            connection.close()


@contextmanager
def _in_use(warehouse: Warehouse) -> Iterator[Warehouse]:
    try:
        _open[warehouse.params.path] = warehouse
        yield warehouse
    finally:
        _open.pop(warehouse.params.path, None)
        warehouse.close()


@contextmanager
def opened(params: WarehouseParams) -> Iterator[Warehouse]:
    """A connection of its own for one step of the run that holds the warehouse; temporary tables end with it."""
    if params.path not in _open:
        raise WarehouseError(f"{params.path} is not open: steps run inside `warehouse.store.writing`")
    held = _open[params.path]
    with explaining(params.path, "a step"), held.connection.cursor() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield Warehouse(connection, params, held.spark)


@contextmanager
def scratch_folder(params: WarehouseParams) -> Iterator[Path]:
    """A private folder beside the warehouse, gone after the block; the next run removes what a killed one left."""
    with tempfile.TemporaryDirectory(dir=params.path.parent, prefix=scratch_prefix(params.path)) as folder:
        yield Path(folder)


@cache
def _statements(name: str) -> list[duckdb.Statement]:
    return duckdb.extract_statements((ROOM / "queries" / f"{name}.sql").read_text())


@lru_cache(maxsize=512)
def _parsed(sql: str) -> str | duckdb.Statement:
    """A single statement parsed once, however often it runs: a tenth of a small one's time is spent on its text."""
    statements = duckdb.extract_statements(sql)
    return statements[0] if len(statements) == 1 else sql


def _shortened(sql: str) -> str:
    words = " ".join(sql.split())
    return f"`{words[:77]}...`" if len(words) > 80 else f"`{words}`"
