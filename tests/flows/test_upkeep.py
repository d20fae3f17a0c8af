"""The commands that keep the warehouse in order, on a small shop."""

import json
from pathlib import Path

import duckdb
import pytest
from support_small import SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app
from warehouse.lock import writer_lock


@pytest.fixture(autouse=True)
def no_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    """A shop with one published night."""
    shop = SmallShop(tmp_path / "shop").configure()
    shop.deliver("first", varied(40))
    shop.night()
    return shop


def called(shop: SmallShop, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*(str(argument) for argument in arguments), "--config", str(shop.config)])


def verified(shop: SmallShop) -> int:
    """Rows that differ from their rebuild."""
    result = called(shop, "verify", "--json")
    return sum(row["differing_rows"] for row in json.loads(result.stdout))


def test_compact_tells_the_bytes_and_loses_nothing(shop: SmallShop) -> None:
    tables = ("sales.transaction_lines", "segments.assignments", "models.clusters")
    with duckdb.connect(shop.warehouse) as connection:
        for table in ("gone", "after_it"):  # what is free at the end of a file DuckDB gives back itself
            connection.execute(f"CREATE TABLE ops.{table} AS SELECT md5(range::VARCHAR) FROM range(100000)")
            connection.execute("CHECKPOINT")
        connection.execute("DROP TABLE ops.gone")
    before = [shop.private(f"FROM {table}") for table in tables]
    size = shop.warehouse.stat().st_size
    found = json.loads(called(shop, "compact", "--json").stdout)
    assert found["bytes_before"] == size
    assert found["bytes_after"] == shop.warehouse.stat().st_size < size
    assert [shop.private(f"FROM {table}") for table in tables] == before
    assert verified(shop) == 0
    told = called(shop, "compact").stdout
    assert f"{shop.warehouse}: " in told
    assert "bytes before" in told


def test_compact_waits_for_no_writer(shop: SmallShop) -> None:
    with writer_lock(shop.warehouse, "nightly"):
        result = called(shop, "compact")
    assert result.exit_code == 1
    assert "is being written by `resegment nightly`" in result.stderr


def test_compact_without_a_warehouse(tmp_path: Path) -> None:
    result = called(SmallShop(tmp_path / "none").configure(), "compact")
    assert result.exit_code == 1
    assert "There is no warehouse at" in result.stderr
