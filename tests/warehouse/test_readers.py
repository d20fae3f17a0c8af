"""Clients people have: old DuckDBs, SQLAlchemy, polars and pandas open a published file and see all of it.

Each old client lives in an environment of its own under the user's cache, made once from a package index.
`RESEGMENT_ALL_READERS=1` tries the versions between the oldest and the newest as well.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars
import pytest
from support_clients import environment
from support_nights import new_warehouse, source_of, take_in, write_files
from support_oracle import Line
from support_versions import NOW, write_candidate

from warehouse import publish, reading
from warehouse.published_file import contract

OLDEST, BETWEEN = "1.1.3", ("1.3.2", "1.4.4", "1.5.6")
#: What a client sees: its version, rows by table, comments by table and column, and a row of the view.
LOOK = """
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
ask = lambda sql: connection.execute(sql).fetchall()
tables = [name for (name,) in ask("SELECT table_name FROM duckdb_tables() WHERE NOT internal")]
print(json.dumps({
    "version": duckdb.__version__,
    "rows": {name: ask(f'SELECT count(*) FROM (SELECT * FROM "{name}")')[0][0] for name in tables},
    "tables": dict(ask("SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal")),
    "columns": ask("SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal"),
    "in_words": ask("SELECT customer_id, segment FROM customer_segments_in_words ORDER BY customer_id"),
    "sales": str(ask("SELECT sum(sales) FROM sales_monthly")[0][0]),
}))
"""
REFLECT = """
import json, sys
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool
engine = create_engine(f"duckdb:///{sys.argv[1]}", connect_args={"read_only": True}, poolclass=NullPool)
seen = inspect(engine)
columns = {name: seen.get_columns(name) for name in seen.get_table_names()}
with engine.connect() as connection:
    customers = connection.execute(text("SELECT count(*) FROM customer_segments")).scalar()
print(json.dumps({
    "columns": {name: [(column["name"], column["comment"]) for column in found] for name, found in columns.items()},
    "comments": {name: seen.get_table_comment(name)["text"] for name in columns},
    "views": seen.get_view_names(),
    "money": str(next(one["type"] for one in columns["sales_monthly"] if one["name"] == "sales")),
    "customers": customers,
}))
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("shop")
    write_files(folder / "files", {"a.csv": (Line("1", customer_id="a"), Line("2", "q", "2", customer_id="b"))})
    with new_warehouse(folder) as warehouse:
        take_in(warehouse, source_of(folder / "files"), date(2011, 2, 1), NOW)
        publish.publish(warehouse, write_candidate(warehouse, date(2011, 2, 1), {"a": 1, "b": 2}), NOW)
        yield reading.current_file(warehouse.params.serving)


def told_by(python: Path, script: str, file: Path) -> dict[str, Any]:
    told = subprocess.run([python, "-c", script, file], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return dict(json.loads(told.stdout))


@pytest.mark.parametrize("version", [OLDEST, *BETWEEN])
def test_an_older_client_sees_all_of_it(file: Path, version: str) -> None:
    if version != OLDEST and os.environ.get("RESEGMENT_ALL_READERS") != "1":
        pytest.skip("set RESEGMENT_ALL_READERS=1 to try the versions between the oldest and the newest")
    seen = told_by(environment(f"duckdb=={version}"), LOOK, file)
    assert seen.pop("version") == version
    newest = told_by(Path(sys.executable), LOOK, file)
    assert newest.pop("version") == duckdb.__version__
    for look in (seen, newest):
        look["columns"].sort()
    assert seen == newest
    assert (seen["sales"], seen["in_words"]) == ("3.0000", [["a", "segment 1 of 1"], ["b", "segment 2 of 1"]])
    described = {(table, *column) for table, told in contract().items() for column in told["columns"]}
    assert {tuple(column) for column in seen["columns"]} == described
    assert seen["tables"] == {name: told["comment"] for name, told in contract().items() if "view" not in told}


def test_sqlalchemy_reflects_tables_and_comments(file: Path) -> None:
    seen = told_by(environment("duckdb-sqlalchemy"), REFLECT, file)
    tables = {name: told for name, told in contract().items() if "view" not in told}
    assert seen["comments"] == {name: told["comment"] for name, told in tables.items()}
    assert seen["columns"] == {
        name: [[column, meaning] for column, _, meaning in told["columns"]] for name, told in tables.items()
    }
    assert (seen["views"], seen["money"], seen["customers"]) == (["customer_segments_in_words"], "NUMERIC(18, 4)", 2)


def test_polars_and_pandas_read_every_table(file: Path) -> None:
    with duckdb.connect(file, read_only=True) as connection:
        for table, told in contract().items():
            names = [column for column, _, _ in told["columns"]]
            assert connection.sql(f"FROM {table}").pl().columns == names
            assert list(connection.sql(f"FROM {table}").df().columns) == names
        money = connection.sql("SELECT sales FROM sales_monthly").pl()
    assert money.schema == {"sales": polars.Decimal(18, 4)}
