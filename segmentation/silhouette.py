"""Silhouette of weighted points: repeated points are measured once and count as often as they occur."""

import numpy as np

from segmentation.summary import Floats, Integers, Summary

#: Distances held in memory at once.
_BLOCK = 4_000_000


def silhouette(
    summary: Summary, labels: Integers, *, sample_size: int, seed: int, exact_up_to: int = 20_000
) -> tuple[float | None, int]:
    """Mean silhouette of the customers and the number of customers it was measured on.

    Exact for up to `exact_up_to` customers (equal to scikit-learn's on the repeated points), else on a random sample
    of `sample_size` customers. None with fewer than two clusters. Rousseeuw (1987), doi 10.1016/0377-0427(87)90125-7.
    """
    weights = summary.weights
    if summary.customers > exact_up_to:
        weights = _sampled(weights, min(sample_size, summary.customers), seed)
    present = weights > 0
    clusters, members = np.unique(labels[present], return_inverse=True)
    customers = int(weights.sum())
    if len(clusters) < 2:
        return None, customers
    values = _silhouettes(summary.centers[present], weights[present], members, len(clusters))
    return float((values * weights[present]).sum() / customers), customers


def _sampled(weights: Integers, size: int, seed: int) -> Integers:
    """Weights of a sample of customers without replacement."""
    ends = np.cumsum(weights)
    drawn = np.random.default_rng(seed).choice(int(ends[-1]), size, replace=False, shuffle=False)
    return np.bincount(np.searchsorted(ends, drawn, side="right"), minlength=len(weights)).astype(np.int64)


def _silhouettes(points: Floats, weights: Integers, members: Integers, k: int) -> Floats:
    from threadpoolctl import threadpool_limits

    membership = np.zeros((len(points), k))
    membership[np.arange(len(points)), members] = weights
    step = max(1, _BLOCK // len(points))
    with threadpool_limits(limits=1):
        blocks = [
            _block(points[start : start + step], points, members[start : start + step], membership)
            for start in range(0, len(points), step)
        ]
    return np.concatenate(blocks)


def _block(block: Floats, points: Floats, own: Integers, membership: Floats) -> Floats:
    from scipy.spatial.distance import cdist

    rows = np.arange(len(block))
    sizes = membership.sum(axis=0)
    sums = cdist(block, points) @ membership
    # The mean within the own cluster leaves the customer itself out, at distance zero.
    inner = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    outer = means.min(axis=1)
    larger = np.maximum(inner, outer)
    alone = (sizes[own] == 1) | (larger == 0)
    values: Floats = np.where(alone, 0.0, (outer - inner) / np.where(alone, 1.0, larger))
    return values
