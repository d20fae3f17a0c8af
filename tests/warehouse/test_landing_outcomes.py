"""Each line has exactly one outcome, whatever comes, goes and comes again."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from support_landing import (
    FAULTY,
    NOW,
    PURCHASE,
    RETURN,
    UNATTRIBUTED,
    USUAL,
    deliver,
    lines,
    outcomes,
    reasons,
    stage,
    take_in,
    warehouse_in,
)

from warehouse import landing
from warehouse.params import ColumnMapping, SourceParams
from warehouse.parsing import REASONS
from warehouse.store import Warehouse
from warehouse.verify import verify


def source_of(folder: Path, **options: object) -> SourceParams:
    return SourceParams.model_validate({"path": str(folder / "in" / "*.csv")} | options)


def hold_to_rebuild(warehouse: Warehouse, source: SourceParams) -> None:
    assert [found for found in verify(warehouse, source) if found.differing_rows] == []


def test_one_outcome_each_and_a_ledger_that_adds_up(tmp_path: Path) -> None:
    deliver(tmp_path, "in/a.csv", *USUAL, "malformed")
    deliver(tmp_path, "in/b.csv", *reversed(USUAL))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        kinds = ["purchase", "return", "unattributed", "quarantined", "quarantined"]
        assert outcomes(warehouse) == [
            *((1, place + 1, kind) for place, kind in enumerate(kinds)),
            *((2, place, "duplicate") for place in range(1, 5)),
        ]
        first, second = warehouse.select("SELECT * FROM landing.loads ORDER BY load_id")
        hold_to_rebuild(warehouse, source_of(tmp_path))
    assert (first["purchase_amount"], first["return_amount"]) == (Decimal("15.3"), Decimal("-27.5"))
    assert (first["unattributed_amount"], first["quarantined_amount"]) == (84, 0)
    assert (second["duplicate_lines"], second["duplicate_amount"]) == (4, Decimal("71.8"))
    assert first["delivered_amount"] == second["delivered_amount"] == Decimal("71.8")


def test_all_reasons_are_listed(tmp_path: Path) -> None:
    bad = [
        ",x,x,,,,,x",
        "1,x,x,six,2011-13-01,cheap,,x",
        "1,x,x,0,1969-12-31,-1,,x",
        "C1,x,x,1,2012-01-01,0,,x",
        "1,x,x,1e9,2011-01-01,1e9,,x",
    ]
    deliver(tmp_path, "in/a.csv", *bad)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        found = [why for _, why in reasons(warehouse)]
    assert found == [
        ["missing_invoice_no", "missing_date", "missing_quantity", "missing_price"],
        ["unparseable_date", "unparseable_quantity", "unparseable_price"],
        ["implausible_date", "zero_quantity", "non_positive_price"],
        ["future_date", "non_positive_price", "cancellation_with_positive_quantity"],
        ["amount_too_large"],
    ]
    assert {reason for why in found for reason in why} == set(REASONS)


def test_the_cancellation_prefix_is_configured(tmp_path: Path) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE.replace("536365", "C1"), PURCHASE.replace("536365", "X1"))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path, cancellation_prefix="X"))
        assert reasons(warehouse) == [(2, ["cancellation_with_positive_quantity"])]
    with warehouse_in(tmp_path / "in") as warehouse:
        take_in(warehouse, source_of(tmp_path, cancellation_prefix=""))
        assert reasons(warehouse) == []


def test_a_corrected_file_replaces_its_lines_and_those_that_shared_content(tmp_path: Path) -> None:
    """The duplicate of a line that went becomes the purchase; invoices and ledger follow."""
    deliver(tmp_path, "in/a.csv", PURCHASE, RETURN, FAULTY)
    deliver(tmp_path, "in/b.csv", PURCHASE, FAULTY, UNATTRIBUTED)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        assert [kind for load, _, kind in outcomes(warehouse) if load == 2] == [
            "duplicate",
            "duplicate",
            "unattributed",
        ]
        deliver(tmp_path, "in/a.csv", PURCHASE.replace("536365", "536999"))
        take_in(warehouse, source_of(tmp_path), now=NOW + timedelta(days=1))
        assert outcomes(warehouse) == [
            (2, 1, "purchase"),
            (2, 2, "quarantined"),
            (2, 3, "unattributed"),
            (3, 1, "purchase"),
        ]
        invoices = "SELECT invoice_no, gross, returned FROM sales.invoices ORDER BY ALL"
        assert warehouse.execute(invoices).fetchall() == [
            ("536365", Decimal("15.3"), 0),
            ("536999", Decimal("15.3"), 0),
        ]
        assert warehouse.value("SELECT purchase_lines FROM landing.loads WHERE load_id = 2") == 1
        statuses = warehouse.execute("SELECT status FROM landing.loads ORDER BY load_id").fetchall()
        assert statuses == [("replaced",), ("accepted",), ("accepted",)]
        hold_to_rebuild(warehouse, source_of(tmp_path))


def test_a_file_may_go_back_to_former_content(tmp_path: Path) -> None:
    with warehouse_in(tmp_path) as warehouse:
        for night, line in enumerate([PURCHASE, RETURN, PURCHASE]):
            deliver(tmp_path, "in/a.csv", line)
            take_in(warehouse, source_of(tmp_path), now=NOW + timedelta(days=night))
        assert lines(warehouse, "load_id, outcome") == [(3, "purchase")]
        hold_to_rebuild(warehouse, source_of(tmp_path))


def test_duplicates_are_kept_if_wished(tmp_path: Path) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE, PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path, duplicates="keep"))
        assert lines(warehouse, "outcome") == [("purchase",)] * 2
        assert warehouse.value("SELECT gross FROM sales.invoices") == Decimal("30.6")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(PURCHASE, PURCHASE.replace("17850.0", "17850")), (PURCHASE, PURCHASE.replace("2.55", "2.5500")),
     (PURCHASE, PURCHASE.replace("08:26:00", "08:26")), (UNATTRIBUTED, UNATTRIBUTED.replace(",,", ",NULL,"))],
)  # fmt: skip
def test_lines_are_compared_by_value(tmp_path: Path, ours: str, theirs: str) -> None:
    deliver(tmp_path, "in/a.csv", ours, theirs)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        assert [kind for *_, kind in outcomes(warehouse)][1] == "duplicate"


@pytest.mark.parametrize("place", range(8))
def test_lines_that_differ_in_any_column_are_two(tmp_path: Path, place: int) -> None:
    cells = PURCHASE.split(",")
    cells[place] = {3: "7", 4: "2010-12-01 08:26:01", 5: "2.5500001"}.get(place, cells[place] + "x")
    deliver(tmp_path, "in/a.csv", PURCHASE, ",".join(cells))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        assert lines(warehouse, "outcome") == [("purchase",)] * 2


def test_columns_that_are_not_mapped_tell_lines_apart(tmp_path: Path) -> None:
    path = deliver(tmp_path, "in/a.csv", PURCHASE + ",till 1", PURCHASE + ",till 2", PURCHASE + ",till 1")
    path.write_text(path.read_text().replace("Country", "Country,Till"))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        assert lines(warehouse, "outcome") == [("purchase",), ("purchase",), ("duplicate",)]


def test_sources_do_not_compare_their_lines(tmp_path: Path) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        for name in ("shop", "web"):
            take_in(warehouse, source_of(tmp_path, name=name))
        assert lines(warehouse, "source, outcome") == [("shop", "purchase"), ("web", "purchase")]


def test_the_newest_line_with_an_id_wins(tmp_path: Path) -> None:
    columns = ColumnMapping(line_id="Id")
    source = source_of(tmp_path, columns=columns)
    with warehouse_in(tmp_path) as warehouse:
        for night, (name, quantity) in enumerate([("a", "6"), ("b", "5"), ("b", "4"), ("c", "6")]):
            path = deliver(tmp_path, f"in/{name}.csv", PURCHASE.replace(",6,", f",{quantity},") + ",77.0")
            path.write_text(path.read_text().replace("Country", "Country,Id"))
            take_in(warehouse, source, now=NOW + timedelta(days=night))
        assert lines(warehouse, "load_id, line_id, quantity, outcome") == [
            (1, "77", 6, "duplicate"),
            (3, "77", 4, "duplicate"),
            (4, "77", 6, "purchase"),
        ]
        assert warehouse.value("SELECT items FROM sales.invoices") == 6
        hold_to_rebuild(warehouse, source)


def test_rejected_deliveries_leave_the_reason_and_are_offered_again(tmp_path: Path) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        stage(warehouse, source_of(tmp_path))
        landing.reject_staged(warehouse, "too many returns")
        assert lines(warehouse, "outcome") == []
        take_in(warehouse, source_of(tmp_path))
        ledger = warehouse.execute("SELECT status, error FROM landing.loads ORDER BY load_id").fetchall()
    assert ledger == [("rejected", "too many returns"), ("accepted", None)]


def test_what_a_killed_run_left_staged_is_forgotten(tmp_path: Path) -> None:
    deliver(tmp_path, "in/a.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        stage(warehouse, source_of(tmp_path))
    with warehouse_in(tmp_path) as warehouse:
        assert take_in(warehouse, source_of(tmp_path)).lines == 1
        assert lines(warehouse, "load_id, outcome") == [(1, "purchase")]


def test_large_amounts_cannot_break_a_sum(tmp_path: Path) -> None:
    large = PURCHASE.replace(",6,", ",99999999999,").replace("2.55", "0.9999")
    deliver(tmp_path, "in/a.csv", *[large] * 900, large.replace("0.9999", "1.1"))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path, duplicates="keep"))
        assert reasons(warehouse) == [(901, ["amount_too_large"])]
        assert warehouse.value("SELECT items FROM sales.invoices") == 900 * 99999999999
