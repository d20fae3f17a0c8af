"""Raw files, tables, report and dashboard of Online Retail say the same numbers; the raw side has SQL of its own."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from streamlit.testing.v1 import AppTest
from support_reports import report_of, words_of

from dashboard.wording import Money, count, month, share
from flows.nightly import nightly

AS_OF = date(2011, 12, 1)
POUNDS = Money("£")
#: Lines that count for sales: copies once, nothing without a price, dated before AS_OF. Nothing of the project is used.
RAW = """
CREATE TABLE raw AS
SELECT InvoiceNo AS invoice, StockCode AS product, Country AS country, CAST(Quantity AS BIGINT) AS quantity,
    CAST(CAST(Quantity AS BIGINT) * CAST(UnitPrice AS DECIMAL(18, 4)) AS DECIMAL(18, 4)) AS money,
    CAST(substr(InvoiceDate, 1, 10) AS DATE) AS day, CAST(date_trunc('month', day) AS DATE) AS month,
    regexp_replace(CustomerID, '\\.0$', '') AS customer
FROM (SELECT DISTINCT * FROM read_csv('{files}', all_varchar = true))
WHERE CAST(UnitPrice AS DECIMAL(18, 4)) > 0 AND day < DATE '{as_of}'
"""
#: The same figure, from raw lines and from a published table.
SAME = {
    "sales by month": (
        "SELECT month, sum(money) FROM raw GROUP BY ALL ORDER BY ALL",
        "SELECT month, sales FROM sales_monthly ORDER BY ALL",
    ),
    "sales by country": (
        "SELECT country, sum(money) FROM raw GROUP BY ALL ORDER BY ALL",
        "SELECT country, sales FROM sales_by_country ORDER BY ALL",
    ),
    "customers": (
        "SELECT customer, sum(money), count(DISTINCT invoice) FILTER (quantity > 0), "
        "DATE '{as_of}' - max(day) FILTER (quantity > 0) FROM raw WHERE customer <> '' "
        "GROUP BY ALL HAVING count(*) FILTER (quantity > 0) > 0 ORDER BY ALL",
        "SELECT customer_id, monetary, frequency, recency_days FROM customer_segments ORDER BY ALL",
    ),
    "segments": (
        "SELECT segment_key, count(DISTINCT customer), sum(money) FROM raw JOIN published.customer_segments "
        "ON customer = customer_id GROUP BY ALL ORDER BY ALL",
        "SELECT segment_key, customers, revenue FROM segment_profiles ORDER BY ALL",
    ),
    "orders, baskets and spending by month": (
        "SELECT month, count(DISTINCT invoice), round(sum(quantity) / count(DISTINCT invoice), 6), "
        "round(count(DISTINCT invoice) / count(DISTINCT customer), 6) FROM raw "
        "WHERE quantity > 0 AND customer <> '' GROUP BY ALL ORDER BY ALL",
        "SELECT month, orders, round(items_per_order, 6), round(orders_per_customer, 6) FROM sales_monthly "
        "ORDER BY ALL",
    ),
    "countries of the segments": (
        "SELECT segment_key, last.country, count(*) FROM (SELECT customer, arg_max(country, day) AS country FROM raw "
        "WHERE customer <> '' GROUP BY customer HAVING count(DISTINCT country) = 1) AS last "
        "JOIN published.customer_segments ON customer = customer_id GROUP BY ALL ORDER BY ALL",
        "SELECT segment_key, country, count(*) FROM customer_segments WHERE customer_id IN (SELECT customer FROM "
        "memory.raw GROUP BY customer HAVING count(DISTINCT country) = 1) GROUP BY ALL ORDER BY ALL",
    ),
    "what has no customer": (
        "SELECT sum(money) FROM raw WHERE customer = '' OR customer IS NULL",
        "SELECT sum(unattributed) FROM sales_monthly",
    ),
}
_PAGE = """
import importlib
from pathlib import Path
from dashboard.app.view import choose
from dashboard.wording import Money

importlib.import_module("dashboard.app." + {page!r}).page(choose(Path({serving!r}), Money("£")))
"""


@pytest.fixture(scope="module")
def shop(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Folder of what is published, and a connection to it beside the raw lines."""
    folder = tmp_path_factory.mktemp("agreement")
    config = folder / "resegment.toml"
    config.write_text(
        f"[source]\npath = '{real_data / '*.csv'}'\n[model]\nk = 4\n[report]\nenabled = false\n", encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patch, duckdb.connect() as connection:
        patch.delenv("PREFECT_API_URL", raising=False)
        file = nightly(AS_OF, False, config)["published"]["file"]
        connection.execute(RAW.format(files=real_data / "*.csv", as_of=AS_OF))
        connection.execute(f"ATTACH '{file}' AS published (READ_ONLY)")
        yield folder / "serving", connection


@pytest.fixture(scope="module")
def said(shop: tuple[Path, duckdb.DuckDBPyConnection]) -> str:
    return words_of(report_of(shop[0]))


def rows(
    shop: tuple[Path, duckdb.DuckDBPyConnection], sql: str, schema: str = "published.main"
) -> list[tuple[Any, ...]]:
    shop[1].execute(f"USE {schema}")
    found = shop[1].execute(sql.replace("{as_of}", str(AS_OF))).fetchall()
    assert found
    return found


def frames(shop: tuple[Path, duckdb.DuckDBPyConnection], page: str) -> list[Any]:
    shown = AppTest.from_string(_PAGE.format(page=page, serving=str(shop[0])), default_timeout=240).run()
    assert not shown.exception
    return [frame.value for frame in shown.dataframe]


@pytest.mark.parametrize("figure", SAME)
def test_raw_lines_and_tables_agree(shop: tuple[Path, duckdb.DuckDBPyConnection], figure: str) -> None:
    raw, table = SAME[figure]
    of_lines, published = rows(shop, raw, "memory.main"), rows(shop, table)
    assert len(of_lines) == len(published)
    assert of_lines == published


def test_report_and_dashboard_tell_the_segments_of_the_table(
    shop: tuple[Path, duckdb.DuckDBPyConnection], said: str
) -> None:
    found = rows(shop, "SELECT segment, customers, share, revenue, revenue_share FROM segment_profiles")
    for segment, customers, part, revenue, of_all in found:
        cells = (segment, count(customers), share(part), POUNDS.short(float(revenue)), share(of_all))
        assert " ".join(cells) in said
    shown = next(frame for frame in frames(shop, "overview") if "actions" in frame.columns)
    assert {(row.segment, row.customers, round(row.revenue)) for row in shown.itertuples()} == {
        (segment, customers, round(revenue)) for segment, customers, _, revenue, _ in found
    }


def test_report_and_dashboard_tell_months_countries_and_products_of_the_tables(
    shop: tuple[Path, duckdb.DuckDBPyConnection], said: str
) -> None:
    expected = {
        "Month": [
            (month(when) + (" (part)" if partial else ""), POUNDS.short(float(sales)), count(orders))
            for when, partial, sales, orders in rows(
                shop, "SELECT month, is_partial, sales, orders FROM sales_monthly ORDER BY month"
            )
        ],
        "Country": [
            (country, POUNDS.short(float(sales)), share(part))
            for country, sales, part in rows(
                shop, "SELECT country, sales, sales_share FROM sales_by_country ORDER BY sales DESC"
            )
        ],
        "Product": [
            (f"{' '.join(description.split())} ({product})", POUNDS.short(float(sales)), share(part))
            for product, description, sales, part in rows(
                shop, "SELECT product, description, sales, sales_share FROM top_products ORDER BY rank LIMIT 50"
            )
        ],
    }
    shown = frames(shop, "sales")
    for title, cells in expected.items():
        assert all(" ".join(row) in said for row in cells), title
        table = next(frame for frame in shown if frame.columns[0] == title)
        assert [tuple(row)[:3] for row in table.itertuples(index=False)] == cells
