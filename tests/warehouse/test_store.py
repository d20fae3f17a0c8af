import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from support_disk import fill, mounted

from warehouse import store
from warehouse.errors import DiskFullError, ResegmentError, WarehouseError, WarehouseLockedError
from warehouse.params import WarehouseParams


@pytest.fixture
def params(tmp_path: Path) -> WarehouseParams:
    return WarehouseParams(path=tmp_path / "private" / "warehouse.duckdb", serving=tmp_path / "serving", threads=1)


@pytest.fixture
def made(params: WarehouseParams) -> WarehouseParams:
    with store.writing(params, "test"):
        return params


def refused(params: WarehouseParams) -> str:
    with pytest.raises(ResegmentError) as caught, store.writing(params, "test"):
        pass
    return str(caught.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_step_sees_what_the_step_before_it_committed(made: WarehouseParams) -> None:
    with store.writing(made, "test"):
        with store.opened(made) as first, store.opened(made) as inner:
            first.execute("CREATE TABLE ops.notes (note VARCHAR)")
            inner.insert_rows("ops.notes", [("one",), ("two",)])
            first.execute("CREATE TEMP TABLE own AS SELECT 1")
            with pytest.raises(WarehouseError, match="own does not exist"):
                inner.execute("FROM own")
        with store.opened(made) as later:
            assert later.value("SELECT count(*) FROM ops.notes") == 2
            assert later.value("SELECT current_setting('TimeZone')") == "UTC"


def test_a_transaction_keeps_nothing_of_a_block_that_raises(made: WarehouseParams) -> None:
    with store.writing(made, "test"), store.opened(made) as warehouse:
        with pytest.raises(KeyboardInterrupt), warehouse.transaction():  # noqa: PT012
            warehouse.execute("INSERT INTO ops.run_context VALUES ('a', DATE '2011-01-01')")
            raise KeyboardInterrupt
        with pytest.raises(WarehouseError, match="nowhere"), warehouse.transaction():  # noqa: PT012
            warehouse.execute("INSERT INTO ops.run_context VALUES ('b', DATE '2011-01-01')")
            warehouse.execute("INSERT INTO nowhere VALUES (1)")
        with warehouse.transaction():
            warehouse.execute("INSERT INTO ops.run_context VALUES ('c', DATE '2011-01-01')")
        assert warehouse.select("SELECT run_id FROM ops.run_context") == [{"run_id": "c"}]


@pytest.mark.parametrize("error", [ValueError("by a step"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_the_file_is_free_again_however_the_run_ends(made: WarehouseParams, error: BaseException) -> None:
    with pytest.raises(type(error)), store.writing(made, "test"), store.opened(made) as warehouse:  # noqa: PT012
        warehouse.execute("BEGIN")
        raise error
    duckdb.connect(made.path).close()
    with pytest.raises(WarehouseError, match="steps run inside"), store.opened(made):
        pass
    with store.writing(made, "test"):
        assert refused(made).startswith(f"{made.path} is being written by `resegment test`, process {os.getpid()}")
    with store.writing(made, "test"):
        pass


def test_the_file_is_free_again_if_it_cannot_be_used(made: WarehouseParams) -> None:
    with duckdb.connect(made.path) as connection:
        connection.execute("INSERT INTO schema_migrations SELECT 99, 'of tomorrow', views FROM schema_migrations")
    assert "made by a newer version of resegment (its schema is number 99" in refused(made)
    with duckdb.connect(made.path) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE version = 99")
    with store.writing(made, "test"):
        pass


def test_a_failed_statement_is_one_line_with_the_statement_as_a_note(made: WarehouseParams) -> None:
    statement = "SELECT\n" + ",\n".join(f"{number} AS column_{number}" for number in range(60)) + "\nFROM nowhere"
    with store.writing(made, "test"), store.opened(made) as warehouse, pytest.raises(WarehouseError) as caught:
        warehouse.execute(statement)
    assert len(str(caught.value).splitlines()) == 1
    assert "Table with name nowhere does not exist" in str(caught.value)
    assert caught.value.__notes__ == [statement]
    assert isinstance(caught.value.__cause__, duckdb.CatalogException)


def test_a_failed_query_is_told_by_its_name(made: WarehouseParams) -> None:
    with store.writing(made, "test"), store.opened(made) as warehouse, pytest.raises(WarehouseError) as caught:
        warehouse.run("ops/start_run", run_id="a", command=None, as_of=None, now="no time", by="a")
    assert "query ops/start_run failed on" in str(caught.value)
    assert "INSERT INTO ops.runs" in caught.value.__notes__[0]


def test_an_error_of_duckdb_that_a_step_lets_through_is_explained_too(made: WarehouseParams) -> None:
    with store.writing(made, "test"), pytest.raises(WarehouseError, match="nowhere"), store.opened(made) as warehouse:
        warehouse.connection.execute("FROM nowhere")


@pytest.mark.parametrize(
    "slow",
    [
        "SELECT count(*) FROM range(300000) a, range(300000) b WHERE (a.range * b.range) % 7 = 3",
        "SELECT md5(CAST(range AS VARCHAR)) FROM range(100000000)",  # made as its rows are asked for
    ],
)
def test_ctrl_c_in_a_statement_is_an_interrupt_not_an_error(made: WarehouseParams, slow: str) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with store.writing(made, "test"), store.opened(made) as warehouse:
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            with pytest.raises(KeyboardInterrupt):
                warehouse.select(slow)
            assert warehouse.value("SELECT 1") == 1
    finally:
        signal.signal(signal.SIGINT, before)


def test_too_little_memory_says_which_settings_help(made: WarehouseParams) -> None:
    small = made.model_copy(update={"memory_limit": "20MB"})
    with store.writing(small, "test"), store.opened(small) as warehouse:
        warehouse.execute("SET temp_directory = ''")
        with pytest.raises(WarehouseError, match=r"\[warehouse\] memory_limit"):
            warehouse.execute("SELECT list(md5(range::VARCHAR)) FROM range(3000000)")


def test_no_name_hides_a_schema(made: WarehouseParams, tmp_path: Path) -> None:
    with duckdb.connect(made.path) as connection:
        schemas = connection.execute("SELECT DISTINCT schema_name FROM duckdb_schemas() WHERE NOT internal").fetchall()
    assert len(schemas) > 6
    for (schema,) in schemas:
        for name in (f"{schema}.duckdb", f"{schema.upper()}.v2.duckdb", f".{schema}"):
            message = refused(WarehouseParams(path=tmp_path / name))
            assert f"would hide the schema {schema}" in message
            assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    "name", ["my.sales.duckdb", "main.duckdb", "temp", "o'shop's.duckdb", "a b.duckdb", "select.db"]
)
def test_other_names_are_fine(tmp_path: Path, name: str) -> None:
    params = WarehouseParams(path=tmp_path / name)
    with store.writing(params, "test"), store.opened(params) as warehouse:
        assert warehouse.value("SELECT count(*) FROM ops.runs") == 0


def sqlite_file(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE a (b)")


NO_WAREHOUSES = {
    "text": lambda path: path.write_text("InvoiceNo,StockCode\n" * 1000),
    "a few bytes": lambda path: path.write_text("hello"),
    "sqlite": sqlite_file,
}


@pytest.mark.parametrize("make", NO_WAREHOUSES.values(), ids=NO_WAREHOUSES.keys())
def test_a_file_that_is_no_duckdb_is_left_alone(params: WarehouseParams, make) -> None:
    params.path.parent.mkdir()
    make(params.path)
    before = params.path.read_bytes()
    assert refused(params) == (
        f"{params.path} is not a DuckDB file. Move it away or set [warehouse] path to another name."
    )
    assert params.path.read_bytes() == before


@pytest.mark.parametrize("table", ["shopping (item VARCHAR)", "schema_migrations (version VARCHAR)"])
def test_somebody_elses_duckdb_file_is_left_alone(params: WarehouseParams, table: str) -> None:
    params.path.parent.mkdir()
    with duckdb.connect(params.path) as connection:
        connection.execute(f"CREATE TABLE {table}")
    before = params.path.read_bytes()
    assert "is a DuckDB file with other tables, not a warehouse of resegment" in refused(params)
    assert params.path.read_bytes() == before


def test_an_empty_duckdb_file_and_an_empty_file_become_warehouses(params: WarehouseParams, tmp_path: Path) -> None:
    params.path.parent.mkdir()
    duckdb.connect(params.path).close()
    empty = WarehouseParams(path=tmp_path / "empty.duckdb")
    empty.path.touch()
    for one in (params, empty):
        with store.writing(one, "test"), store.opened(one) as warehouse:
            assert warehouse.value("SELECT count(*) FROM ops.runs") == 0


def test_a_warehouse_whose_making_was_broken_off_is_made_anew(params: WarehouseParams) -> None:
    params.path.parent.mkdir()
    params.path.with_name(".warehouse.duckdb.new").write_bytes(b"half")
    with store.writing(params, "test"):
        pass
    assert sorted(path.name for path in params.path.parent.iterdir()) == ["warehouse.duckdb", "warehouse.duckdb.lock"]


@pytest.mark.parametrize("place", [4096, 12288, 12288 + 262144])
def test_a_damaged_file_says_what_to_do(made: WarehouseParams, place: int) -> None:
    with made.path.open("r+b") as file:
        file.seek(place)
        file.write(b"damaged!" * ((made.path.stat().st_size - place) // 8))
    with pytest.raises(WarehouseError, match=r"is damaged.*Restore it from a backup"), store.writing(made, "test"):
        read_everything(made)


def read_everything(params: WarehouseParams) -> None:
    with store.opened(params) as warehouse:
        for table in warehouse.select("SELECT schema_name AS s, table_name AS t FROM duckdb_tables()"):
            warehouse.execute(f"FROM {table['s']}.{table['t']}").fetchall()


def test_a_file_cut_off_says_what_to_do(made: WarehouseParams) -> None:
    os.truncate(made.path, 12288)
    assert "is damaged" in refused(made)


def test_a_folder_in_place_of_the_file(params: WarehouseParams) -> None:
    params.path.mkdir(parents=True)
    assert (
        refused(params)
        == f"The warehouse cannot be opened: {params.path}: is a directory. Mend that, then run this again."
    )


def test_a_folder_that_cannot_be_made(params: WarehouseParams) -> None:
    params.path.parent.write_text("a file")
    assert "The warehouse's folder cannot be written" in refused(params)


def test_a_folder_that_may_not_be_written(params: WarehouseParams) -> None:
    unwritable = params.model_copy(update={"path": Path("/proc/warehouse/warehouse.duckdb")})
    assert "The warehouse's folder cannot be written: /proc/warehouse" in refused(unwritable)


def test_only_the_owner_may_read_it_whatever_the_umask(params: WarehouseParams) -> None:
    before = os.umask(0)
    try:
        with store.writing(params, "test"), store.opened(params) as warehouse:
            warehouse.execute("INSERT INTO ops.run_context VALUES ('a', DATE '2011-01-01')")
            with store.scratch_folder(params) as scratch:
                assert mode(scratch) == 0o700
            assert {path.name: mode(path) for path in params.path.parent.iterdir()} == {
                "warehouse.duckdb": 0o600,
                "warehouse.duckdb.wal": 0o600,
                "warehouse.duckdb.lock": 0o600,
            }
        assert mode(params.path.parent) == 0o700
        assert os.umask(0) == 0
    finally:
        os.umask(before)


def test_a_copy_that_others_could_read_is_closed_to_them(made: WarehouseParams) -> None:
    for file in (made.path, made.path.with_name("warehouse.duckdb.lock")):
        file.chmod(0o644)
    with store.writing(made, "test"):
        assert (mode(made.path), mode(made.path.with_name("warehouse.duckdb.lock"))) == (0o600, 0o600)


def test_copies_of_customers_data_that_a_killed_run_left_are_removed(made: WarehouseParams) -> None:
    folder = made.path.parent
    left = [folder / ".warehouse.duckdb.reading-x", folder / "warehouse.duckdb.tmp"]
    others = [folder / ".other.duckdb.reading-x", folder / "other.duckdb.tmp"]
    for one in (*left, *others):
        one.mkdir()
        (one / "lines.csv").write_text("customers")
    with store.writing(made, "test"):
        assert [one.exists() for one in (*left, *others)] == [False, False, True, True]


def test_somebody_reading_the_private_file_is_named(made: WarehouseParams) -> None:
    reading = (
        f"import duckdb; c = duckdb.connect({str(made.path)!r}, read_only=True); print('open', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", reading], stdin=-1, stdout=-1, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        with pytest.raises(WarehouseLockedError) as caught, store.writing(made, "test"):
            pass
        reader.communicate("\n")
    assert f"{made.path} is open in another process (" in str(caught.value)
    assert f", process {reader.pid}). End that process, then run this again." in str(caught.value)
    with store.writing(made, "test"):
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk") as folder:
        yield folder


def test_a_full_disk_keeps_what_was_committed(small_disk: Path) -> None:
    params = WarehouseParams(path=small_disk / "warehouse.duckdb", threads=1)
    add = "INSERT INTO ops.run_context SELECT md5(range::VARCHAR), DATE '2011-01-01' FROM range($rows)"
    with store.writing(params, "test"), store.opened(params) as warehouse:
        warehouse.execute(add, {"rows": 10})
        (small_disk / "other").write_bytes(b"x" * 2**18)
        with pytest.raises(DiskFullError, match=r"The disk is full: no space left to write .*warehouse.duckdb"):
            warehouse.execute(add, {"rows": 1_000_000})
        full = fill(small_disk)
        with pytest.raises(DiskFullError), warehouse.transaction():
            warehouse.execute(add, {"rows": 1000})
        assert warehouse.value("SELECT count(*) FROM ops.run_context") == 10
        full.unlink()
        (small_disk / "other").unlink()  # what the large statement took of the file stays the file's
        warehouse.execute(add, {"rows": 5})
    with store.writing(params, "test"), store.opened(params) as warehouse:
        assert warehouse.value("SELECT count(*) FROM ops.run_context") == 15


def test_no_room_for_what_does_not_fit_in_memory(small_disk: Path) -> None:
    params = WarehouseParams(path=small_disk / "warehouse.duckdb", threads=1, memory_limit="60MB")
    table = "CREATE TEMP TABLE x AS SELECT range, md5(range::VARCHAR) AS b FROM range(3000000)"
    told = r"warehouse\.duckdb\.tmp, where what does not fit in memory goes"
    with store.writing(params, "test"), pytest.raises(DiskFullError, match=told), store.opened(params) as warehouse:
        warehouse.execute(table)


def test_a_disk_full_from_the_start_leaves_nothing_that_stands_in_the_way(small_disk: Path) -> None:
    params = WarehouseParams(path=small_disk / "warehouse.duckdb", threads=1)
    full = fill(small_disk)
    with pytest.raises(DiskFullError), store.writing(params, "test"):
        pass
    full.unlink()
    with store.writing(params, "test"):
        pass
