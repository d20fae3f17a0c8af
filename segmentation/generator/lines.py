"""From invoices to lines, with the faults of a real delivery: duplicates, late lines and bad prices."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from segmentation.generator.catalogue import BULK_QUANTITY, PRODUCT_DRAW_BITS, Catalogue
from segmentation.generator.invoices import InvoiceBook, Invoices
from segmentation.generator.params import PRODUCT_BITS, ShopParams
from segmentation.generator.randomness import Hashes, bits, combined

OUTCOMES = ("purchase", "return", "unattributed", "bad_price", "duplicate")
PURCHASE, RETURN, UNATTRIBUTED, BAD_PRICE, DUPLICATE = range(len(OUTCOMES))

#: Open days by which a line is late, at most.
LONGEST_DELAY = 3
#: One in so many duplicates is sent again on a later day, the others directly after the line itself.
_RESENT = 4
#: One in so many bad prices is below zero, the others are zero.
_NEGATIVE = 8
_LARGEST_QUANTITY = 50_000

# fields of a line's hash: (first bit, bits)
_QUANTITY, _DUPLICATED, _LATE, _BAD, _RETURNED = (0, 10), (10, 14), (24, 14), (38, 14), (52, 12)
_RETURN_SALT = 0x5DEECE66D1B54A32

#: What a customer of size 1 takes of a product in a usual pack.
_QUANTITIES = np.repeat(
    np.array([1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 48]), [260, 170, 90, 110, 130, 50, 60, 90, 20, 36, 8]
).astype(np.float32)


@dataclass(frozen=True)
class CodedLines:
    """One entry per line, as numbers.

    `invoice` is negative on returns; `product` and `country` are positions in the catalogue and in COUNTRIES;
    `minute` counts from 1970-01-01 00:00; `customer_id` is 0 where it is missing; `outcome` is a position in
    OUTCOMES; `delivered_day` is the calendar day (from the shop's start) of the file; `late` lines are in a later
    file than their own day's, duplicates apart.
    """

    invoice: NDArray[np.int64]
    product: NDArray[np.int64]
    quantity: NDArray[np.int32]
    minute: NDArray[np.int64]
    price_pence: NDArray[np.int32]
    customer_id: NDArray[np.int64]
    country: NDArray[np.int8]
    outcome: NDArray[np.int8]
    delivered_day: NDArray[np.int64]
    late: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.invoice)

    def __getitem__(self, which: slice | NDArray[np.int64] | NDArray[np.bool_]) -> "CodedLines":
        return CodedLines(*(getattr(self, field.name)[which] for field in fields(self)))

    @staticmethod
    def joined(parts: "list[CodedLines]") -> "CodedLines":
        """Lines of all parts, one after the other."""
        names = [field.name for field in fields(CodedLines)]
        return CodedLines(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class LineWriter:
    """Lines of a shop's invoices."""

    def __init__(self, params: ShopParams, book: InvoiceBook, catalogue: Catalogue) -> None:
        self._book = book
        self._catalogue = catalogue
        self._duplicated = _threshold(params.share_duplicated / (1 - params.share_duplicated), _DUPLICATED)
        self._late = _threshold(params.share_late / (1 - params.share_duplicated), _LATE)
        self._bad = _threshold(params.share_bad_price / (1 - params.share_duplicated), _BAD)
        self._returned = _threshold(book.returned_part, _RETURNED)

    def lines_of(self, invoices: Invoices) -> CodedLines:
        """Lines in order of invoice and stock code, duplicates directly after what they repeat."""
        invoice, product, hashes = self._drawn(invoices)
        quantity, price = self._quantity_and_price(invoices, invoice, product, hashes)
        is_return = (invoices.number < 0)[invoice]
        hashes ^= is_return * np.uint64(_RETURN_SALT)
        np.negative(quantity, out=quantity, where=is_return)
        outcome = np.where(invoices.customer_id == 0, UNATTRIBUTED, np.where(invoices.number < 0, RETURN, PURCHASE))
        outcome = outcome.astype(np.int8)[invoice]
        bad = np.flatnonzero(bits(hashes, *_BAD) < self._bad)
        outcome[bad] = BAD_PRICE
        price[bad] *= np.where(bits(hashes[bad], *_BAD) % _NEGATIVE == 0, -1, 0)
        copies, rank, late = self._delivery(invoices.day[invoice], hashes)
        invoice = invoice[copies.source]
        outcome = outcome[copies.source]
        outcome[copies.places] = DUPLICATE
        return CodedLines(
            invoice=invoices.number[invoice],
            product=product[copies.source],
            quantity=quantity[copies.source],
            minute=self._minutes(invoices)[invoice],
            price_pence=price[copies.source],
            customer_id=invoices.customer_id[invoice],
            country=invoices.country[invoice],
            outcome=outcome,
            delivered_day=self._book.opening.open_days[rank],
            late=late,
        )

    def _drawn(self, invoices: Invoices) -> tuple[NDArray[np.int64], NDArray[np.int64], Hashes]:
        """Invoice position, product and hash of each line; no product twice on an invoice: no two equal lines."""
        count = invoices.line_count
        start = np.repeat(np.cumsum(count) - count, count)
        invoice = np.repeat(np.arange(len(count)), count)
        draws = combined(invoices.hashes[invoice], np.arange(len(invoice)) - start)
        keys = (invoice << PRODUCT_BITS) | self._catalogue.draws[bits(draws, 0, PRODUCT_DRAW_BITS)]
        keys.sort()
        keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
        invoice, product = keys >> PRODUCT_BITS, keys & ((1 << PRODUCT_BITS) - 1)
        hashes = combined(invoices.hashes[invoice], product + (1 << 32))
        kept = (invoices.number > 0)[invoice] | (bits(hashes, *_RETURNED) < self._returned)
        return invoice[kept], product[kept], hashes[kept]

    def _quantity_and_price(
        self, invoices: Invoices, invoice: NDArray[np.int64], product: NDArray[np.int64], hashes: Hashes
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        wanted = _QUANTITIES[bits(hashes, *_QUANTITY)] * self._catalogue.pack[product] * invoices.size[invoice]
        quantity = np.clip(np.rint(wanted), 1, _LARGEST_QUANTITY).astype(np.int32)
        bulk = len(self._catalogue.pack) * (quantity >= BULK_QUANTITY)
        return quantity, self._catalogue.prices[product + bulk]

    def _delivery(
        self, day: NDArray[np.int64], hashes: Hashes
    ) -> "tuple[_Copies, NDArray[np.int64], NDArray[np.bool_]]":
        """Which lines come twice, and for each delivered line the open day of its file and whether it is late."""
        last = len(self._book.opening.open_days) - 1
        own = self._book.opening.rank[day]
        delay = bits(hashes, *_LATE)
        rank = own + (delay < self._late) * (1 + delay % LONGEST_DELAY)
        np.minimum(rank, last, out=rank)
        draw = bits(hashes, *_DUPLICATED)
        repeated = np.flatnonzero(draw < self._duplicated)
        copies = _Copies.of(len(day), repeated)
        late = (rank > own)[copies.source]
        late[copies.places] = False
        rank = rank[copies.source]
        resent = draw[repeated] % _RESENT == 0
        rank[copies.places] += resent * (1 + draw[repeated] // _RESENT % LONGEST_DELAY)
        return copies, np.minimum(rank, last), late

    def _minutes(self, invoices: Invoices) -> NDArray[np.int64]:
        first = int(self._book.opening.dates[0].astype(np.int64))
        return (first + invoices.day) * 1440 + invoices.minute


@dataclass(frozen=True)
class _Copies:
    """Line of each delivered line, and which delivered lines are second copies."""

    source: NDArray[np.int64]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, count: int, repeated: NDArray[np.int64]) -> "_Copies":
        source = np.insert(np.arange(count), repeated + 1, repeated)
        return cls(source, repeated + 1 + np.arange(len(repeated)))


def _threshold(share: float, field: tuple[int, int]) -> int:
    return round(share * (1 << field[1]))
