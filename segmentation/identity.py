"""Which new cluster is which old segment."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import SegmentationError

#: Weight of centroid distances in the matching: less than one customer's share of any Jaccard index.
_TIE_BREAK = 1e-9


class Match(NamedTuple):
    """An old and a new cluster (rows and columns of the overlap) and the Jaccard index of their members."""

    old: int
    new: int
    jaccard: float


@dataclass(frozen=True)
class Alignment:
    """What becomes of each old cluster and where each new one comes from.

    `splits` name, for a birth, the old cluster most of its members were in; `merges` name, for a death, the new
    cluster most of its members went to.
    """

    matches: tuple[Match, ...]
    deaths: tuple[int, ...]
    births: tuple[int, ...]
    splits: tuple[Match, ...] = ()
    merges: tuple[Match, ...] = ()


def align_segments(
    overlap: NDArray[np.int64], centroid_distance: NDArray[np.float64] | None = None, *, minimum_jaccard: float = 0.3
) -> Alignment:
    """Match old and new clusters by their members.

    `overlap` (old k, new k) counts the customers that are in both; both models are applied to the same customers.
    Hungarian matching on 1 - Jaccard; `centroid_distance` of the same shape only breaks ties. Pairs below
    `minimum_jaccard` are a death and a birth, and never stand in the way of a pair above.
    Raises SegmentationError if the shapes differ.
    """
    from scipy.optimize import linear_sum_assignment

    if centroid_distance is not None and centroid_distance.shape != overlap.shape:
        raise SegmentationError(
            f"centroid_distance has shape {centroid_distance.shape}, overlap {overlap.shape}; "
            "both are old clusters x new clusters"
        )
    jaccard = jaccard_index(overlap)
    cost = 1 - np.where(jaccard >= minimum_jaccard, jaccard, 0)
    if centroid_distance is not None and centroid_distance.size:
        cost = cost + _TIE_BREAK * centroid_distance / max(float(centroid_distance.max()), 1.0)
    pairs = zip(*(side.tolist() for side in linear_sum_assignment(cost)), strict=True)
    matches = tuple(
        Match(old, new, float(jaccard[old, new]))
        for old, new in pairs
        if overlap[old, new] and jaccard[old, new] >= minimum_jaccard
    )
    deaths = tuple(sorted(set(range(overlap.shape[0])) - {match.old for match in matches}))
    births = tuple(sorted(set(range(overlap.shape[1])) - {match.new for match in matches}))
    splits = tuple(Match(old, new, float(jaccard[old, new])) for new, old in _majorities(overlap.T, births))
    merges = tuple(Match(old, new, float(jaccard[old, new])) for old, new in _majorities(overlap, deaths))
    return Alignment(matches, deaths, births, splits, merges)


def jaccard_index(overlap: NDArray[np.int64]) -> NDArray[np.float64]:
    """Jaccard index of every pair (old k, new k); 0 for two empty clusters."""
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    index: NDArray[np.float64] = overlap / np.maximum(union, 1)
    return index


def _majorities(overlap: NDArray[np.int64], rows: tuple[int, ...]) -> list[tuple[int, int]]:
    """Each of `rows` with the column that holds at least half of it; ties go to the lowest column."""
    return [
        (row, int(overlap[row].argmax()))
        for row in rows
        if overlap[row].any() and 2 * overlap[row].max() >= overlap[row].sum()
    ]
