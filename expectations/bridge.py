"""What lets Great Expectations read DuckDB: a SQLAlchemy dialect and a connection that leaves ours as it found it.

DuckDB understands PostgreSQL's SQL, so the dialect is PostgreSQL's in name and grammar; only reflection, which asks
PostgreSQL's catalogue, is replaced. `BorrowedConnection` ignores commit, rollback and close, because SQLAlchemy
believes it owns what it is handed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects import postgresql, registry
from sqlalchemy.dialects.postgresql.base import PGDialect

#: Connection string of an engine whose `creator` hands out `BorrowedConnection`s.
URL = "postgresql+borrowedduckdb://"

_TYPES: dict[str, type[types.TypeEngine[Any]]] = {
    "VARCHAR": postgresql.VARCHAR,
    "BOOLEAN": postgresql.BOOLEAN,
    "TINYINT": postgresql.SMALLINT,
    "SMALLINT": postgresql.SMALLINT,
    "INTEGER": postgresql.INTEGER,
    "BIGINT": postgresql.BIGINT,
    "UBIGINT": postgresql.BIGINT,
    "HUGEINT": postgresql.NUMERIC,
    "DECIMAL": postgresql.NUMERIC,
    "FLOAT": postgresql.REAL,
    "DOUBLE": postgresql.DOUBLE_PRECISION,
    "DATE": postgresql.DATE,
    "TIMESTAMP": postgresql.TIMESTAMP,
}


class OtherType(types.UserDefinedType[Any]):
    """A type PostgreSQL has no name for; one column of it must not keep GX from reading the others."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """DuckDB's own name of the type."""
        return self.name


class BorrowedDuckDBDialect(PGDialect):
    """PostgreSQL's dialect with question-mark parameters and columns looked up by DESCRIBE."""

    driver = "borrowedduckdb"
    default_paramstyle = "qmark"
    supports_statement_cache = True

    def initialize(self, connection: Any) -> None:
        """Set what PostgreSQL's dialect would ask a PostgreSQL server for."""
        self.default_schema_name = "main"
        self.server_version_info = (15,)

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> list[Any]:
        """Columns of a table or view on the search path, with the nearest PostgreSQL type."""
        quoted = self.identifier_preparer.quote_identifier(table_name)
        rows = connection.exec_driver_sql(f"DESCRIBE {quoted}").fetchall()
        return [{"name": row[0], "type": _type(row[1]), "nullable": True} for row in rows]

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        """No keys: uniqueness is what the checks are for."""
        return {"constrained_columns": [], "name": None}


@contextmanager
def _signals_raised() -> Iterator[None]:
    """DuckDB reports a signal whose handler raises as a RuntimeError; GX would take that for a failed check."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise


class _Cursor:
    """DB-API cursor over a DuckDB connection; DuckDB's own `cursor()` would be another session without its tables."""

    rowcount = -1
    arraysize = 1

    def __init__(self, session: Any) -> None:
        self._session = session

    def execute(self, statement: str, parameters: Any = None) -> None:
        with _signals_raised():
            self._session.execute(statement, parameters or None)

    @property
    def description(self) -> Any:
        return self._session.description

    def fetchone(self) -> Any:
        with _signals_raised():
            return self._session.fetchone()

    def fetchmany(self, size: int = 1) -> Any:
        with _signals_raised():
            return self._session.fetchmany(size)

    def fetchall(self) -> Any:
        with _signals_raised():
            return self._session.fetchall()

    def close(self) -> None:
        pass


class BorrowedConnection:
    """A DB-API connection on a DuckDB session that somebody else owns and closes."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def cursor(self) -> _Cursor:
        """A cursor on the session itself."""
        return _Cursor(self._session)

    def commit(self) -> None:
        """Ignore it: nothing is written."""

    def rollback(self) -> None:
        """Ignore it: nothing is written."""

    def close(self) -> None:
        """Ignore it: the owner closes the session."""


def _type(name: str) -> types.TypeEngine[Any]:
    known = _TYPES.get(name.split("(")[0])
    return known() if known and not name.endswith("]") else OtherType(name)


registry.register("postgresql.borrowedduckdb", __name__, "BorrowedDuckDBDialect")
