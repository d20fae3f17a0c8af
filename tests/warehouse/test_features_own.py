"""Every built-in input against figures worked out by hand, and what a shop's own SELECT may and may not be."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support_nights import BEGAN, new_warehouse, source_of, take_in, write_files
from support_oracle import Line

from segmentation.params import INPUTS
from warehouse import features
from warehouse.errors import FeatureError
from warehouse.store import Warehouse

AS_OF = date(2011, 2, 1)


def line(invoice: str, product: str, quantity: str, day: str, price: str, customer: str) -> Line:
    return Line(invoice, product, quantity, f"2011-{day} 10:00", price, customer)


LINES = (
    # a: two orders 20 days apart, three products, one of four items returned
    line("1", "P", "2", "01-02", "5", "a"),
    line("1", "Q", "1", "01-02", "2", "a"),
    line("2", "P", "1", "01-22", "5", "a"),
    line("2", "R", "4", "01-22", "1", "a"),
    line("C3", "P", "-1", "01-23", "5", "a"),
    # b: one order
    line("4", "P", "3", "01-31", "1", "b"),
    # d: three orders in December and January, the last two on one day
    Line("5", "P", "1", "2010-12-31 10:00", "1", "d"),
    line("6", "P", "1", "01-30", "1", "d"),
    line("7", "P", "1", "01-30", "1", "d"),
)
#: By customer, in the order of INPUTS.
EXPECTED = {
    "a": (10, 2, 16, 10.5, 30, 20, 5 / 21, 3, 4, 1),
    "b": (1, 1, 3, 3, 1, 1, 0, 1, 3, 1),
    "d": (2, 3, 3, 1, 32, 15, 0, 1, 1, 2),
}
#: Only January's second half is seen; tenure is of all history, and breaks are counted from the window's start.
EXPECTED_16_DAYS = {
    "a": (10, 1, 4, 9, 30, 10, 5 / 9, 2, 5, 1),
    "b": (1, 1, 3, 3, 1, 1, 0, 1, 3, 1),
    "d": (2, 2, 2, 1, 32, 14, 0, 1, 1, 1),
}


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    write_files(tmp_path / "files", {"a.csv": LINES})
    with new_warehouse(tmp_path) as opened:
        take_in(opened, source_of(tmp_path / "files"), AS_OF, BEGAN)
        features.prepare(opened, AS_OF, None)
        yield opened


@pytest.mark.parametrize(("window", "expected"), [(None, EXPECTED), (16, EXPECTED_16_DAYS)])
def test_built_in_inputs(warehouse: Warehouse, window: int | None, expected: dict[str, tuple[float, ...]]) -> None:
    features.prepare(warehouse, AS_OF, window)
    features.prepare_inputs(warehouse, INPUTS, as_of=AS_OF, window_days=window, net=True, own_sql="")
    found = warehouse.execute(f"SELECT customer_id, {', '.join(INPUTS)} FROM features").fetchall()
    assert {row[0]: tuple(row[1:]) for row in found} == {key: pytest.approx(row) for key, row in expected.items()}


def own(warehouse: Warehouse, sql: str, *names: str) -> None:
    inputs = ("recency_days", *names)
    features.prepare_inputs(warehouse, inputs, as_of=AS_OF, window_days=None, net=True, own_sql=sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT customer_id, 7 AS score FROM rfm",
        "-- ours\nSELECT customer_id, 7 AS score FROM rfm WHERE ';' = ';'; -- the end",
        "FROM (SELECT customer_id, date_diff('day', DATE '2011-01-25', $as_of) AS score FROM rfm);;",
        "SELECT customer_id, 7 AS score FROM rfm UNION ALL SELECT 'stranger', NULL UNION ALL SELECT NULL, 3",
    ],
)
def test_an_own_select_is_joined(warehouse: Warehouse, sql: str) -> None:
    own(warehouse, sql, "score")
    rows = warehouse.execute("SELECT customer_id, score FROM features ORDER BY ALL").fetchall()
    assert rows == [("a", 7.0), ("b", 7.0), ("d", 7.0)]


REFUSED = {
    "SELECT customer_id, if(customer_id = 'a', 'nan'::DOUBLE, 1) AS score FROM rfm": "for 1 segmented",
    "SELECT customer_id, 'inf'::DOUBLE AS score FROM rfm": "for 3 segmented customers",
    "SELECT customer_id, 1e200 AS score FROM rfm": "beyond 1e\\+12 for 3 segmented",
    "SELECT customer_id, NULL::INTEGER AS score FROM rfm": "missing, NaN",
    "SELECT customer_id, 1 AS score FROM rfm WHERE customer_id <> 'b'": "for 1 segmented customers",
    "SELECT customer_id, 1 AS score FROM rfm UNION ALL SELECT 'a', 2": "more than once; group by it",
    "SELECT customer_id, 'much' AS score FROM rfm": "score is VARCHAR, not a number; cast it",
    "SELECT customer_id, DATE '2011-01-01' AS score FROM rfm": "score is DATE, not a number",
    "SELECT customer_id, [1.5] AS score FROM rfm": "not a number",
    "SELECT customer_id, 1 AS other FROM rfm": "no column 'score'; it has customer_id, other",
    "SELECT 1 AS score": "no column 'customer_id'",
    "SELECT customer_id, 1 AS score FROM nowhere": "nowhere does not exist",
    "SELECT customer_id, $day AS score FROM rfm": "\\[features\\] sql: ",
    "SELEC": "\\[features\\] sql: Parser Error",
    "": "has to hold one SELECT and nothing else",
    "SELECT customer_id, 1 AS score FROM rfm; SELECT 2": "has to hold one SELECT",
    "INSERT INTO sales.invoices FROM sales.invoices": "has to hold one SELECT",
    "WITH x AS (INSERT INTO sales.invoices FROM sales.invoices RETURNING *) SELECT *, 1 AS score FROM x": "WITH",
    "COPY rfm TO 'out.csv'": "has to hold one SELECT",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_an_own_select_that_cannot_be_used(warehouse: Warehouse, sql: str) -> None:
    before = warehouse.execute("FROM sales.invoices ORDER BY ALL").fetchall()
    with pytest.raises(FeatureError, match=REFUSED[sql]):
        own(warehouse, sql, "score")
    assert warehouse.execute("FROM sales.invoices ORDER BY ALL").fetchall() == before


@pytest.mark.parametrize("name", ["my score", "select", "Order", "1st", 'a"b'])
def test_names_that_cannot_stand_in_sql(warehouse: Warehouse, name: str) -> None:
    quoted = name.replace('"', '""')
    with pytest.raises(FeatureError, match="cannot be the name of an input"):
        own(warehouse, f'SELECT customer_id, 1 AS "{quoted}" FROM rfm', name)
