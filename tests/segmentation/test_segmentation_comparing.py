from decimal import Decimal

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.comparing import (
    Grouping,
    Later,
    bootstrap_stability,
    follow,
    measure,
    principal_components,
    sample_places,
)
from segmentation.grouping import IN_USE, NOISE, RECIPES, fit_groups, number_of_groups
from segmentation.measures import adjusted_rand_index
from segmentation.params import ModelParams
from segmentation.quality import group_sums, group_sums_sql

MODEL = ModelParams(k=3)
CORNERS = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])


def blobs(customers: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Three round groups far apart, and which is which."""
    planted = np.repeat(np.arange(3), customers)
    return CORNERS[planted] + np.random.default_rng(7).normal(0, 0.4, (3 * customers, 2)), planted


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    return adjusted_rand_index(one, other, np.ones(len(one), dtype=np.int64))


def figures(groupings: dict[str, Grouping], points: np.ndarray, later: Later | None = None):
    return measure(points, groupings, later, silhouette_sample=1_000, seed=1)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_finds_planted_groups_and_again_the_same(recipe: str) -> None:
    points, planted = blobs()
    found = fit_groups(recipe, points, 3, MODEL)
    inside = found != NOISE
    assert inside.mean() > 0.9
    assert agreement(found[inside], planted[inside]) == 1
    assert (fit_groups(recipe, points, 3, MODEL) == found).all()
    assert bootstrap_stability(recipe, points, found, 3, MODEL) > 0.8


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("points", [CORNERS[:1], CORNERS[:2], np.zeros((7, 2)), CORNERS], ids=["1", "2", "equal", "3"])
def test_fewer_customers_than_groups(recipe: str, points: np.ndarray) -> None:
    found = fit_groups(recipe, points, 5, MODEL)
    assert len(found) == len(points)
    assert len(np.unique(found)) <= len(np.unique(points, axis=0))
    assert 0 <= bootstrap_stability(recipe, points, found, 5, MODEL) <= 1
    (row,) = figures({recipe: Grouping(found, 0.0)}, points, Later(np.ones(len(points)), np.ones(len(points), bool)))
    assert row.spend_explained is None
    assert row.groups == len(np.unique(found[found != NOISE]))


def test_noise_is_named_and_a_group_of_its_own_but_not_counted() -> None:
    points = np.vstack([blobs()[0], [[30.0, 30.0], [-30.0, 15.0], [25.0, -30.0]]])
    labels = fit_groups("HDBSCAN", points, 3, MODEL)
    assert set(labels[-3:]) == {NOISE}
    spend = np.where(labels == NOISE, 500.0, 0.0)
    (row,) = figures({"HDBSCAN": Grouping(labels, 0.0)}, points, Later(spend, spend > 0))
    noise = (labels == NOISE).mean()
    assert (row.groups, row.noise_share) == (3, noise)
    assert row.smallest_share is not None
    assert row.smallest_share > noise
    assert (row.top_group, row.top_customer_share, row.top_spend_share) == ("noise", noise, 1.0)
    assert (row.spend_explained, row.active_explained) == (1.0, 1.0)


def test_nothing_but_noise_has_no_groups() -> None:
    (row,) = figures({"HDBSCAN": Grouping(np.full(3, NOISE), 0.0)}, CORNERS)
    assert (row.groups, row.noise_share, row.smallest_share, row.silhouette) == (0, 1.0, None, None)
    assert row.spend_explained is None


def test_groups_are_numbered_as_those_they_share_most_customers_with() -> None:
    reference = np.array([0, 0, 0, 1, 1, 2])
    assert follow(np.array([5, 5, 5, 3, 3, 4]), reference).tolist() == reference.tolist()
    assert follow(np.array([1, 1, NOISE, 0, 2, 2]), reference).tolist() == [0, 0, NOISE, 1, 2, 2]
    assert follow(np.arange(6), reference).tolist().count(3) == 1
    assert follow(np.full(6, NOISE), reference).tolist() == [NOISE] * 6


@given(labels=st.lists(st.integers(-1, 5), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_following_keeps_the_groups(labels: list[int], seed: int) -> None:
    groups = np.array(labels)
    followed = follow(groups, np.random.default_rng(seed).integers(0, 3, len(labels)))
    assert agreement(groups, followed) == 1
    assert len(np.unique(followed)) == len(np.unique(groups))
    assert ((followed == NOISE) == (groups == NOISE)).all()


def test_a_sample_is_seeded_in_order_and_without_repeats() -> None:
    places = sample_places(1_000, 50, 3)
    assert len(np.unique(places)) == 50
    assert (np.diff(places) > 0).all()
    assert (places == sample_places(1_000, 50, 3)).all()
    assert (places != sample_places(1_000, 50, 4)).any()
    assert sample_places(4, 50, 3).tolist() == [0, 1, 2, 3]


def test_number_of_groups_is_configured_or_chosen_and_never_above_the_different_customers() -> None:
    points, _ = blobs()
    assert number_of_groups(points, MODEL) == 3
    assert number_of_groups(points, ModelParams()) == 3
    assert number_of_groups(CORNERS[:2], MODEL) == 2


def test_names_of_groups_stay_and_figures_say_whose_they_are() -> None:
    points, planted = blobs()
    groupings = {
        IN_USE: Grouping(planted, 0.5, stability=0.9),
        "scored RFM": Grouping(planted, 0.0, {0: "a", 1: "b", 2: "c"}),
    }
    spend = np.where(planted == 2, 10.0, 1.0)
    own, named = figures(groupings, points, Later(spend, spend > 0))
    assert (own.recipe, own.top_group, own.seconds, own.stability) == (IN_USE, "3", 0.5, 0.9)
    assert (named.recipe, named.top_group, named.stability) == ("scored RFM", "c", None)
    assert own.silhouette == named.silhouette
    assert own.silhouette_sample == 180
    assert own.top_spend_share == pytest.approx(600 / 720)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.decimals(-50, 10_000, places=4, allow_nan=False), st.booleans()),
        min_size=1,
    )
)
def test_sums_of_groups_are_those_of_the_query(rows: list[tuple[str, Decimal, bool]]) -> None:
    names, spend, active = (np.array(column) for column in zip(*rows, strict=True))
    sums = group_sums(names, spend.astype(float), active)
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE later ("grouping" VARCHAR, later_spend DOUBLE, later_active BOOLEAN)')
        connection.executemany("INSERT INTO later VALUES (?, ?, ?)", [(a, float(b), c) for a, b, c in rows])
        expected = connection.execute(group_sums_sql("later")).fetchnumpy()
    assert {key: column.tolist() for key, column in sums.items()} == {
        key: np.asarray(column).tolist() for key, column in expected.items()
    }


def test_principal_components_keep_distances_in_the_plane() -> None:
    points, _ = blobs(10)
    plane, share = principal_components(points)
    assert share == pytest.approx(1)
    assert np.linalg.norm(plane[0] - plane[25]) == pytest.approx(np.linalg.norm(points[0] - points[25]))
    one, _ = principal_components(points[:, :1])
    assert (one[:, 1] == 0).all()
    assert principal_components(np.zeros((1, 3)))[1] == 1.0
