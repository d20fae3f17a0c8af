"""Weighted summary of the standardised customers: what a model is fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.errors import SegmentationError
from segmentation.transforms import Z_UNITS, Scaler

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Summary:
    """Cells of the standardised space: `centers` (n, d) in standard deviations and `weights` (n,) in customers.

    `within` is the sum of the customers' squared distances to the centre of their cell.
    """

    centers: Floats
    weights: Integers
    within: float = 0.0

    @cached_property
    def distinct(self) -> Floats:
        """Centers that differ, in lexicographic order."""
        return np.unique(self.centers, axis=0)

    @property
    def customers(self) -> int:
        """Number of customers in all cells."""
        return int(self.weights.sum())

    def on_grid(self, width: float) -> "Summary":
        """The same customers in grid cells of so many standard deviations, each at its customers' mean."""
        _, cells = np.unique(np.floor(self.centers / width).astype(np.int64), axis=0, return_inverse=True)
        weights = np.bincount(cells, weights=self.weights).astype(np.int64)
        sums = [np.bincount(cells, weights=self.weights * column) for column in self.centers.T]
        centers = np.column_stack(sums) / weights[:, None]
        lost = float((self.weights * (self.centers**2).sum(axis=1)).sum() - (weights * (centers**2).sum(axis=1)).sum())
        return Summary(centers, weights, self.within + max(lost, 0.0))


def summary_from_columns(columns: Mapping[str, ArrayLike], scaler: Scaler) -> Summary:
    """Summary of the columns of `summary_sql` by name; cells that are points come in the order of the points.

    Raises SegmentationError if there are no rows.
    """
    weights = np.asarray(columns["customers"], dtype=np.int64)
    if not len(weights):
        raise SegmentationError("there are no customers to fit a model on; load transactions or widen window_days")
    sums = np.column_stack([np.asarray(columns[f"{name}_sum"], dtype=np.float64) for name in scaler.names]) / Z_UNITS
    centers = sums / weights[:, None]
    if "squares" not in columns:
        order = np.lexsort(centers.T[::-1])
        return Summary(centers[order], weights[order])
    squares = float(np.asarray(columns["squares"], dtype=np.float64).sum()) / Z_UNITS
    within = squares - float((weights * (centers**2).sum(axis=1)).sum())
    return Summary(centers, weights, max(within, 0.0))
