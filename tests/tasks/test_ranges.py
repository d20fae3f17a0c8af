from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ranges import Asked, BackfillError, Every, check, dated

DAYS = st.dates(date(2009, 1, 1), date(2013, 12, 31))


@given(DAYS, st.integers(0, 900), st.sampled_from(list(Every)))
def test_dates_begin_at_the_start_grow_and_stay_in_the_range(start: date, length: int, every: Every) -> None:
    end = start + timedelta(days=length)
    dates = Asked(start, end, every).dates()
    assert dates[0] == start
    assert dates == sorted(set(dates))
    assert dates[-1] <= end
    steps = {Every.DAY: (1, 1), Every.WEEK: (7, 7), Every.MONTH: (28, 31)}[every]
    gaps = [(after - before).days for before, after in pairwise(dates)]
    assert all(steps[0] <= gap <= steps[1] for gap in [*gaps, steps[0]])
    assert (end - dates[-1]).days < steps[1]


def test_both_ends_are_included() -> None:
    assert Asked(date(2011, 1, 1), date(2011, 1, 8), Every.WEEK).dates() == [date(2011, 1, 1), date(2011, 1, 8)]


def test_months_keep_the_day_or_take_the_last_there_is() -> None:
    dates = Asked(date(2011, 1, 31), date(2011, 5, 1), Every.MONTH).dates()
    assert dates == [date(2011, 1, 31), date(2011, 2, 28), date(2011, 3, 31), date(2011, 4, 30)]


@pytest.mark.parametrize(
    ("start", "every", "dates"),
    [
        (date(9999, 12, 30), Every.DAY, [date(9999, 12, 30), date.max]),
        (date.max, Every.DAY, [date.max]),
        (date(9999, 12, 20), Every.WEEK, [date(9999, 12, 20), date(9999, 12, 27)]),
        (date(9999, 11, 30), Every.MONTH, [date(9999, 11, 30), date(9999, 12, 30)]),
        (date.max, Every.MONTH, [date.max]),
    ],
)
def test_a_range_may_end_with_the_last_date_there_is(start: date, every: Every, dates: list[date]) -> None:
    assert Asked(start, date.max, every).dates() == dates


def test_months_up_to_the_last_date_there_is() -> None:
    dates = Asked(date(2011, 1, 31), date.max, Every.MONTH).dates()
    assert (len(dates), dates[1], dates[-1]) == (7989 * 12, date(2011, 2, 28), date.max)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked(date(2011, 2, 2), date(2011, 2, 1)), "2011-02-02 is after 2011-02-01; swap"),
        (Asked(None, date(2011, 2, 1)), "needs both ends"),
        (Asked(date(2011, 2, 1), date(2011, 2, 1), affected=True), "leave --from and --to out"),
        (Asked(None, None, model="3", affected=True), "leave --every, --model and --force out"),
        (Asked(None, None, force=True, affected=True), "leave --every, --model and --force out"),
        (Asked(date(2011, 2, 1), date(2011, 2, 1), model="latest"), "'latest' is not known"),
    ],
)
def test_what_is_no_range_is_told(asked: Asked, told: str) -> None:
    with pytest.raises(BackfillError, match=told):
        check(asked)


def test_one_and_several_of_some_dates() -> None:
    first, last = date(2011, 12, 7), date(2011, 12, 9)
    assert dated("version", [first]) == "1 version, as of 2011-12-07"
    assert dated("version", [first, last]) == "2 versions, as of 2011-12-07 to 2011-12-09"
