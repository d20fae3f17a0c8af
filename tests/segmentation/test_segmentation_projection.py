"""The map of the segments against scikit-learn's principal components."""

import duckdb
import numpy as np
import pytest
from sklearn.decomposition import PCA

from segmentation.params import Transform
from segmentation.projection import SAMPLE, Projection, principal_axes, project_inputs
from segmentation.transforms import FeatureScaling, Scaler

SCALES = {"a": (5.0, 2.0), "b": (-1.0, 0.5), "c": (0.0, 3.0), "d": (1.0, 1.0)}


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def scaler_of(names: str) -> Scaler:
    scalings = [
        FeatureScaling(feature=name, transform=Transform.NONE, mean=SCALES[name][0], scale=SCALES[name][1])
        for name in names
    ]
    return Scaler(features=tuple(scalings))


def customers(count: int, inputs: int, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, inputs)) @ random.normal(size=(inputs, inputs)) + 3


def standardised(points: np.ndarray, names: str) -> np.ndarray:
    return (points - [SCALES[name][0] for name in names]) / [SCALES[name][1] for name in names]


def project(connection: duckdb.DuckDBPyConnection, points: np.ndarray, names: str, prefix: str = "c") -> Projection:
    columns = {name: points[:, place] for place, name in enumerate(names)}
    ids = np.array([f"{prefix}{number}" for number in range(len(points))], dtype=object)
    connection.register("given", {"customer_id": ids} | columns)
    connection.execute("CREATE OR REPLACE TABLE features AS FROM given")
    return project_inputs(lambda sql: connection.execute(sql).fetchnumpy(), "features", scaler_of(names))


def points_of(connection: duckdb.DuckDBPyConnection, found: Projection) -> list[tuple]:
    return connection.execute(f"SELECT x, y, z, standardised FROM ({found.points_sql}) ORDER BY ALL").fetchall()


@pytest.mark.parametrize("names", ["abc", "abcd"])
def test_coordinates_are_the_principal_components(connection: duckdb.DuckDBPyConnection, names: str) -> None:
    points = customers(500, len(names))
    found = project(connection, points, names)
    pca = PCA(3).fit(standardised(points, names))
    expected = pca.transform(standardised(points, names))
    rows = connection.execute(
        f"SELECT * FROM ({found.points_sql}) ORDER BY CAST(customer_id[2:] AS INTEGER)"
    ).fetchall()
    coordinates = np.array([row[1:4] for row in rows])
    signs = np.sign((coordinates * expected).sum(axis=0))
    assert coordinates * signs == pytest.approx(expected, abs=1e-6)
    assert np.array([row[4] for row in rows]) == pytest.approx(standardised(points, names))
    shares = {row["axis"]: row["variance_share"] for row in found.axes}
    assert list(shares.values()) == pytest.approx(list(pca.explained_variance_ratio_[:3]), abs=1e-6)
    assert (found.customers, len(rows)) == (500, 500)


def test_the_heaviest_input_of_an_axis_is_positive() -> None:
    axes, shares = principal_axes(np.array([[2.0, -1.9], [-1.9, 2.0]]))
    assert [round(float(value), 3) for value in axes[0]] in ([0.707, -0.707], [-0.707, 0.707])
    assert (axes[np.arange(2), np.abs(axes).argmax(axis=1)] > 0).all()
    assert shares == pytest.approx([0.975, 0.025])


@pytest.mark.parametrize(("names", "known"), [("a", 1), ("ab", 2)])
def test_fewer_inputs_than_axes(connection: duckdb.DuckDBPyConnection, names: str, known: int) -> None:
    found = project(connection, customers(50, len(names)), names)
    for row in points_of(connection, found):
        assert [value is not None for value in row[:3]] == [place < known for place in range(3)]
    assert {row["axis"] for row in found.axes} == set("xyz"[:known])


def test_customers_that_are_all_alike_lie_in_one_place(connection: duckdb.DuckDBPyConnection) -> None:
    found = project(connection, np.ones((5, 2)), "ab")
    assert {row[:2] for row in points_of(connection, found)} == {(0.0, 0.0)}
    assert [row["variance_share"] for row in found.axes] == [0.5] * 4


def test_a_sample_of_many_does_not_depend_on_ids_or_threads(connection: duckdb.DuckDBPyConnection) -> None:
    points = customers(20_000, 3)
    found = project(connection, points, "abc")
    drawn = points_of(connection, found)
    assert 0.8 * SAMPLE < len(drawn) < 1.2 * SAMPLE
    connection.execute("SET threads = 1")
    other = project(connection, points[::-1].copy(), "abc", prefix="somebody else ")
    assert other == found
    assert points_of(connection, other) == drawn
    spread = np.array([row[3] for row in drawn]).std(axis=0) / standardised(points, "abc").std(axis=0)
    assert spread == pytest.approx(np.ones(3), abs=0.1)
