"""Customers the shop has merged: the file, what it restates, and that it can be taken back."""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_nights import (
    BEGAN,
    FIRST_DAY,
    by_customer,
    differing_rows,
    new_warehouse,
    source_of,
    take_in,
    write_files,
    write_merges,
)
from support_oracle import Line

from warehouse import merges
from warehouse.errors import MergeError
from warehouse.params import SourceParams
from warehouse.store import Warehouse

AS_OF = date(2011, 2, 1)
SHOP = {
    "a.csv": (
        Line("1", "p", "2", customer_id="7"),
        Line("1", "q", "1", customer_id="8"),
        Line("2", "p", "3", "2011-01-05 10:00:00", customer_id="8"),
        Line("3", "p", "1", customer_id="9"),
    )
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_merges(tmp_path / "merges.csv", [])


@pytest.fixture
def source(tmp_path: Path, file: Path) -> SourceParams:
    return source_of(tmp_path / "files", merges=file)


@pytest.fixture
def warehouse(tmp_path: Path, source: SourceParams) -> Iterator[Warehouse]:
    write_files(tmp_path / "files", SHOP)
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, source, AS_OF, BEGAN)
        yield warehouse


def activity(warehouse: Warehouse) -> dict[str, tuple[int, int]]:
    rows = by_customer(warehouse, "features.customer_activity", ("frequency", "gross"))
    return {customer: (row["frequency"], int(row["gross"])) for customer, row in rows.items()}


def test_a_merge_moves_everything_and_its_row_taken_out_brings_it_back(
    warehouse: Warehouse, source: SourceParams, file: Path
) -> None:
    before = activity(warehouse)
    assert before == {"7": (1, 2), "8": (2, 4), "9": (1, 1)}
    write_merges(file, [("7", "8")])
    take_in(warehouse, source, AS_OF, BEGAN)
    assert activity(warehouse) == {"8": (2, 6), "9": (1, 1)}  # invoice 1 named both: it is one invoice now
    assert differing_rows(warehouse, source) == {}
    assert warehouse.value("SELECT count(*) FROM sales.transaction_lines WHERE customer_id = '7'") == 1
    write_merges(file, [])
    take_in(warehouse, source, AS_OF, BEGAN)
    assert activity(warehouse) == before
    assert differing_rows(warehouse, source) == {}


def test_chains_lead_to_their_end_and_late_lines_follow(
    warehouse: Warehouse, source: SourceParams, file: Path, tmp_path: Path
) -> None:
    write_merges(file, [("8", "9"), ("7", "8"), ("9", "new")])
    write_files(tmp_path / "files", {"b.csv": (Line("4", "p", "10", customer_id="7"),)})
    take_in(warehouse, source, AS_OF, BEGAN)
    assert activity(warehouse) == {"new": (4, 17)}
    assert differing_rows(warehouse, source) == {}


def test_only_the_merged_customers_are_recomputed(warehouse: Warehouse, source: SourceParams, file: Path) -> None:
    warehouse.execute("UPDATE features.customer_activity SET country = 'left alone'")
    write_merges(file, [("7", "8")])
    take_in(warehouse, source, AS_OF, BEGAN)
    countries = by_customer(warehouse, "features.customer_activity", ("country",))
    assert countries == {"8": {"country": "UK"}, "9": {"country": "left alone"}}


def test_only_a_changed_meaning_is_news(warehouse: Warehouse, source: SourceParams, file: Path) -> None:
    assert merges.prepare(warehouse, source) == 0
    file.write_text("old;new;why\n7.0;8;asked by phone\n\n")
    assert merges.prepare(warehouse, source) == 1
    assert take_in(warehouse, source, AS_OF, BEGAN) == 0
    revision = "SELECT ledger_revision FROM features.state"
    assert warehouse.value(revision) == 2
    file.write_text("new,old\n8,7\n")
    assert merges.prepare(warehouse, source) == 0
    take_in(warehouse, source, AS_OF, BEGAN)
    assert warehouse.value(revision) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("old,new\n7,7\n", "line 2: customer 7 is merged into itself"),
        ("old,new\n7,8\n7.0,9\n", "line 3: customer 7 is merged into 9, and into 8 in line 2"),
        ("old,new\n7,8\n8,9\n9,7\n1,7\n", "in a circle: 7 -> 8 -> 9 -> 7"),
        ("old,new\n7,\n,8\n", "line 2: customer 7 has no new customer\n  line 3: it has no old customer"),
        ("old,new\n7,NULL\n", "line 2: customer 7 has no new customer"),
        ("old,new\n7,8,9\n", "line 2 has too few or too many columns"),
        ('old,new\n7,8\n"8,9\n', "line 3 has too few or too many columns, a stray quote"),
        ("customer,merged\n7,8\n", "must name the columns old, new"),
        ("", "must name the columns old, new"),
        (b"\xff\xfeo\x00l\x00d\x00", "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    warehouse: Warehouse, source: SourceParams, file: Path, tmp_path: Path, text: str | bytes, message: str
) -> None:
    write_files(tmp_path / "files", {"b.csv": (Line("4", customer_id="7"),)})
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = activity(warehouse)
    with pytest.raises(MergeError, match=message):
        take_in(warehouse, source, AS_OF, BEGAN)
    assert activity(warehouse) == before
    assert warehouse.value("SELECT count(*) FROM landing.loads") == 1


def test_a_file_that_is_not_there_takes_nothing_back(warehouse: Warehouse, source: SourceParams, file: Path) -> None:
    file.unlink()
    with pytest.raises(MergeError, match="no such file"):
        merges.prepare(warehouse, source)


def test_a_chain_of_thousands_is_followed(warehouse: Warehouse, source: SourceParams, file: Path) -> None:
    write_merges(file, [(str(number), str(number + 1)) for number in range(5_000)])
    assert merges.prepare(warehouse, source) == 5_000
    assert warehouse.select("SELECT DISTINCT merged_id FROM given_merges") == [{"merged_id": "5000"}]


CUSTOMERS = ["7", "8", "9", "10"]
LINES = st.builds(
    Line,
    invoice_no=st.sampled_from(["1", "2", "C3"]),
    product=st.sampled_from(["p", "q"]),
    quantity=st.sampled_from(["1", "2", "-1"]),
    invoiced_at=st.sampled_from([f"{FIRST_DAY + timedelta(days=number)} 10:00:00" for number in range(5)]),
    unit_price=st.sampled_from(["2.50", "0"]),
    customer_id=st.sampled_from(CUSTOMERS),
)
#: Everybody is merged into a greater one or nobody, so that there is no circle.
FILES_OF_MERGES = st.fixed_dictionaries(
    {old: st.none() | st.sampled_from([*CUSTOMERS[place + 1 :], "new"]) for place, old in enumerate(CUSTOMERS)}
).map(lambda merged: [(old, new) for old, new in merged.items() if new])


@settings(max_examples=25)
@given(
    nights=st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["a.csv", "b.csv"]), st.lists(LINES, max_size=4), max_size=2),
            FILES_OF_MERGES,
        ),
        min_size=2,
        max_size=4,
    )
)
def test_a_merged_warehouse_equals_one_built_with_the_mapping(
    nights: Sequence[tuple[dict[str, list[Line]], list[tuple[str, str]]]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder / "files", SHOP)
        source = source_of(folder / "files", merges=folder / "merges.csv")
        with new_warehouse(folder / "kept") as warehouse:
            for files, pairs in nights:
                write_files(folder / "files", files)
                write_merges(folder / "merges.csv", pairs)
                take_in(warehouse, source, AS_OF, BEGAN)
                assert differing_rows(warehouse, source) == {}
            kept = stored(warehouse)
        with new_warehouse(folder / "built") as warehouse:
            take_in(warehouse, source, AS_OF, BEGAN)
            assert stored(warehouse) == kept


def stored(warehouse: Warehouse) -> list[list[tuple[Any, ...]]]:
    tables = (
        "sales.invoices",
        "sales.daily",
        "sales.product_months",
        "sales.customer_products",
        "features.customer_activity",
    )
    return [warehouse.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in tables]
