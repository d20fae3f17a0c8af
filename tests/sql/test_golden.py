"""Golden cases: what a query makes of a few rows, written down by hand.

    <area>/<query>/<case>/case.toml               why the case matters, the query's parameters, temporary tables' types
    <area>/<query>/<case>/given/<table>.csv       rows of a table; columns left out hold zero, '' or null
    <area>/<query>/<case>/expected/<table>.csv    the rows it then has, in any order; only the columns named
    <area>/<query>/<case>/expected/result.csv     the rows of the query's own result

A view or macro stands under `views`, with the SELECT that shows it as `select` in case.toml.
"""

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from warehouse import store
from warehouse.params import WarehouseParams
from warehouse.store import Warehouse

HERE = Path(__file__).parent
CASES = sorted(file.parent for file in HERE.glob("*/*/*/case.toml"))
_NEUTRAL = {"VARCHAR": "''", "BOOLEAN": "false", "DATE": "DATE '1970-01-01'", "TIMESTAMP": "TIMESTAMP '1970-01-01'"}
_READ = "read_csv('{}', header = true, all_varchar = true, nullstr = '', delim = ',', quote = '\"')"


def case_id(case: Path) -> str:
    return str(case.relative_to(HERE))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    with store.writing(WarehouseParams(path=folder / "golden.duckdb", serving=folder / "serving"), "test"):
        return folder / "golden.duckdb"


@pytest.fixture
def warehouse(tmp_path: Path, empty: Path):
    path = Path(shutil.copy2(empty, tmp_path))
    with store.writing(WarehouseParams(path=path, serving=tmp_path / "serving", threads=1), "test") as opened:
        opened.execute("ATTACH ':memory:' AS shared")
        yield opened


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_golden(case: Path, warehouse: Warehouse) -> None:
    described = tomllib.loads((case / "case.toml").read_text())
    assert described["why"]
    for file in sorted((case / "given").glob("*.csv")):
        fill(warehouse, file, described.get("temporary", {}).get(file.stem))
    select = described.get("select")
    if select is None:
        parameters = {name: None if value == "null" else value for name, value in described["parameters"].items()}
        result = warehouse.run(f"{case.parts[-3]}/{case.parts[-2]}", **parameters)
        if (case / "expected" / "result.csv").exists():
            columns, rows = [f"{column[0]} VARCHAR" for column in result.description or []], result.fetchall()
            warehouse.execute(f"CREATE TEMP TABLE result ({', '.join(columns)})")
            warehouse.insert_rows("result", rows)
    else:
        warehouse.execute(f"CREATE TEMP TABLE result AS {select}")
    expected = sorted((case / "expected").glob("*.csv"))
    assert expected
    for file in expected:
        assert differences(warehouse, file) == []


def test_every_case_is_of_a_query_that_exists() -> None:
    rooms = {"views": store.ROOM / "views"}
    for case in CASES:
        area, name = case.parts[-3], case.parts[-2]
        room = rooms.get(area, store.ROOM / "queries" / area)
        assert (room / f"{name}.sql").exists(), case


def fill(warehouse: Warehouse, file: Path, temporary: dict[str, str] | None) -> None:
    """Insert a CSV's rows; what is not named and may not be null holds a neutral value."""
    table = file.stem
    if temporary:
        columns = ", ".join(f"{name} {kind}" for name, kind in temporary.items())
        kind = "TABLE" if table.startswith("shared.") else "TEMP TABLE"
        warehouse.execute(f"CREATE OR REPLACE {kind} {table} ({columns})")
    named = columns_of(warehouse, _READ.format(file))
    values = {}
    for row in warehouse.select(f"DESCRIBE {table}"):
        name, kind = row["column_name"], row["column_type"]
        if name in named:
            values[name] = f"CAST({name} AS {kind})"
        elif row["null"] == "NO":
            values[name] = _NEUTRAL.get(kind, "'[]'" if kind.endswith("[]") else f"CAST(0 AS {kind})")
    assert set(named) <= set(values), f"{file}: {table} has no {set(named) - set(values)}"
    names, expressions = ", ".join(values), ", ".join(values.values())
    warehouse.execute(f"INSERT INTO {table} ({names}) SELECT {expressions} FROM {_READ.format(file)}")


def differences(warehouse: Warehouse, file: Path) -> list[tuple[str, Any]]:
    """Rows that are expected and missing, and rows that are there and not expected."""
    names = columns_of(warehouse, _READ.format(file))
    types = {row["column_name"]: row["column_type"] for row in warehouse.select(f"DESCRIBE {file.stem}")}
    expected = f"SELECT {', '.join(f'CAST({name} AS {types[name]})' for name in names)} FROM {_READ.format(file)}"
    found = f"SELECT {', '.join(names)} FROM {file.stem}"
    missing = warehouse.execute(f"{expected} EXCEPT ALL {found}").fetchall()
    surplus = warehouse.execute(f"{found} EXCEPT ALL {expected}").fetchall()
    return [("missing", row) for row in missing] + [("not expected", row) for row in surplus]


def columns_of(warehouse: Warehouse, relation: str) -> list[str]:
    return [row["column_name"] for row in warehouse.select(f"DESCRIBE FROM {relation}")]
