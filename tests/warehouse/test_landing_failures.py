"""What is no fault of a file stops the run as what it is, and leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from support_landing import PURCHASE, deliver, stage, take_in, warehouse_in

from warehouse import file_reader, store
from warehouse.errors import DeliveryError, DiskFullError, WarehouseError
from warehouse.params import SourceParams, WarehouseParams
from warehouse.store import Warehouse


def source_of(folder: Path, **options: object) -> SourceParams:
    return SourceParams.model_validate({"path": str(folder / "in" / "*.csv")} | options)


def nothing_is_left(warehouse: Warehouse, folder: Path) -> bool:
    rows = "SELECT (SELECT count(*) FROM landing.loads) + (SELECT count(*) FROM landing.staged_lines)"
    folders = [path.name for path in folder.iterdir() if path.is_dir() and not path.name.endswith(".tmp")]
    return warehouse.value(rows) == 0 and folders == ["in"]


def test_a_full_disk_is_no_fault_of_a_file(tmp_path: Path) -> None:
    """DuckDB may keep little in memory and nothing on disk: what does not fit has no room."""
    deliver(tmp_path, "in/a.csv", *(PURCHASE.replace("536365", str(number)) for number in range(200_000)))
    deliver(tmp_path, "in/b.csv", PURCHASE)
    params = WarehouseParams(path=tmp_path / "w.duckdb", memory_limit="50MB", threads=1)
    with store.writing(params, "test") as warehouse:
        warehouse.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(DiskFullError, match="disk is full"):
            stage(warehouse, source_of(tmp_path))
        assert nothing_is_left(warehouse, tmp_path)


def test_a_full_disk_while_a_file_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE)
    monkeypatch.setattr(file_reader.FileReader, "_readable", lambda self, file, mixed: _copy_to_full(file, self.source))
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(DiskFullError, match="disk is full"):
            stage(warehouse, source_of(tmp_path, encoding="iso-8859-1"))
        assert nothing_is_left(warehouse, tmp_path)


def _copy_to_full(file: file_reader.Delivered, source: SourceParams) -> Path:
    file_reader.utf8_copy(file.unit.path, source, Path("/dev/full"), False)
    raise AssertionError("the disk was not full")


def test_a_fault_of_ours_is_not_blamed_on_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE)
    monkeypatch.setattr(file_reader, "lines_sql", lambda *arguments: "SELECT nonsense")
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(WarehouseError, match="nonsense") as raised:
            stage(warehouse, source_of(tmp_path))
        assert isinstance(raised.value.__cause__, duckdb.BinderException)
        assert nothing_is_left(warehouse, tmp_path)


def test_other_errors_of_one_file_name_the_file(tmp_path: Path) -> None:
    for number in range(5):
        deliver(tmp_path, f"in/{number}.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(DeliveryError, match=r"(?s)^1 file cannot.*3\.csv: it cannot be read: .*fault of its own"):
            stage(_FailsOn(warehouse, "3.csv"), source_of(tmp_path))  # type: ignore[arg-type]
        assert warehouse.select("SELECT unit FROM landing.loads") == [{"unit": "3.csv"}]


class _FailsOn:
    """A warehouse whose reader of files fails whenever a certain one is among them."""

    def __init__(self, warehouse: Warehouse, name: str) -> None:
        self._warehouse, self._name = warehouse, name

    def __getattr__(self, name: str) -> object:
        return getattr(self._warehouse, name)

    def execute(self, sql: str, parameters: dict[str, object] | None = None) -> object:
        if f"{self._name}'" in sql:
            sql = "SELECT error('a fault of its own')"
        return self._warehouse.execute(sql, parameters if "$" in sql else None)


def test_a_run_that_is_killed_while_reading_leaves_no_copies(tmp_path: Path) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE)
    code = f"""
import os, sys
sys.path[:0] = {[*sys.path, str(Path(__file__).parents[1])]!r}
from pathlib import Path
import support_landing, test_landing_failures
from warehouse import file_reader
real = file_reader.relation_sql
file_reader.relation_sql = lambda *arguments: os._exit(9)
folder = Path({str(tmp_path)!r})
with support_landing.warehouse_in(folder) as warehouse:
    support_landing.stage(warehouse, test_landing_failures.source_of(folder, encoding="iso-8859-1"))
"""
    environment = [str(Path(__file__).parent)]
    killed = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {environment!r}\n{code}"], check=False)
    assert killed.returncode == 9
    assert [path for path in tmp_path.iterdir() if path.is_dir() and path.name != "in"]
    with warehouse_in(tmp_path) as warehouse:
        assert nothing_is_left(warehouse, tmp_path)
        assert take_in(warehouse, source_of(tmp_path, encoding="iso-8859-1")).lines == 1
