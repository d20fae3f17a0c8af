"""Lines go after so many years and stay counted; what was made of them stays, and later deliveries cannot double it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support_landing import _ADDS_UP
from support_nights import differing_rows, new_warehouse, source_of, take_in, write_files, write_merges
from support_oracle import Line

from warehouse import closing, erasure, features
from warehouse.params import RetentionParams, SourceParams
from warehouse.store import Warehouse
from warehouse.verify import verify

AS_OF = date(2013, 4, 20)
NOW = datetime.fromisoformat("2013-04-20 03:00")
#: Two years before AS_OF, from the first of the month on.
OPEN_SINCE = date(2011, 4, 1)
TWO_YEARS = RetentionParams(lines_years=2)


def line(number: str, day: str, quantity: str = "1", customer_id: str = "7", product: str = "p", **more: str) -> Line:
    return Line(number, product, quantity, f"{day} 10:00:00", "2.50", customer_id, **more)


OLD = (
    line("1", "2010-05-01"), line("1", "2010-05-01", product="q"), line("C2", "2011-03-31", "-1"),
    line("3", "2011-03-31", customer_id=""), line("4", "2011-03-30", "0"),
)  # fmt: skip
NEW = (line("5", "2011-04-01"), line("6", "2013-01-01", customer_id="8"), line("7", "2013-01-02", "0"))
FILES = {"old.csv": (*OLD, OLD[0]), "both.csv": (line("8", "2011-03-02", customer_id="9"), *NEW)}


@pytest.fixture
def source(tmp_path: Path) -> SourceParams:
    return source_of(tmp_path / "files")


@pytest.fixture
def warehouse(tmp_path: Path, source: SourceParams) -> Iterator[Warehouse]:
    """Two deliveries whose lines of before April 2011 went."""
    with new_warehouse(tmp_path) as warehouse:
        write_files(tmp_path / "files", FILES)
        take_in(warehouse, source, AS_OF, NOW)
        before = made_of_lines(warehouse)
        gone = closing.expire(warehouse, TWO_YEARS, AS_OF, NOW)
        assert gone == closing.Expired(6, 0, OPEN_SINCE)
        assert made_of_lines(warehouse) == before
        yield warehouse


def made_of_lines(warehouse: Warehouse, *more: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of what the nights keep up from lines, and the ledger."""
    tables = ("sales.invoices", "sales.daily", "sales.product_months", "sales.customer_products",
              "features.customer_activity", "landing.loads")  # fmt: skip
    return {table: warehouse.select(f"FROM {table} ORDER BY ALL") for table in tables}


def invoices(warehouse: Warehouse) -> dict[tuple[str, str], Decimal]:
    rows = warehouse.select("SELECT customer_id, invoice_no, gross + returned AS net FROM sales.invoices")
    return {(row["customer_id"], row["invoice_no"]): row["net"] for row in rows}


def deliver(warehouse: Warehouse, source: SourceParams, folder: Path, name: str, *lines: Line) -> dict[str, Any]:
    """Take a file in a day later; return its row of the ledger, which adds up as all do."""
    days = 1 + int(warehouse.value("SELECT count(*) FROM landing.loads"))
    write_files(folder / "files", {name: lines})
    take_in(warehouse, source, AS_OF + timedelta(days=days), NOW + timedelta(days=days))
    assert warehouse.value(f"SELECT count(*) FROM landing.loads WHERE status = 'accepted' AND NOT ({_ADDS_UP})") == 0
    assert differing_rows(warehouse, source) == {}
    return warehouse.select("FROM landing.loads ORDER BY load_id DESC LIMIT 1")[0]


def test_lines_go_and_verify_tells_from_when_on_it_looked(warehouse: Warehouse, source: SourceParams) -> None:
    assert warehouse.value("SELECT min(shop_day) FROM sales.transaction_lines") == OPEN_SINCE
    assert warehouse.value("SELECT count(*) FROM landing.quarantine") == 2
    found = verify(warehouse, source)
    assert [(one.table, one.differing_rows) for one in found if one.differing_rows] == []
    assert {one.since for one in found} == {OPEN_SINCE}
    warehouse.execute("UPDATE sales.invoices SET gross = gross + 1 WHERE invoice_no = '5'")
    assert differing_rows(warehouse, source) == {"sales.invoices": 2}


def test_it_happens_once_a_month_and_never_goes_back(warehouse: Warehouse) -> None:
    for years, as_of in ((2, AS_OF), (2, date(2013, 4, 30)), (2, date(2012, 1, 1)), (3, AS_OF)):
        again = closing.expire(warehouse, RetentionParams(lines_years=years), as_of, NOW)
        assert again == closing.Expired(0, 0, OPEN_SINCE)
    assert closing.expire(warehouse, TWO_YEARS, date(2013, 5, 1), NOW) == closing.Expired(1, 0, date(2011, 5, 1))


def test_what_is_delivered_again_is_not_counted_twice(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    before = invoices(warehouse)
    again = deliver(warehouse, source, tmp_path, "old.csv", *OLD, OLD[0], line("9", "2013-02-01", customer_id="10"))
    assert (again["closed_lines"], again["closed_amount"], again["purchase_lines"]) == (5, Decimal("7.5"), 1)
    other = deliver(warehouse, source, tmp_path, "another_name.csv", *OLD)
    assert (other["closed_lines"], other["quarantined_lines"] + other["duplicate_lines"]) == (4, 1)
    assert invoices(warehouse) == before | {("10", "9"): Decimal("2.5")}


def test_a_correction_for_a_closed_day_has_no_effect_and_one_for_an_open_day_has(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    before = invoices(warehouse)
    corrected = (line("8", "2011-03-02", "5", customer_id="9"), line("5", "2011-04-01", "3"), *NEW[1:])
    row = deliver(warehouse, source, tmp_path, "both.csv", *corrected)
    assert (row["closed_lines"], row["closed_amount"]) == (1, Decimal("12.5"))
    assert invoices(warehouse) == before | {("7", "5"): Decimal("7.5")}


def test_a_file_that_loses_its_open_lines_keeps_what_was_made_of_the_others(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    before = invoices(warehouse)
    deliver(warehouse, source, tmp_path, "both.csv", line("8", "2011-03-02", customer_id="9"))
    assert invoices(warehouse) == {key: net for key, net in before.items() if key[1] not in ("5", "6")}


def test_when_a_product_was_first_bought_is_still_known(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    deliver(warehouse, source, tmp_path, "both.csv", *NEW[1:])
    first = warehouse.select("FROM sales.customer_products WHERE customer_id = '7' ORDER BY ALL")
    assert [(row["product"], row["first_purchase_day"]) for row in first] == [
        ("p", date(2010, 5, 1)), ("q", date(2010, 5, 1))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("window_days", "expected"), [(None, {"7": 2, "8": 1, "9": 1}), (730, {"8": 1}), (800, {"7": 1, "8": 1, "9": 1})]
)
def test_products_bought_on_closed_days_still_count(
    warehouse: Warehouse, window_days: int | None, expected: dict[str, int]
) -> None:
    features.prepare(warehouse, AS_OF, window_days)
    features.prepare_inputs(
        warehouse, ["distinct_products"], as_of=AS_OF, window_days=window_days, net=True, own_sql=""
    )
    rows = warehouse.select("SELECT customer_id, distinct_products FROM features")
    assert {row["customer_id"]: row["distinct_products"] for row in rows} == expected


def test_lines_of_one_id_go_together(tmp_path: Path) -> None:
    source = source_of(tmp_path / "files", append=True, by_id=True)
    with new_warehouse(tmp_path) as warehouse:
        moved = line("1", "2011-06-01", line_id="a")
        write_files(
            tmp_path / "files", {"a.csv": (line("1", "2010-05-01", line_id="a"), line("2", "2010-05-01", line_id="b"))}
        )
        take_in(warehouse, source, AS_OF, NOW)
        deliver(warehouse, source, tmp_path, "b.csv", moved)
        assert closing.expire(warehouse, TWO_YEARS, AS_OF, NOW).lines == 1
        assert differing_rows(warehouse, source) == {}
        row = deliver(warehouse, source, tmp_path, "c.csv", line("1", "2011-06-01", "2", line_id="a"))
        assert (row["purchase_lines"], invoices(warehouse)[("7", "1")]) == (1, Decimal("5"))
        assert closing.expire(warehouse, TWO_YEARS, date(2013, 8, 1), NOW).lines == 3
        assert differing_rows(warehouse, source) == {}
        assert invoices(warehouse) == {("7", "1"): Decimal("5"), ("7", "2"): Decimal("2.5")}


def test_invoices_of_closed_days_follow_a_merge(warehouse: Warehouse, source: SourceParams, tmp_path: Path) -> None:
    before = invoices(warehouse)
    merging = source.model_copy(
        update={"merges": str(write_merges(tmp_path / "merges.csv", [("9", "7"), ("7", "11")]))}
    )
    deliver(warehouse, merging, tmp_path, "more.csv", line("20", "2013-03-01", customer_id="7"))
    after = {("8", "6"): before[("8", "6")], ("11", "20"): Decimal("2.5")}
    assert invoices(warehouse) == after | {("11", number): net for (who, number), net in before.items() if who != "8"}
    (activity,) = warehouse.select("FROM features.customer_activity WHERE customer_id = '11'")
    assert (activity["first_purchase_day"], activity["frequency"]) == (date(2010, 5, 1), 4)
    assert warehouse.value("SELECT count(*) FROM features.customer_activity WHERE customer_id IN ('7', '9')") == 0
    assert warehouse.value("SELECT count(*) FROM sales.customer_products WHERE customer_id IN ('7', '9')") == 0
    days = "SELECT first_shop_day FROM sales.changes ORDER BY ledger_revision DESC LIMIT 1"
    assert warehouse.value(days) == date(2010, 5, 1)  # versions of any later date say what is no longer so


def test_quarantine_goes_and_stays_counted(tmp_path: Path, source: SourceParams) -> None:
    kept = RetentionParams(quarantine_days=30)
    with new_warehouse(tmp_path) as warehouse:
        write_files(tmp_path / "files", FILES)
        take_in(warehouse, source, AS_OF, NOW)
        repeated = deliver(warehouse, source, tmp_path, "again.csv", NEW[2])
        assert repeated["duplicate_lines"] == 1
        before = warehouse.select("FROM landing.loads ORDER BY load_id")
        assert closing.expire(warehouse, kept, AS_OF, NOW + timedelta(days=31)) == closing.Expired(0, 1, None)
        assert differing_rows(warehouse, source) == {}
        assert closing.expire(warehouse, kept, AS_OF, NOW + timedelta(days=40)).quarantined_lines == 2
        assert warehouse.value("SELECT count(*) FROM landing.quarantine") == 0
        assert warehouse.select("FROM landing.loads ORDER BY load_id") == before
        assert differing_rows(warehouse, source) == {}
        assert deliver(warehouse, source, tmp_path, "third.csv", NEW[2])["quarantined_lines"] == 1


def test_stopped_in_the_middle_nothing_went(
    tmp_path: Path, source: SourceParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_warehouse(tmp_path) as warehouse:
        write_files(tmp_path / "files", FILES)
        take_in(warehouse, source, AS_OF, NOW)
        remove = closing._remove

        def stopped(warehouse: Warehouse) -> tuple[int, int]:
            remove(warehouse)
            raise KeyboardInterrupt

        monkeypatch.setattr(closing, "_remove", stopped)
        with pytest.raises(KeyboardInterrupt):
            closing.expire(warehouse, TWO_YEARS, AS_OF, NOW)
        assert closing.closed_before(warehouse) is None
        assert warehouse.value("SELECT count(*) FROM sales.transaction_lines") == 8
        assert differing_rows(warehouse, source) == {}


def test_an_erased_customer_leaves_closed_days_too(warehouse: Warehouse, source: SourceParams, tmp_path: Path) -> None:
    before = invoices(warehouse)
    erasure.request(warehouse, source, ["7"], "test", NOW + timedelta(days=1))
    assert invoices(warehouse) == {key: net for key, net in before.items() if key[0] != "7"}
    for table in ("sales.customer_products", "features.customer_activity", "sales.transaction_lines"):
        assert warehouse.value(f"SELECT count(*) FROM {table} WHERE customer_id = '7'") == 0
    assert differing_rows(warehouse, source) == {}
    row = deliver(warehouse, source, tmp_path, "again.csv", *OLD)
    assert (row["erased_lines"], row["closed_lines"], row["quarantined_lines"]) == (4, 1, 0)
