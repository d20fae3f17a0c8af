"""Any sequence of nights leaves exactly what the delivered lines say, and what a rebuild from them gives."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support_nights import FIRST_DAY, History, Night, play
from support_oracle import Line

DAYS = [FIRST_DAY + timedelta(days=number) for number in range(12)]


def usually(common: list[str], rare: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(common * (16 * len(rare) // len(common)) + rare)


#: A small world of mostly sound lines: they repeat, invoices span days, ids are delivered again with other content.
LINES = st.builds(
    Line,
    invoice_no=usually(["1", "2"], ["C3", "3", ""]),
    product=st.sampled_from(["p", "q"]),
    quantity=usually(["1", "2", "-1"], ["1.0", "0.3333", "1.00005", "0", "x", ""]),
    invoiced_at=usually([f"{day} 10:00:00" for day in DAYS], ["", "soon"]),
    unit_price=usually(["2.50", "0.01"], ["0.0005", "1.00005", "0", "-1"]),
    customer_id=usually(["7", "8", "9"], ["7.0", "", "NULL"]),
    country=usually(["UK"], ["FR", ""]),
    line_id=st.sampled_from(["a", "b", ""]),
)


#: Files of merged customers: chains, targets nobody has bought as, and rows that come and go.
MERGES = [(), (("7", "8"),), (("8", "9"), ("7", "8")), (("9", "7"), ("8", "7")), (("7", "new"),), (("new", "8"),)]


@st.composite
def histories(draw: st.DrawFn) -> History:
    append, keep, by_id = (draw(st.sampled_from([False, False, True])) for _ in range(3))
    pool = draw(st.lists(LINES if by_id else LINES.map(lambda line: line._replace(line_id="")), min_size=2, max_size=6))
    contents = st.lists(st.sampled_from(pool), max_size=4).map(tuple)
    window = st.sampled_from([None, 2, 4])
    usual_window = draw(window)
    files = st.dictionaries(st.sampled_from(["a.csv", "b.csv", "c.csv"]), contents, min_size=1, max_size=3)
    nights = st.builds(
        Night,
        files=st.just({}) | files | files,
        step=st.sampled_from([1, 1, 2, 3, 0, -2]),
        window_days=st.sampled_from([usual_window] * 5 + [None, 3]),
        other_as_of=st.sampled_from(DAYS),
        other_window=window,
        merges=st.just(()) | st.sampled_from(MERGES),
    )
    return History(append, keep, by_id, draw(st.lists(nights, min_size=3, max_size=6)))


@settings(max_examples=40)
@given(histories())
def test_after_every_night_the_warehouse_holds_what_the_lines_say(history: History) -> None:
    with tempfile.TemporaryDirectory() as name:
        play(Path(name), history)
