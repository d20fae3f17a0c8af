"""The DuckDB file of one version: the tables of `contract.toml`, each filled by `queries/publish/<table>.sql`."""

import tempfile
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from warehouse import versions
from warehouse.errors import WarehouseError
from warehouse.store import ROOM, Warehouse
from warehouse.text import literal, quoted

#: Every client since DuckDB 1.1 can read this; the default format of 2.0 is unreadable by the clients BI tools ship.
STORAGE_VERSION = "v1.0.0"
#: A table takes a block at least, and there are many small ones: a quarter of the usual block more than halves the file
#: of a small shop, and costs a tenth more of a file of millions of customers.
_BLOCK_SIZE = 65_536
#: The file is checkpointed as a whole before anybody sees it, so a log would only write everything twice.
_OPTIONS = f"STORAGE_VERSION '{STORAGE_VERSION}', BLOCK_SIZE {_BLOCK_SIZE}, RECOVERY_MODE 'no_wal_writes'"


@cache
def contract() -> dict[str, dict[str, Any]]:
    """The public tables: comment and columns [name, type, meaning] of each."""
    return tomllib.loads((ROOM / "contract.toml").read_text())


def write(warehouse: Warehouse, version_id: int, file: Path) -> None:
    """Write the file of a version whose history was prepared (`versions.prepare_history`)."""
    parameters, home = _parameters(warehouse, version_id), warehouse.value("SELECT current_database()")
    warehouse.run("sales/prepare_totals", **parameters)
    file.write_bytes(_empty_file())
    warehouse.execute(f"ATTACH {literal(str(file))} AS publication ({_OPTIONS})")
    try:
        with warehouse.transaction():
            for table in _tables():
                _fill(warehouse, table, parameters)
            _write_views(warehouse, version_id)
        warehouse.execute("CHECKPOINT publication")
    except BaseException:
        with suppress(WarehouseError):  # what went wrong before is what counts
            _detach(warehouse, home)
        raise
    _detach(warehouse, home)


def _detach(warehouse: Warehouse, home: str) -> None:
    warehouse.execute(f"USE {quoted(home)}.main")
    warehouse.execute("DETACH publication")


def _parameters(warehouse: Warehouse, version_id: int) -> dict[str, Any]:
    tables = warehouse.params.tables
    return {
        "version_id": version_id,
        "as_of": versions.version(warehouse, version_id)["as_of"],
        "service_products": list(tables.service_products),
        "top_products": tables.top_products,
        "min_buyers": tables.affinity_min_buyers,
        "smoothing": tables.affinity_smoothing,
    }


def _tables() -> list[str]:
    """Tables that are filled from the warehouse."""
    return [name for name, described in contract().items() if "view" not in described and name != "data_dictionary"]


def _fill(warehouse: Warehouse, table: str, parameters: dict[str, Any]) -> None:
    select = (ROOM / "queries" / "publish" / f"{table}.sql").read_text()
    used = {name: value for name, value in parameters.items() if f"${name}" in select}
    warehouse.execute(f"INSERT INTO publication.main.{quoted(table)} BY NAME {select}", used)


def _write_views(warehouse: Warehouse, version_id: int) -> None:
    """Views name no catalogue, so that the file may have any name; words for the reason codes come from the model."""
    words = warehouse.value(
        "SELECT reason_words_sql FROM models.models JOIN segments.versions USING (model_id) WHERE version_id = $id",
        {"id": version_id},
    )
    warehouse.execute("USE publication.main")
    for name, described in contract().items():
        if "view" in described:
            warehouse.execute(f"CREATE VIEW {quoted(name)} AS {described['view'].replace('{words}', words)}")
            for statement in _comments("VIEW", name, described):
                warehouse.execute(statement)


@cache
def _empty_file() -> bytes:
    """A published file without rows: tables, comments and dictionary are the same in each and take longer than rows."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        file = Path(folder) / "empty.duckdb"
        connection.execute(f"ATTACH {literal(str(file))} AS empty ({_OPTIONS})")
        connection.execute("USE empty")
        for name, described in contract().items():
            if "view" not in described:
                columns = ", ".join(f"{quoted(column)} {kind}" for column, kind, _ in described["columns"])
                connection.execute(f"CREATE TABLE {quoted(name)} ({columns})")
                connection.execute(";".join(_comments("TABLE", name, described)))
        connection.executemany("INSERT INTO data_dictionary VALUES (?, ?, ?, ?)", _dictionary())
        connection.execute("CHECKPOINT empty")
        connection.execute("USE memory")
        connection.execute("DETACH empty")
        return file.read_bytes()


def _comments(kind: str, name: str, described: dict[str, Any]) -> list[str]:
    on_columns = [
        f"COMMENT ON COLUMN {quoted(name)}.{quoted(column)} IS {literal(meaning)}"
        for column, _, meaning in described["columns"]
    ]
    return [f"COMMENT ON {kind} {quoted(name)} IS {literal(described['comment'])}", *on_columns]


def _dictionary() -> list[tuple[str, str | None, str | None, str]]:
    rows: list[tuple[str, str | None, str | None, str]] = []
    for table, described in contract().items():
        rows.append((table, None, None, described["comment"]))
        rows += [(table, column, kind, meaning) for column, kind, meaning in described["columns"]]
    return rows
