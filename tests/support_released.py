"""Warehouses as releases left them, built anew from frozen migrations and the rows in `released/`."""

import json
import os
import shutil
from pathlib import Path

import duckdb
from support_small import SmallShop

RELEASED = Path(__file__).with_name("released")
MIGRATIONS = Path(__file__).parents[1] / "warehouse" / "migrations"
#: Every schema a release had.
SCHEMAS = sorted(int(folder.name.removeprefix("schema_")) for folder in RELEASED.glob("schema_*"))


def released_shop(folder: Path, schema: int) -> SmallShop:
    """A shop's folder with the warehouse a release left and the deliveries it was made of."""
    rows = RELEASED / f"schema_{schema}"
    shutil.copytree(rows / "data", folder / "data")
    shutil.copy(rows / "resegment.toml", folder)
    shop = SmallShop(folder)
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute("CREATE TABLE schema_migrations (version INTEGER, name VARCHAR, views VARCHAR)")
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            if int(migration.name[:4]) <= schema:
                connection.execute(migration.read_text())
        for file in sorted(rows.glob("*.json")):
            _load(connection, file)
        for (views,) in connection.execute("SELECT DISTINCT views FROM schema_migrations").fetchall():
            connection.execute(views)
        units = connection.execute("SELECT unit, modified_ns FROM landing.loads WHERE status = 'accepted'").fetchall()
    for unit, modified in units:  # a checkout gives files the time of the checkout
        os.utime(folder / "data" / unit, ns=(modified, modified))
    return shop


def newest_number(warehouse: Path) -> int:
    """Number of the newest migration a warehouse has."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        return int(connection.execute("SELECT max(version) FROM schema_migrations").fetchall()[0][0])


def as_released(warehouse: Path, schema: int) -> list[str]:
    """Tables whose rows are not the ones the release left, in a warehouse still of that schema."""
    differing = []
    with duckdb.connect(warehouse, read_only=True) as connection:
        for file in sorted((RELEASED / f"schema_{schema}").glob("*.json")):
            connection.execute(f"COPY {file.stem} TO '{warehouse.parent / 'rows.json'}' (FORMAT json)")
            now, then = (path.read_text().splitlines() for path in (warehouse.parent / "rows.json", file))
            now, then = ([json.loads(row) for row in rows] for rows in (now, then))
            if file.stem == "sales.invoices":  # a copy has them in the order of days, whatever it was before
                now, then = sorted(now, key=str), sorted(then, key=str)
            if now != then:
                differing.append(file.stem)
    return differing


def _load(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    described = connection.execute(f"DESCRIBE {file.stem}").fetchall()
    columns = ", ".join(f"{name}: '{kind}'" for name, kind, *_ in described)
    connection.execute(
        f"INSERT INTO {file.stem} FROM read_json('{file}', format = 'newline_delimited', columns = {{{columns}}}, "
        "maximum_object_size = 100000000)"
    )
