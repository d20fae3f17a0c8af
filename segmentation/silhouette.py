"""Silhouette of weighted points: repeated points are measured once and count as often as they occur."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import numpy as np

from segmentation.summary import Floats, Integers, Summary
from segmentation.threads import single_threaded

#: Points on a side of the block of distances held at once: small enough for the processor's cache.
_SIDE = 256
#: Mean silhouette of the customers, None with fewer than two clusters, and how many customers it was measured on.
Quality = tuple[float | None, int]


def silhouette(
    summary: Summary,
    labels: Integers,
    *,
    sample_size: int,
    seed: int,
    exact_up_to: int = 20_000,
    threads: int | None = None,
) -> Quality:
    """Mean silhouette of the customers and the number of customers it was measured on.

    Exact for up to `exact_up_to` customers (equal to scikit-learn's on the repeated points), else on a random sample
    of `sample_size` customers. None with fewer than two clusters. Rousseeuw (1987), doi 10.1016/0377-0427(87)90125-7.
    It is measured by at most so many threads, enough for all processors if none are given, and the same bit for bit.
    """
    (found,) = silhouettes(
        summary, [labels], sample_size=sample_size, seed=seed, exact_up_to=exact_up_to, threads=threads
    )
    return found


def silhouette_begun(summary: Summary, labels: Integers, *, sample_size: int, seed: int) -> "Future[Quality]":
    """`silhouette` in another thread: whoever waits for a database meanwhile needs no processor.

    There is one for all that were begun: more would take turns with the threads of the database.
    """
    return _one_thread().submit(silhouette, summary, labels, sample_size=sample_size, seed=seed, threads=1)


@cache
def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "silhouette")


def silhouettes(
    summary: Summary,
    groupings: Sequence[Integers],
    *,
    sample_size: int,
    seed: int,
    exact_up_to: int = 20_000,
    threads: int | None = None,
) -> list[Quality]:
    """The silhouette of several groupings of the same points: distances, which cost most, are taken once for all."""
    weights = summary.weights
    if summary.customers > exact_up_to:
        weights = _sampled(weights, min(sample_size, summary.customers), seed)
    present = weights > 0
    points, weights = summary.centers[present], weights[present]
    members = [np.unique(labels[present], return_inverse=True)[1] for labels in groupings]
    found = _sums(points, weights, members, threads)
    sums = np.split(found, np.cumsum([one.max() + 1 for one in members])[:-1], axis=1)
    customers = int(weights.sum())
    return [(_mean(part, own, weights), customers) for part, own in zip(sums, members, strict=True)]


def _sampled(weights: Integers, size: int, seed: int) -> Integers:
    """Weights of a sample of customers without replacement."""
    ends = np.cumsum(weights)
    drawn = np.random.default_rng(seed).choice(int(ends[-1]), size, replace=False, shuffle=False)
    return np.bincount(np.searchsorted(ends, drawn, side="right"), minlength=len(weights)).astype(np.int64)


def _sums(points: Floats, weights: Integers, members: list[Integers], threads: int | None) -> Floats:
    """Sum of each point's distances to the customers of each cluster of each grouping (n, clusters of all)."""
    membership = np.hstack([_membership(own, weights) for own in members])
    points = points - points.mean(axis=0)  # what is rounded grows with the distance from zero
    norms, ones = (points * points).sum(axis=1), np.ones(len(points))
    factors = np.column_stack([-2.0 * points, norms, ones]), np.column_stack([points, ones, norms])
    sums = np.zeros_like(membership)
    parts = [slice(start, start + _SIDE) for start in range(0, len(points), _SIDE)]
    with single_threaded(), ThreadPoolExecutor(threads) as pool:
        bands = pool.map(lambda number: _band(*factors, membership, parts[number:]), range(len(parts)))
        for rows, band in zip(parts, bands, strict=True):  # added in this order, whoever is done first
            sums[rows.start :] += band
    return sums


def _band(left: Floats, right: Floats, membership: Floats, parts: list[slice]) -> Floats:
    """What the distances between the points of the first part and those of all parts add to the sums from there on.

    The distance there is the distance back, so that every pair of parts is measured once. A product of the factors is
    a squared distance, in a tenth of the time of `kmeans.squared_distances`, whose few columns have to be those of
    `assign_sql` to the bit; here rounding may leave that of near points below zero.
    """
    rows, start = parts[0], parts[0].start
    band = np.zeros((len(membership) - start, membership.shape[1]))
    for columns in parts:
        distances = left[rows] @ right[columns].T
        np.sqrt(np.abs(distances, out=distances), out=distances)
        if columns == rows:
            np.fill_diagonal(distances, 0.0)
        band[columns.start - start : columns.stop - start] += distances.T @ membership[rows]
        if columns != rows:
            band[: len(distances)] += distances @ membership[columns]
    return band


def _membership(own: Integers, weights: Integers) -> Floats:
    membership = np.zeros((len(own), own.max() + 1))
    membership[np.arange(len(own)), own] = weights
    return membership


def _mean(sums: Floats, own: Integers, weights: Integers) -> float | None:
    if sums.shape[1] < 2:
        return None
    rows = np.arange(len(own))
    sizes = np.bincount(own, weights=weights)
    # The mean within the own cluster leaves the customer itself out, at distance zero.
    inner = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    outer = means.min(axis=1)
    larger = np.maximum(inner, outer)
    alone = (sizes[own] == 1) | (larger == 0)
    values = np.where(alone, 0.0, (outer - inner) / np.where(alone, 1.0, larger))
    return float((values * weights).sum() / weights.sum())
