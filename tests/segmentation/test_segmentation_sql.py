"""The SQL of the model, run by DuckDB."""

from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.assign import assign_sql
from segmentation.errors import SegmentationError
from segmentation.kmeans import Fit, fit_kmeans, squared_distances
from segmentation.params import FeatureParams, ModelParams, Transform
from segmentation.silhouette import silhouette
from segmentation.summary import summary_from_columns
from segmentation.transforms import (
    FeatureScaling,
    Scaler,
    bounds_sql,
    literal_sql,
    moments_sql,
    scaler_from_moments,
    standardised_sql,
    summary_sql,
)

NOTEBOOK_FEATURES = """
    CREATE TABLE features AS
    WITH lines AS (SELECT DISTINCT * FROM read_csv($files, all_varchar = true)),
    typed AS (
        SELECT CustomerID AS customer_id, InvoiceNo AS invoice_no, CAST(CAST(InvoiceDate AS TIMESTAMP) AS DATE) AS day,
            CAST(Quantity AS BIGINT) AS quantity, CAST(UnitPrice AS DECIMAL(18, 4)) AS unit_price
        FROM lines WHERE CustomerID IS NOT NULL
    )
    SELECT customer_id, CAST(DATE '2011-12-10' - max(day) AS DOUBLE) AS recency_days,
        CAST(count(DISTINCT invoice_no) AS DOUBLE) AS frequency, CAST(sum(quantity * unit_price) AS DOUBLE) AS monetary
    FROM typed WHERE quantity > 0 AND unit_price > 0 GROUP BY customer_id
"""
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        opened.execute("SET threads = 2")
        yield opened


@pytest.fixture(scope="module")
def customers() -> np.ndarray:
    """recency_days, frequency and monetary of 200 customers (200, 3)."""
    random = np.random.default_rng(7)
    frequency = random.geometric(0.3, 200)
    days = random.integers(1, 365, 200)
    return np.column_stack([days, frequency, np.round(frequency * random.lognormal(3, 1, 200), 2)]).astype(float)


def fill(connection: duckdb.DuckDBPyConnection, values: np.ndarray) -> None:
    """Table `features` of recency_days, frequency, monetary (n, 3); customers are numbered from 0."""
    data = {"id": np.arange(len(values)), "r": values[:, 0].copy(), "f": values[:, 1].copy(), "m": values[:, 2].copy()}
    connection.register("given", data)
    connection.execute(
        "CREATE OR REPLACE TABLE features AS SELECT CAST(id AS VARCHAR) AS customer_id, r AS recency_days, "
        "f AS frequency, m AS monetary, m / f AS average FROM given"
    )


def columns(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, np.ndarray]:
    return connection.execute(sql).fetchnumpy()


def row(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    result = connection.execute(sql)
    return dict(zip([column[0] for column in result.description], result.fetchone(), strict=True))


def scaler_of(connection: duckdb.DuckDBPyConnection, model: ModelParams) -> Scaler:
    features = FeatureParams()
    asked = bounds_sql(features, model, "features")
    bounds = row(connection, asked) if asked else None
    return scaler_from_moments(
        features, model, bounds, row(connection, moments_sql(features, model, bounds, "features"))
    )


def standardised(connection: duckdb.DuckDBPyConnection, scaler: Scaler) -> np.ndarray:
    return np.column_stack(list(columns(connection, standardised_sql(scaler, "features")).values()))


@given(FINITE)
def test_a_literal_is_exactly_the_float(value: float) -> None:
    sql = literal_sql(value)
    assert duckdb.execute(f"SELECT {sql}, typeof({sql})").fetchone() == (value, "DOUBLE")


@given(FINITE, FINITE, FINITE)
def test_a_scaler_comes_back_from_json_exactly(lower: float, mean: float, scale: float) -> None:
    scaling = FeatureScaling(
        feature="monetary", transform=Transform.IQR, lower=lower, upper=lower, mean=mean, scale=scale
    )
    scaler = Scaler(features=(scaling,))
    assert Scaler.model_validate_json(scaler.model_dump_json()) == scaler


@pytest.mark.parametrize("transform", list(Transform))
def test_standardised_features_have_mean_0_and_deviation_1(connection, customers, transform) -> None:
    fill(connection, customers)
    z = standardised(connection, scaler_of(connection, ModelParams(transform=transform)))
    assert z.mean(axis=0) == pytest.approx(0, abs=1e-6)
    assert z.std(axis=0) == pytest.approx(1, abs=1e-6)


def test_log1p_agrees_with_numpy(connection, customers) -> None:
    fill(connection, customers)
    z = standardised(connection, scaler_of(connection, ModelParams(transform=Transform.LOG1P)))
    logs = np.log1p(customers)
    assert z == pytest.approx((logs - logs.mean(axis=0)) / logs.std(axis=0), abs=1e-9)


def test_winsorize_clips_at_the_quantiles(connection, customers) -> None:
    fill(connection, customers)
    model = ModelParams(transform=Transform.WINSORIZE, winsorize_quantiles=(0.1, 0.9))
    scaling = scaler_of(connection, model).features[2]
    ordered = np.sort(customers[:, 2])
    assert scaling.lower in ordered[18:21]
    assert scaling.upper in ordered[178:181]
    assert len(np.unique(standardised(connection, scaler_of(connection, model))[:, 2])) < len(np.unique(ordered))


def test_quartiles_that_coincide_set_no_fence(connection) -> None:
    fill(connection, np.array([[1.0, 1.0, value] for value in range(20)] + [[90.0, 7.0, 5.0]]))
    scaler = scaler_of(connection, ModelParams(transform=Transform.IQR))
    assert scaler.features[1].lower is None
    assert scaler.features[1].scale > 1
    assert scaler.features[2].upper is not None


@pytest.mark.parametrize("transform", list(Transform))
@pytest.mark.parametrize("value", [0.0, 1 / 3, 123456.789])
def test_a_constant_feature_is_0_for_everybody(connection, transform, value) -> None:
    fill(connection, np.array([[day, 2.0, value] for day in (1.0, 2.0, 9.0, 30.0)]))
    scaler = scaler_of(connection, ModelParams(transform=transform))
    assert scaler.features[2].scale == 1
    assert (standardised(connection, scaler)[:, 2] == 0).all()


def test_no_customers_is_an_error(connection) -> None:
    fill(connection, np.empty((0, 3)))
    with pytest.raises(SegmentationError, match="no customer"):
        scaler_of(connection, ModelParams())
    scaling = FeatureScaling(feature="monetary", transform=Transform.NONE, mean=0, scale=1)
    scaler = Scaler(features=(scaling,))
    with pytest.raises(SegmentationError, match="no customers"):
        summary_from_columns(columns(connection, summary_sql(scaler, 0.1, "features")), scaler)


def test_the_summary_holds_every_customer(connection, customers) -> None:
    fill(connection, np.vstack([customers, customers[:50]]))
    scaler = scaler_of(connection, ModelParams())
    z = standardised(connection, scaler)
    grid = summary_from_columns(columns(connection, summary_sql(scaler, 0.5, "features")), scaler)
    exact = summary_from_columns(columns(connection, summary_sql(scaler, 0.5, "features", exact=True)), scaler)
    assert grid.customers == exact.customers == 250
    assert len(grid.weights) < len(exact.weights) == len(np.unique(customers, axis=0))
    for summary in (grid, exact):
        assert (summary.weights @ summary.centers) == pytest.approx(z.sum(axis=0), abs=1e-6)
        spread = summary.within + (summary.weights[:, None] * summary.centers**2).sum()
        assert spread == pytest.approx((z**2).sum(), rel=1e-6)


@pytest.mark.parametrize("exact", [True, False])
def test_the_order_of_customers_does_not_matter(connection, customers, exact) -> None:
    seen = []
    for seed in range(3):
        fill(connection, np.random.default_rng(seed).permutation(customers))
        scaler = scaler_of(connection, ModelParams())
        found = summary_from_columns(columns(connection, summary_sql(scaler, 0.2, "features", exact=exact)), scaler)
        seen.append((scaler, found.centers.tolist(), found.weights.tolist(), found.within))
    assert seen[0] == seen[1] == seen[2]


def trained(connection: duckdb.DuckDBPyConnection, k: int, *, exact: bool = True) -> tuple[Scaler, Fit]:
    scaler = scaler_of(connection, ModelParams())
    found = columns(connection, summary_sql(scaler, 0.2, "features", exact=exact))
    return scaler, fit_kmeans(summary_from_columns(found, scaler), k, seed=42, n_init=3)


def assigned(connection: duckdb.DuckDBPyConnection, scaler: Scaler, centroids: np.ndarray) -> dict[str, np.ndarray]:
    return columns(connection, assign_sql(scaler, centroids, "features") + " ORDER BY CAST(customer_id AS INTEGER)")


@pytest.mark.parametrize("k", [2, 3, 8])
def test_assignment_agrees_with_numpy(connection, customers, k) -> None:
    fill(connection, customers)
    scaler, fit = trained(connection, k)
    found = assigned(connection, scaler, fit.centroids)
    distances = np.sqrt(squared_distances(standardised(connection, scaler), fit.centroids))
    order = np.argsort(distances, axis=1, kind="stable")
    assert (found["cluster"] == order[:, 0]).all()
    assert (found["second_cluster"] == order[:, 1]).all()
    ordered = np.sort(distances, axis=1)
    assert found["distance"] == pytest.approx(ordered[:, 0], abs=1e-12)
    assert found["second_distance"] == pytest.approx(ordered[:, 1], abs=1e-12)


def test_the_assigned_customers_are_the_fitted_ones(connection, customers) -> None:
    fill(connection, customers)
    scaler, fit = trained(connection, 5)
    found = assigned(connection, scaler, fit.centroids)
    assert (found["distance"] ** 2).sum() == pytest.approx(fit.inertia, rel=1e-6)
    assert len(np.unique(found["cluster"])) == 5


def test_one_cluster_has_no_second(connection, customers) -> None:
    fill(connection, customers)
    scaler, fit = trained(connection, 1)
    found = assigned(connection, scaler, fit.centroids)
    assert (found["cluster"] == 0).all()
    assert np.ma.getmaskarray(found["second_cluster"]).all()
    assert np.ma.getmaskarray(found["second_distance"]).all()


def test_ties_go_to_the_lowest_cluster(connection, customers) -> None:
    fill(connection, customers)
    scaler = scaler_of(connection, ModelParams())
    found = assigned(connection, scaler, np.zeros((3, 3)))
    assert (found["cluster"] == 0).all()
    assert (found["second_cluster"] == 1).all()


def test_centroids_of_other_features_are_an_error(connection, customers) -> None:
    fill(connection, customers)
    with pytest.raises(SegmentationError, match="2 columns"):
        assign_sql(scaler_of(connection, ModelParams()), np.zeros((3, 2)), "features")


@pytest.mark.parametrize("exact", [True, False])
def test_permuted_customers_get_the_same_segments_bit_for_bit(connection, customers, exact) -> None:
    seen = []
    for seed in (0, 1, 1):
        order = np.random.default_rng(seed).permutation(len(customers))
        fill(connection, customers[order])
        scaler, fit = trained(connection, 4, exact=exact)
        clusters = np.empty(len(customers), dtype=int)
        clusters[order] = assigned(connection, scaler, fit.centroids)["cluster"]
        seen.append((fit.centroids.tobytes(), clusters.tobytes()))
    assert seen[0] == seen[1] == seen[2]


def test_parallel_sums_do_not_change_the_model(connection) -> None:
    connection.execute(
        "CREATE TABLE features AS SELECT i AS customer_id, CAST(1 + hash(i) % 365 AS DOUBLE) AS recency_days, "
        "CAST(1 + hash(i + 1) % 9 AS DOUBLE) AS frequency, (hash(i + 2) % 1000003) / 7e0 AS monetary "
        "FROM range(400_000) AS numbers(i)"
    )
    models = [trained(connection, 3, exact=False) for _ in range(3)]
    runs = {(scaler.model_dump_json(), fit.centroids.tobytes()) for scaler, fit in models}
    assert len(runs) == 1


@pytest.mark.parametrize("exact", [True, False])
def test_identical_customers_are_one_segment(connection, exact) -> None:
    fill(connection, np.full((30, 3), 5.0))
    scaler, fit = trained(connection, 4, exact=exact)
    assert fit.k == 1
    assert fit.inertia == 0
    assert (assigned(connection, scaler, fit.centroids)["distance"] == 0).all()


def test_the_notebook_recipe_on_online_retail(connection, real_data) -> None:
    connection.execute(NOTEBOOK_FEATURES, {"files": str(real_data / "*.csv")})
    scaler = scaler_of(connection, ModelParams(transform=Transform.NONE))
    summary = summary_from_columns(columns(connection, summary_sql(scaler, 0.1, "features", exact=True)), scaler)
    fit = fit_kmeans(summary, 4, seed=42, n_init=10)
    measured, used = silhouette(summary, fit.labels, sample_size=10_000, seed=42)
    sizes = np.sort(np.bincount(fit.labels, weights=summary.weights))[::-1]
    assert used == summary.customers == 4338
    assert measured == pytest.approx(0.616, abs=5e-4)
    assert sizes == pytest.approx([3060, 1061, 204, 13], abs=10)
