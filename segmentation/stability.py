"""How much a new version changes: what the segments mean, and who is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import SegmentationError
from segmentation.summary import Floats, Integers


@dataclass(frozen=True)
class CentroidShift:
    """Distance each segment's centroid moved, in standard deviations, and its mean over the customers."""

    per_segment: tuple[float, ...]
    mean: float


def centroid_shift(before: Floats, after: Floats, customers: Integers) -> CentroidShift:
    """Shift of matched centroids: row i of `before` and `after` (k, d) is the same segment, `customers` (k,) its size.

    Both in the standard deviations of the same scaler. Without matched segments the mean is 0. Raises SegmentationError
    if the shapes differ.
    """
    if before.shape != after.shape or len(before) != len(customers):
        raise SegmentationError(
            f"cannot compare {before.shape} with {after.shape} centroids of {len(customers)} segments; "
            "give one row for each matched segment, in the same order"
        )
    distances = np.sqrt(((after - before) ** 2).sum(axis=1)) if before.size else np.zeros(len(before))
    mean = float((distances * customers).sum() / max(int(customers.sum()), 1))
    return CentroidShift(tuple(distances.tolist()), mean)


@dataclass(frozen=True)
class MembershipChange:
    """Customers in both of two assignments, those whose segment differs, and those of them who had no transaction.

    `entered` are only in the later assignment, `left` only in the earlier one. `moved_idle` moved only because time
    passed or the model changed.
    """

    compared: int
    moved: int
    moved_idle: int
    entered: int
    left: int

    @property
    def moved_share(self) -> float:
        """Share of the compared customers that moved."""
        return self.moved / self.compared if self.compared else 0.0

    @property
    def idle_share(self) -> float:
        """Share of those that moved who had no transaction."""
        return self.moved_idle / self.moved if self.moved else 0.0


def membership_change_sql(before: str, after: str, transacted: str) -> str:
    """Query of one row for `membership_change`.

    `before` and `after` are relations with one row a customer (customer_id, segment_key); `transacted` holds the
    customer_id of everyone with a transaction between the two, any number of times.
    """
    moved = "earlier.segment_key <> later.segment_key"
    return (
        "SELECT count(*) FILTER (earlier.customer_id IS NOT NULL AND later.customer_id IS NOT NULL) AS compared, "
        f"count(*) FILTER ({moved}) AS moved, count(*) FILTER ({moved} AND busy.customer_id IS NULL) AS moved_idle, "
        "count(*) FILTER (earlier.customer_id IS NULL) AS entered, "
        'count(*) FILTER (later.customer_id IS NULL) AS "left" '
        f"FROM (SELECT customer_id, segment_key FROM {before}) AS earlier "
        f"FULL JOIN (SELECT customer_id, segment_key FROM {after}) AS later USING (customer_id) "
        f"LEFT JOIN (SELECT DISTINCT customer_id FROM {transacted}) AS busy USING (customer_id)"
    )


def membership_change(columns: Mapping[str, NDArray[Any]]) -> MembershipChange:
    """The change from the columns of `membership_change_sql`."""
    names = ("compared", "moved", "moved_idle", "entered", "left")
    return MembershipChange(*(int(columns[name][0]) for name in names))
