"""The published tables of a shop small enough to be worked out by hand, on several dates."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support_nights import new_warehouse, source_of, take_in, write_files
from support_oracle import Line
from support_versions import write_candidate

from warehouse import publish, reading
from warehouse.params import TablesParams
from warehouse.store import Warehouse

AS_OF = date(2011, 3, 15)
NOW = datetime.fromisoformat("2011-04-01 03:00")
JANUARY, FEBRUARY, MARCH = (date(2011, month, 1) for month in (1, 2, 3))
LINES = (
    Line("1", "p", "2", "2011-01-05 10:00:00", "10", "a"),
    Line("2", "p", "1", "2011-01-10 10:00:00", "10", "b"),
    Line("3", "q", "1", "2011-02-03 10:00:00", "5", "a"),
    Line("C4", "p", "-1", "2011-02-04 10:00:00", "10", "a"),
    Line("5", "p", "3", "2011-02-20 10:00:00", "10", "c", "FR"),
    Line("6", "q", "4", "2011-02-21 10:00:00", "5", "", "FR"),
    Line("7", "q", "2", "2011-03-02 10:00:00", "5", "b"),
    Line("8", "Post", "1", "2011-03-03 10:00:00", "7", "c", "FR"),
    # these are there already and do not count yet
    Line("9", "p", "1", "2011-03-20 10:00:00", "10", "a"),
    Line("10", "x", "1", "2011-03-20 10:00:00", "99", "d"),
    Line("11", "q", "1", "2011-03-25 10:00:00", "5", "c"),
)
#: Segment of each customer by published date; February's last date is 1 March, which counts its lines and no other.
SEGMENTS = {
    date(2011, 2, 1): {"a": 1, "b": 2},
    date(2011, 2, 10): {"a": 1, "b": 1},
    date(2011, 3, 1): {"a": 2, "b": 1, "c": 1},
    AS_OF: {"a": 2, "b": 2, "c": 1},
}


def published(
    folder: Path, lines: tuple[Line, ...], segments: dict[date, dict[str, int]], **columns: str
) -> Iterator[Path]:
    source = source_of(folder / "files")
    source = source.model_copy(update={"columns": source.columns.model_copy(update=columns)})
    write_files(folder / "files", {"a.csv": lines})
    with new_warehouse(folder) as opened:
        tables = TablesParams(affinity_min_buyers=1, affinity_smoothing=1)
        warehouse = Warehouse(opened.connection, opened.params.model_copy(update={"tables": tables}))
        take_in(warehouse, source, AS_OF, NOW)
        for as_of, snapshot in segments.items():
            publish.publish(warehouse, write_candidate(warehouse, as_of, snapshot), NOW)
        yield warehouse.params.serving


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from published(tmp_path_factory.mktemp("shop"), LINES, SEGMENTS)


def rows(serving: Path, sql: str, version: int = len(SEGMENTS)) -> list[tuple[Any, ...]]:
    return reading.query_file(publish.version_file(serving, version), sql)[1]


def test_months(serving: Path) -> None:
    found = rows(
        serving,
        "SELECT month, sales, purchases, returns, unattributed, orders, customers, new_customers, is_partial "
        "FROM sales_monthly",
    )
    assert found == [  # deliveries begin on 5 January, and March is not over
        (JANUARY, 30, 30, 0, 0, 2, 2, 2, True),
        (FEBRUARY, 45, 35, -10, 20, 2, 2, 1, False),
        (MARCH, 17, 17, 0, 0, 2, 2, 0, True),
    ]
    ratios = "average_order_value, items_per_order, sales_per_customer, orders_per_customer, first_day, last_day"
    assert rows(serving, f"SELECT {ratios} FROM sales_monthly WHERE month = DATE '2011-02-01'") == [
        (17.5, 2.0, 12.5, 1.0, date(2011, 2, 3), date(2011, 2, 21))
    ]


def test_an_earlier_date_does_not_know_later_lines(serving: Path) -> None:
    assert rows(serving, "SELECT month, sales, is_partial FROM sales_monthly", version=1) == [(JANUARY, 30, True)]
    assert rows(serving, "SELECT month, sales, is_partial FROM sales_monthly", version=2) == [
        (JANUARY, 30, True),
        (FEBRUARY, Decimal(-5), True),
    ]
    assert rows(serving, "SELECT product, sales, buyers FROM top_products", version=2) == [("p", 20, 2), ("q", 5, 1)]
    assert rows(serving, "SELECT max(membership_as_of) FROM segment_kpis_monthly", version=2) == [(date(2011, 2, 10),)]


def test_countries(serving: Path) -> None:
    found = rows(
        serving, "SELECT country, sales, purchases, returns, unattributed, orders, customers FROM sales_by_country"
    )
    assert found == [("FR", 57, 37, 0, 20, 2, 1), ("UK", 35, 45, -10, 0, 4, 2)]


def test_cohorts(serving: Path) -> None:
    found = rows(
        serving, "SELECT cohort, months_since, cohort_customers, customers, retention, sales FROM cohort_retention"
    )
    assert found == [
        (JANUARY, 0, 2, 2, 1.0, 30),
        (JANUARY, 1, 2, 1, 0.5, -5),
        (JANUARY, 2, 2, 1, 0.5, 10),
        (FEBRUARY, 0, 1, 1, 1.0, 30),
        (FEBRUARY, 1, 1, 1, 1.0, 7),
    ]


def test_products_are_goods_sold_before_the_date(serving: Path) -> None:
    found = rows(serving, "SELECT rank, product, sales, lines, items, buyers FROM top_products")
    assert found == [(1, "p", 50, 3, 6, 3), (2, "q", 35, 3, 7, 2)]
    assert sum(share for (share,) in rows(serving, "SELECT sales_share FROM top_products")) == pytest.approx(1)


def test_affinity(serving: Path) -> None:
    found = rows(
        serving,
        "SELECT segment_key, product, buyers, segment_customers, all_buyers, purchase_probability, lift "
        "FROM product_affinity ORDER BY segment_key, product",
    )
    assert [row[:5] for row in found] == [(1, "p", 1, 1, 3), (1, "q", 0, 1, 2), (2, "p", 2, 2, 3), (2, "q", 2, 2, 2)]
    assert [row[5] for row in found] == pytest.approx([1, 1 / 3, 1, 8 / 9])  # (0 + 1 * 2/3) / (1 + 1), ...
    assert [row[6] for row in found] == pytest.approx([1, 1 / 2, 1, 4 / 3])


def test_segments_by_month(serving: Path) -> None:
    found = rows(
        serving,
        "SELECT month, membership_as_of, segment_key, customers, active_customers, orders, purchases, sales, "
        "active_before, retention, is_partial FROM segment_kpis_monthly WHERE customers > 0",
    )
    assert found == [
        (JANUARY, date(2011, 2, 1), 1, 1, 1, 1, 20, 20, 0, None, True),
        (JANUARY, date(2011, 2, 1), 2, 1, 1, 1, 10, 10, 0, None, True),
        (FEBRUARY, date(2011, 3, 1), 1, 2, 1, 1, 30, 30, 1, 0.0, False),
        (FEBRUARY, date(2011, 3, 1), 2, 1, 1, 1, 5, -5, 1, 1.0, False),
        (MARCH, AS_OF, 1, 1, 1, 1, 7, 7, 1, 1.0, True),
        (MARCH, AS_OF, 2, 2, 1, 1, 10, 10, 1, 0.0, True),
    ]


def test_profiles_have_a_history(serving: Path) -> None:
    found = rows(
        serving, "SELECT as_of, segment_key, customers, average_customer_value, top_countries "
        "FROM segment_profiles_history WHERE customers > 0 ORDER BY as_of, segment_key"
    )  # fmt: skip
    assert [row[:3] for row in found] == [
        (as_of, key, list(segments.values()).count(key))
        for as_of, segments in SEGMENTS.items()
        for key in sorted(set(segments.values()))
    ]
    assert [row[3] for row in found] == [20, 10, 12.5, 20, 15, 37, 17.5]  # net to that date, over the customers
    now = rows(serving, "SELECT * FROM segment_profiles ORDER BY segment_key")
    last = rows(serving, f"SELECT * FROM segment_profiles_history WHERE as_of = DATE '{AS_OF}' ORDER BY segment_key")
    assert now == last


def test_money_adds_up_to_the_deliveries(serving: Path) -> None:
    ledger = "SELECT sum(purchase_amount + return_amount + unattributed_amount) FROM data_quality"
    waiting = 10 + 99 + 5
    (delivered,) = rows(serving, ledger)[0]
    for table in ("sales_monthly", "sales_by_country"):
        assert rows(serving, f"SELECT sum(sales) FROM {table}") == [(delivered - waiting,)]
    quality = rows(serving, "SELECT retained_share, unattributed_share, checks FROM data_quality")
    assert quality == [(10 / 11, pytest.approx(20 / 206), 0)]


def test_distinct_products_count_up_to_the_date(serving: Path) -> None:
    found = rows(serving, "SELECT customer_id, distinct_products FROM customer_segments")
    assert found == [("a", 2), ("b", 2), ("c", 2)]
    assert rows(serving, "SELECT customer_id, distinct_products FROM customer_segments", version=1) == [
        ("a", 1),
        ("b", 1),
    ]


def test_a_shop_without_products_countries_and_known_customers(tmp_path: Path) -> None:
    nobodys = tuple(line._replace(customer_id="") for line in LINES)
    segments: dict[date, dict[str, int]] = {day: {} for day in SEGMENTS}
    for serving in published(tmp_path, nobodys, segments, product="", country=""):
        empty = ("top_products", "product_affinity", "cohort_retention", "segment_map", "customer_segments")
        assert [rows(serving, f"SELECT count(*) FROM {table}") for table in empty] == [[(0,)]] * len(empty)
        found = rows(serving, "SELECT country, sales, orders, customers, average_order_value FROM sales_by_country")
        assert found == [(None, 92, 0, 0, None)]
        found = rows(serving, "SELECT sum(sales), sum(unattributed), sum(customers) FROM sales_monthly")
        assert found == [(92, 92, 0)]
        assert rows(serving, "SELECT sum(customers), max(median_monetary) FROM rfm_heatmap") == [(0, None)]
