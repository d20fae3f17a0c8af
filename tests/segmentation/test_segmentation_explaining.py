import duckdb
import numpy as np
import pytest

from segmentation.assign import assign_sql
from segmentation.errors import SegmentationError
from segmentation.explaining import explain_sql, reason_words_sql
from segmentation.kmeans import squared_distances
from segmentation.params import ExplainingParams, Levels, Transform
from segmentation.transforms import FeatureScaling, Scaler, standardised_sql
from segmentation.words import LevelWords, Vocabulary

FEATURES = ("recency_days", "frequency", "monetary")
LETTERS = "RFM"


def scaler_of(*features: str, transform: Transform = Transform.NONE, mean: float = 0, scale: float = 1) -> Scaler:
    scalings = (FeatureScaling(feature=name, transform=transform, mean=mean, scale=scale) for name in features)
    return Scaler(features=tuple(scalings))


PLAIN = scaler_of(*FEATURES)


def connected(values: np.ndarray) -> duckdb.DuckDBPyConnection:
    """Table `features` of recency_days, frequency, monetary (n, 3); customers are numbered from 0."""
    connection = duckdb.connect()
    columns = {"customer_id": np.arange(len(values))} | {
        name: np.array(values, dtype=float)[:, place].copy() for place, name in enumerate(FEATURES)
    }
    connection.register("given", columns)
    connection.execute("CREATE TABLE features AS FROM given")
    return connection


def explained(values, centroids, scaler=PLAIN, params=None) -> list[dict]:
    sql = explain_sql(scaler, np.array(centroids, dtype=float), "features", params)
    result = connected(np.array(values)).execute(f"{sql} ORDER BY customer_id")
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.fixture(scope="module")
def customers() -> np.ndarray:
    """recency_days, frequency and monetary of 500 customers (500, 3)."""
    random = np.random.default_rng(7)
    frequency = random.geometric(0.3, 500)
    return np.column_stack([random.integers(1, 365, 500), frequency, frequency * random.lognormal(3, 1, 500)])


LOGS = scaler_of(*FEATURES, transform=Transform.LOG1P, mean=3, scale=1.3)


@pytest.mark.parametrize("k", [1, 2, 3, 8])
@pytest.mark.parametrize("scaler", [PLAIN, LOGS])
def test_it_agrees_with_the_assignment_bit_for_bit(customers, k, scaler) -> None:
    centroids = np.random.default_rng(k).normal(0, 1, (k, 3))
    assigned = (
        connected(customers).execute(assign_sql(scaler, centroids, "features") + " ORDER BY customer_id").fetchall()
    )
    assert [tuple(row.values())[:5] for row in explained(customers, centroids, scaler)] == assigned


def test_reasons_are_the_features_that_pull_most(customers) -> None:
    centroids = np.random.default_rng(3).normal(0, 1, (5, 3))
    z = np.column_stack(list(connected(customers).execute(standardised_sql(LOGS, "features")).fetchnumpy().values()))
    order = np.argsort(squared_distances(z, centroids), axis=1)
    pulls = (z - centroids[order[:, 1]]) ** 2 - (z - centroids[order[:, 0]]) ** 2
    for row, pull, place in zip(explained(customers, centroids, LOGS), pulls, z, strict=True):
        strongest = [feature for feature in np.argsort(-pull) if pull[feature] > 0][:2]
        signs = [
            "=" if abs(place[f]) < 0.5 else ("-" if place[f] < 0 else "+") * (1 + (abs(place[f]) >= 1.5))
            for f in strongest
        ]
        assert row["reasons"] == " ".join(LETTERS[f] + sign for f, sign in zip(strongest, signs, strict=True))


def test_the_margin_is_0_on_the_border_and_1_at_the_centroid() -> None:
    rows = explained([[0, 0, 0], [1, 0, 0], [2, 0, 0], [4, 0, 0]], [[0, 0, 0], [4, 0, 0]])
    assert [row["margin"] for row in rows] == pytest.approx([1, 2 / 3, 0, 1])
    assert [row["cluster"] for row in rows] == [0, 0, 0, 1]


def test_customers_below_the_margin_are_borderline() -> None:
    values, centroids = [[0, 0, 0], [1, 0, 0], [1.9, 0, 0], [2, 0, 0]], [[0, 0, 0], [4, 0, 0]]
    assert [row["borderline"] for row in explained(values, centroids)] == [False, False, True, True]
    wide = explained(values, centroids, params=ExplainingParams(borderline_margin=0.7))
    assert [row["borderline"] for row in wide] == [False, True, True, True]


def test_reasons_compare_with_everybody_at_the_levels_asked_for() -> None:
    (row,) = explained([[-0.6, 0, 2]], [[-1, 0, 2], [1, 0, -2]])
    assert row["reasons"] == "M++ R-"
    (row,) = explained(
        [[-0.6, 0, 2]], [[-1, 0, 2], [1, 0, -2]], params=ExplainingParams(levels=Levels(different=1, far=3))
    )
    assert row["reasons"] == "M+ R="


def test_a_feature_that_pulls_the_other_way_is_no_reason() -> None:
    (row,) = explained([[0, 0.6, 1]], [[0, 1, 1], [0, 0.5, -1]])
    assert row["reasons"] == "M+"


def test_one_cluster_has_no_reasons() -> None:
    (row,) = explained([[1, 2, 3]], [[0, 0, 0]])
    assert (row["margin"], row["borderline"], row["reasons"]) == (None, False, None)


def test_centroids_in_one_place_are_told_apart_by_nothing() -> None:
    rows = explained([[0, 0, 0], [1, 2, 3]], [[0, 0, 0], [0, 0, 0]])
    assert [(row["margin"], row["borderline"], row["reasons"]) for row in rows] == [(0, True, None)] * 2


def test_one_feature_is_one_reason() -> None:
    (row,) = explained([[3, 0, 0]], [[2], [0]], scaler_of("recency_days"))
    assert row["reasons"] == "R++"


def test_centroids_of_other_features_are_an_error() -> None:
    with pytest.raises(SegmentationError, match="2 columns"):
        explain_sql(PLAIN, np.zeros((3, 2)), "features")


def in_words(reasons, words=None) -> str | None:
    sql = f"SELECT {reason_words_sql(FEATURES, words)} FROM (SELECT CAST($reasons AS VARCHAR) AS reasons)"
    (text,) = duckdb.execute(sql, {"reasons": reasons}).fetchone()
    return text


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ("R- M++", "bought more recently than most; spends far more than average"),
        ("F=", "orders about as often as most"),
        (None, None),
    ],
)
def test_codes_turn_into_words(reasons, words) -> None:
    assert in_words(reasons) == words


def test_every_code_has_its_own_words() -> None:
    codes = [letter + sign for letter in LETTERS for sign in ("--", "-", "=", "+", "++")]
    assert len({in_words(code) for code in codes} - {""}) == len(codes)


def test_words_come_from_the_vocabulary() -> None:
    own = LevelWords(
        far_below="très récent", below="récent", average="moyen", above="ancien", far_above="il y a l'éternité"
    )
    assert in_words("R++", Vocabulary(reasons={"recency_days": own})) == "il y a l'éternité"
