"""t-SNE: a map in which customers with like features lie together, though distances between groups mean little."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

#: Most customers on the map: more take longer than the rest of the report together.
MOST = 1_000
_LEAST = 30
_ITERATIONS = 500
_SEED = 42


def neighbours(points: "pl.DataFrame") -> "pl.DataFrame | None":
    """Places of evenly chosen rows of segment_map as x and y, with their segment_key; None for too few customers.

    The same rows give the same map: one thread, a stated seed, and a start at the principal components.
    """
    import numpy as np
    import polars as pl
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(points) < _LEAST:
        return None
    chosen = points[np.linspace(0, len(points) - 1, min(MOST, len(points))).round().astype(int).tolist()]
    features = np.array(chosen["standardised"].to_list(), dtype=float)
    if features.shape[1] < 2 or not features.std(axis=0).any():
        return None
    with threadpool_limits(1):
        perplexity = min(30, (len(chosen) - 1) / 3)
        places = TSNE(2, perplexity=perplexity, init="pca", max_iter=_ITERATIONS, random_state=_SEED).fit_transform(
            features
        )
    return pl.DataFrame({"segment_key": chosen["segment_key"], "x": places[:, 0], "y": places[:, 1]})


def kinship(places: "pl.DataFrame", nearest: int = 10) -> float:
    """Mean share of a customer's nearest neighbours on the map that are in its segment, 0 to 1."""
    import numpy as np
    from scipy.spatial import KDTree

    points, keys = places.select("x", "y").to_numpy(), places["segment_key"].to_numpy()
    _, found = KDTree(points).query(points, k=min(nearest + 1, len(points)))
    return float(np.mean(keys[found[:, 1:]] == keys[:, None]))
