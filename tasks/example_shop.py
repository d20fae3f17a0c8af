"""The shop of the demo: its deliveries in portions, and how much of what was planted the segments find again."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from segmentation.generator import BEHAVIOURS, Shop, ShopParams
from tasks.generate import WrittenShop, write_shop

#: A year of a shop that ends in early December: everybody has come by then, and the Christmas customers stand out.
_SHOP = ShopParams(customers=1_200, days=374, start=date(2010, 12, 1), seed=42, lines_per_invoice=10)
_SINGLE_NIGHTS = 3


@dataclass(frozen=True)
class Portion:
    """What comes in one night: the files of first_day to last_day, for the segments as of `as_of`."""

    first_day: date
    last_day: date
    as_of: date


def portions() -> list[Portion]:
    """The first night has all days but the last three; then comes one day a night."""
    last = Shop(_SHOP).last_day
    nights = [last - timedelta(days=back) for back in range(_SINGLE_NIGHTS, -1, -1)]
    firsts = [_SHOP.start, *nights[1:]]
    return [Portion(first, night, night + timedelta(days=1)) for first, night in zip(firsts, nights, strict=True)]


def deliver(portion: Portion, folder: Path) -> WrittenShop:
    """Write the daily CSV files of one night into the folder of the deliveries."""
    return write_shop(_SHOP, folder, "csv", "day", portion.first_day, portion.last_day)


def planted_recovery(assigned: list[tuple[str, int]]) -> float:
    """Adjusted Rand index of (customer_id, segment_key) against the planted behaviours.

    1 is the same partition, 0 is what chance gives. Ids are texts, as delivered. Customers without a segment take no
    part.
    """
    from sklearn.metrics import adjusted_rand_score

    truth = Shop(_SHOP).truth
    planted = dict(zip((str(number) for number in truth.customer_id), truth.behaviour.tolist(), strict=True))
    known = [(planted[customer], segment) for customer, segment in assigned]
    return float(adjusted_rand_score([behaviour for behaviour, _ in known], [segment for _, segment in known]))


def planted_behaviours() -> tuple[str, ...]:
    """Names of the behaviours the shop's customers were given."""
    return BEHAVIOURS
