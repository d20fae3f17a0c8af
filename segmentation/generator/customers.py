"""The planted truth: who the customers are, how they behave and, from that alone, on which days they come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.generator.catalogue import COUNTRIES, country_weights
from segmentation.generator.opening import ALL_YEAR, CHRISTMAS, Opening
from segmentation.generator.params import ShopParams
from segmentation.generator.randomness import Hashes, combined, mixed, uniform

BEHAVIOURS = ("regular", "new", "lapsing", "lost", "big_spender", "seasonal")
REGULAR, NEW, LAPSING, LOST, BIG_SPENDER, SEASONAL = range(len(BEHAVIOURS))

_SHARES = np.array([0.27, 0.15, 0.17, 0.26, 0.05, 0.10])
#: Average days between two visits, and how much customers differ in it (sigma of its logarithm).
_INTERVALS = np.array([18.0, 22.0, 26.0, 40.0, 11.0, 22.0])
_INTERVAL_SPREAD = 0.25
#: Size of an order compared with a regular's, and how much customers differ in it.
_SIZES = np.array([1.0, 0.7, 0.9, 0.6, 8.0, 1.2])
_SIZE_SPREADS = np.array([0.4, 0.4, 0.4, 0.4, 0.6, 0.4])
#: Part of an interval by which a visit may be later than its turn.
_JITTER = 0.7
#: Part of the old customers who came in the shop's first month.
_FOUNDERS = 0.6

FIRST_CUSTOMER_ID = 12_346


@dataclass(frozen=True)
class Truth:
    """Customer `customer_id[i]` (growing) behaves as `BEHAVIOURS[behaviour[i]]`; both have one entry per customer."""

    customer_id: NDArray[np.int64]
    behaviour: NDArray[np.int8]

    @property
    def names(self) -> NDArray[np.str_]:
        """Behaviour of each customer as text."""
        return np.array(BEHAVIOURS)[self.behaviour]


@dataclass(frozen=True)
class Customers:
    """One entry per customer; `joins`, `leaves` and `interval` are on the clock of the customer's `calendar`."""

    truth: Truth
    country: NDArray[np.int8]
    size: NDArray[np.float32]
    calendar: NDArray[np.int8]
    joins: NDArray[np.float64]
    leaves: NDArray[np.float64]
    interval: NDArray[np.float64]
    hashes: Hashes


@dataclass(frozen=True)
class Visits:
    """One entry per visit: number of the customer, calendar day, and the hash all its randomness comes from."""

    customer: NDArray[np.int64]
    day: NDArray[np.int64]
    hashes: Hashes


def customers_of(params: ShopParams, opening: Opening) -> Customers:
    """Draw the customers of a shop; those seasonal are regulars if it has no day from 15 October to Christmas."""
    random = np.random.default_rng(np.random.SeedSequence([params.seed, 2]))
    count = params.customers
    behaviour = random.permutation(np.searchsorted(np.cumsum(_SHARES), (np.arange(count) + 0.5) / count))
    if opening.busy[CHRISTMAS, -1] == 0:
        behaviour[behaviour == SEASONAL] = REGULAR
    interval = _INTERVALS[behaviour] * np.exp(random.normal(0, _INTERVAL_SPREAD, count))
    size = _SIZES[behaviour] * np.exp(random.normal(0, 1, count) * _SIZE_SPREADS[behaviour])
    joins, leaves = _span(params.days, behaviour, random.random(count), random.random(count), opening)
    seasonal = behaviour == SEASONAL
    joins[seasonal] = random.random(seasonal.sum()) * np.minimum(interval[seasonal], opening.busy[CHRISTMAS, -1])
    leaves[seasonal] = opening.busy[CHRISTMAS, -1]
    return Customers(
        truth=Truth(FIRST_CUSTOMER_ID + np.arange(count), behaviour.astype(np.int8)),
        country=random.choice(len(COUNTRIES), count, p=country_weights()).astype(np.int8),
        size=size.astype(np.float32),
        calendar=np.where(seasonal, CHRISTMAS, ALL_YEAR).astype(np.int8),
        joins=joins,
        leaves=leaves,
        interval=interval,
        hashes=combined(mixed(np.full(count, params.seed, dtype=np.uint64)), np.arange(count)),
    )


def _span(
    days: int,
    behaviour: NDArray[np.int64],
    early: NDArray[np.float64],
    late: NDArray[np.float64],
    opening: Opening,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First visit and end of custom on the all-year clock; a shop younger than a year has shorter lives."""
    scale = min(1.0, days / 365)
    joined_ago = days - np.where(early < _FOUNDERS, 30 * scale * early / _FOUNDERS, 0.25 * days * early)
    joined_ago[behaviour == NEW] = (40 * early[behaviour == NEW] + 4) * scale
    lost = behaviour == LOST
    joined_ago[lost] = days - early[lost] * (days - 0.75 * min(days, 365))
    left_ago = np.zeros(len(behaviour))
    left_ago[behaviour == LAPSING] = (70 + 60 * late[behaviour == LAPSING]) * scale
    left_ago[lost] = joined_ago[lost] - (20 + 50 * late[lost]) * scale
    clock = opening.busy[ALL_YEAR]
    numbers = np.arange(days + 1)
    joins = np.interp(np.maximum(days - joined_ago, 0), numbers, clock)
    joins = np.minimum(joins, np.nextafter(clock[-1], 0))
    return joins, np.maximum(np.interp(days - left_ago, numbers, clock), np.nextafter(joins, np.inf))


def visits_between(customers: Customers, opening: Opening, begin: int, end: int) -> Visits:
    """All visits on calendar days begin <= day < end, by customer.

    Visit k of a customer is at `joins + (k + jitter) * interval`, the first one without jitter: whoever joins buys.
    """
    low = np.maximum(opening.busy[customers.calendar, begin], customers.joins)
    high = np.minimum(opening.busy[customers.calendar, end], customers.leaves)
    who = np.flatnonzero(low < high)
    low, high, joins, interval = low[who], high[who], customers.joins[who], customers.interval[who]
    first = np.floor((low - joins) / interval).astype(np.int64)
    count = np.floor((high - joins) / interval).astype(np.int64) - first + 1
    turn = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
    which = np.repeat(np.arange(len(who)), count)
    hashes = combined(customers.hashes[who[which]], turn)
    at = joins[which] + (turn + _JITTER * uniform(hashes) * (turn > 0)) * interval[which]
    here = np.flatnonzero((at >= low[which]) & (at < high[which]))
    customer = who[which[here]]
    seasonal = customers.calendar[customer] == CHRISTMAS
    day = np.searchsorted(opening.busy[ALL_YEAR], at[here], side="right") - 1
    day[seasonal] = np.searchsorted(opening.busy[CHRISTMAS], at[here][seasonal], side="right") - 1
    return Visits(customer, day, hashes[here])
