"""The day a customer moves on, against an assignment of every single day."""

import datetime as dt

import duckdb
import numpy as np
import pytest

from segmentation.ageing import (
    ages_in_closed_form,
    explain_and_age_sql,
    moves_on_sql,
    not_foretold,
)
from segmentation.assign import assign_sql
from segmentation.explaining import explain_sql
from segmentation.kmeans import fit_kmeans
from segmentation.params import ExplainingParams, FeatureParams, ModelParams, Transform
from segmentation.summary import summary_from_columns
from segmentation.transforms import FeatureScaling, Scaler, bounds_sql, moments_sql, scaler_from_moments, summary_sql

AS_OF = dt.date(2011, 12, 10)
ONLINE_RETAIL = """
    CREATE TABLE features AS
    WITH typed AS (
        SELECT CustomerID AS customer_id, InvoiceNo AS invoice_no, CAST(CAST(InvoiceDate AS TIMESTAMP) AS DATE) AS day,
            CAST(Quantity AS BIGINT) AS quantity, CAST(UnitPrice AS DECIMAL(18, 4)) AS unit_price
        FROM read_csv($files, all_varchar = true) WHERE CustomerID IS NOT NULL
    )
    SELECT customer_id, CAST(DATE '2011-12-10' - max(day) AS DOUBLE) AS recency_days,
        CAST(count(DISTINCT invoice_no) AS DOUBLE) AS frequency, CAST(sum(quantity * unit_price) AS DOUBLE) AS monetary,
        monetary / frequency AS average
    FROM typed WHERE quantity > 0 AND unit_price > 0 GROUP BY customer_id
"""
CLIPPED = (Transform.WINSORIZE, Transform.IQR)


def simulated(connection, scaler, centroids, days: int) -> list[tuple]:
    """customer_id, moves_on and moves_on_cluster by assigning every customer on every day."""
    aged = (
        "(SELECT {'id': customer_id, 'day': day} AS customer_id, recency_days + day AS recency_days, "
        "frequency, monetary, average FROM features, range($days + 1) AS days(day))"
    )
    return connection.execute(
        "WITH daily AS (SELECT customer_id.id AS customer_id, customer_id.day AS day, cluster "
        f"FROM ({assign_sql(scaler, centroids, aged)})), "
        "today AS (SELECT customer_id, cluster AS now FROM daily WHERE day = 0) "
        "SELECT customer_id, $as_of + CAST(min(day) FILTER (cluster <> now) AS INTEGER), "
        "arg_min(cluster, day) FILTER (cluster <> now) FROM daily JOIN today USING (customer_id) "
        "GROUP BY customer_id ORDER BY customer_id",
        {"as_of": AS_OF, "days": days},
    ).fetchall()


def foretold(connection, scaler, centroids, days: int) -> list[tuple]:
    sql = moves_on_sql(scaler, centroids, "features", ExplainingParams(horizon_days=days), window_days=None)
    return connection.execute(f"{sql} ORDER BY customer_id", {"as_of": AS_OF}).fetchall()


def row(connection, sql: str) -> dict:
    result = connection.execute(sql)
    return dict(zip([column[0] for column in result.description], result.fetchone(), strict=True))


def trained(connection, features: FeatureParams, model: ModelParams) -> tuple[Scaler, np.ndarray]:
    asked = bounds_sql(features, model, "features")
    bounds = row(connection, asked) if asked else None
    moments = row(connection, moments_sql(features, model, bounds, "features"))
    scaler = scaler_from_moments(features, model, bounds, moments)
    cells = connection.execute(summary_sql(scaler, 0.1, "features", exact=True)).fetchnumpy()
    return scaler, fit_kmeans(summary_from_columns(cells, scaler), model.k, seed=42, n_init=1).centroids


@pytest.fixture(scope="module")
def online_retail(real_data):
    with duckdb.connect() as connection:
        connection.execute(ONLINE_RETAIL, {"files": str(real_data / "*.csv")})
        yield connection


@pytest.mark.parametrize(
    ("transform", "k", "inputs"),
    [
        (Transform.WINSORIZE, 4, ("recency_days", "frequency", "monetary")),
        (Transform.LOG1P, 5, ("recency_days", "frequency", "monetary")),
        (Transform.NONE, 4, ("recency_days", "frequency", "monetary")),
        (Transform.IQR, 5, ("recency_days", "frequency", "monetary")),
        (Transform.LOG1P, 8, ("average", "frequency", "recency_days")),
    ],
)
def test_every_customer_of_online_retail_moves_on_when_foretold(online_retail, transform, k, inputs) -> None:
    model = ModelParams(transform=transform, k=k)
    scaler, centroids = trained(online_retail, FeatureParams(inputs=inputs), model)
    expected = simulated(online_retail, scaler, centroids, 400)
    assert len(expected) == 4338
    assert len([day for _, day, _ in expected if day is not None]) > 400
    assert foretold(online_retail, scaler, centroids, 400) == expected


def connected(values: np.ndarray) -> duckdb.DuckDBPyConnection:
    """Table `features` of recency_days, frequency, monetary (n, 3); customers are numbered from 0."""
    connection = duckdb.connect()
    columns = {"customer_id": np.arange(len(values))}
    columns |= {
        name: np.array(values, dtype=float)[:, place].copy()
        for place, name in enumerate(("recency_days", "frequency", "monetary"))
    }
    connection.register("given", columns)
    connection.execute("CREATE TABLE features AS SELECT *, monetary / frequency AS average FROM given")
    return connection


@pytest.mark.parametrize("transform", list(Transform))
@pytest.mark.parametrize("seed", range(6))
def test_any_centroids_agree_with_a_simulation(transform, seed) -> None:
    random = np.random.default_rng(seed)
    values = np.column_stack([random.integers(1, 200, 60), random.geometric(0.3, 60), random.lognormal(4, 1, 60)])
    connection = connected(values)
    scaler, _ = trained(connection, FeatureParams(), ModelParams(transform=transform, k=3))
    centroids = np.round(random.normal(0, 1, (1 + seed * 2, 3)) * [3, 1, 1], random.integers(1, 9))
    assert foretold(connection, scaler, centroids, 700) == simulated(connection, scaler, centroids, 700)


@pytest.mark.parametrize("transform", list(Transform))
def test_whole_numbers_that_tie_agree_with_a_simulation(transform) -> None:
    """Days on which several centroids are equally near: the lowest cluster wins, as in the assignment."""
    values = [[days, orders, 0] for days in range(1, 30) for orders in (1, 2)]
    bounds = {"lower": 3.0, "upper": 25.5} if transform in CLIPPED else {}
    scaling = FeatureScaling(feature="recency_days", transform=transform, mean=0, scale=1, **bounds)
    frequency = FeatureScaling(feature="frequency", transform=Transform.NONE, mean=0, scale=1)
    scaler, connection = Scaler(features=(scaling, frequency)), connected(np.array(values))
    reach = 1 if transform is not Transform.LOG1P else 0.1
    for order in ([0, 10, 20, 31, 31], [31, 20, 10, 0, 20], [10, 0, 31, 20, 41]):
        centroids = np.column_stack([np.array(order) * reach, [1.0, 1.0, 2.0, 2.0, 1.0]])
        assert foretold(connection, scaler, centroids, 60) == simulated(connection, scaler, centroids, 60)


@pytest.mark.parametrize("nearest", [0, 1])
def test_logarithms_that_draw_level_on_a_whole_day_agree_with_a_simulation(nearest) -> None:
    scaler = Scaler(features=(FeatureScaling(feature="recency_days", transform=Transform.LOG1P, mean=0, scale=1),))
    connection = connected(np.array([[1, 1, 1]]))
    for days in range(2, 60):
        centroids = np.array([[0.0], [2 * np.log(1.0 + days)]])
        centroids = centroids if nearest == 0 else centroids[::-1]
        assert foretold(connection, scaler, centroids, 70) == simulated(connection, scaler, centroids, 70)


def plain(*features: str) -> Scaler:
    return Scaler(
        features=tuple(FeatureScaling(feature=name, transform=Transform.NONE, mean=0, scale=1) for name in features)
    )


def test_a_tie_goes_to_the_lowest_cluster_on_its_day() -> None:
    connection, scaler = connected(np.array([[1, 1, 1]])), plain("recency_days")
    assert foretold(connection, scaler, np.array([[0.0], [10.0]]), 99) == [(0, AS_OF + dt.timedelta(days=5), 1)]
    assert foretold(connection, scaler, np.array([[10.0], [0.0]]), 99) == [(0, AS_OF + dt.timedelta(days=4), 0)]


def test_a_step_of_a_day_may_skip_a_segment() -> None:
    centroids = np.array([[0.0], [2.9], [3.1]])
    assert foretold(connected(np.array([[1, 1, 1]])), plain("recency_days"), centroids * 0.5, 9) == [
        (0, AS_OF + dt.timedelta(days=1), 2)
    ]


def test_beyond_the_horizon_nothing_is_foretold() -> None:
    connection, scaler, centroids = connected(np.array([[1, 1, 1]])), plain("recency_days"), np.array([[0.0], [99.0]])
    assert foretold(connection, scaler, centroids, 49) == [(0, AS_OF + dt.timedelta(days=49), 1)]
    assert foretold(connection, scaler, centroids, 48) == [(0, None, None)]


def test_who_is_longest_away_stays() -> None:
    centroids = np.array([[0.0], [99.0]])
    assert foretold(connected(np.array([[90, 1, 1]])), plain("recency_days"), centroids, 999) == [(0, None, None)]
    assert foretold(connected(np.array([[90, 1, 1]])), plain("recency_days"), centroids[:1], 999) == [(0, None, None)]


def test_without_recency_nobody_moves() -> None:
    connection, centroids = connected(np.array([[1, 1, 1]])), np.array([[0.0], [99.0]])
    assert foretold(connection, plain("frequency"), centroids, 999) == [(0, None, None)]


def test_with_a_window_nothing_is_foretold() -> None:
    connection, centroids = connected(np.array([[1, 1, 1]])), np.array([[0.0], [9.0]])
    sql = moves_on_sql(plain("recency_days"), centroids, "features", window_days=365)
    result = connection.execute(sql, {"as_of": AS_OF})
    assert [str(column[1]) for column in result.description] == ["BIGINT", "DATE", "INTEGER"]
    assert result.fetchall() == [(0, None, None)]


@pytest.mark.parametrize(
    ("features", "window_days", "reason"),
    [
        (("recency_days", "frequency", "monetary", "average"), None, None),
        (("frequency",), None, None),
        (("recency_days", "frequency"), 365, "window of 365 days"),
        (("recency_days", "tenure_days"), None, "tenure_days may change"),
    ],
)
def test_what_ages_decides_whether_it_is_foretold(features, window_days, reason) -> None:
    assert ages_in_closed_form(features, window_days) == (reason is None)
    assert (reason or "") in (not_foretold(features, window_days) or "")
    assert (not_foretold(features, window_days) is None) == (reason is None)


@pytest.mark.parametrize("window_days", [None, 365])
def test_one_pass_yields_what_two_do(window_days) -> None:
    random = np.random.default_rng(1)
    connection = connected(np.column_stack([random.integers(1, 99, 80), random.integers(1, 9, 80), random.random(80)]))
    scaler, centroids = trained(connection, FeatureParams(), ModelParams(k=4))
    both = explain_and_age_sql(scaler, centroids, "features", window_days=window_days)
    apart = (
        f"SELECT * FROM ({explain_sql(scaler, centroids, 'features')}) JOIN "
        f"({moves_on_sql(scaler, centroids, 'features', window_days=window_days)}) USING (customer_id)"
    )
    found, expected = (
        connection.execute(f"{sql} ORDER BY customer_id", {"as_of": AS_OF}).fetchall() for sql in (both, apart)
    )
    assert found == expected
