"""Nights that have gone wrong elsewhere, one by one; every night is held to the oracle and to a rebuild."""

from dataclasses import replace
from pathlib import Path

import pytest
from support_nights import (
    BEGAN,
    FIRST_DAY,
    History,
    Night,
    new_warehouse,
    outcomes,
    play,
    source_of,
    take_in,
    write_files,
)
from support_oracle import Line

from warehouse import landing

SALE = Line("1", invoiced_at="2011-01-25 10:00:00", customer_id="8")
OTHER = Line("2", "q", invoiced_at="2011-01-26 10:00:00", customer_id="8")
NEXT_DAY = SALE._replace(invoiced_at="2011-01-26 10:00:00")
ON_AS_OF = SALE._replace(invoiced_at="2011-01-28 10:00:00")
FUTURE = SALE._replace(invoiced_at="2011-02-03 10:00:00")
RETURN = Line("C3", quantity="-1", invoiced_at="2011-01-27 10:00:00", customer_id="8")
FAULTY = SALE._replace(unit_price="0")
TURN = ("01-30", "01-31", "02-01")
NOTHING: dict[str, tuple[Line, ...]] = {}
CASES = {
    "a line of as_of itself waits and counts without a new delivery": [Night({"a.csv": (ON_AS_OF,)}), Night(NOTHING)],
    "an invoice leaves the window without a new delivery": [
        Night({"a.csv": (SALE, OTHER)}, window_days=3),
        Night(NOTHING, window_days=3),
        Night(NOTHING, step=3, window_days=3),
    ],
    "an invoice of two days leaves the window by halves": [
        Night({"a.csv": (SALE, NEXT_DAY)}, window_days=3),
        Night(NOTHING, window_days=3),
        Night(NOTHING, window_days=3),
    ],
    "as_of goes back and late lines come": [Night({"a.csv": (SALE,)}, step=5), Night({"b.csv": (OTHER,)}, step=-4)],
    "a duplicate counts when the line it repeats goes": [
        Night({"a.csv": (SALE, OTHER), "b.csv": (SALE,)}),
        Night({"a.csv": (OTHER,)}),
    ],
    "a faulty duplicate is quarantined when the line it repeats goes": [
        Night({"a.csv": (FAULTY, OTHER), "b.csv": (FAULTY,)}),
        Night({"a.csv": (OTHER,)}),
    ],
    "a line of the future is sound when it comes again": [
        Night({"a.csv": (FUTURE,)}),
        Night({"b.csv": (FUTURE,)}, step=3),
        Night({"b.csv": (OTHER,)}, step=6),
    ],
    "a delivery that takes the place of an earlier one becomes the later of the two": [
        Night({"a.csv": (SALE,), "b.csv": (SALE, OTHER)}),
        Night({"a.csv": (SALE, RETURN)}),
    ],
    "a unit loses all its lines": [Night({"a.csv": (SALE,)}), Night({"a.csv": ()}), Night({"a.csv": (SALE,)})],
    "a customer keeps only a return": [Night({"a.csv": (SALE, RETURN)}), Night({"a.csv": (RETURN,)})],
    "a line changes its customer": [Night({"a.csv": (SALE,)}), Night({"a.csv": (SALE._replace(customer_id="9"),)})],
    "a line loses its customer": [Night({"a.csv": (SALE,)}), Night({"a.csv": (SALE._replace(customer_id=""),)})],
    "an invoice goes on the next night": [
        Night({"a.csv": (ON_AS_OF,)}),
        Night({"b.csv": (ON_AS_OF._replace(product="q"),)}),
    ],
    "an invoice of a night before goes on": [
        Night({"a.csv": (SALE, OTHER)}),
        Night({"b.csv": (SALE._replace(invoiced_at="2011-01-28 11:00:00", country=""),)}),
        Night({"b.csv": (SALE._replace(invoiced_at="2011-01-29 11:00:00"),)}),
    ],
    "new invoices follow, greater and less, with a return, of a customer and a new one": [
        Night({"a.csv": (SALE,)}),
        Night({"b.csv": (ON_AS_OF._replace(invoice_no="10"), ON_AS_OF._replace(customer_id="9"))}),
        Night({"c.csv": tuple(RETURN._replace(invoiced_at="2011-01-29 10:00:00", customer_id=who) for who in "789")}),
        Night({"d.csv": (SALE._replace(invoice_no="9", invoiced_at="2011-01-30 10:00:00", country="FR"),)}),
    ],
    "new invoices are of two months, and another one of the latter": [
        Night({"a.csv": (SALE,)}),
        Night(NOTHING),
        Night(
            {"b.csv": tuple(SALE._replace(invoice_no=f"5{day}", invoiced_at=f"2011-{day} 10:00:00") for day in TURN)},
            step=6,
        ),
        Night({"c.csv": (SALE._replace(invoice_no="70", invoiced_at="2011-02-04 01:00:00"),)}),
    ],
    "a late invoice comes with a new one": [
        Night({"a.csv": (SALE,)}),
        Night({"b.csv": (OTHER, OTHER._replace(invoice_no="20", invoiced_at="2011-01-28 10:00:00"))}),
    ],
    "a line is there twice in a file, then once": [Night({"a.csv": (SALE, SALE)}), Night({"a.csv": (SALE,)})],
}


@pytest.mark.parametrize("nights", CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("rules", [{}, {"append": True}, {"keep": True}], ids=["replace", "append", "keep"])
def test_the_warehouse_holds_what_the_lines_say(tmp_path: Path, nights: list[Night], rules: dict[str, bool]) -> None:
    play(tmp_path, History(**({"append": False, "keep": False, "by_id": False} | rules), nights=nights))


CORRECTED = {
    "the newest load wins": [
        Night({"a.csv": (SALE,)}),
        Night({"b.csv": (SALE._replace(quantity="5"),)}),
        Night({"b.csv": (OTHER._replace(line_id="b"),)}),
    ],
    "the last line of a file wins": [Night({"a.csv": (SALE, SALE._replace(quantity="5"))})],
    "a faulty correction does not win": [Night({"a.csv": (SALE,)}), Night({"b.csv": (FAULTY,)})],
    "a correction to another customer and day": [
        Night({"a.csv": (SALE,)}),
        Night({"b.csv": (OTHER._replace(customer_id="9"),)}),
    ],
    "a correction becomes a return": [Night({"a.csv": (SALE,)}), Night({"b.csv": (RETURN,)})],
}


@pytest.mark.parametrize("nights", CORRECTED.values(), ids=list(CORRECTED))
def test_the_newest_line_of_an_id_counts(tmp_path: Path, nights: list[Night]) -> None:
    with_ids = [
        replace(night, files={name: tuple(map(_with_id, lines)) for name, lines in night.files.items()})
        for night in nights
    ]
    oracle = play(tmp_path, History(append=False, keep=False, by_id=True, nights=with_ids))
    assert list(oracle.outcomes().values()).count("duplicate") <= 1


def _with_id(line: Line) -> Line:
    return line if line.line_id else line._replace(line_id="a")


def test_line_ids_that_share_a_key_by_chance_stay_apart(tmp_path: Path) -> None:
    source = source_of(tmp_path / "files", by_id=True)
    write_files(tmp_path / "files", {"a.csv": (_with_id(SALE), SALE._replace(line_id="b"))})
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, source, FIRST_DAY, BEGAN)
        warehouse.execute("UPDATE sales.transaction_lines SET content_key = 1")
        write_files(tmp_path / "files", {"b.csv": (SALE._replace(line_id="c"), SALE._replace(line_id="b"))})
        landing.stage(warehouse, source, "UTC", BEGAN, lambda done, files: None)
        warehouse.execute("UPDATE landing.staged_lines SET content_key = 1")
        with warehouse.transaction():
            landing.accept(warehouse, source, BEGAN)
        assert outcomes(warehouse) == {
            (1, 1): "purchase",
            (1, 2): "duplicate",
            (2, 1): "purchase",
            (2, 2): "purchase",
        }
