"""Assignment of every customer to the nearest centroid, as SQL text."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import SegmentationError
from segmentation.transforms import Scaler, literal_sql, standardised_sql

Floats = NDArray[np.float64]
#: Names and texts of the steps of one query, each selecting from the one before.
Steps = list[tuple[str, str]]


def assign_sql(scaler: Scaler, centroids: Floats, relation: str) -> str:
    """Query of customer_id, cluster, distance, second_cluster and second_distance (standard deviations).

    `centroids` is (k, d) with the scaler's features as columns. Ties go to the lowest cluster; with one cluster the
    second is NULL. Raises SegmentationError if the centroids have other columns than the scaler.
    """
    columns = "customer_id, cluster, distance, second_cluster, second_distance"
    return steps_sql(ranked_steps(scaler, centroids, relation), columns)


def steps_sql(steps: Steps, columns: str) -> str:
    """Query of `columns` of the last step; each step ends with the name of the one before, which stands inside it.

    As one WITH the steps read better, but each of the dozens is planned as a table of its own first: a fifth slower.
    """
    query = steps[0][1]
    for (before, _), (_, text) in pairwise(steps):
        query = f"{text.removesuffix(before)}({query})"
    return f"SELECT {columns} FROM ({query})"


def ranked_steps(scaler: Scaler, centroids: Floats, relation: str, keep: str = "customer_id") -> Steps:
    """Steps to `ranked`: z0.., squared distances d0.., their least d, cluster, and the same of the second nearest.

    `keep` are columns of the relation to carry along.
    """
    k, features = centroids.shape
    if features != len(scaler.features):
        raise SegmentationError(
            f"the centroids have {features} columns but the scaler has {len(scaler.features)} features; "
            "use the scaler the model was fitted with"
        )
    squared = [f"d{index}" for index in range(k)]
    distances = ", ".join(f"{squared_distance_sql(centroid)} AS d{index}" for index, centroid in enumerate(centroids))
    others = least_sql([f"CASE WHEN cluster <> {index} THEN d{index} END" for index in range(k)])
    return [
        ("standardised", standardised_sql(scaler, relation, keep=keep)),
        ("measured", f"SELECT *, {distances} FROM standardised"),
        ("smallest", f"SELECT *, {least_sql(squared)} AS d FROM measured"),
        ("nearest", f"SELECT *, {nearest_sql(squared)} AS cluster, sqrt(d) AS distance FROM smallest"),
        ("compared", f"SELECT *, {others if k > 1 else 'CAST(NULL AS DOUBLE)'} AS second FROM nearest"),
        (
            "ranked",
            f"SELECT *, {second_sql(k)} AS second_cluster, sqrt(second) AS second_distance FROM compared",
        ),
    ]


def squared_distance_sql(centroid: NDArray[np.float64]) -> str:
    """Squared distance of the standardised columns z0, z1, ... to a centroid (d,)."""
    differences = [f"(z{index} - {literal_sql(value)})" for index, value in enumerate(centroid)]
    return " + ".join(f"{difference} * {difference}" for difference in differences)


def least_sql(values: list[str]) -> str:
    """The least of some expressions; NULLs are passed over."""
    return f"least({', '.join(values)})"


def nearest_sql(distances: list[str]) -> str:
    """Number of the first of some distances that equals the least, d."""
    whens = " ".join(f"WHEN {distance} = d THEN {index}" for index, distance in enumerate(distances))
    return f"CAST(CASE {whens} END AS INTEGER)"


def second_sql(k: int) -> str:
    """Number of the first cluster but the own whose distance equals the second least, second."""
    whens = " ".join(f"WHEN cluster <> {index} AND d{index} = second THEN {index}" for index in range(k))
    return f"CAST(CASE {whens} END AS INTEGER)"
