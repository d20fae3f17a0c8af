from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, davies_bouldin_score

from segmentation.choosing import KCandidate, KSearch, choose_k, pick_k
from segmentation.errors import SegmentationError
from segmentation.kmeans import Summary, fit_kmeans
from segmentation.measures import adjusted_rand_index, calinski_harabasz, davies_bouldin
from segmentation.params import KSearchParams

RULE = KSearchParams(bootstraps=4)
POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40)


def summary_of(points: np.ndarray) -> Summary:
    centers, weights = np.unique(points, axis=0, return_counts=True)
    return Summary(centers, weights)


def planted(groups: int, size: int = 60) -> Summary:
    """Round groups on a circle, each cell one to three customers."""
    random = np.random.default_rng(5)
    angles = 2 * np.pi * np.arange(groups) / groups
    middles = 6 * np.column_stack([np.cos(angles), np.sin(angles)])
    points = np.concatenate([random.normal(middle, 0.5, (size, 2)) for middle in middles])
    return Summary(points, random.integers(1, 4, len(points)))


def search(summary: Summary, ks, rule: KSearchParams = RULE, previous=None) -> KSearch:
    return choose_k(summary, ks, seed=1, n_init=3, previous=previous, rule=rule)


def candidate(k: int, silhouette: float | None, **changed) -> KCandidate:
    usual = KCandidate(k, 1.0, silhouette, 100, 1.0, 1.0, stability=0.95, smallest_share=0.1, is_elbow=False)
    return replace(usual, **changed)


@given(POINTS, st.integers(0, 99), st.integers(2, 4))
def test_measures_equal_scikit_learn_on_one_row_a_customer(points, seed, k) -> None:
    summary = summary_of(np.array(points, dtype=float))
    labels = np.random.default_rng(seed).integers(0, k, len(summary.weights))
    rows, of_rows = np.repeat(summary.centers, summary.weights, axis=0), np.repeat(labels, summary.weights)
    found = calinski_harabasz(summary, labels), davies_bouldin(summary, labels)
    if 1 < len(np.unique(labels)) < len(rows):
        expected = calinski_harabasz_score(rows, of_rows), davies_bouldin_score(rows, of_rows)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    else:
        assert found == (None, None)


def test_calinski_harabasz_is_that_of_the_customers_in_the_cells() -> None:
    customers = np.random.default_rng(0).normal(0, 1, (400, 2))
    cells, members = np.unique(np.floor(customers), axis=0, return_inverse=True)
    centers = np.array([customers[members == cell].mean(axis=0) for cell in range(len(cells))])
    within = float(((customers - centers[members]) ** 2).sum())
    summary = Summary(centers, np.bincount(members), within)
    labels = (centers[:, 0] > 0).astype(int)
    assert calinski_harabasz(summary, labels) == pytest.approx(calinski_harabasz_score(customers, labels[members]))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=30))
def test_rand_index_equals_scikit_learn_on_one_row_a_customer(cells) -> None:
    first, second, weights = np.array(cells).T
    expected = adjusted_rand_score(np.repeat(first, weights), np.repeat(second, weights))
    assert adjusted_rand_index(first, second, weights) == pytest.approx(expected, abs=1e-12)


def test_rand_index_of_billions_of_pairs_does_not_overflow() -> None:
    labels, weights = np.array([0, 0, 1, 1]), np.full(4, 10**9)
    assert adjusted_rand_index(labels, 1 - labels, weights) == 1.0
    assert adjusted_rand_index(labels, np.array([0, 1, 0, 1]), weights) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("groups", [3, 5])
def test_planted_groups_are_counted(groups) -> None:
    found = search(planted(groups), range(2, 8))
    assert found.chosen == found.fit.k == groups
    chosen = next(one for one in found.candidates if one.chosen)
    assert chosen.k == groups
    assert chosen.stability > 0.95
    assert [one.k for one in found.candidates] == list(range(2, 8))
    assert found.reason.startswith(f"{groups} segments (silhouette 0.")


def test_the_elbow_of_planted_groups_can_be_the_first_candidate() -> None:
    found = search(planted(3), range(3, 8))
    assert found.elbow == 3
    assert [one.k for one in found.candidates if one.is_elbow] == [3]


def test_two_searches_are_equal() -> None:
    first, second = (search(planted(4), [3, 4, 5]) for _ in range(2))
    assert first.candidates == second.candidates
    assert first.fit.centroids.tobytes() == second.fit.centroids.tobytes()


def test_the_same_k_is_measured_alike_in_any_company() -> None:
    alone, together = search(planted(4), [4]), search(planted(4), [3, 4, 6])
    measured = [
        replace(found.candidates[at], is_elbow=False, chosen=False) for found, at in ((alone, 0), (together, 1))
    ]
    assert measured[0] == measured[1]


def test_without_groups_segments_are_unstable() -> None:
    cloud = Summary(np.random.default_rng(2).normal(0, 1, (300, 2)), np.ones(300, dtype=np.int64))
    found = search(cloud, [7], KSearchParams(bootstraps=8))
    assert found.candidates[0].stability < 0.8
    assert "no number tried has" in found.reason
    assert found.chosen == 7


def test_k_above_the_distinct_points_is_lowered() -> None:
    corners = Summary(np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0]]), np.array([50, 40, 60]))
    found = search(corners, range(2, 9))
    assert [one.k for one in found.candidates] == [2, 3]
    assert found.chosen == 3
    assert search(corners, [6, 7]).chosen == 3


@pytest.mark.parametrize("ks", [[1], [1, 2, 3], [4]])
def test_identical_customers_are_one_segment(ks) -> None:
    found = search(Summary(np.zeros((1, 3)), np.array([30])), ks)
    assert (found.chosen, found.elbow) == (1, None)
    only = found.candidates[0]
    assert (only.silhouette, only.calinski_harabasz, only.davies_bouldin) == (None, None, None)
    assert (only.stability, only.smallest_share) == (1.0, 1.0)
    assert found.reason.startswith("1 segment: ")


@pytest.mark.parametrize("ks", [[], [0, 3]])
def test_no_number_to_try_is_an_error(ks) -> None:
    with pytest.raises(SegmentationError, match="at least one number"):
        search(planted(3), ks)


def test_previous_centroids_are_a_start_of_their_own_k() -> None:
    square = Summary(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.full(4, 25))
    for previous in (np.array([[0.0, 0.5], [1.0, 0.5]]), np.array([[0.5, 0.0], [0.5, 1.0]])):
        assert search(square, [2], previous=previous).fit.centroids.tolist() == previous.tolist()


def test_the_smallest_k_within_the_tolerance_is_taken() -> None:
    found = [candidate(3, 0.30), candidate(4, 0.39), candidate(5, 0.40), candidate(6, 0.31)]
    chosen, reason = pick_k(found, KSearchParams(tolerance=0.02))
    assert chosen == 4
    assert "the fewest within 0.02 of the best, 0.400 with 5" in reason
    chosen, reason = pick_k(found, KSearchParams(tolerance=0))
    assert chosen == 5
    assert "the best silhouette" in reason


def test_segments_in_use_stay_if_they_are_as_good() -> None:
    found = [candidate(3, 0.30), candidate(4, 0.39), candidate(5, 0.40)]
    assert pick_k(found, RULE, previous_k=5) == (
        5,
        "5 segments as before (silhouette 0.400, stability 0.95): as good as any of the numbers with "
        "stable and large enough segments (3, 4, 5)",
    )
    assert pick_k(found, RULE, previous_k=3)[0] == 4
    assert pick_k(found, RULE, previous_k=9)[0] == 4


def test_numbers_before_the_elbow_do_not_count() -> None:
    found = [candidate(2, 0.60), candidate(3, 0.35), candidate(4, 0.36, is_elbow=True), candidate(5, 0.20)]
    chosen, reason = pick_k(found, RULE)
    assert chosen == 4
    assert "(4, 5)" in reason
    assert "elbow of the inertia at 4" in reason


def test_unstable_numbers_and_tiny_segments_do_not_count() -> None:
    found = [candidate(3, 0.2), candidate(4, 0.5, stability=0.5), candidate(5, 0.6, smallest_share=0.001)]
    assert pick_k(found, RULE)[0] == 3


def test_of_unstable_numbers_the_most_stable_with_large_segments_is_taken() -> None:
    found = [
        candidate(3, 0.4, stability=0.6),
        candidate(4, 0.3, stability=0.7),
        candidate(5, 0.5, smallest_share=0.001),
    ]
    chosen, reason = pick_k(found, RULE)
    assert chosen == 4
    assert reason == (
        "4 segments (stability 0.70): no number tried has segments of 2% of the customers or more and stability 0.8 "
        "from the elbow of the inertia up, so it is the fewest within 0.02 of the most stable of those with large "
        "enough segments"
    )
    tiny = [replace(one, smallest_share=0.001) for one in found]
    assert pick_k(tiny, RULE)[0] == 5


def test_a_range_that_shrinks_is_refused() -> None:
    with pytest.raises(ValueError, match="smallest_k 6 is above largest_k 5"):
        KSearchParams(smallest_k=6, largest_k=5)


def test_the_fit_of_the_search_is_the_fit_of_its_k() -> None:
    summary = planted(4)
    found = search(summary, [3, 4])
    assert found.fit.centroids.tobytes() == fit_kmeans(summary, found.chosen, seed=1, n_init=3).centroids.tobytes()
