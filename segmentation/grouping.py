"""The recipes that are compared: ways to group customers by their standardised features, all seeded, on one thread."""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from segmentation.choosing import choose_k
from segmentation.kmeans import fit_kmeans
from segmentation.params import ModelParams
from segmentation.summary import Floats, Integers, Summary
from segmentation.threads import single_threaded

#: The recipe the nights use.
IN_USE = "K-Means"
#: Label of customers that a recipe puts in no group.
NOISE = -1
#: Fewest customers of a group of HDBSCAN in a small shop, and the neighbours that make a place dense.
_LEAST_MEMBERS, _NEIGHBOURS = 5, 5
_MIXTURE_STARTS = 3


def number_of_groups(points: Floats, model: ModelParams) -> int:
    """How many groups the nights' recipe makes of the customers (n, d): as configured, or chosen by its rule."""
    cells, _ = _cells(points)
    if model.k == "auto":
        return choose_k(
            cells, model.k_search.ks, seed=model.seed, n_init=model.n_init, rule=model.k_search,
            silhouette_sample=model.silhouette_sample,
        ).chosen  # fmt: skip
    return min(model.k, len(cells.weights))


def fit_groups(recipe: str, points: Floats, k: int, model: ModelParams) -> Integers:
    """Group of each customer (n,) of the standardised features (n, d) by one recipe of `RECIPES`.

    With fewer different customers than `k` that many groups are made. HDBSCAN finds their number itself.
    """
    k = min(k, len(np.unique(points, axis=0)))
    with single_threaded(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal customers and fits that stop early; the figures tell how good it is
        return np.asarray(RECIPES[recipe](points, k, model), dtype=np.int64)


def preload() -> None:
    """Import the slow libraries, so that no fit is charged for it."""
    import scipy.optimize  # noqa: F401
    import sklearn.cluster
    import sklearn.mixture  # noqa: F401


def _cells(points: Floats) -> tuple[Summary, Integers]:
    """The customers as distinct points, as a night fits them, and the point each customer is at."""
    centers, places, weights = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    return Summary(centers, weights.astype(np.int64)), places


def _kmeans(points: Floats, k: int, model: ModelParams) -> Any:
    cells, places = _cells(points)
    return fit_kmeans(cells, k, seed=model.seed, n_init=model.n_init).labels[places]


def _minibatch_kmeans(points: Floats, k: int, model: ModelParams) -> Any:
    from sklearn.cluster import MiniBatchKMeans

    return MiniBatchKMeans(k, n_init=model.n_init, random_state=model.seed).fit_predict(points)


def _bisecting_kmeans(points: Floats, k: int, model: ModelParams) -> Any:
    from sklearn.cluster import BisectingKMeans

    return BisectingKMeans(k, n_init=model.n_init, random_state=model.seed).fit_predict(points)


def _ward(points: Floats, k: int, model: ModelParams) -> Any:
    from sklearn.cluster import AgglomerativeClustering

    return AgglomerativeClustering(k).fit_predict(points) if k > 1 else np.zeros(len(points))


def _gaussian_mixture(points: Floats, k: int, model: ModelParams) -> Any:
    from sklearn.mixture import GaussianMixture

    if k == 1:
        return np.zeros(len(points))
    return GaussianMixture(k, n_init=_MIXTURE_STARTS, random_state=model.seed).fit_predict(points)


def _hdbscan(points: Floats, k: int, model: ModelParams) -> Any:
    """Groups are no smaller than the least share of the rule for k, as the other recipes' should be."""
    from sklearn.cluster import HDBSCAN

    members = max(_LEAST_MEMBERS, math.ceil(model.k_search.min_share * len(points)))
    if len(points) <= members:
        return np.full(len(points), NOISE)
    return HDBSCAN(min_cluster_size=members, min_samples=_NEIGHBOURS, copy=True).fit_predict(points)


#: Recipes that are fitted on standardised features, by name.
RECIPES: Mapping[str, Callable[[Floats, int, ModelParams], Any]] = {
    IN_USE: _kmeans,
    "MiniBatchKMeans": _minibatch_kmeans,
    "BisectingKMeans": _bisecting_kmeans,
    "Ward": _ward,
    "Gaussian mixture": _gaussian_mixture,
    "HDBSCAN": _hdbscan,
}
