"""Any sequence of nights leaves exactly what the delivered lines say, and what a rebuild from them gives."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support_lines import DAYS, LINES, MERGES
from support_nights import History, Night, play


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
