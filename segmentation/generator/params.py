"""What is asked of a made-up shop."""

from dataclasses import dataclass
from datetime import date

#: Most products of a shop; a product's number has to fit into `PRODUCT_BITS` of a line's key.
PRODUCT_BITS = 14
MOST_PRODUCTS = 10_000


@dataclass(frozen=True)
class ShopParams:
    """Size, time span and faults of a shop.

    Shares are shares of the delivered lines. `share_missing_id` lines belong to nobody; `share_returned` lines are
    returns of something bought up to ten shop days earlier; `share_duplicated` lines repeat an earlier line in all
    columns; `share_late` lines come in the file of a later day; `share_bad_price` lines have a price of zero or
    below. `lines_per_invoice` is the average before a product that is drawn twice becomes one line.

    Raises
    ------
    ValueError
        A number is out of its range; the message names it.
    """

    customers: int = 1_000
    days: int = 374
    start: date = date(2010, 12, 1)
    seed: int = 42
    products: int = 3_500
    lines_per_invoice: float = 18.0
    share_missing_id: float = 0.25
    share_returned: float = 0.017
    share_duplicated: float = 0.01
    share_late: float = 0.01
    share_bad_price: float = 0.005

    def __post_init__(self) -> None:
        self._check("customers", self.customers, 1, 50_000_000)
        self._check("days", self.days, 1, 15_000)
        self._check("seed", self.seed, 0, 2**63 - 1)
        self._check("products", self.products, 10, MOST_PRODUCTS)
        self._check("lines_per_invoice", self.lines_per_invoice, 1, min(200, self.products / 5))
        self._check("share_missing_id", self.share_missing_id, 0, 0.9)
        for name in ("share_returned", "share_duplicated", "share_late", "share_bad_price"):
            self._check(name, getattr(self, name), 0, 0.3)

    @staticmethod
    def _check(name: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"{name} of a made-up shop must be between {low:g} and {high:g}, not {value:g}")
