"""From visits to numbered invoices: customers' purchases, purchases of people without an id, and returns."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentation.generator.customers import Customers, Visits, customers_of, visits_between
from segmentation.generator.opening import MINUTE_BITS, Opening, opening_of
from segmentation.generator.params import ShopParams
from segmentation.generator.randomness import Hashes, bits, combined, mixed, normal_quantiles, uniform

#: Open days between a purchase and its return, at most; the least is one.
LONGEST_RETURN = 10
#: Part of an order that comes back when it is returned, unless so many returns are asked for that it has to be more.
RETURNED_PART = 0.25

_T = TypeVar("_T", bound=np.generic)

_FIRST_INVOICE = 536_365
_LINE_COUNT_BITS = 10
_LINE_COUNT_SPREAD = 0.7
_GUEST = np.uint64(0xA5A5_0000_0000_0001)
_GUEST_SIZES = np.exp(0.5 * normal_quantiles(256))


@dataclass(frozen=True)
class Invoices:
    """One entry per invoice in order of day and time; returns have negative numbers, customer 0 is nobody known.

    `hashes` is the purchase's own, so that a return finds the lines that were bought.
    """

    number: NDArray[np.int64]
    hashes: Hashes
    customer_id: NDArray[np.int64]
    country: NDArray[np.int8]
    size: NDArray[np.float32]
    day: NDArray[np.int64]
    minute: NDArray[np.int64]
    line_count: NDArray[np.int64]


class InvoiceBook:
    """Invoices of any days of a shop."""

    def __init__(self, params: ShopParams) -> None:
        self.opening: Opening = opening_of(params)
        self.customers: Customers = customers_of(params, self.opening)
        self.returned_part = min(1.0, max(RETURNED_PART, 2 * params.share_returned / (1 - params.share_missing_id)))
        kept = 1 - params.share_returned / (1 - params.share_missing_id)
        self._returned_orders = min(1.0, (1 / kept - 1) / self.returned_part) if kept > 0 else 1.0
        self._guests_per_visit = params.share_missing_id / (1 - params.share_missing_id) / kept
        self._guest_key = mixed(np.array([params.seed], dtype=np.uint64) ^ _GUEST)
        self._line_counts = _line_counts(params.lines_per_invoice)
        self._day_capacity = self._invoices_of_busiest_day()

    def between(self, begin: int, end: int) -> Invoices:
        """Invoices of the calendar days begin <= day < end."""
        opening, shoppers = self.opening, self.customers
        back = max(0, int(np.searchsorted(opening.open_days, begin)) - LONGEST_RETURN)
        bought = visits_between(shoppers, opening, min(begin, int(opening.open_days[back])), end)
        returned, booked = self._returns(bought, begin, end)
        now = np.flatnonzero(bought.day >= begin)
        guest_day, guest_hashes = self._guests(bought.day[now], begin, end)
        who = np.concatenate([bought.customer[now], bought.customer[returned]])
        hashes = np.concatenate([bought.hashes[now], guest_hashes, bought.hashes[returned]])
        day = np.concatenate([bought.day[now], guest_day, booked])
        sign = np.repeat([1, -1], [len(now) + len(guest_day), len(returned)])
        minute = opening.minutes[bits(combined(hashes, 1 - sign), 0, MINUTE_BITS)]
        order = _in_order_of_time(day * 1440 + minute, hashes)
        day, hashes = day[order], hashes[order]
        return Invoices(
            number=sign[order] * self._numbers(day, begin, end),
            hashes=hashes,
            customer_id=_with_guests(shoppers.truth.customer_id[who], np.zeros(len(guest_day), int), len(now))[order],
            country=_with_guests(shoppers.country[who], np.zeros(len(guest_day), np.int8), len(now))[order],
            size=_with_guests(shoppers.size[who], _guest_sizes(guest_hashes), len(now))[order],
            day=day,
            minute=minute[order],
            line_count=self._line_counts[bits(hashes, 0, _LINE_COUNT_BITS)],
        )

    def _returns(self, bought: Visits, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which purchases come back on the days asked for, and on which of them."""
        opening = self.opening
        draw = uniform(combined(bought.hashes, np.array([1])))
        some = np.flatnonzero(draw < self._returned_orders)
        lag = 1 + np.floor(draw[some] / self._returned_orders * LONGEST_RETURN).astype(np.int64)
        rank = opening.rank[bought.day[some]] + lag
        some, rank = some[rank < len(opening.open_days)], rank[rank < len(opening.open_days)]
        day = opening.open_days[rank]
        here = (day >= begin) & (day < end)
        return some[here], day[here]

    def _guests(self, visit_days: NDArray[np.int64], begin: int, end: int) -> tuple[NDArray[np.int64], Hashes]:
        """Days and hashes of invoices without a customer: so many per visit of a day, rounded at random."""
        days = np.arange(begin, end)
        key = combined(self._guest_key, days)
        expected = np.bincount(visit_days - begin, minlength=end - begin) * self._guests_per_visit
        count = np.floor(expected + uniform(key)).astype(np.int64)
        turn = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return np.repeat(days, count), combined(np.repeat(key, count), turn)

    def _numbers(self, day: NDArray[np.int64], begin: int, end: int) -> NDArray[np.int64]:
        counts = np.bincount(day - begin, minlength=end - begin)
        if len(day) and counts.max() > self._day_capacity:
            raise ValueError(
                f"over {self._day_capacity} invoices on a day of the made-up shop; ask for fewer customers"
            )
        turn = np.arange(len(day)) - np.repeat(np.cumsum(counts) - counts, counts)
        return _FIRST_INVOICE + self.opening.rank[day] * self._day_capacity + turn

    def _invoices_of_busiest_day(self) -> int:
        """A bound far above the invoices of any day, so that numbers grow with time whatever days are asked for."""
        busiest = np.diff(self.opening.busy, axis=1).max(axis=1)
        visits = (busiest[self.customers.calendar] / self.customers.interval).sum() + self.opening.busy.shape[1]
        visits += len(self.customers.interval) / 20  # the first day of a shop with an opening crowd
        return int(10 ** np.ceil(np.log10(4 * visits * (1 + self._guests_per_visit + self._returned_orders))))


def _with_guests(known: NDArray[_T], guests: NDArray[_T], before: int) -> NDArray[_T]:
    return np.concatenate([known[:before], guests, known[before:]])


def _in_order_of_time(minute: NDArray[np.int64], hashes: Hashes) -> NDArray[np.int64]:
    """Positions by minute and, within one, by hash: one key to sort by instead of two."""
    key = (minute.astype(np.uint64) << np.uint64(36)) | (hashes >> np.uint64(28))
    return np.argsort(key, kind="stable")


def _guest_sizes(hashes: Hashes) -> NDArray[np.float32]:
    return _GUEST_SIZES[bits(hashes, 16, 8)].astype(np.float32)


def _line_counts(mean: float) -> NDArray[np.int64]:
    """Table of 2**10 counts, at least 1, skewed, whose mean is the one asked for."""
    spread = np.exp(_LINE_COUNT_SPREAD * normal_quantiles(1 << _LINE_COUNT_BITS))
    low, high = 0.0, 4 * mean
    for _ in range(40):
        middle = (low + high) / 2
        too_many = np.maximum(np.rint(middle * spread), 1).mean() > mean
        low, high = (low, middle) if too_many else (middle, high)
    return np.maximum(np.rint(low * spread), 1).astype(np.int64)
