"""Other recipes beside K-Means on the same customers: what each groups, and the same figures for all of them.

Nothing here serves a night; the pipeline stays with centroids, which assign a new customer without a new fit. Noise,
which HDBSCAN leaves over, is a group of its own in the silhouette, the stability and the shares of variance: so every
recipe is measured on the same customers. It is not counted among the groups, and never the smallest of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.grouping import NOISE, fit_groups
from segmentation.measures import adjusted_rand_index
from segmentation.params import ModelParams
from segmentation.quality import Separation, group_sums, separation
from segmentation.silhouette import silhouettes
from segmentation.summary import Floats, Integers, Summary
from segmentation.threads import single_threaded

NOISE_NAME = "noise"
#: Resamples stability is measured on, and the most customers in one.
_RESAMPLES, _RESAMPLED = 5, 2_000


@dataclass(frozen=True)
class Grouping:
    """Group of each customer (n,), `NOISE` for none, and the names of the groups that have other names than numbers.

    `seconds` is what one fit took, `stability` a mean adjusted Rand index, None where it was not measured.
    """

    labels: Integers
    seconds: float
    names: Mapping[int, str] | None = None
    stability: float | None = None

    def name(self, label: int) -> str:
        """Name of a group: its own, or its number from 1 up; noise is named as such."""
        return NOISE_NAME if label == NOISE else self.names[label] if self.names else str(label + 1)


@dataclass(frozen=True)
class Later:
    """What each customer (n,) did in the days after: money spent and whether anything was bought."""

    spend: Floats
    active: NDArray[np.bool_]


@dataclass(frozen=True)
class Figures:
    """Figures of one recipe; shares from 0 to 1, None where a figure is not defined or not known.

    `groups` and `smallest_share` leave noise out. The last five are those of `Separation`.
    """

    recipe: str
    groups: int
    noise_share: float
    smallest_share: float | None
    silhouette: float | None
    silhouette_sample: int
    stability: float | None
    seconds: float
    spend_explained: float | None
    active_explained: float | None
    top_group: str | None
    top_customer_share: float | None
    top_spend_share: float | None


def sample_places(customers: int, size: int, seed: int) -> Integers:
    """Places, in order, of a random sample of `size` of so many customers; all of them if there are no more."""
    if customers <= size:
        return np.arange(customers)
    return np.sort(np.random.default_rng(seed).choice(customers, size, replace=False, shuffle=False))


def bootstrap_stability(recipe: str, points: Floats, labels: Integers, k: int, model: ModelParams) -> float:
    """Mean adjusted Rand index between `labels` and the groups of bootstrap resamples, on the customers drawn.

    A resample has no more than 2,000 customers, since recipes that cannot assign have to be fitted again, and each of
    them once: to a recipe that looks for dense places, a customer drawn three times is one.
    """
    found = []
    for number in range(_RESAMPLES):
        random = np.random.default_rng([model.seed, number])
        drawn = np.unique(random.integers(0, len(points), min(len(points), _RESAMPLED)))
        again = fit_groups(recipe, points[drawn], k, model)
        found.append(adjusted_rand_index(labels[drawn], again, np.ones(len(drawn), dtype=np.int64)))
    return float(np.mean(found))


def follow(labels: Integers, reference: Integers) -> Integers:
    """The same groups, numbered as the group of `reference` they share most customers with, each number once.

    Optimal assignment by customers in common; groups that are left over get the next numbers. Noise stays noise.
    """
    from scipy.optimize import linear_sum_assignment

    groups, others = np.unique(labels[labels != NOISE]), np.unique(reference[reference != NOISE])
    shared = np.array([[((labels == one) & (reference == other)).sum() for other in others] for one in groups])
    number = {NOISE: NOISE}
    if shared.size:
        rows, columns = linear_sum_assignment(-shared)
        number |= {int(groups[row]): int(others[column]) for row, column in zip(rows, columns, strict=True)}
    free = max(number.values()) + 1
    for group in groups.tolist():
        if group not in number:
            number[group], free = free, free + 1
    return np.array([number[label] for label in labels.tolist()], dtype=np.int64)


def measure(
    points: Floats, groupings: Mapping[str, Grouping], later: Later | None, *, silhouette_sample: int, seed: int
) -> list[Figures]:
    """Figures of several groupings of the same customers (n, d)."""
    customers = Summary(points, np.ones(len(points), dtype=np.int64))
    labels = [grouping.labels for grouping in groupings.values()]
    quality = silhouettes(customers, labels, sample_size=silhouette_sample, seed=seed)
    return [
        _figures(recipe, grouping, later, found)
        for (recipe, grouping), found in zip(groupings.items(), quality, strict=True)
    ]


def _figures(recipe: str, grouping: Grouping, later: Later | None, quality: tuple[float | None, int]) -> Figures:
    _, sizes = np.unique(grouping.labels[grouping.labels != NOISE], return_counts=True)
    apart = _separation(grouping, later) if later else None
    return Figures(
        recipe=recipe,
        groups=len(sizes),
        noise_share=float((grouping.labels == NOISE).mean()),
        smallest_share=float(sizes.min() / len(grouping.labels)) if len(sizes) else None,
        silhouette=quality[0],
        silhouette_sample=quality[1],
        stability=grouping.stability,
        seconds=grouping.seconds,
        spend_explained=apart.spend_explained if apart else None,
        active_explained=apart.active_explained if apart else None,
        top_group=apart.top_group if apart else None,
        top_customer_share=apart.top_customer_share if apart else None,
        top_spend_share=apart.top_spend_share if apart else None,
    )


def _separation(grouping: Grouping, later: Later) -> Separation:
    names = [grouping.name(label) for label in grouping.labels.tolist()]
    return separation(group_sums(np.array(names), later.spend, later.active))


def principal_components(points: Floats) -> tuple[Floats, float]:
    """Coordinates (n, 2) of the first two principal components, and the share of the variance they show."""
    centred = points - points.mean(axis=0)
    with single_threaded():
        _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2] * np.where(axes[:2].sum(axis=1) < 0, -1, 1)[:, None]  # a direction has no sign of its own
    plane = np.zeros((len(points), 2))
    plane[:, : len(axes)] = centred @ axes.T
    total = float((lengths**2).sum())
    return plane, float((lengths[:2] ** 2).sum()) / total if total else 1.0
