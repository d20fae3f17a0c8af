"""When the shop is open and how busy it is: weekly rhythm, closed days and the run-up to Christmas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.generator.params import ShopParams
from segmentation.generator.randomness import table_of_shares

#: Monday to Sunday, closed on Saturdays; the proportions of Online Retail.
_WEEKDAYS = np.array([2.02, 1.96, 1.78, 1.96, 1.64, 0.0, 1.29]) * 7 / 10.65
_MONTHS = np.array([0.7, 0.75, 0.8, 0.8, 0.85, 0.85, 0.85, 0.85, 1.1, 1.25, 1.6, 1.6])
#: Lines per hour of the day from 8 to 17 o'clock, in the proportions of Online Retail.
_HOURS = np.array([9, 34, 49, 58, 79, 72, 67, 78, 55, 29], dtype=float)
_FIRST_HOUR = 8
MINUTE_BITS = 12

ALL_YEAR, CHRISTMAS = 0, 1


@dataclass(frozen=True)
class Opening:
    """Calendar days 0 .. days-1 of a shop.

    `busy[c, d]` is the busyness before day d on calendar c (all year, or only from mid October to Christmas), in
    average days: the clock customers live by. `rank[d]` counts the open days before d, `open_days` lists them.
    """

    dates: NDArray[np.datetime64]
    busy: NDArray[np.float64]
    rank: NDArray[np.int64]
    open_days: NDArray[np.int64]
    minutes: NDArray[np.int64]

    def days_between(self, first: np.datetime64, last: np.datetime64) -> tuple[int, int]:
        """Calendar day numbers of two dates, clipped to the shop's span, the second one exclusive."""
        begin = int((first - self.dates[0]).astype(int))
        end = int((last - self.dates[0]).astype(int)) + 1
        return min(max(begin, 0), len(self.dates)), min(max(end, 0), len(self.dates))


def opening_of(params: ShopParams) -> Opening:
    """Calendar of a shop.

    Raises
    ------
    ValueError
        The shop would not be open on a single day.
    """
    dates = np.datetime64(params.start, "D") + np.arange(params.days)
    weights = _weights(dates)
    if not weights.any():
        raise ValueError(f"the made-up shop is closed on all {params.days} days from {params.start}; ask for more days")
    month, day = _month_and_day(dates)
    christmas = np.where((month > 10) | ((month == 10) & (day >= 15)), weights, 0.0)
    busy = np.zeros((2, params.days + 1))
    np.cumsum([weights, christmas], axis=1, out=busy[:, 1:])
    is_open = weights > 0
    rank: NDArray[np.int64] = np.cumsum(is_open) - is_open
    minutes = table_of_shares(np.repeat(_HOURS, 60), MINUTE_BITS) + _FIRST_HOUR * 60
    return Opening(dates, busy, rank, np.flatnonzero(is_open), minutes.astype(np.int64))


def _weights(dates: NDArray[np.datetime64]) -> NDArray[np.float64]:
    month, day = _month_and_day(dates)
    weekday = (dates.astype(np.int64) + 3) % 7  # day 0 of the epoch was a Thursday
    holidays = ((month == 12) & (day >= 24)) | ((month == 1) & (day <= 3))
    return np.where(holidays, 0.0, _WEEKDAYS[weekday] * _MONTHS[month - 1])


def _month_and_day(dates: NDArray[np.datetime64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    months = dates.astype("datetime64[M]")
    return months.astype(np.int64) % 12 + 1, (dates - months).astype(np.int64) + 1
