"""The map of the segments: principal axes of the standardised inputs, and a sample of the customers on them.

The axes are those of all customers; the sample is drawn by the customers' values, never by their ids, so that the same
customers under other ids give the same map. Customers with equal values are drawn together.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmentation.recipe import Query, Row
from segmentation.summary import Floats
from segmentation.threads import single_threaded
from segmentation.transforms import Z_UNITS, Scaler, literal_sql, standardised_sql

#: About so many customers are shown: enough to see the shape of the segments, few enough for a page.
SAMPLE = 2_000
AXES = ("x", "y", "z")
_PARTS = 1_000_000


@dataclass(frozen=True)
class Projection:
    """`axes`: a row per axis and input with loading and variance_share; `points_sql` selects the sample's customer_id,
    x, y, z (null where there are fewer inputs) and standardised (list of the inputs); `customers` are sampled from."""

    axes: list[Row]
    points_sql: str
    customers: int


def project_inputs(query: Query, relation: str, scaler: Scaler) -> Projection:
    """Principal axes of the customers of `relation`, in standard deviations of the transformed inputs."""
    moments = {name: column.tolist()[0] for name, column in query(_moments_sql(scaler, relation)).items()}
    means, covariance = _covariance(moments, len(scaler.names))
    loadings, shares = principal_axes(covariance)
    axes = [
        {"axis": axis, "input": name, "loading": float(weight), "variance_share": float(share)}
        for axis, weights, share in zip(AXES, loadings, shares, strict=False)
        for name, weight in zip(scaler.names, weights, strict=True)
    ]
    customers = int(moments["customers"])
    return Projection(axes, _points_sql(scaler, relation, means, loadings[: len(AXES)], customers), customers)


def principal_axes(covariance: Floats) -> tuple[Floats, Floats]:
    """Axes (d, d) as rows and their shares of the variance (d,), greatest first; each axis' heaviest input is positive.

    Without any variance the shares are those of equal axes.
    """
    with single_threaded():
        variances, columns = np.linalg.eigh(covariance)
    order = np.argsort(-variances, kind="stable")
    variances, axes = np.maximum(variances[order], 0.0), columns.T[order]
    heaviest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    total = float(variances.sum())
    shares = variances / total if total else np.full(len(variances), 1 / len(variances))
    return axes * np.where(heaviest < 0, -1.0, 1.0), shares


def _moments_sql(scaler: Scaler, relation: str) -> str:
    """Query of one row; sums are whole numbers of small units as text, since sums of floats differ from run to run."""
    zs = [f"z{index}" for index in range(len(scaler.names))]
    columns = ["count(*) AS customers"] + [f"{_sum_sql(z)} AS {z}_sum" for z in zs]
    columns += [f"{_sum_sql(f'{one} * {two}')} AS {one}_{two}" for place, one in enumerate(zs) for two in zs[place:]]
    return f"SELECT {', '.join(columns)} FROM ({standardised_sql(scaler, relation)})"


def _sum_sql(value: str) -> str:
    return f"CAST(sum(CAST(round({value} * {Z_UNITS}) AS HUGEINT)) AS VARCHAR)"


def _covariance(moments: Mapping[str, Any], inputs: int) -> tuple[Floats, Floats]:
    units = int(moments["customers"]) * Z_UNITS
    means = np.array([int(moments[f"z{index}_sum"]) / units for index in range(inputs)])
    products = np.empty((inputs, inputs))
    for one in range(inputs):
        for two in range(one, inputs):
            products[one, two] = products[two, one] = int(moments[f"z{one}_z{two}"]) / units
    return means, products - np.outer(means, means)


def _points_sql(scaler: Scaler, relation: str, means: Floats, loadings: Floats, customers: int) -> str:
    zs = [f"z{index}" for index in range(len(scaler.names))]
    coordinates = []
    for place, axis in enumerate(AXES):
        terms = (
            f"{literal_sql(weight)} * ({z} - {literal_sql(mean)})"
            for z, weight, mean in zip(zs, loadings[place] if place < len(loadings) else (), means, strict=False)
        )
        coordinates.append(f"{' + '.join(terms) or 'CAST(NULL AS DOUBLE)'} AS {axis}")
    share = math.ceil(_PARTS * SAMPLE / customers)
    drawn = f" WHERE hash({', '.join(zs)}) % {_PARTS} < {share}" if customers > SAMPLE else ""
    return (
        f"SELECT customer_id, {', '.join(coordinates)}, [{', '.join(zs)}] AS standardised "
        f"FROM ({standardised_sql(scaler, relation, keep='customer_id')}){drawn}"
    )
