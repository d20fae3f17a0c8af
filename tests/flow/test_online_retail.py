"""Online Retail, the real shop: the notebooks' segments, and the same customers however its 305 files come in."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support_nights import differing_rows, new_warehouse, take_in

from flows.nightly import nightly
from warehouse import features, store
from warehouse.params import SourceParams, WarehouseParams
from warehouse.store import Warehouse

AS_OF = date(2011, 12, 10)
RECEIVED = datetime.fromisoformat("2011-12-10 03:00")
#: Everything a night leaves behind, but for the records of runs.
KEPT = "SELECT * FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema <> 'ops'"


@pytest.fixture(scope="module")
def all_at_once(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(tmp_path_factory.mktemp("all-at-once")) as warehouse:
        assert take_in(warehouse, source_of(real_data), AS_OF, RECEIVED) == 305
        yield warehouse


def test_all_files_at_once_are_accounted_for(all_at_once: Warehouse, real_data: Path) -> None:
    assert differing_rows(all_at_once, source_of(real_data)) == {}
    (row,) = all_at_once.select(  # of 4,372 ids one has a single line, and its price is 0
        "SELECT count(*) AS ids, count(*) FILTER (frequency > 0) AS buyers, "
        "count(*) FILTER (frequency > 0 AND net <= 0) AS with_nothing_left, "
        "CAST(sum(gross) FILTER (customer_id = '16446') AS VARCHAR) AS gross_of_16446, "
        "CAST(sum(net) FILTER (customer_id = '16446') AS VARCHAR) AS net_of_16446 FROM features.customer_activity"
    )
    assert row == {
        "ids": 4371, "buyers": 4338, "with_nothing_left": 21, "gross_of_16446": "168472.5000", "net_of_16446": "2.9000",
    }  # fmt: skip


def test_file_by_file_gives_the_same_rows(all_at_once: Warehouse, real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    with new_warehouse(tmp_path) as warehouse:
        for file in sorted(real_data.glob("*.csv")):
            as_of = date.fromisoformat(file.stem) + timedelta(days=1)
            began = datetime.combine(as_of, RECEIVED.time())
            deliver(file, folder, began - timedelta(hours=1))
            assert take_in(warehouse, source_of(folder), as_of, began) == 1
        assert stored(warehouse) == stored(all_at_once)
        assert differing_rows(warehouse, source_of(folder)) == {}


@pytest.mark.parametrize(("window_days", "step"), [(None, 1), (90, 5)])
def test_as_of_moving_through_the_year_gives_the_same_rows(
    all_at_once: Warehouse, tmp_path: Path, window_days: int | None, step: int
) -> None:
    source = SourceParams(path=str(tmp_path / "*.csv"))
    shutil.copy(database_of(all_at_once, tmp_path), tmp_path / "warehouse.duckdb")
    with new_warehouse(tmp_path) as warehouse:
        warehouse.execute("DELETE FROM features.customer_activity")
        warehouse.execute("DELETE FROM features.state")
        for number in reversed(range(0, 374, step)):
            features.advance(warehouse, AS_OF - timedelta(days=number), window_days, accepted=False)
        assert differing_rows(warehouse, source) == {}
        computed = f"features.activity_of('sales.invoices', DATE '{AS_OF}', {window_days or 'NULL'})"
        assert fingerprint(warehouse, "features.customer_activity") == fingerprint(warehouse, computed)
        if window_days is None:
            assert activity(warehouse) == activity(all_at_once)


def test_a_night_its_repetition_and_one_without_delivery(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    config = tmp_path / "resegment.toml"
    config.write_text(f"preset = 'classic'\n[report]\nenabled = false\n[source]\npath = '{real_data / '*.csv'}'")
    first = nightly(as_of=AS_OF, config=config)
    assert first["status"] == "done"
    assert round(first["published"]["silhouette"], 3) == 0.616
    sizes = sorted((segment["customers"] for segment in first["published"]["segments"]), reverse=True)
    assert all(abs(size - known) <= 10 for size, known in zip(sizes, (3060, 1061, 204, 13), strict=True))

    kept, folders = everything(tmp_path), published_files(tmp_path)
    again = nightly(as_of=AS_OF, config=config)
    assert again["status"] == "unchanged"
    assert (everything(tmp_path), published_files(tmp_path)) == (kept, folders)

    third = nightly(as_of=AS_OF + timedelta(days=1), config=config)
    assert third["status"] == "done"
    assert len(published_files(tmp_path)) == len(folders) + 1
    assert aged(tmp_path, first, third) == {1}


def deliver(file: Path, folder: Path, at: datetime) -> None:
    """Put a file into a folder as one that was last changed at a moment of UTC."""
    seconds = at.replace(tzinfo=UTC).timestamp()
    os.utime(shutil.copy(file, folder), (seconds, seconds))


def source_of(folder: Path) -> SourceParams:
    return SourceParams(path=str(folder / "*.csv"))


def stored(warehouse: Warehouse) -> dict[str, Any]:
    """Fingerprints of what follows from the deliveries, however they came; files have the same order of names."""
    columns = {"landing.loads": "COLUMNS('^(load_id|unit|.*_lines|.*_amount|.*_shop_day)$')"}
    tables = ("sales.transaction_lines", "sales.invoices", "landing.quarantine", "landing.loads")
    return {table: fingerprint(warehouse, table, columns.get(table, "*")) for table in tables} | activity(warehouse)


def activity(warehouse: Warehouse) -> dict[str, Any]:
    return {row["customer_id"]: row for row in warehouse.select("FROM features.customer_activity")}


def fingerprint(warehouse: Warehouse, relation: str, columns: str = "*") -> tuple[Any, ...] | None:
    """Number of rows and a sum over their hashes: the same rows in any order give the same."""
    rows = f"(SELECT {columns} FROM {relation})"
    return warehouse.execute(f"SELECT count(*), sum(hash(found)) FROM {rows} AS found").fetchone()


def database_of(warehouse: Warehouse, folder: Path) -> Path:
    """A copy of a warehouse that is open."""
    file = folder / "copy.duckdb"
    warehouse.execute(f"ATTACH '{file}' AS copied")
    name = warehouse.value("SELECT current_database()")
    warehouse.execute(f"COPY FROM DATABASE {name} TO copied")
    warehouse.execute("DETACH copied")
    return file


def everything(folder: Path) -> dict[str, Any]:
    """Fingerprint of every table of the private warehouse but the records of runs."""
    params = WarehouseParams(path=folder / "warehouse.duckdb", serving=folder / "serving")
    with store.writing(params, "test"), store.opened(params) as warehouse:
        names = [f"{row['table_schema']}.{row['table_name']}" for row in warehouse.select(KEPT)]
        return {name: fingerprint(warehouse, name) for name in names}


def published_files(folder: Path) -> dict[str, int]:
    found = sorted((folder / "serving" / "versions").glob("*/*"))
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in found}


def aged(folder: Path, earlier: dict[str, Any], later: dict[str, Any]) -> set[int]:
    """By how many days the customers' recency differs between two versions."""
    with duckdb.connect() as connection:
        for name, night in (("earlier", earlier), ("later", later)):
            connection.execute(f"ATTACH '{night['published']['file']}' AS {name} (READ_ONLY)")
        differences = connection.execute(
            "SELECT DISTINCT l.recency_days - e.recency_days FROM later.customer_segments AS l "
            "FULL JOIN earlier.customer_segments AS e USING (customer_id)"
        ).fetchall()
    return {days for (days,) in differences}
