"""Upgrades of the private warehouse: every pending migration in one transaction, after a copy of what was.

Killed at any moment, or without room on the disk, the warehouse is as the release before left it, or as this one
needs it, and nothing between.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse import rewriting
from warehouse.durable import fsync
from warehouse.errors import WarehouseError
from warehouse.failures import explaining_files
from warehouse.private_file import copy_name
from warehouse.text import quoted

if TYPE_CHECKING:
    from warehouse.store import Warehouse

ROOM = Path(__file__).parent
_logger = logging.getLogger("resegment")


def migrate(warehouse: "Warehouse", *, keep_copy: bool = True) -> None:
    """Bring the schema up to date, all or nothing, and let the views follow the installed version.

    A warehouse that holds data is copied first; the copy stays beside it, named by its schema's number and the date.

    Raises
    ------
    WarehouseError
        The file is no warehouse of ours or was made by a newer version.
    DiskFullError
        There is no room for the copy or the upgrade. Nothing was changed.
    """
    applied, views = check_ours(warehouse)
    pending = {version: path for version, path in _migrations().items() if version > applied}
    if pending and applied and keep_copy:
        _keep_copy(warehouse, applied, max(pending))
    if pending or views != _views():
        with warehouse.transaction():
            _apply(warehouse, pending, _views())


def check_ours(warehouse: "Warehouse") -> tuple[int, str]:
    """Number of the newest migration and the text of the views it has, 0 and nothing for a new file.

    Raises WarehouseError if the file is no warehouse of ours or was made by a newer version.
    """
    _refuse_foreign(warehouse)
    applied, views = _applied(warehouse)
    newest = max(_migrations())
    if applied > newest:
        raise WarehouseError(
            f"{warehouse.params.path} was made by a newer version of resegment (its schema is number {applied}, "
            f"this version knows {newest}). Upgrade resegment; nothing was changed."
        )
    return applied, views


def pending_upgrade(warehouse: "Warehouse") -> dict[str, int] | None:
    """The schema the next run finds and the one it leaves; None if they are the same."""
    applied, newest = check_ours(warehouse)[0], max(_migrations())
    return {"from": applied, "to": newest} if applied < newest else None


def copy_before_upgrade(path: Path, applied: int, day: str) -> Path:
    """Where a warehouse is kept as it was before an upgrade; a second attempt on a day takes the place of the first."""
    return path.with_name(f"{path.stem}.schema-{applied}.{day}{path.suffix}")


def _apply(warehouse: "Warehouse", pending: dict[int, Path], views: str) -> None:
    """Views and macros are code, not data: those of the version before must not stand in the way, nor stay."""
    warehouse.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER, name VARCHAR, views VARCHAR)")
    _drop_views(warehouse)
    for version, path in pending.items():
        run_script(warehouse, path.read_text())
        record = {"version": version, "name": path.stem}
        warehouse.execute("INSERT INTO schema_migrations VALUES ($version, $name, '')", record)
    run_script(warehouse, views)
    warehouse.execute("UPDATE schema_migrations SET views = $text", {"text": views})


def run_script(warehouse: "Warehouse", text: str) -> None:
    """Run each statement of a script."""
    for statement in duckdb.extract_statements(text):
        warehouse.execute(statement.query)


def _keep_copy(warehouse: "Warehouse", applied: int, newest: int) -> None:
    path = warehouse.params.path
    kept = copy_before_upgrade(path, applied, f"{datetime.now(UTC):%Y-%m-%d}")
    home = warehouse.value("SELECT current_database()")
    rewriting.copy_catalogue(warehouse.connection, home, copy_name(path))
    with explaining_files("The copy before the upgrade cannot be kept", kept):
        copy_name(path).replace(kept)
        fsync(kept.parent)
    _logger.warning("upgrading %s from schema %s to %s; as it was it is kept in %s", path, applied, newest, kept)


def _drop_views(warehouse: "Warehouse") -> None:
    here = "database_name = current_database() AND NOT internal"
    for view in warehouse.select(f"SELECT schema_name, view_name FROM duckdb_views() WHERE {here}"):
        warehouse.execute(f"DROP VIEW {quoted(view['schema_name'])}.{quoted(view['view_name'])}")
    macros = "SELECT DISTINCT schema_name, function_name, function_type FROM duckdb_functions()"
    for macro in warehouse.select(f"{macros} WHERE {here} AND function_type IN ('macro', 'table_macro')"):
        kind = "MACRO TABLE" if macro["function_type"] == "table_macro" else "MACRO"
        warehouse.execute(f"DROP {kind} {quoted(macro['schema_name'])}.{quoted(macro['function_name'])}")


def _applied(warehouse: "Warehouse") -> tuple[int, str]:
    if not warehouse.value("SELECT count(*) FROM duckdb_tables() WHERE NOT internal"):
        return 0, ""
    row = warehouse.execute("SELECT version, views FROM schema_migrations ORDER BY version DESC").fetchone()
    return row or (0, "")


def _migrations() -> dict[int, Path]:
    return {int(path.name[:4]): path for path in sorted((ROOM / "migrations").glob("*.sql"))}


def _views() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOM / "views").glob("*.sql")))


def _refuse_foreign(warehouse: "Warehouse") -> None:
    """Somebody's own DuckDB file must not be filled with our tables."""
    tables = warehouse.value("SELECT count(*) FROM duckdb_tables() WHERE NOT internal")
    ours = warehouse.value(
        "SELECT count(*) FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = 'schema_migrations'"
        " AND column_name IN ('version', 'name', 'views')"
    )
    if tables and ours != 3:
        raise WarehouseError(
            f"{warehouse.params.path} is a DuckDB file with other tables, not a warehouse of resegment; "
            "it was not touched. Set [warehouse] path to another name."
        )
