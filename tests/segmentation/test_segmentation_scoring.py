import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segmentation
from segmentation.errors import SegmentationError
from segmentation.params import ScoringParams
from segmentation.scoring import (
    CODES,
    SCORES,
    RfmMap,
    Thresholds,
    name_sql,
    parse_rfm_map,
    scored_sql,
    thresholds_from_row,
    thresholds_sql,
)

TEXT = (Path(segmentation.__file__).parent / "rfm_map.json").read_text(encoding="utf-8")
MAP = parse_rfm_map(TEXT)
AMOUNTS = st.integers(1, 12).map(float)
CUSTOMERS = st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), min_size=1, max_size=40)


def connected(customers) -> duckdb.DuckDBPyConnection:
    """Table `features` of (recency_days, frequency, monetary); customers are numbered from 0."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE given (customer_id INT, recency_days DOUBLE, frequency DOUBLE, monetary DOUBLE)")
    if customers:
        connection.executemany("INSERT INTO given VALUES (?, ?, ?, ?)", [(i, *one) for i, one in enumerate(customers)])
    connection.execute("CREATE TABLE features AS SELECT *, monetary / frequency AS average FROM given")
    return connection


def cut(connection) -> Thresholds:
    result = connection.execute(thresholds_sql("features"))
    return thresholds_from_row(dict(zip([column[0] for column in result.description], result.fetchone(), strict=True)))


def scored(connection, thresholds=None, params=None, rfm_map=MAP) -> dict[str, list]:
    sql = scored_sql(thresholds or cut(connection), rfm_map, "features", params) + " ORDER BY customer_id"
    return {name: values.tolist() for name, values in connection.execute(sql).fetchnumpy().items()}


@settings(max_examples=40)
@given(CUSTOMERS)
def test_equal_values_have_equal_scores_and_higher_values_no_lower_ones(customers) -> None:
    found = scored(connected(customers))
    for place, name in enumerate(("r_score", "f_score", "m_score")):
        pairs = sorted(set(zip((one[place] for one in customers), found[name], strict=True)))
        assert len(pairs) == len({value for value, _ in pairs})
        scores = [score for _, score in pairs]
        assert scores == sorted(scores, reverse=name == "r_score")
        assert set(scores) <= {1, 2, 3, 4, 5}


@settings(max_examples=40)
@given(CUSTOMERS)
def test_a_score_says_how_many_customers_do_worse(customers) -> None:
    found = scored(connected(customers))
    recency, frequency, _ = np.array(customers).T
    for days, orders, r, f in zip(recency, frequency, found["r_score"], found["f_score"], strict=True):
        assert 5 * (frequency < orders).sum() >= (f - 1) * len(customers)
        assert 5 * (recency < days).sum() < (6 - r) * len(customers)


def test_distinct_values_fall_into_even_fifths() -> None:
    found = scored(connected([(float(i), float(i), float(i)) for i in range(1, 101)]))
    assert found["f_score"] == found["m_score"] == np.repeat([1, 2, 3, 4, 5], 20).tolist()
    assert found["r_score"] == found["f_score"][::-1]
    assert found["rfm_score"][0] == "511"
    assert found["rfm_score"][-1] == "155"
    assert found["rfm_name"][-1] == "Cannot Lose Them"


@pytest.mark.parametrize("customers", [1, 7])
def test_equal_customers_are_all_511(customers) -> None:
    found = scored(connected([(30.0, 2.0, 0.0)] * customers))
    assert set(found["rfm_score"]) == {"511"}
    assert set(found["rfm_name"]) == {"New Customers"}


def test_two_values_leave_scores_empty() -> None:
    found = scored(connected([(1.0, 1.0, 5.0)] * 7 + [(1.0, 2.0, 5.0)] * 3))
    assert found["f_score"] == [1] * 7 + [4] * 3


def test_identical_customers_with_one_order_are_not_torn_apart() -> None:
    found = scored(connected([(5.0, 1.0, 9.0)] * 70 + [(5.0, float(n), 9.0) for n in range(2, 32)]))
    assert set(found["f_score"][:70]) == {1}


def test_no_customers_is_an_error() -> None:
    with pytest.raises(SegmentationError, match="no customers"):
        cut(connected([]))


def test_a_feature_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(SegmentationError, match="finite"):
        cut(connected([(1.0, 1.0, float("inf"))]))


def test_thresholds_come_back_from_json_and_can_be_kept() -> None:
    old = cut(connected([(float(i), float(i), i / 7) for i in range(1, 101)]))
    kept = Thresholds.model_validate_json(old.model_dump_json())
    assert kept == old
    assert scored(connected([(1000.0, 1000.0, 0.001)]), kept)["rfm_score"] == ["151"]


def test_rfa_scores_the_average_order() -> None:
    connection = connected([(1.0, 1.0, 10.0), (1.0, 100.0, 100.0)])
    assert scored(connection)["rfm_score"] == ["511", "533"]
    found = scored(connection, params=ScoringParams(money="average"))
    assert found["rfm_score"] == ["513", "531"]
    assert found["a_score"] == [3, 1]
    assert found["rfm_name"] == [MAP.name_of["513"], MAP.name_of["531"]]


def test_scores_are_small_integers() -> None:
    sql = scored_sql(cut(connected([(1.0, 1.0, 1.0)])), MAP, "features")
    types = connected([(1.0, 1.0, 1.0)]).execute(sql).description
    assert [str(column[1]) for column in types[1:]] == ["TINYINT"] * 4 + ["VARCHAR"] * 2


def test_every_code_has_the_name_of_the_map() -> None:
    digits = ", ".join(
        f"CAST(code[{i}] AS TINYINT) AS {name}" for i, name in enumerate(("r_score", "f_score", "m_score"), 1)
    )
    codes = f"(SELECT code, {digits} FROM (SELECT unnest($codes) AS code))"
    named = duckdb.execute(f"SELECT code, {name_sql(MAP)} FROM {codes}", {"codes": list(CODES)}).fetchall()
    assert dict(named) == MAP.name_of


def test_the_map_has_eleven_names() -> None:
    assert len(MAP.names) == 11
    assert sum(len(codes) for codes in MAP.names.values()) == 125


def test_an_own_map_may_have_other_names() -> None:
    halves = {"it's good": [code for code in CODES if code > "3"], "less good": [code for code in CODES if code < "3"]}
    own = parse_rfm_map(json.dumps(halves))
    assert set(scored(connected([(1.0, 1.0, 1.0)]), rfm_map=own)["rfm_name"]) == {"it's good"}


def test_a_map_that_is_no_partition_names_the_codes() -> None:
    given = json.loads(TEXT)
    given["Lost"].remove("111")
    given["Loyal"].append("555")
    given["Hibernating"] += ["666", "12"]
    with pytest.raises(SegmentationError) as raised:
        parse_rfm_map(json.dumps(given))
    assert "unknown: 12, 666; missing: 111; given more than once: 555" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "needs mending"),
        ('{"Lost": 5}', "needs mending"),
        ('{"A": [], "A": []}', "'A' twice"),
    ],
)
def test_a_broken_map_is_an_error(text, message) -> None:
    with pytest.raises(SegmentationError, match=message):
        parse_rfm_map(text)


def test_a_map_comes_back_from_json() -> None:
    assert RfmMap.model_validate_json(MAP.model_dump_json()) == MAP
    assert set(SCORES.values()) == {"r_score", "f_score", "m_score", "a_score"}
