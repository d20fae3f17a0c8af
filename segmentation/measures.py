"""Measures of a clustering on a weighted summary, as if each customer were a row."""

from fractions import Fraction

import numpy as np

from segmentation.summary import Floats, Integers, Summary


def calinski_harabasz(summary: Summary, labels: Integers) -> float | None:
    """Variance between the clusters over variance within; None with one cluster or one customer a cluster.

    Exact for the customers themselves, as the summary knows how far they are from the centres of their cells. 1 where
    no customer is away from the mean of its cluster, as in scikit-learn. Caliński and Harabasz (1974),
    doi 10.1080/03610927408827101.
    """
    means, customers, members = _means(summary, labels)
    k, n = len(means), summary.customers
    if not 1 < k < n:
        return None
    overall = (customers[:, None] * means).sum(axis=0) / n
    between = float((customers * ((means - overall) ** 2).sum(axis=1)).sum())
    spread = ((summary.centers - means[members]) ** 2).sum(axis=1)
    within = float((summary.weights * spread).sum()) + summary.within
    return between * (n - k) / (within * (k - 1)) if within else 1.0


def davies_bouldin(summary: Summary, labels: Integers) -> float | None:
    """Mean over the clusters of the worst ratio of spread to separation; None with one cluster or one customer each.

    Customers count as if they were at the centre of their cell. 0 where nothing is spread or nothing separated, as in
    scikit-learn. Davies and Bouldin (1979), doi 10.1109/TPAMI.1979.4766909.
    """
    means, customers, members = _means(summary, labels)
    if not 1 < len(means) < summary.customers:
        return None
    distances = np.sqrt(((summary.centers - means[members]) ** 2).sum(axis=1))
    spread = np.bincount(members, weights=summary.weights * distances) / customers
    separation = np.sqrt(((means[:, None] - means[None]) ** 2).sum(axis=2))
    if np.allclose(spread, 0) or np.allclose(separation, 0):
        return 0.0
    separation[separation == 0] = np.inf
    return float(((spread[:, None] + spread) / separation).max(axis=1).mean())


def adjusted_rand_index(first: Integers, second: Integers, weights: Integers) -> float:
    """Adjusted Rand index over the customers of two labellings (n,) of cells with `weights` (n,) customers.

    Computed in whole numbers. Hubert and Arabie (1985), doi 10.1007/BF01908075.
    """
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (first, second))
    table = np.zeros((rows.max() + 1, columns.max() + 1), dtype=np.int64)
    np.add.at(table, (rows, columns), weights)
    together, of_rows, of_columns, of_all = (
        _pairs(counts) for counts in (table, table.sum(axis=1), table.sum(axis=0), table.sum())
    )
    greatest = (of_rows + of_columns) * of_all - 2 * of_rows * of_columns
    return float(Fraction(2 * (together * of_all - of_rows * of_columns), greatest)) if greatest else 1.0


def _pairs(counts: Integers) -> int:
    """Pairs of customers within each count, all together; Python's integers do not overflow."""
    return sum(count * (count - 1) // 2 for count in np.asarray(counts).ravel().tolist())


def _means(summary: Summary, labels: Integers) -> tuple[Floats, Floats, Integers]:
    """Mean (k, d) and customers (k,) of the clusters that occur, and which of them each cell (n,) belongs to."""
    members = np.unique(labels, return_inverse=True)[1]
    customers = np.bincount(members, weights=summary.weights).astype(np.float64)
    sums = [np.bincount(members, weights=summary.weights * column) for column in summary.centers.T]
    return np.column_stack(sums) / customers[:, None], customers, members
