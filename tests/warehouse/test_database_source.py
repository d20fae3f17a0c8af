"""What a database has is what counts: rows come in slices, change, move, go and come late."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from support_database import COLUMNS, Shop, counted, folder_of, pull, shop_in, units
from support_landing import NOW, lines, reasons, warehouse_in
from support_postgres import PASSWORD, Postgres

from warehouse import landing, replaying
from warehouse.params import SourceParams
from warehouse.quarantine import Asked


@pytest.fixture
def shop(postgres: Postgres) -> Iterator[Shop]:
    with shop_in(postgres) as made:
        yield made


@pytest.mark.parametrize("engine", ["adbc", "connectorx"])
def test_all_rows_come_in_slices_and_once(shop: Shop, tmp_path: Path, engine: str) -> None:
    shop.fill(1, 25)
    source = shop.source(engine=engine)
    with warehouse_in(tmp_path) as warehouse:
        assert (pull(warehouse, source).files, counted(warehouse)) == (3, shop.lines())
        assert units(warehouse) == [
            "updated_at <= 2011-12-01 00:10:00+00:00",
            "2011-12-01 00:10:00+00:00 < updated_at <= 2011-12-01 00:20:00+00:00",
            "2011-12-01 00:20:00+00:00 < updated_at <= 2011-12-01 00:25:00+00:00",
        ]
        assert landing.anything_new(warehouse, source)
        again = pull(warehouse, source)
        assert (again.files, again.lines, again.unchanged_files) == (0, 0, 2)
        shop.fill(26, 40)
        assert pull(warehouse, source, night=1).lines == 20
        assert counted(warehouse) == shop.lines()


def test_changed_rows_count_with_their_newest_state(shop: Shop, tmp_path: Path) -> None:
    shop.fill(1, 30)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        shop.update(3, minute=31, quantity=7)
        shop.update(29, minute=32, quantity=8)
        shop.insert(33)
        pull(warehouse, shop.source(), night=1)
        assert counted(warehouse) == shop.lines()
        shop.update(3, minute=34, quantity=1)
        pull(warehouse, shop.source(), night=2)
        assert counted(warehouse) == shop.lines()


def test_a_row_deleted_in_the_window_goes(shop: Shop, tmp_path: Path) -> None:
    shop.fill(1, 30)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        shop.delete(28, 30)
        pull(warehouse, shop.source(), night=1)
        assert counted(warehouse) == shop.lines()
        shop.delete(*range(21, 28), 29)
        staged = pull(warehouse, shop.source(), night=2)
        assert (staged.files, staged.lines) == (1, 0)
        assert counted(warehouse) == shop.lines()


def test_an_earlier_state_of_a_deleted_row_does_not_come_back(shop: Shop, tmp_path: Path) -> None:
    """Row 3 left the first slice by an update; without reading that slice again its old amount would count."""
    shop.fill(1, 30)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        shop.update(3, minute=31)
        pull(warehouse, shop.source(), night=1)
        shop.update(14, minute=32)
        shop.delete(3)
        pull(warehouse, shop.source(), night=2)
        assert counted(warehouse) == shop.lines()
        assert "3" not in {line_id for line_id, _ in counted(warehouse)}


def test_a_row_deleted_behind_the_window_goes_with_a_wider_window(shop: Shop, tmp_path: Path) -> None:
    shop.fill(1, 30)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        shop.delete(2)
        pull(warehouse, shop.source(), night=1)
        assert len(counted(warehouse)) == len(shop.lines()) + 1
        pull(warehouse, shop.source(look_back="52w"), night=1)
        assert counted(warehouse) == shop.lines()
        shop.delete(4)
        assert pull(warehouse, shop.source(), night=2, reread=True).lines == 28
        assert counted(warehouse) == shop.lines()


def test_what_was_quarantined_is_replayed_and_read_again(shop: Shop, tmp_path: Path) -> None:
    """The replay goes with the slice whose lines it brought when that is read again."""
    shop.fill(1, 25)
    now = NOW + timedelta(days=1)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source(_cancellation_prefix="I"))
        assert len(reasons(warehouse)) == 25
        assert replaying.stage(warehouse, shop.source(), "Europe/London", now, Asked(), None).sound == 25
        with warehouse.transaction():
            landing.accept(warehouse, shop.source(), now)
        assert lines(warehouse, "DISTINCT outcome") == [("purchase",)]
        assert counted(warehouse) == shop.lines()
        shop.update(23, minute=26)
        shop.delete(22)
        pull(warehouse, shop.source(), night=2)
        assert counted(warehouse) == shop.lines()


def test_a_duckdb_file_is_a_database_too(tmp_path: Path) -> None:
    """Any ADBC driver will do; this one comes with DuckDB."""
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute(
            "CREATE TABLE lines AS SELECT i AS id, 'I' || i AS invoice, 'P' AS product, 1 AS quantity, "
            "CAST(i + 0.25 AS DECIMAL(14, 4)) AS price, 7 AS customer, TIMESTAMP '2011-12-01' AS sold_at, "
            "TIMESTAMPTZ '2011-12-01 00:00+00' + to_minutes(i) AS updated_at FROM range(25) AS ids(i)"
        )
    database = {"uri": f"duckdb://{file}", "table": "lines", "watermark": "updated_at", "slice_rows": 10}
    source = SourceParams.model_validate({"kind": "database", "columns": COLUMNS, "database": database})
    with warehouse_in(tmp_path) as warehouse:
        assert pull(warehouse, source).files == 3
        assert counted(warehouse) == [(str(number), f"{number}.2500") for number in range(25)]


def test_loss_is_judged_over_all_that_is_read_again(shop: Shop, tmp_path: Path) -> None:
    """Rows that moved on are not lost, rows that went are."""
    shop.fill(1, 40)
    source = shop.source(look_back="30min")
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, source)
        for number in range(11, 20):
            shop.update(number, minute=number + 40)
        landing.stage(warehouse, source, "Europe/London", NOW, lambda done, total: None, PASSWORD)
        assert {row["lost_share"] for row in warehouse.select("FROM checks.batch_loads")} == {0}
        shop.delete(*range(20, 35))
        landing.stage(warehouse, source, "Europe/London", NOW, lambda done, total: None, PASSWORD)
        shares = {round(row["lost_share"], 3) for row in warehouse.select("FROM checks.batch_loads")}
    assert shares == {0.5}  # of the 30 rows of the slices that changed


def test_rows_that_were_not_committed_yet_come_by_the_window(shop: Shop, tmp_path: Path) -> None:
    shop.fill(1, 30)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        shop.insert(100, minute=26)
        pull(warehouse, shop.source(), night=1)
        assert counted(warehouse) == shop.lines()


def test_rows_of_one_moment_stay_together(shop: Shop, tmp_path: Path) -> None:
    """A border never parts rows of one watermark, and such a row may still come after its slice was read."""
    shop.insert(*range(1, 9))
    shop.insert(*range(9, 35), minute=9)
    shop.insert(35, 36)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source(look_back="0s"))
        assert lines(warehouse, "load_id")[33:] == [(1,), (2,), (2,)]
        shop.insert(37, minute=36)
        pull(warehouse, shop.source(look_back="0s"), night=1)
        assert counted(warehouse) == shop.lines()


def test_without_a_line_id_nothing_is_doubled(shop: Shop, tmp_path: Path) -> None:
    """Equal rows are two lines here; what is read again takes the place of what was read before."""
    shop.fill(1, 25)
    shop.insert(25, 25)
    source = shop.source(columns={"line_id": ""}, _duplicates="keep")
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, source)
        shop.insert(24, 26)
        pull(warehouse, source, night=1)
        pull(warehouse, source, night=1)
        total = warehouse.value("SELECT sum(amount) FROM sales.transaction_lines WHERE outcome <> 'duplicate'")
        assert total == sum(Decimal(amount) for _, amount in shop.lines())


def test_rows_without_a_watermark_are_read_every_night(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop.fill(1, 12)
    shop.update(4, minute=None)
    shop.update(5, minute=None)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        assert units(warehouse)[0] == "updated_at is null"
        assert "2 rows have no updated_at" in caplog.text
        assert pull(warehouse, shop.source(), night=1).lines == 0
        shop.update(4, minute=13, quantity=5)
        shop.update(6, minute=None, quantity=6)
        pull(warehouse, shop.source(), night=2)
        assert counted(warehouse) == shop.lines()
        shop.delete(5, 6)
        pull(warehouse, shop.source(), night=3)
        assert counted(warehouse) == shop.lines()


def test_a_row_dated_in_the_future_does_not_hide_what_comes(shop: Shop, tmp_path: Path) -> None:
    """The night is of 2011-12-10; one clock is years ahead."""
    shop.fill(1, 25)
    shop.update(7, minute=5_000_000)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        shop.insert(26, minute=13_000)
        pull(warehouse, shop.source(), night=1)
        assert counted(warehouse) == shop.lines()


def test_an_empty_table_is_no_error(shop: Shop, tmp_path: Path) -> None:
    with warehouse_in(tmp_path) as warehouse:
        assert pull(warehouse, shop.source()).files == 0
        shop.insert(1)
        assert pull(warehouse, shop.source(), night=1).lines == 1


@pytest.mark.parametrize("engine", ["adbc", "connectorx"])
def test_numbers_are_exact_and_times_are_the_shops(shop: Shop, tmp_path: Path, engine: str) -> None:
    """0.1 + 0.2 as binary floats is not 0.3, and NUMERIC has more digits than any float."""
    shop.server.run(
        f"CREATE TABLE {shop.schema}.odd (id uuid, invoice varchar(9), product char(6), quantity numeric, "
        f"price numeric, customer numeric(12, 0), sold_at timestamptz, changed bigint); "
        f"GRANT SELECT ON {shop.schema}.odd TO reader; INSERT INTO {shop.schema}.odd VALUES "
        "('00000000-0000-0000-0000-000000000001', 'a', 'P1', 12345678.1234, 0.0003, 17850, '2011-06-30 23:30+00', 1),"
        "('00000000-0000-0000-0000-000000000002', 'b', 'P2', 0.30000001, 1, 12, '2011-12-31 19:30-05', 2),"
        "('00000000-0000-0000-0000-000000000003', 'c', 'P3', 'NaN', 99999999999999999999, NULL, 'infinity', 3)"
    )
    source = shop.source(
        columns={"line_id": "id"}, table=f"{shop.schema}.odd", watermark="changed", look_back="1", engine=engine,
        slice_rows=2,
    )  # fmt: skip
    if engine == "connectorx":  # it cannot read infinity at all
        shop.server.run(f"UPDATE {shop.schema}.odd SET sold_at = '0044-03-15 BC' WHERE changed = 3")
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, source, night=30)
        assert lines(
            warehouse, "line_id[-1], product, quantity, unit_price, customer_id, invoiced_at::VARCHAR, rounded"
        ) == [
            ("1", "P1", Decimal("12345678.1234"), Decimal("0.0003"), "17850", "2011-07-01 00:30:00", True),
            ("2", "P2", Decimal("0.3000"), 1, "12", "2012-01-01 00:30:00", True),
        ]
        assert reasons(warehouse) == [(1, ["implausible_date", "missing_quantity", "unparseable_price"])]


def test_local_times_and_days_are_watermarks_too(shop: Shop, tmp_path: Path) -> None:
    shop.fill(1, 25)
    local, day = "updated_at AT TIME ZONE 'Asia/Tokyo' AS local", "date '2011-11-30' + id::int / 9 AS day"
    query = f"SELECT *, {local}, {day} FROM {shop.table};"
    named = []
    for watermark in ("local", "day"):
        with warehouse_in(folder_of(tmp_path / watermark)) as warehouse:
            source = shop.source(query=query, watermark=watermark, look_back="1d", _time_zone="Asia/Tokyo")
            pull(warehouse, source)
            shop.insert(26 + len(named))
            pull(warehouse, source, night=1)
            assert counted(warehouse) == shop.lines()
            named.append(units(warehouse)[0])
    assert named == ["local <= 2011-12-01 09:10:00", "day <= 2011-12-01"]


def test_another_watermark_reads_everything_anew(shop: Shop, tmp_path: Path) -> None:
    shop.fill(1, 25)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source())
        assert pull(warehouse, shop.source(watermark="id", look_back="5"), night=1).lines == 25
        assert counted(warehouse) == shop.lines()
        assert len(units(warehouse)) == 3


def test_only_what_is_mapped_is_read(shop: Shop, tmp_path: Path) -> None:
    """A right to the mapped columns and the watermark is enough."""
    shop.fill(1, 5)
    shop.server.run(
        f"ALTER TABLE {shop.table} ADD COLUMN secret text DEFAULT 'x'; REVOKE SELECT ON {shop.table} FROM reader; "
        f"GRANT SELECT (id, invoice, product, quantity, price, customer, sold_at, updated_at) ON {shop.table} TO reader"
    )
    columns = "id, invoice, product, quantity, price, customer, sold_at, updated_at"
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source(query=f"SELECT {columns} FROM {shop.table}"))
        assert counted(warehouse) == shop.lines()
