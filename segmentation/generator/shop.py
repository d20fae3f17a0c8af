"""The made-up shop itself: its truth, its lines of any days, and its deliveries day by day."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segmentation.generator.catalogue import COUNTRIES, catalogue_of
from segmentation.generator.customers import Truth
from segmentation.generator.invoices import InvoiceBook
from segmentation.generator.lines import LONGEST_DELAY, CodedLines, LineWriter
from segmentation.generator.params import ShopParams
from segmentation.generator.totals import Totals, totals_of

_CUSTOMERS_OF_A_SAMPLE = 2_000


@dataclass(frozen=True)
class Delivery:
    """The file of one shop day: that day's lines in order of time, then late ones and repetitions of earlier days."""

    day: date
    lines: CodedLines

    @property
    def totals(self) -> Totals:
        """Planted counts and money of this file."""
        return totals_of(self.lines)


class Shop:
    """A shop that follows from its parameters alone."""

    #: Names of the delivered columns, in order.
    COLUMNS: ClassVar = (
        *("InvoiceNo", "StockCode", "Description", "Quantity"),
        *("InvoiceDate", "UnitPrice", "CustomerID", "Country"),
    )

    def __init__(self, params: ShopParams) -> None:
        self.params = params
        self.catalogue = catalogue_of(params)
        self._book = InvoiceBook(params)
        self._writer = LineWriter(params, self._book, self.catalogue)

    @property
    def truth(self) -> Truth:
        """Who behaves how; every customer buys at least once in the span of the shop."""
        return self._book.customers.truth

    @property
    def first_day(self) -> date:
        """Day of the first delivery."""
        return self._date(int(self._book.opening.open_days[0]))

    @property
    def last_day(self) -> date:
        """Day of the last delivery."""
        return self._date(int(self._book.opening.open_days[-1]))

    def lines(self, first_day: date, last_day: date) -> dict[str, NDArray[np.generic]]:
        """Columns of Online Retail, for all lines dated first_day to last_day, whichever file they come in.

        `InvoiceDate` is datetime64[s], `UnitPrice` float64 in pounds, `CustomerID` float64 and NaN where missing; the
        others are texts and int32 `Quantity`.
        """
        return self.decoded(self.coded_lines(first_day, last_day))

    def coded_lines(self, first_day: date, last_day: date) -> CodedLines:
        """Lines dated first_day to last_day as numbers, in order of time."""
        begin, end = self._book.opening.days_between(np.datetime64(first_day, "D"), np.datetime64(last_day, "D"))
        return self._sold(begin, max(begin, end))

    def decoded(self, lines: CodedLines) -> dict[str, NDArray[np.generic]]:
        """Columns of Online Retail for coded lines, as in `lines`."""
        number = np.abs(lines.invoice).astype("U")
        columns = (
            np.char.add(np.where(lines.invoice < 0, "C", ""), number),
            self.catalogue.stock_codes[lines.product],
            self.catalogue.descriptions[lines.product],
            lines.quantity,
            lines.minute.astype("datetime64[m]").astype("datetime64[s]"),
            lines.price_pence / 100,
            np.where(lines.customer_id == 0, np.nan, lines.customer_id),
            np.array(COUNTRIES)[lines.country],
        )
        return dict(zip(self.COLUMNS, columns, strict=True))

    def deliveries(
        self, first_day: date | None = None, last_day: date | None = None, lines_at_once: int = 1_000_000
    ) -> Iterator[Delivery]:
        """Files of the open days first_day to last_day (all days if not given), the same whatever days are asked for.

        About `lines_at_once` lines, but at least a day, are in memory at a time.
        """
        opening = self._book.opening
        first, last = np.datetime64(first_day or self.first_day, "D"), np.datetime64(last_day or self.last_day, "D")
        begin, end = opening.days_between(first, last)
        days = opening.open_days[(opening.open_days >= begin) & (opening.open_days < end)]
        if not len(days):
            return
        before = max(0, int(opening.rank[days[0]]) - 2 * LONGEST_DELAY)
        pending = self._sold(int(opening.open_days[before]), int(days[0]))
        for chunk in np.array_split(days, self._chunks(len(days), lines_at_once)):
            pending = CodedLines.joined([pending, self._sold(int(chunk[0]), int(chunk[-1]) + 1)])
            yield from self._files(pending, chunk)
            pending = pending[np.flatnonzero(pending.delivered_day > chunk[-1])]

    def _sold(self, begin: int, end: int) -> CodedLines:
        return self._writer.lines_of(self._book.between(begin, end))

    def _chunks(self, days: int, lines_at_once: int) -> int:
        shoppers = self._book.customers
        visits = ((shoppers.leaves - shoppers.joins) / shoppers.interval + 1).sum()
        lines = float(visits) * self.params.lines_per_invoice / (1 - self.params.share_missing_id)
        per_day = lines / len(self._book.opening.open_days)
        return min(days, max(1, round(days * per_day / lines_at_once)))

    def _files(self, lines: CodedLines, days: NDArray[np.int64]) -> Iterator[Delivery]:
        opening = self._book.opening
        earlier = lines.minute // 1440 - opening.dates[0].astype(np.int64) < lines.delivered_day
        place = 2 * (opening.rank[lines.delivered_day] - opening.rank[days[0]]) + earlier
        # stable sorting of 16-bit numbers is a radix sort, many times faster than of wider ones
        ordered = lines[np.argsort(place.astype(np.int16), kind="stable")]
        edges = np.searchsorted(ordered.delivered_day, np.append(days, days[-1] + 1))
        for day, begin, end in zip(days, edges[:-1], edges[1:], strict=True):
            yield Delivery(self._date(int(day)), ordered[int(begin) : int(end)])

    def _date(self, day: int) -> date:
        found: date = self._book.opening.dates[day].item()
        return found


def sized_for_lines(params: ShopParams, lines: int) -> ShopParams:
    """The same shop with as many customers as make about `lines` delivered lines, going by a small one."""
    sample = replace(params, customers=_CUSTOMERS_OF_A_SAMPLE)
    sampled = sum(len(delivery.lines) for delivery in Shop(sample).deliveries())
    return replace(params, customers=max(1, round(lines * sample.customers / sampled)))
