import math

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.breaker import BreakerFacts, SegmentSize, hold_reasons, moved_share_limit
from segmentation.drift import (
    TrainingBins,
    bin_counts,
    bin_counts_sql,
    bin_edges,
    bin_edges_sql,
    feature_drift,
    psi,
    training_bins,
)
from segmentation.errors import SegmentationError
from segmentation.params import BreakerParams, Transform
from segmentation.transforms import FeatureScaling, Scaler

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=10).filter(any)
LIMITS = BreakerParams()


def scaler_of(*names: str, mean: float = 0.0, scale: float = 1.0) -> Scaler:
    scalings = [FeatureScaling(feature=name, transform=Transform.NONE, mean=mean, scale=scale) for name in names]
    return Scaler(features=tuple(scalings))


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def fill(connection: duckdb.DuckDBPyConnection, **columns: np.ndarray) -> None:
    connection.register("given", {name: np.asarray(values, dtype=float) for name, values in columns.items()})
    connection.execute("CREATE OR REPLACE TABLE features AS FROM given")


def counts_of(connection: duckdb.DuckDBPyConnection, scaler: Scaler, edges) -> dict[str, np.ndarray]:
    return bin_counts(connection.execute(bin_counts_sql(scaler, edges, "features")).fetchnumpy(), edges)


def edges_of(connection: duckdb.DuckDBPyConnection, scaler: Scaler) -> dict[str, tuple[float, ...]]:
    return bin_edges(connection.execute(bin_edges_sql(scaler, "features")).fetchnumpy(), scaler)


def test_an_index_computed_by_hand() -> None:
    expected = (0.75 - 0.5) * math.log(0.75 / 0.5) + (0.25 - 0.5) * math.log(0.25 / 0.5)
    assert psi([0.5, 0.5], [75, 25]) == pytest.approx(expected) == pytest.approx(0.2747, abs=1e-4)


def test_an_empty_bin_counts_as_a_ten_thousandth() -> None:
    expected = (1 - 0.9) * math.log(1 / 0.9) + (1e-4 - 0.1) * math.log(1e-4 / 0.1)
    assert psi([0.9, 0.1], [40, 0]) == pytest.approx(expected)
    assert psi([1.0, 0.0], [36, 4]) == pytest.approx(expected)
    assert psi([1.0, 0.0], [40, 0]) == 0


@given(COUNTS)
def test_no_change_is_0_and_any_change_is_not_negative(counts) -> None:
    shares = np.array(counts) / sum(counts)
    assert psi(shares, counts) == 0
    assert psi(shares, counts[::-1]) >= 0
    assert psi(shares, np.array(counts) * 7) == pytest.approx(0, abs=1e-12)


def test_nobody_and_other_bins_are_errors() -> None:
    with pytest.raises(SegmentationError, match="no customers"):
        psi([0.5, 0.5], [0, 0])
    with pytest.raises(SegmentationError, match="2 expected shares but 3"):
        psi([0.5, 0.5], [1, 2, 3])


def test_training_customers_fill_ten_bins_evenly_and_have_not_drifted(connection) -> None:
    random = np.random.default_rng(1)
    fill(connection, recency_days=random.normal(0, 1, 5_000), monetary=random.lognormal(1, 3, 5_000))
    scaler = scaler_of("recency_days", "monetary")
    edges = edges_of(connection, scaler)
    counts = counts_of(connection, scaler, edges)
    for feature in scaler.names:
        assert counts[feature].sum() == 5_000
        assert counts[feature] == pytest.approx(500, abs=1)
    bins = training_bins(edges, counts)
    assert feature_drift(bins, counts) == {"recency_days": 0, "monetary": 0}


def test_counts_agree_with_numpy(connection) -> None:
    values = np.random.default_rng(2).integers(0, 50, 700).astype(float)
    fill(connection, monetary=values)
    scaler, edges = scaler_of("monetary", mean=10.0, scale=4.0), {"monetary": (-1.5, 0.0, 0.25, 6.0)}
    expected = np.bincount(np.digitize((values - 10) / 4, edges["monetary"], right=True), minlength=5)
    assert counts_of(connection, scaler, edges)["monetary"].tolist() == expected.tolist()


def test_a_shift_of_the_customers_is_seen(connection) -> None:
    values = np.random.default_rng(3).normal(0, 1, 4_000)
    fill(connection, monetary=values)
    scaler = scaler_of("monetary")
    edges = edges_of(connection, scaler)
    bins = training_bins(edges, counts_of(connection, scaler, edges))
    drifts = []
    for shift in (0.05, 0.5, 2.0):
        fill(connection, monetary=values + shift)
        drifts.append(feature_drift(bins, counts_of(connection, scaler, edges))["monetary"])
    assert drifts[0] < LIMITS.warn_psi < drifts[1] < drifts[2]
    assert drifts[1] == pytest.approx(0.5**2, rel=0.2)  # the divergence of two normal distributions is shift squared
    assert drifts[2] > LIMITS.max_psi


def test_equal_values_share_a_bin(connection) -> None:
    fill(connection, frequency=np.repeat([1.0, 2.0, 3.0, 9.0], [60, 25, 10, 5]))
    scaler = scaler_of("frequency")
    edges = edges_of(connection, scaler)
    assert edges == {"frequency": (1.0, 2.0, 3.0)}
    assert counts_of(connection, scaler, edges)["frequency"].tolist() == [60, 25, 10, 5]


def test_nearly_everybody_at_the_greatest_value(connection) -> None:
    fill(connection, frequency=np.repeat([1.0, 2.0], [1, 999]))
    assert edges_of(connection, scaler_of("frequency")) == {"frequency": (1.5,)}


def test_a_constant_feature_that_begins_to_vary_has_drifted(connection) -> None:
    fill(connection, frequency=np.full(50, 2.0))
    scaler = scaler_of("frequency", mean=2.0)
    edges = edges_of(connection, scaler)
    counts = counts_of(connection, scaler, edges)
    assert counts["frequency"].tolist() == [0, 50, 0]
    bins = training_bins(edges, counts)
    assert feature_drift(bins, counts) == {"frequency": 0}
    fill(connection, frequency=np.array([2.0] * 30 + [3.0] * 20))
    assert feature_drift(bins, counts_of(connection, scaler, edges))["frequency"] > LIMITS.max_psi


def test_bins_come_back_from_json_exactly() -> None:
    edges = {"monetary": (-1 / 3, 0.1, 2 / 7), "frequency": ()}
    bins = training_bins(edges, {"monetary": np.array([1, 2, 3, 1]), "frequency": np.array([7])})
    again = TrainingBins.model_validate_json(bins.model_dump_json())
    assert again == bins
    assert again.edges == edges


def test_no_customers_have_no_bins() -> None:
    with pytest.raises(SegmentationError, match="no customers"):
        training_bins({"monetary": ()}, {"monetary": np.array([0])})


def facts(days: int = 1, moved: int = 0, segments=(), **psis: float) -> BreakerFacts:
    return BreakerFacts(days, 1000, moved, tuple(segments), psis)


def test_an_ordinary_night_is_published() -> None:
    sizes = [SegmentSize("Loyal", 400, 380), SegmentSize("Lost", 600, 640)]
    assert hold_reasons(facts(moved=100, segments=sizes, monetary=0.25), LIMITS) == []


def test_the_limit_of_movers_grows_with_the_days_up_to_a_cap() -> None:
    limits = BreakerParams(max_moved_share=0.1, max_moved_share_overall=0.5)
    assert [moved_share_limit(days, limits) for days in (0, 1, 2, 30)] == pytest.approx([0.1, 0.1, 0.19, 0.5])
    assert hold_reasons(facts(moved=150), limits) == [
        "150 of 1,000 customers (15.0%) changed segment in 1 day; the limit for that time is 10.0%."
    ]
    assert hold_reasons(facts(moved=150, days=2), limits) == []
    assert len(hold_reasons(facts(moved=501, days=30), limits)) == 1


def test_a_segment_that_more_than_halves_holds() -> None:
    sizes = [SegmentSize("Loyal", 200, 99), SegmentSize("Promising", 200, 100), SegmentSize("Lost", 600, 801)]
    assert hold_reasons(facts(segments=sizes), LIMITS) == [
        "Segment Loyal fell from 20.0% to 9.9% of the customers (200 to 99); it may lose at most 50% of its share."
    ]


def test_a_segment_that_is_gone_holds_and_a_tiny_or_a_new_one_does_not() -> None:
    sizes = [SegmentSize("Loyal", 100, 0), SegmentSize("Whales", 29, 0), SegmentSize("New", 0, 129)]
    assert [reason.split(" fell")[0] for reason in hold_reasons(facts(segments=sizes), LIMITS)] == ["Segment Loyal"]


def test_segments_are_compared_by_share() -> None:
    twice_as_many = [SegmentSize("Loyal", 100, 110), SegmentSize("Lost", 100, 320)]
    assert hold_reasons(facts(segments=twice_as_many), LIMITS) == []
    assert len(hold_reasons(facts(segments=[*twice_as_many, SegmentSize("New", 0, 500)]), LIMITS)) == 1


def test_drift_holds_and_every_reason_is_told() -> None:
    reasons = hold_reasons(facts(moved=900, frequency=0.3, monetary=0.2), LIMITS)
    assert len(reasons) == 2
    assert reasons[1] == (
        "The customers differ too much from those of the published version: population stability index of frequency is "
        "0.30; the limit is 0.25."
    )


def test_recency_that_ages_holds_nothing() -> None:
    assert hold_reasons(facts(recency_days=2.0), LIMITS) == []


def test_nothing_to_compare_with_holds_nothing() -> None:
    assert hold_reasons(BreakerFacts(days=1, compared=0, moved=0), LIMITS) == []
    everybody_left = BreakerFacts(1, 0, 0, (SegmentSize("Loyal", 500, 0),))
    assert len(hold_reasons(everybody_left, LIMITS)) == 1


def test_a_handful_of_customers_holds_nothing() -> None:
    few = BreakerFacts(days=1, compared=40, moved=15, segments=(SegmentSize("Loyal", 35, 2),), psi={"frequency": 0.6})
    assert hold_reasons(few, LIMITS) == []
    assert len(hold_reasons(few, LIMITS.model_copy(update={"min_customers": 40}))) == 2
