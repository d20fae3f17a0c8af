"""The stored totals behind the published tables: kept up delivery by delivery, and filled in an older warehouse."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from support_nights import differing_rows, new_warehouse, source_of, take_in, write_files
from support_oracle import Line

from warehouse.params import SourceParams
from warehouse.store import Warehouse

AS_OF = date(2011, 3, 1)
NOW = datetime.fromisoformat("2011-03-01 03:00")
JANUARY = Line("1", "p", "2", "2011-01-25 10:00:00", "2.50", "7")
AGAIN = Line("2", "p", "1", "2011-02-03 10:00:00", "2.50", "7")
RETURNED = Line("C3", "p", "-1", "2011-02-04 10:00:00", "2.50", "7")
NOBODYS = Line("4", "q", "3", "2011-02-04 11:00:00", "1.00", "")
TOTALS = ("daily", "product_months", "customer_products")


@pytest.fixture
def source(tmp_path: Path) -> SourceParams:
    return source_of(tmp_path / "files")


@pytest.fixture
def warehouse(tmp_path: Path, source: SourceParams) -> Iterator[Warehouse]:
    write_files(tmp_path / "files", {"a.csv": (JANUARY,), "b.csv": (AGAIN, RETURNED, NOBODYS)})
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, source, AS_OF, NOW)
        yield warehouse


def months(warehouse: Warehouse) -> list[tuple[str, str, str, str]]:
    return warehouse.execute(
        "SELECT strftime(month, '%m'), product, CAST(items AS VARCHAR), CAST(sales AS VARCHAR) "
        "FROM sales.product_months ORDER BY ALL"
    ).fetchall()


def first_days(warehouse: Warehouse) -> dict[tuple[str, str], str]:
    rows = warehouse.execute("FROM sales.customer_products").fetchall()
    return {(customer, product): str(day) for customer, product, day in rows}


def test_lines_of_nobody_count_for_products_but_have_no_buyer(warehouse: Warehouse) -> None:
    assert months(warehouse) == [
        ("01", "p", "2.0000", "5.0000"),
        ("02", "p", "1.0000", "0.0000"),
        ("02", "q", "3.0000", "3.0000"),
    ]
    assert first_days(warehouse) == {("7", "p"): "2011-01-25"}


def test_the_first_purchase_goes_and_comes_back(warehouse: Warehouse, source: SourceParams, tmp_path: Path) -> None:
    write_files(tmp_path / "files", {"a.csv": (JANUARY._replace(customer_id="8"),)})
    take_in(warehouse, source, AS_OF, NOW)
    assert first_days(warehouse) == {("7", "p"): "2011-02-03", ("8", "p"): "2011-01-25"}
    write_files(tmp_path / "files", {"a.csv": (JANUARY, JANUARY._replace(invoice_no="5", product="q"))})
    take_in(warehouse, source, AS_OF, NOW)
    assert first_days(warehouse) == {("7", "p"): "2011-01-25", ("7", "q"): "2011-01-25"}
    assert differing_rows(warehouse, source) == {}


def test_products_nobody_mapped_leave_only_the_days(tmp_path: Path) -> None:
    source = source_of(tmp_path / "files")
    bare = source.model_copy(update={"columns": source.columns.model_copy(update={"product": "", "country": ""})})
    write_files(tmp_path / "files", {"a.csv": (JANUARY, AGAIN)})
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, bare, AS_OF, NOW)
        counts = [warehouse.value(f"SELECT count(*) FROM sales.{table}") for table in TOTALS]
        assert counts == [2, 0, 0]
        assert differing_rows(warehouse, bare) == {}


def test_an_older_warehouse_is_filled_from_its_lines(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    kept = {table: warehouse.execute(f"FROM sales.{table} ORDER BY ALL").fetchall() for table in TOTALS}
    for table in TOTALS:
        warehouse.execute(f"DROP TABLE sales.{table}")
    for table in ("profiles", "map_points", "map_axes"):
        warehouse.execute(f"DROP TABLE segments.{table}")
    script = (Path(__file__).parents[2] / "warehouse" / "migrations" / "0007_products_and_days.sql").read_text()
    warehouse.connection.execute(script)
    assert {table: warehouse.execute(f"FROM sales.{table} ORDER BY ALL").fetchall() for table in TOTALS} == kept
    assert differing_rows(warehouse, source) == {}
