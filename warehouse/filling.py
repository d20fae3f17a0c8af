"""The rows of the public tables: each by the SELECT of `queries/publish/<table>.sql`."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from warehouse.store import ROOM, Warehouse
from warehouse.text import quoted

Parameters = Mapping[str, Any]


def fill(warehouse: Warehouse, table: str, parameters: Parameters) -> None:
    """Insert the rows of a table into the attached file `publication`."""
    _run(warehouse, f"INSERT INTO publication.main.{quoted(table)} BY NAME {_select(table)}", parameters)


def make_ready(warehouse: Warehouse, table: str, parameters: Parameters) -> None:
    """Keep the rows of a table in the temporary table `ready_<table>`, until there is a file to insert them into."""
    _run(warehouse, f"CREATE OR REPLACE TEMP TABLE ready_{table} AS {_select(table)}", parameters)


def fill_ready(warehouse: Warehouse, table: str) -> None:
    """Insert what was made ready into the attached file `publication`."""
    warehouse.execute(f"INSERT INTO publication.main.{quoted(table)} BY NAME FROM ready_{table}")


def _run(warehouse: Warehouse, sql: str, parameters: Parameters) -> None:
    warehouse.execute(sql, {name: value for name, value in parameters.items() if f"${name}" in sql})


@cache
def _select(table: str) -> str:
    return (ROOM / "queries" / "publish" / f"{table}.sql").read_text()
