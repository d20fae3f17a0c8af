"""How well a grouping of the customers told apart what they did afterwards.

The same for any grouping (K-Means segments, scored RFM segments, the recipe of the notebooks), so that they compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Units of money and of ln(1 + spend): whole numbers sum the same in any order. Squares of the logarithm of ten million
#: customers still fit a BIGINT.
_MONEY_UNITS = 10_000
_LOG_UNITS = 10_000


@dataclass(frozen=True)
class Separation:
    """What groups say about later behaviour; shares from 0 to 1, None where there was nothing to tell apart.

    `spend_explained` and `active_explained` are the shares of the variance of ln(1 + later spend) and of having bought
    at all that lie between the groups (eta squared). The top group is the one that spent most a customer.
    """

    customers: int
    groups: int
    spend_explained: float | None
    active_explained: float | None
    top_group: str | None
    top_customer_share: float | None
    top_spend_share: float | None


def group_sums_sql(relation: str) -> str:
    """Query for `separation`: one row a group of `relation` (customer_id, grouping, later_spend, later_active).

    `later_spend` is money (below 0 or NULL counts as 0), `later_active` 0, 1 or BOOLEAN. Customers without a grouping
    take no part. Columns: `grouping`, and as BIGINT `customers`, `spend`, `log_spend`, `log_spend_squares`, `active`.
    """
    return (
        'WITH later AS (SELECT CAST("grouping" AS VARCHAR) AS "grouping", '
        "CAST(coalesce(later_active, 0) AS BIGINT) AS active, greatest(coalesce(later_spend, 0), 0) AS spend "
        f'FROM {relation} WHERE "grouping" IS NOT NULL), '
        f"counted AS (SELECT *, CAST(round(spend * {_MONEY_UNITS}) AS BIGINT) AS money, "
        f"CAST(round(ln(1 + spend) * {_LOG_UNITS}) AS BIGINT) AS logarithm FROM later) "
        'SELECT "grouping", count(*) AS customers, CAST(sum(money) AS BIGINT) AS spend, '
        "CAST(sum(logarithm) AS BIGINT) AS log_spend, "
        "CAST(sum(logarithm * logarithm) AS BIGINT) AS log_spend_squares, CAST(sum(active) AS BIGINT) AS active "
        'FROM counted GROUP BY "grouping" ORDER BY "grouping"'
    )


def group_sums(groups: NDArray[Any], spend: NDArray[Any], active: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The columns of `group_sums_sql` from a group's name, later money and later activity of each customer (n,)."""
    names, members = np.unique(groups, return_inverse=True)
    earned = np.maximum(spend, 0)
    money = np.round(earned * _MONEY_UNITS).astype(np.int64)
    logarithm = np.round(np.log1p(earned) * _LOG_UNITS).astype(np.int64)
    counted = {
        "customers": np.ones(len(members), dtype=np.int64),
        "spend": money,
        "log_spend": logarithm,
        "log_spend_squares": logarithm**2,
        "active": np.asarray(active, dtype=np.int64),
    }
    sums = {name: np.zeros(len(names), dtype=np.int64) for name in counted}
    for name, values in counted.items():
        np.add.at(sums[name], members, values)
    return {"grouping": names} | sums


def separation(columns: Mapping[str, NDArray[Any]]) -> Separation:
    """How well the groups separated, from the columns of `group_sums_sql`; computed in whole numbers."""
    names = [str(name) for name in np.asarray(columns["grouping"]).tolist()]
    customers, spend, logs, squares, active = (
        [int(value) for value in np.asarray(columns[name]).tolist()]
        for name in ("customers", "spend", "log_spend", "log_spend_squares", "active")
    )
    earned = sum(spend) > 0
    top = max(range(len(names)), key=lambda group: Fraction(spend[group], customers[group])) if earned else None
    return Separation(
        customers=sum(customers),
        groups=len(names),
        spend_explained=eta_squared(customers, logs, sum(squares)),
        active_explained=eta_squared(customers, active, sum(active)),
        top_group=None if top is None else names[top],
        top_customer_share=None if top is None else customers[top] / sum(customers),
        top_spend_share=None if top is None else spend[top] / sum(spend),
    )


def eta_squared(customers: list[int], sums: list[int], squares: int) -> float | None:
    """Share of the variance that lies between groups, from each group's size and sum and the total sum of squares.

    None if everybody is the same. Pearson's correlation ratio, Fisher (1925), Statistical Methods, section 45.
    """
    if not customers:
        return None
    middle = Fraction(sum(sums) ** 2, sum(customers))
    total = squares - middle
    between = sum((Fraction(part**2, size) for part, size in zip(sums, customers, strict=True)), Fraction(0)) - middle
    return float(between / total) if total else None
