"""`verify` finds every kind of damage, and counts it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from support_nights import differing_rows, keep_months, new_warehouse, source_of, take_in, write_files
from support_oracle import Line

from warehouse.params import SourceParams
from warehouse.store import Warehouse
from warehouse.verify import verify

AS_OF = date(2011, 2, 1)
LINES = {
    "a.csv": (
        Line("1", "p", "2", customer_id="7"),
        Line("1", "q", "1", customer_id="7"),
        Line("C2", "p", "-1", customer_id="7"),
        Line("3", "p", "1", customer_id=""),
        Line("4", "p", "0", customer_id="8"),
    ),
    "b.csv": (Line("1", "p", "2", customer_id="7"), Line("5", "p", "1", customer_id="8"), Line("4", "p", "0")),
}


@pytest.fixture
def source(tmp_path: Path) -> SourceParams:
    return source_of(tmp_path / "files")


@pytest.fixture
def warehouse(tmp_path: Path, source: SourceParams) -> Iterator[Warehouse]:
    write_files(tmp_path / "files", LINES)
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, source, AS_OF, datetime.fromisoformat("2011-02-01 03:00"))
        keep_months(warehouse, AS_OF + timedelta(days=28))
        yield warehouse


def test_a_sound_warehouse_has_no_differing_row(warehouse: Warehouse, source: SourceParams) -> None:
    compared = {found.table: (found.rows, found.differing_rows) for found in verify(warehouse, source)}
    assert compared == {
        "line outcomes": (8, 0),
        "sales.invoices": (3, 0),
        "sales.daily": (1, 0),
        "sales.product_months": (2, 0),
        "sales.customer_products": (3, 0),
        "sales.month_countries": (1, 0),
        "sales.month_cohorts": (1, 0),
        "segments.month_sums": (0, 0),
        "features.customer_activity": (2, 0),
        "landing.loads": (2, 0),
        "delivered lines and money": (2, 0),
    }


# a wrong row counts twice: the one that is stored and the one that should be; a missing or an added row once
DAMAGES = {
    "UPDATE sales.transaction_lines SET outcome = 'return' WHERE invoice_no = '5'":
        {"line outcomes": 2, "landing.loads": 2},
    "UPDATE sales.transaction_lines SET outcome = 'purchase' WHERE outcome = 'duplicate'":
        {"line outcomes": 2, "landing.loads": 2},
    "UPDATE sales.transaction_lines SET amount = amount + 0.0001 WHERE invoice_no = '3'":
        {"sales.daily": 2, "sales.product_months": 2, "landing.loads": 2, "delivered lines and money": 2},
    "DELETE FROM sales.transaction_lines WHERE outcome = 'unattributed'":
        {"sales.daily": 2, "sales.product_months": 2, "landing.loads": 2, "delivered lines and money": 2},
    "DELETE FROM sales.transaction_lines WHERE invoice_no = '5'":
        {
            "sales.invoices": 1, "sales.daily": 2, "sales.product_months": 2, "sales.customer_products": 1,
            "sales.month_countries": 2, "sales.month_cohorts": 2,
            "features.customer_activity": 1, "landing.loads": 2, "delivered lines and money": 2,
        },
    "UPDATE landing.quarantine SET outcome = 'duplicate' WHERE load_id = 1":
        {"line outcomes": 2, "landing.loads": 2},
    "DELETE FROM landing.quarantine WHERE load_id = 1":
        {"landing.loads": 2, "delivered lines and money": 2},
    "UPDATE sales.invoices SET gross = gross + 0.0001 WHERE invoice_no = '1'": {"sales.invoices": 2},
    "UPDATE sales.invoices SET country = NULL WHERE invoice_no = '1'": {"sales.invoices": 2},
    "DELETE FROM sales.invoices WHERE invoice_no = 'C2'": {"sales.invoices": 1},
    "INSERT INTO sales.invoices FROM sales.invoices WHERE invoice_no = '5'": {"sales.invoices": 1},
    "UPDATE sales.daily SET unattributed = unattributed + 0.0001": {"sales.daily": 2},
    "DELETE FROM sales.daily": {"sales.daily": 1},
    "UPDATE sales.product_months SET last_day = last_day + 1 WHERE product = 'q'": {"sales.product_months": 2},
    "INSERT INTO sales.product_months FROM sales.product_months": {"sales.product_months": 2},
    "UPDATE sales.customer_products SET first_purchase_day = first_purchase_day - 1": {"sales.customer_products": 6},
    "DELETE FROM sales.customer_products WHERE customer_id = '7' AND product = 'q'": {"sales.customer_products": 1},
    "UPDATE sales.month_countries SET orders = orders + 1": {"sales.month_countries": 2},
    "UPDATE sales.month_cohorts SET net = net + 0.0001": {"sales.month_cohorts": 2},
    "DELETE FROM features.customer_activity WHERE customer_id = '8'": {"features.customer_activity": 1},
    "INSERT INTO features.customer_activity FROM features.customer_activity": {"features.customer_activity": 2},
    "UPDATE features.customer_activity SET frequency = frequency + 1": {"features.customer_activity": 4},
    "UPDATE features.customer_activity SET net = net - 0.0001 WHERE customer_id = '7'":
        {"features.customer_activity": 2},
    "UPDATE features.state SET as_of = DATE '2011-01-01'": {"features.customer_activity": 2},
    "DELETE FROM features.state": {"features.customer_activity": 2},
    "UPDATE landing.loads SET purchase_lines = purchase_lines + 1 WHERE load_id = 1": {"landing.loads": 2},
    "UPDATE landing.loads SET return_amount = return_amount + 0.0001 WHERE load_id = 1": {"landing.loads": 2},
    "UPDATE landing.loads SET delivered_lines = delivered_lines + 1 WHERE load_id = 2":
        {"delivered lines and money": 2},
    "UPDATE landing.loads SET delivered_lines = 0 WHERE load_id = 2":
        {"landing.loads": 1, "delivered lines and money": 1},
    "UPDATE landing.loads SET delivered_amount = delivered_amount - 0.0001 WHERE load_id = 2":
        {"delivered lines and money": 2},
    "DELETE FROM landing.loads WHERE load_id = 2": {"landing.loads": 1, "delivered lines and money": 1},
    "UPDATE landing.loads SET status = 'replaced' WHERE load_id = 2":
        {"landing.loads": 1, "delivered lines and money": 1},
}  # fmt: skip


@pytest.mark.parametrize(("damage", "found"), DAMAGES.items(), ids=list(DAMAGES))
def test_damage_is_counted(warehouse: Warehouse, source: SourceParams, damage: str, found: dict[str, int]) -> None:
    warehouse.execute(damage)
    assert differing_rows(warehouse, source) == found
