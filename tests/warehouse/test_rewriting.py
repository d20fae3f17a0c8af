"""A file is replaced by a checked copy of itself, or not at all."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from support_disk import fill, mounted

from warehouse import rewriting, store
from warehouse.errors import DiskFullError, WarehouseError, WarehouseLockedError
from warehouse.params import WarehouseParams

CANARY = "canary-4711-with-a-long-name"
MANY = "INSERT INTO ops.run_context SELECT md5(range::VARCHAR), DATE '2011-01-01' FROM range(50000)"


@pytest.fixture
def params(tmp_path: Path) -> WarehouseParams:
    """A warehouse with a customer that is told apart by its bytes, a commented table and rows that were deleted."""
    params = WarehouseParams(path=tmp_path / "private" / "warehouse.duckdb", serving=tmp_path / "serving", threads=1)
    fill_warehouse(params)
    return params


def fill_warehouse(params: WarehouseParams) -> None:
    with store.writing(params, "test") as warehouse:
        warehouse.execute("PRAGMA force_compression = 'uncompressed'")
        warehouse.execute(
            "INSERT INTO sales.invoices SELECT 'shop', CASE WHEN range = 7 THEN $canary ELSE 'c' || range END, "
            "'i' || range, DATE '2011-01-01', CASE WHEN range % 2 THEN 'UK' END, 1, 0, 1, range, 0 FROM range(1000)",
            {"canary": CANARY},
        )
        warehouse.execute("INSERT INTO landing.quarantine VALUES (1, 1, NULL, NULL, NULL, 5, 'x', true, ['a'], '{}')")
        warehouse.execute("COMMENT ON COLUMN sales.invoices.gross IS 'money'")
        warehouse.execute(MANY)
        warehouse.execute("CHECKPOINT")
        warehouse.execute("DELETE FROM ops.run_context")


def rows(params: WarehouseParams) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(params.path, read_only=True) as connection:
        tables = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        ordered = {"sales.invoices": "ORDER BY ALL"}  # a copy has them in the order of days, whatever it was before
        return {table: connection.execute(f"FROM {table} {ordered.get(table, '')}").fetchall() for (table,) in tables}


def test_invoices_come_to_lie_in_the_order_of_days(params: WarehouseParams) -> None:
    days = "SELECT list(shop_day ORDER BY rowid) = list(shop_day ORDER BY shop_day) FROM sales.invoices"
    with duckdb.connect(params.path) as connection:
        connection.execute("UPDATE sales.invoices SET shop_day = shop_day + CAST(hash(invoice_no) % 500 AS INTEGER)")
        assert connection.execute(days).fetchone() == (False,)
    with store.holding(params, "test"):
        rewriting.rewrite_file(params, params.path)
    with duckdb.connect(params.path, read_only=True) as connection:
        assert connection.execute(days).fetchone() == (True,)


def test_ids_that_are_looked_through_stay_plain(params: WarehouseParams) -> None:
    with store.writing(params, "test") as warehouse:
        warehouse.execute(
            "INSERT INTO features.customer_activity BY NAME SELECT md5(range::VARCHAR) AS customer_id, 0 AS frequency, "
            "0 AS gross, 0 AS returned, 0 AS net, 0 AS purchase_lines, 0 AS return_lines, 0 AS items, "
            "0 AS active_months, md5('i' || range) AS greatest_invoice, '0' || range AS country FROM range(50000)"
        )
    with store.holding(params, "test"):
        rewriting.rewrite_file(params, params.path)
    with store.writing(params, "test") as warehouse:
        stored = warehouse.select(
            "SELECT DISTINCT column_name, compression FROM pragma_storage_info('features.customer_activity') "
            "WHERE segment_type = 'VARCHAR'"
        )
    packed = {row["column_name"] for row in stored if row["compression"] != "Uncompressed"}
    assert packed == {"country"}


def test_everything_is_there_after_it_in_fewer_bytes(params: WarehouseParams) -> None:
    before = rows(params)
    params.path.chmod(0o640)
    with store.holding(params, "test"):
        copied = rewriting.rewrite_file(params, params.path)
    assert rows(params) == before
    assert copied.bytes_before > copied.bytes_after + 1_000_000
    assert copied.bytes_after == params.path.stat().st_size
    assert {one.table: one.rows for one in copied.tables} == {table: len(found) for table, found in before.items()}
    assert stat.S_IMODE(params.path.stat().st_mode) == 0o640
    assert sorted(os.listdir(params.path.parent)) == ["warehouse.duckdb", "warehouse.duckdb.lock"]  # noqa: PTH208
    with store.writing(params, "test") as warehouse:
        assert warehouse.value("SELECT count(*) FROM sales.invoices_of('sales.transaction_lines')") == 0
        assert warehouse.value("SELECT comment FROM duckdb_columns() WHERE column_name = 'gross' AND comment <> ''")
        with pytest.raises(WarehouseError, match="CHECK constraint"):
            warehouse.execute("INSERT INTO landing.loads (load_id, source, unit, status, received_at) "
                              "VALUES (1, 's', 'u', 'nonsense', now())")  # fmt: skip


def test_rows_that_are_left_out_leave_no_byte(params: WarehouseParams) -> None:
    assert CANARY.encode() in params.path.read_bytes()

    def prepare(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("CREATE TEMP TABLE gone AS SELECT $canary AS customer_id", {"canary": CANARY})

    keep = {"sales.invoices": "customer_id NOT IN (FROM gone)"}
    with store.holding(params, "test"):
        copied = rewriting.rewrite_file(params, params.path, keep, prepare=prepare)
    assert CANARY.encode() not in params.path.read_bytes()
    assert [one for one in copied.tables if one.left_out] == [rewriting.TableCopy("sales.invoices", 999, 1)]


def test_a_misspelt_table_is_refused(params: WarehouseParams) -> None:
    before = params.path.read_bytes()
    with store.holding(params, "test"), pytest.raises(WarehouseError, match=r"no table sales\.invoice to leave"):
        rewriting.rewrite_file(params, params.path, {"sales.invoice": "false"})
    assert params.path.read_bytes() == before


def test_a_copy_for_older_clients(params: WarehouseParams, tmp_path: Path) -> None:
    with store.holding(params, "test"):
        rewriting.copy_file(params, params.path, tmp_path / "copy.duckdb", storage_version="v1.0.0")
    with duckdb.connect(tmp_path / "copy.duckdb", read_only=True) as connection:
        told = connection.execute("SELECT tags['storage_version'] FROM duckdb_databases() WHERE path IS NOT NULL")
        assert told.fetchone() == ("v1.0.0+",)


#: One thing that is wrong with a copy, and what the message says of it.
SPOILT = {
    "UPDATE fresh.t SET a = 9 WHERE a = 1": "differs from the original in the pairing of columns, a",
    "UPDATE fresh.t SET b = CASE b WHEN 'x' THEN 'y' ELSE 'x' END": "differs from the original in the pairing",
    "INSERT INTO fresh.t VALUES (1, 'x')": "differs from the original in the number of rows",
    "DELETE FROM fresh.t WHERE a = 2": "differs from the original in the number of rows",
    "ALTER TABLE fresh.t ALTER a TYPE BIGINT": "other tables or views",
    "DROP VIEW fresh.v": "other tables or views",
    "COMMENT ON TABLE fresh.t IS 'else'": "other tables or views",
    "CREATE TABLE fresh.more (a INTEGER)": "other tables or views",
}


@pytest.mark.parametrize(("harm", "told"), SPOILT.items(), ids=list(SPOILT))
def test_a_copy_that_differs_is_noticed(harm: str, told: str) -> None:
    with duckdb.connect() as connection:
        for name in ("old", "fresh"):
            connection.execute(f"ATTACH ':memory:' AS {name}")
            connection.execute(f"CREATE TABLE {name}.t AS FROM (VALUES (1, 'x'), (2, 'y')) AS v(a, b)")
            connection.execute(f"USE {name}")
            connection.execute("CREATE VIEW v AS FROM t")
            connection.execute("USE memory")
        assert rewriting._compared(connection, "old", "fresh", {}) == (rewriting.TableCopy("main.t", 2, 0),)
        connection.execute(harm)
        with pytest.raises(WarehouseError, match=told):
            rewriting._compared(connection, "old", "fresh", {})


def test_what_a_killed_writer_left_in_its_log_is_in_the_copy(params: WarehouseParams) -> None:
    write = (
        f"import os, signal, duckdb; c = duckdb.connect({str(params.path)!r}); "
        "c.execute(\"INSERT INTO ops.run_context VALUES ('logged', DATE '2011-01-01')\"); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", write])
    log = params.path.with_name("warehouse.duckdb.wal")
    assert log.exists()
    with store.holding(params, "test"):
        rewriting.rewrite_file(params, params.path)
    assert not log.exists()
    assert [row[0] for row in rows(params)["ops.run_context"]] == ["logged"]


@pytest.mark.parametrize("moment", ["rewriting.fsync", "rewriting._compared", "rewriting.Path.replace"])
def test_killed_in_between_the_original_is_whole(params: WarehouseParams, moment: str) -> None:
    before = rows(params)
    child = os.fork()
    if not child:
        thing, name = (rewriting, moment.split(".")[1]) if moment.count(".") == 1 else (Path, "replace")
        setattr(thing, name, lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL))
        with store.holding(params, "test"):
            rewriting.rewrite_file(params, params.path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert ".warehouse.duckdb.copy" in os.listdir(params.path.parent)  # noqa: PTH208
    with store.holding(params, "test"):
        assert sorted(os.listdir(params.path.parent)) == ["warehouse.duckdb", "warehouse.duckdb.lock"]  # noqa: PTH208
    assert rows(params) == before


def test_a_file_somebody_writes_to_is_left_alone(params: WarehouseParams) -> None:
    write = f"import duckdb; c = duckdb.connect({str(params.path)!r}); print('open', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", write], stdin=-1, stdout=-1, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(WarehouseLockedError, match=f"process {writer.pid}"), store.holding(params, "test"):
            rewriting.rewrite_file(params, params.path)
        writer.communicate("\n")


def test_a_damaged_file_is_named_and_left_alone(params: WarehouseParams) -> None:
    with params.path.open("r+b") as file:
        file.seek(12288 + 262144)
        file.write(b"damaged!" * ((params.path.stat().st_size - file.tell()) // 8))
    before = params.path.read_bytes()
    told = rf"{params.path} is damaged"
    with pytest.raises(WarehouseError, match=told), store.holding(params, "test"):
        rewriting.rewrite_file(params, params.path)
    assert params.path.read_bytes() == before


@pytest.fixture
def on_a_small_disk(tmp_path: Path) -> Iterator[WarehouseParams]:
    with mounted(tmp_path / "disk", megabytes=16) as folder:
        params = WarehouseParams(path=folder / "warehouse.duckdb", threads=1)
        fill_warehouse(params)
        yield params


def test_without_room_for_the_copy_nothing_is_changed(on_a_small_disk: WarehouseParams) -> None:
    params = on_a_small_disk
    with store.writing(params, "test") as warehouse:
        warehouse.execute(MANY)
    before = rows(params)
    full = fill(params.path.parent, leave=1 << 20)
    with store.holding(params, "test"), pytest.raises(DiskFullError, match="no room for a copy: it needs 2,"):
        rewriting.rewrite_file(params, params.path)
    assert rows(params) == before
    full.unlink()
    with store.holding(params, "test"):
        rewriting.rewrite_file(params, params.path)
    assert rows(params) == before


def test_a_disk_that_fills_up_meanwhile_leaves_the_original(
    on_a_small_disk: WarehouseParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = on_a_small_disk
    before = rows(params)
    fill(params.path.parent, leave=1 << 18)
    monkeypatch.setattr(rewriting, "_check_room", lambda needed, target: None)
    with store.holding(params, "test"), pytest.raises(DiskFullError, match="The disk is full"):
        rewriting.rewrite_file(params, params.path)
    assert rows(params) == before
    assert not list(params.path.parent.glob("*.copy*"))
