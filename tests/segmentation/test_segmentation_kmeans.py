import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from segmentation.kmeans import Summary, fit_kmeans, silhouette, squared_distances, update_kmeans


def summary_of(points: np.ndarray) -> Summary:
    centers, weights = np.unique(points, axis=0, return_counts=True)
    return Summary(centers, weights)


@pytest.fixture
def blobs() -> Summary:
    """Three far groups of 40, 30 and 20 cells of 1 to 4 customers."""
    random = np.random.default_rng(3)
    groups = [random.normal(middle, 0.2, (size, 2)) for middle, size in (((0, 0), 40), ((5, 0), 30), ((0, 5), 20))]
    return Summary(np.concatenate(groups), random.integers(1, 5, 90))


def test_planted_groups_are_found_in_lexicographic_order(blobs) -> None:
    fit = fit_kmeans(blobs, 3, seed=1, n_init=5)
    middles = sorted([round(x), round(y)] for x, y in fit.centroids.tolist())
    assert middles == [[0, 0], [0, 5], [5, 0]]
    assert fit.centroids.tolist() == sorted(fit.centroids.tolist())
    assert sorted(np.bincount(fit.labels).tolist()) == [20, 30, 40]


def test_weights_are_repeated_customers(blobs) -> None:
    fit = fit_kmeans(blobs, 4, seed=1, n_init=10)
    repeated = np.repeat(blobs.centers, blobs.weights, axis=0)
    plain = KMeans(4, n_init=10, random_state=1).fit(repeated)
    assert fit.inertia == pytest.approx(plain.inertia_, rel=0.01)
    assert fit.inertia == pytest.approx(squared_distances(repeated, fit.centroids).min(axis=1).sum())


def test_two_fits_are_bit_equal(blobs) -> None:
    first, second = (fit_kmeans(blobs, 5, seed=9, n_init=3) for _ in range(2))
    assert first.centroids.tobytes() == second.centroids.tobytes()
    assert first.inertia == second.inertia


def test_one_cluster_is_the_mean(blobs) -> None:
    fit = fit_kmeans(blobs, 1, seed=1, n_init=1)
    assert fit.centroids[0] == pytest.approx(np.average(blobs.centers, axis=0, weights=blobs.weights))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12), st.integers(1, 8))
def test_k_never_exceeds_the_distinct_points_and_no_cluster_is_empty(points, k) -> None:
    summary = summary_of(np.array(points, dtype=float))
    fit = fit_kmeans(summary, k, seed=0, n_init=2)
    assert fit.k == min(k, len(set(points)))
    assert set(fit.labels.tolist()) == set(range(fit.k))


def test_previous_centroids_win_where_they_are_as_good() -> None:
    corners = Summary(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.ones(4, dtype=np.int64))
    for previous in (np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([[0.5, 0.0], [0.5, 1.0]])):
        assert fit_kmeans(corners, 2, seed=0, n_init=3, previous=previous).centroids.tolist() == previous.tolist()


def test_previous_centroids_lose_where_they_are_worse(blobs) -> None:
    far = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 1.0]])
    best = fit_kmeans(blobs, 3, seed=1, n_init=5)
    assert fit_kmeans(blobs, 3, seed=1, n_init=5, previous=far).inertia == pytest.approx(best.inertia)


def test_an_update_keeps_the_order_of_the_clusters(blobs) -> None:
    start = np.array([[4.5, 0.5], [0.0, 0.5], [0.5, 4.5]])
    updated = update_kmeans(blobs, start, iterations=5)
    assert np.abs(updated.centroids - start).max() < 1
    assert np.bincount(updated.labels).tolist() == [30, 40, 20]
    assert updated.iterations < 5


def test_a_cluster_that_loses_everybody_stays_where_it_was(blobs) -> None:
    updated = update_kmeans(blobs, np.array([[0.0, 0.0], [50.0, 50.0]]), iterations=3)
    assert updated.centroids[1].tolist() == [50.0, 50.0]
    assert set(updated.labels.tolist()) == {0}


@given(st.integers(0, 1000), st.integers(2, 5))
def test_silhouette_equals_scikit_learn_on_repeated_points(seed, k) -> None:
    random = np.random.default_rng(seed)
    summary = summary_of(random.integers(0, 6, (60, 2)).astype(float))
    labels = np.concatenate([np.arange(k), random.integers(0, k, len(summary.weights) - k)])
    found, used = silhouette(summary, labels, sample_size=100, seed=0)
    repeated = np.repeat(summary.centers, summary.weights, axis=0)
    assert used == 60
    assert found == pytest.approx(silhouette_score(repeated, np.repeat(labels, summary.weights)), abs=1e-9)


def test_silhouette_of_near_points_far_from_zero_is_that_of_their_distances() -> None:
    """Also of more points than a block of distances holds; and whatever the number of threads, bit for bit."""
    near = np.random.default_rng(0).normal(size=(700, 3))
    labels = (near[:, 0] > 0).astype(np.int64) + (near[:, 1] > 0.5)
    moved = Summary(near * 1e-3 + 1e4, np.ones(700, dtype=np.int64))
    found, _ = silhouette(moved, labels, sample_size=100, seed=0)
    assert found == pytest.approx(silhouette_score(near, labels), abs=1e-9)
    assert found == silhouette(moved, labels, sample_size=100, seed=0, threads=1)[0]


def test_silhouette_of_a_sample_is_near_the_exact_one(blobs) -> None:
    many = Summary(blobs.centers, blobs.weights * 1000)
    labels = fit_kmeans(many, 3, seed=1, n_init=3).labels
    exact, everybody = silhouette(many, labels, sample_size=500, seed=1, exact_up_to=many.customers)
    sampled, used = silhouette(many, labels, sample_size=500, seed=1)
    assert (everybody, used) == (many.customers, 500)
    assert sampled == pytest.approx(exact, abs=0.02)
    assert silhouette(many, labels, sample_size=500, seed=1) == (sampled, used)


def test_one_cluster_has_no_silhouette(blobs) -> None:
    assert silhouette(blobs, np.zeros(90, dtype=np.int64), sample_size=100, seed=0)[0] is None


def test_clusters_of_single_customers_have_silhouette_0() -> None:
    summary = Summary(np.array([[0.0], [1.0]]), np.array([1, 1]))
    assert silhouette(summary, np.array([0, 1]), sample_size=100, seed=0) == (0.0, 2)
