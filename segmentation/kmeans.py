"""K-Means on a weighted summary of the standardised customers.

Everything here runs on one thread: then the same summary gives the same centroids bit for bit.
"""

from dataclasses import dataclass

import numpy as np

from segmentation.silhouette import silhouette
from segmentation.summary import Floats, Integers, Summary, summary_from_columns
from segmentation.threads import single_threaded

__all__ = [
    "Fit",
    "Summary",
    "fit_kmeans",
    "silhouette",
    "squared_distances",
    "summary_from_columns",
    "update_kmeans",
]

#: Decimals of a centroid.
_DECIMALS = 9
_MAX_ITERATIONS = 1_000


@dataclass(frozen=True)
class Fit:
    """Centroids (k, d), the cluster of each cell (n,), inertia and Lloyd iterations.

    `inertia` is the sum over customers of the squared distance to the centroid of their cell's cluster.
    """

    centroids: Floats
    labels: Integers
    inertia: float
    iterations: int

    @property
    def k(self) -> int:
        """Number of clusters; smaller than asked for where there are fewer distinct points."""
        return len(self.centroids)


def squared_distances(points: Floats, centroids: Floats) -> Floats:
    """Squared Euclidean distances (n, k), feature by feature as in `assign_sql`."""
    distances = np.zeros((len(points), len(centroids)))
    for feature in range(points.shape[1]):
        distances += (points[:, feature, None] - centroids[None, :, feature]) ** 2
    return distances


def fit_kmeans(
    summary: Summary,
    k: int,
    *,
    seed: int,
    n_init: int,
    previous: Floats | None = None,
    tolerance: float = 0.01,
) -> Fit:
    """Fit `k` clusters with scikit-learn's K-Means; clusters come in lexicographic order of their centroids.

    `previous` centroids (k, d) are one more start, which wins if its inertia is within `tolerance` (a share) of the
    best: segments that are as good stay as they are. With fewer distinct points than `k`, each gets its own cluster.
    """
    if len(summary.distinct) <= k:
        return _finished(summary, summary.distinct, 0)
    best = _lloyd(summary, k, "k-means++", seed=seed, n_init=n_init)
    if previous is None or previous.shape != (k, summary.centers.shape[1]):
        return best
    kept = _lloyd(summary, k, previous, seed=seed, n_init=1)
    return kept if kept.inertia <= best.inertia * (1 + tolerance) else best


def _lloyd(summary: Summary, k: int, start: str | Floats, *, seed: int, n_init: int) -> Fit:
    from sklearn.cluster import KMeans

    model = KMeans(k, init=start, n_init=n_init, random_state=seed, max_iter=_MAX_ITERATIONS, tol=0)
    with single_threaded():
        model.fit(summary.centers, sample_weight=summary.weights.astype(np.float64))
    return _finished(summary, model.cluster_centers_, int(model.n_iter_))


def _finished(summary: Summary, centroids: Floats, iterations: int) -> Fit:
    """Fit with rounded, ordered centroids and without clusters that no cell belongs to."""
    ordered = np.unique(_rounded(centroids), axis=0)
    labels = squared_distances(summary.centers, ordered).argmin(axis=1)
    return _fit(summary, ordered[np.unique(labels)], iterations)


def _fit(summary: Summary, centroids: Floats, iterations: int) -> Fit:
    distances = squared_distances(summary.centers, centroids)
    labels = distances.argmin(axis=1)
    nearest = distances[np.arange(len(labels)), labels]
    return Fit(centroids, labels, float((summary.weights * nearest).sum()) + summary.within, iterations)


def _rounded(centroids: Floats) -> Floats:
    return np.round(centroids, _DECIMALS) + 0.0  # turns -0.0 into 0.0


def update_kmeans(summary: Summary, centroids: Floats, *, iterations: int) -> Fit:
    """Move `centroids` (k, d) by at most `iterations` Lloyd iterations; row i stays cluster i.

    A cluster that loses all its customers keeps its centroid. `Fit.iterations` counts those that moved something.
    """
    current = _rounded(np.asarray(centroids, dtype=np.float64))
    for done in range(iterations):
        labels = squared_distances(summary.centers, current).argmin(axis=1)
        moved = _weighted_means(summary, labels, current)
        if np.array_equal(moved, current):
            return _fit(summary, current, done)
        current = moved
    return _fit(summary, current, iterations)


def _weighted_means(summary: Summary, labels: Integers, centroids: Floats) -> Floats:
    k = len(centroids)
    customers = np.bincount(labels, weights=summary.weights, minlength=k)
    sums = np.column_stack(
        [np.bincount(labels, weights=summary.weights * column, minlength=k) for column in summary.centers.T]
    )
    means = sums / np.maximum(customers, 1)[:, None]
    return _rounded(np.where(customers[:, None] > 0, means, centroids))
