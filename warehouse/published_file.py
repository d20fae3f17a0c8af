"""The DuckDB file of one version: the tables of `contract.toml`, each filled by `queries/publish/<table>.sql`."""

import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb

from warehouse import months
from warehouse.beside import TABLES, Beside
from warehouse.errors import WarehouseError
from warehouse.filling import Parameters, fill
from warehouse.store import ROOM, Warehouse, scratch_folder
from warehouse.text import literal, quoted

#: Every client since DuckDB 1.1 can read this; the default format of 2.0 is unreadable by the clients BI tools ship.
STORAGE_VERSION = "v1.0.0"
#: A table takes a block at least, and there are many small ones: a quarter of the usual block more than halves the file
#: of a small shop, and costs a tenth more of a file of millions of customers.
_BLOCK_SIZE = 65_536
#: The file is checkpointed as a whole before anybody sees it, so a log would only write everything twice.
_OPTIONS = f"STORAGE_VERSION '{STORAGE_VERSION}', BLOCK_SIZE {_BLOCK_SIZE}, RECOVERY_MODE 'no_wal_writes'"
#: Ways to store a column that are tried on every column at length and save nothing of one that fits in a block or two:
#: without them a small file takes half the time to write and has the same size.
_FOR_LONG_COLUMNS = "fsst,alp,alprd"
#: Customers of a file whose columns are long: those of a row group.
_LONG = 122_880
#: Tables that are the same in all versions of a model until something is checked, delivered or measured.
_LASTING = frozenset(
    {
        "check_results", "data_quality", "k_search", "model_parameters", "quarantine_reasons", "segment_lineage",
        "version_quality", "version_revisions",
    }
)  # fmt: skip
#: What tells whether they are the same still.
_COMMON = """
SELECT model_id, (SELECT max(model_id) FROM models.models) AS models, (SELECT count(*) FROM ops.checks) AS checks,
    (SELECT count(*) FROM segments.quality) AS measured, (SELECT count(*) FROM landing.loads) AS loads
FROM segments.versions WHERE version_id = $id
"""


@cache
def contract() -> dict[str, dict[str, Any]]:
    """The public tables: comment and columns [name, type, meaning] of each."""
    return tomllib.loads((ROOM / "contract.toml").read_text())


class Begun:
    """A file begun with what the versions of a run have in common, which is written once for all of them."""

    def __init__(self) -> None:
        self._common: dict[str, Any] = {}
        self._content = b""

    def content(self, warehouse: Warehouse, parameters: Parameters) -> bytes:
        """A file with the tables that last and the views, as they are for a version."""
        (common,) = warehouse.select(_COMMON, {"id": parameters["version_id"]})
        if common != self._common:
            with scratch_folder(warehouse.params) as folder:
                file = folder / "begun.duckdb"
                _fill_file(warehouse, parameters, file, _empty_file(), sorted(_LASTING), views=True)
                self._common, self._content = common, file.read_bytes()
        return self._content


def write(warehouse: Warehouse, row: Mapping[str, Any], file: Path, other: Beside, begun: Begun | None = None) -> None:
    """Write the file of the version of this row, which was prepared.

    With `begun`, what it has in common with the version before is copied.
    """
    parameters = parameters_of(warehouse, row)
    content = begun.content(warehouse, parameters) if begun else _empty_file()
    tables = [name for name in _tables() if name not in TABLES and not (begun and name in _LASTING)]
    own = partial(months.prepare_segments, warehouse, row)
    _fill_file(warehouse, parameters, file, content, tables, views=not begun, other=other, first=own)


def _fill_file(
    warehouse: Warehouse,
    parameters: Parameters,
    file: Path,
    content: bytes,
    tables: Sequence[str],
    *,
    views: bool,
    other: Beside | None = None,
    first: Callable[[], None] = lambda: None,
) -> None:
    """`first` is done, and `tables` are filled, while the other connection fills its own."""
    home = warehouse.value("SELECT current_database()")
    file.write_bytes(content)
    with _compression(warehouse, parameters["customers"]):
        warehouse.execute(f"ATTACH {literal(str(file))} AS publication ({_OPTIONS})")
        try:
            with _filled(other, parameters):
                first()
                with warehouse.transaction():
                    for table in tables:
                        fill(warehouse, table, parameters)
                    if views:
                        _write_views(warehouse, parameters["version_id"])
            if other:
                other.prepare_next(parameters)
            warehouse.execute("CHECKPOINT publication")
        except BaseException:
            with suppress(WarehouseError):  # what went wrong before is what counts
                _detach(warehouse, home)
            raise
        _detach(warehouse, home)


@contextmanager
def _filled(other: Beside | None, parameters: Parameters) -> Iterator[None]:
    """The other connection fills its tables meanwhile; neither is left writing when the other one fails."""
    filling = other.fill(parameters) if other else None
    try:
        yield
    finally:
        if filling:
            wait([filling])
    if filling:
        filling.result()


@contextmanager
def _compression(warehouse: Warehouse, customers: int) -> Iterator[None]:
    """Spare the columns of a small file what pays for long ones only."""
    if customers > _LONG:
        yield
        return
    warehouse.execute(f"SET disabled_compression_methods = '{_FOR_LONG_COLUMNS}'")
    try:
        yield
    finally:
        warehouse.execute("RESET disabled_compression_methods")


def _detach(warehouse: Warehouse, home: str) -> None:
    warehouse.execute(f"USE {quoted(home)}.main")
    warehouse.execute("DETACH publication")


def parameters_of(warehouse: Warehouse, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the SELECTs of the public tables are bound to for a version, and how many customers it has."""
    tables = warehouse.params.tables
    return {
        "version_id": row["version_id"],
        "as_of": row["as_of"],
        "customers": row["customers"],
        "service_products": list(tables.service_products),
        "top_products": tables.top_products,
        "min_buyers": tables.affinity_min_buyers,
        "smoothing": tables.affinity_smoothing,
    }


def _tables() -> list[str]:
    """Tables that are filled from the warehouse."""
    return [name for name, described in contract().items() if "view" not in described and name != "data_dictionary"]


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
