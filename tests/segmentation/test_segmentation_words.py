import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segmentation.params import INPUTS, Levels
from segmentation.words import LevelWords, Vocabulary, level_of, level_sql, profile_words

GERMAN = LevelWords(
    far_below="ganz kürzlich", below="kürzlich", average="wie üblich", above="länger her", far_above="lange her"
)


def test_a_profile_names_every_feature_in_order() -> None:
    words = profile_words([-0.9, 0.2, 0.7], ("recency_days", "frequency", "monetary"))
    assert words == "recent, average frequency, high value"


@pytest.mark.parametrize(
    ("value", "level"), [(-1.5, 0), (-1.49, 1), (-0.5, 1), (-0.49, 2), (0, 2), (0.49, 2), (0.5, 3), (1.5, 4), (99, 4)]
)
def test_a_limit_is_already_different(value, level) -> None:
    assert level_of(value, Levels()) == level


@given(st.floats(-9, 9), st.floats(0.01, 2), st.floats(0.01, 2))
def test_sql_finds_the_same_level(value, different, more) -> None:
    levels = Levels(different=different, far=different + more)
    found = duckdb.execute(f"SELECT {level_sql('z', levels, '01234')} FROM (SELECT $z AS z)", {"z": value}).fetchone()
    assert found == (str(level_of(value, levels)),)


def test_words_are_overridden_one_feature_at_a_time() -> None:
    vocabulary = Vocabulary.model_validate({"profile": {"recency_days": GERMAN.model_dump()}})
    assert profile_words([2, 2], ("recency_days", "frequency"), vocabulary) == "lange her, very high frequency"
    assert vocabulary.reasons == Vocabulary().reasons
    assert Vocabulary.model_validate_json(vocabulary.model_dump_json()) == vocabulary


@pytest.mark.parametrize("part", ["profile", "reasons"])
def test_no_two_levels_of_any_features_read_alike(part) -> None:
    words = getattr(Vocabulary(), part)
    assert set(words) == set(INPUTS)
    assert len({text for feature in words.values() for text in feature.in_order}) == 5 * len(INPUTS)


def test_a_feature_without_words_is_called_by_its_name() -> None:
    assert profile_words([-3], ("visits",)) == "very low visits"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"profile": {"recencey": GERMAN.model_dump()}}, "unknown feature 'recencey'"),
        ({"reasons": {"frequency": {}}}, "far_below"),
    ],
)
def test_wrong_words_are_an_error(wrong, message) -> None:
    with pytest.raises(ValidationError, match=message):
        Vocabulary.model_validate(wrong)


def test_levels_have_to_ascend() -> None:
    with pytest.raises(ValidationError, match="greater than different"):
        Levels(different=2, far=1)
