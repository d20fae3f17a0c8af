"""Assignment of every customer to the nearest centroid, as SQL text."""

import numpy as np
from numpy.typing import NDArray

from segmentation.errors import SegmentationError
from segmentation.transforms import Scaler, literal_sql, standardised_sql


def assign_sql(scaler: Scaler, centroids: NDArray[np.float64], relation: str) -> str:
    """Query of customer_id, cluster, distance, second_cluster and second_distance (standard deviations).

    `centroids` is (k, d) with the scaler's features as columns. Ties go to the lowest cluster; with one cluster the
    second is NULL. Raises SegmentationError if the centroids have other columns than the scaler.
    """
    k, features = centroids.shape
    if features != len(scaler.features):
        raise SegmentationError(
            f"the centroids have {features} columns but the scaler has {len(scaler.features)} features; "
            "use the scaler the model was fitted with"
        )
    distances = ", ".join(f"{_squared_distance_sql(centroid)} AS d{index}" for index, centroid in enumerate(centroids))
    nearest = _nearest_sql([f"d{index}" for index in range(k)])
    others = [f"CASE WHEN cluster <> {index} THEN d{index} END" for index in range(k)]
    return (
        f"WITH standardised AS ({standardised_sql(scaler, relation, keep='customer_id')}), "
        f"measured AS (SELECT customer_id, {distances} FROM standardised), "
        f"smallest AS (SELECT *, {_least_sql([f'd{index}' for index in range(k)])} AS d FROM measured), "
        f"nearest AS (SELECT *, {nearest} AS cluster FROM smallest), "
        f"ranked AS (SELECT *, {_least_sql(others) if k > 1 else 'CAST(NULL AS DOUBLE)'} AS second FROM nearest) "
        f"SELECT customer_id, cluster, sqrt(d) AS distance, {_second_sql(k)} AS second_cluster, "
        "sqrt(second) AS second_distance FROM ranked"
    )


def _squared_distance_sql(centroid: NDArray[np.float64]) -> str:
    differences = [f"(z{index} - {literal_sql(value)})" for index, value in enumerate(centroid)]
    return " + ".join(f"{difference} * {difference}" for difference in differences)


def _least_sql(values: list[str]) -> str:
    return f"least({', '.join(values)})"


def _nearest_sql(distances: list[str]) -> str:
    whens = " ".join(f"WHEN {distance} = d THEN {index}" for index, distance in enumerate(distances))
    return f"CAST(CASE {whens} END AS INTEGER)"


def _second_sql(k: int) -> str:
    whens = " ".join(f"WHEN cluster <> {index} AND d{index} = second THEN {index}" for index in range(k))
    return f"CAST(CASE {whens} END AS INTEGER)"
