import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.errors import SegmentationError
from segmentation.identity import align_segments


@given(st.permutations(range(6)), st.lists(st.integers(1, 500), min_size=6, max_size=6))
def test_permuted_labels_are_recovered(order, sizes) -> None:
    overlap = np.zeros((6, 6), dtype=np.int64)
    overlap[np.arange(6), list(order)] = sizes
    found = align_segments(overlap)
    assert [(match.old, match.new, match.jaccard) for match in found.matches] == [
        (old, new, 1.0) for old, new in enumerate(order)
    ]
    assert found.deaths == found.births == found.splits == found.merges == ()


def test_of_a_split_the_larger_half_lives_on() -> None:
    found = align_segments(np.array([[60, 0, 40], [0, 100, 0]]))
    assert [(match.old, match.new) for match in found.matches] == [(0, 0), (1, 1)]
    assert found.births == (2,)
    assert found.deaths == ()
    assert [(split.old, split.new, split.jaccard) for split in found.splits] == [(0, 2, 0.4)]


def test_a_merge_is_a_death() -> None:
    found = align_segments(np.array([[60, 0], [40, 0], [0, 100]]))
    assert [(match.old, match.new) for match in found.matches] == [(0, 0), (2, 1)]
    assert found.deaths == (1,)
    assert [(merge.old, merge.new) for merge in found.merges] == [(1, 0)]


def test_below_the_minimum_a_pair_is_a_death_and_a_birth() -> None:
    overlap = np.array([[100, 0, 0], [0, 25, 75], [0, 75, 25]])
    assert len(align_segments(overlap).matches) == 3
    strict = align_segments(overlap, minimum_jaccard=0.7)
    assert [(match.old, match.new) for match in strict.matches] == [(0, 0)]
    assert strict.deaths == strict.births == (1, 2)


def test_poor_pairs_do_not_displace_a_good_one() -> None:
    # Pairs (0, 1) and (1, 2) have the larger sum of Jaccard indices (0.28 + 0.29), but neither reaches 0.3.
    found = align_segments(np.array([[40, 80, 95], [10, 50, 70], [20, 20, 20]]))
    assert [(match.old, match.new) for match in found.matches] == [(0, 2)]
    assert found.deaths == (1, 2)
    assert found.births == (0, 1)


def test_centroids_break_ties_only() -> None:
    even = np.array([[50, 50], [50, 50]])
    crossed = np.array([[9.0, 0.1], [0.1, 9.0]])
    assert [(match.old, match.new) for match in align_segments(even, crossed).matches] == [(0, 1), (1, 0)]
    uneven = np.array([[51, 49], [49, 51]])
    assert [(match.old, match.new) for match in align_segments(uneven, crossed).matches] == [(0, 0), (1, 1)]


def test_empty_clusters_die() -> None:
    found = align_segments(np.array([[0, 0], [0, 10]]), minimum_jaccard=0.0)
    assert found.deaths == (0,)
    assert found.births == (0,)


def test_distances_of_another_shape_are_an_error() -> None:
    with pytest.raises(SegmentationError, match="shape"):
        align_segments(np.eye(3, dtype=np.int64), np.zeros((2, 3)))
