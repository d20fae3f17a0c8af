"""How far a value lies from the average customer, and the words for it.

Levels are of standardised, transformed features: the very numbers the model sees, so that words and segments agree.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from segmentation.params import INPUTS, Levels
from segmentation.transforms import literal_sql

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class LevelWords(BaseModel):
    """Words for each level of a feature, from far below the average customer to far above."""

    model_config = _STRICT

    far_below: Text
    below: Text
    average: Text
    above: Text
    far_above: Text

    @property
    def in_order(self) -> tuple[str, str, str, str, str]:
        """The words by level, 0 (far below) to 4 (far above)."""
        return self.far_below, self.below, self.average, self.above, self.far_above


def _words(*texts: str) -> LevelWords:
    return LevelWords.model_validate(dict(zip(LevelWords.model_fields, texts, strict=True)))


def _default_profile() -> dict[str, LevelWords]:
    return {
        "recency_days": _words("very recent", "recent", "average recency", "long away", "very long away"),
        "frequency": _words(*_degrees("frequency")),
        "monetary": _words(*_degrees("value")),
        "average": _words(
            "very small orders", "small orders", "average order value", "large orders", "very large orders"
        ),
        "tenure_days": _words(
            "very new customer", "new customer", "average tenure", "old customer", "very old customer"
        ),
        "days_between_orders": _words(
            "very short breaks", "short breaks", "average breaks", "long breaks", "very long breaks"
        ),
        "return_rate": _words(*_degrees("return rate")),
        "distinct_products": _words(*_degrees("variety")),
        "items_per_order": _words("very few items", "few items", "average items", "many items", "very many items"),
        "active_months": _words(*_degrees("number of active months")),
    }


def _default_reasons() -> dict[str, LevelWords]:
    return {
        "recency_days": _words(
            "bought far more recently than most",
            "bought more recently than most",
            "bought about as recently as most",
            "last bought longer ago than most",
            "last bought far longer ago than most",
        ),
        "frequency": _words(*_comparisons("orders", "less often than most", "often")),
        "monetary": _words(*_comparisons("spends", "less than average", "much")),
        "average": _words(
            "places far smaller orders than average",
            "places smaller orders than average",
            "places orders of average size",
            "places larger orders than average",
            "places far larger orders than average",
        ),
        "tenure_days": _words(
            "is a far newer customer than most",
            "is a newer customer than most",
            "has been a customer for about as long as most",
            "is an older customer than most",
            "is a far older customer than most",
        ),
        "days_between_orders": _words(*_comparisons("takes", "shorter breaks between orders than most", "long breaks")),
        "return_rate": _words(*_comparisons("returns", "less than most", "much")),
        "distinct_products": _words(*_comparisons("buys", "fewer different products than most", "many different ones")),
        "items_per_order": _words(*_comparisons("puts", "fewer items in an order than most", "many in an order")),
        "active_months": _words(*_comparisons("bought", "in fewer months than most", "many months")),
    }


def _degrees(noun: str) -> list[str]:
    return [f"{degree} {noun}" for degree in ("very low", "low", "average", "high", "very high")]


def _comparisons(verb: str, less: str, measure: str) -> list[str]:
    more = less.replace("less", "more").replace("fewer", "more").replace("shorter", "longer")
    return [f"{verb} far {less}", f"{verb} {less}", f"{verb} about as {measure} as most", f"{verb} {more}",
            f"{verb} far {more}"]  # fmt: skip


class Vocabulary(BaseModel):
    """Words in the language of the playbook: of a segment's profile, and of the reasons why a customer is in it.

    Features that are left out keep the words they have here.
    """

    model_config = _STRICT

    profile: dict[str, LevelWords] = Field(default_factory=dict, validate_default=True)
    reasons: dict[str, LevelWords] = Field(default_factory=dict, validate_default=True)

    @field_validator("profile", "reasons")
    @classmethod
    def _complete(cls, given: dict[str, LevelWords], info: ValidationInfo) -> dict[str, LevelWords]:
        unknown = [name for name in given if name not in INPUTS]
        if unknown:
            raise ValueError(f"unknown feature {unknown[0]!r}; known are {', '.join(INPUTS)}")
        return (_default_profile() if info.field_name == "profile" else _default_reasons()) | given

    def profile_of(self, feature: str) -> LevelWords:
        """Words of one feature in a profile; plain degrees of its name for one that has none."""
        return self.profile.get(feature) or _words(*_degrees(feature))

    def reasons_of(self, feature: str) -> LevelWords:
        """Words of one feature in a reason; plain degrees of its name for one that has none."""
        return self.reasons.get(feature) or _words(*_degrees(feature))


def level_of(value: float, levels: Levels) -> int:
    """Level 0 (far below) to 4 (far above) of a value in standard deviations; a limit itself is already different."""
    return (
        2 + (value >= levels.different) + (value >= levels.far) - (value <= -levels.different) - (value <= -levels.far)
    )


def level_sql(value: str, levels: Levels, texts: Sequence[str]) -> str:
    """SQL expression of the text for the level of the standardised column `value`, as `level_of`; `texts` are five."""
    far_below, below, average, above, far_above = (text_sql(text) for text in texts)
    different, far = literal_sql(levels.different), literal_sql(levels.far)
    return (
        f"CASE WHEN {value} >= {far} THEN {far_above} WHEN {value} >= {different} THEN {above} "
        f"WHEN {value} <= -{far} THEN {far_below} WHEN {value} <= -{different} THEN {below} ELSE {average} END"
    )


def text_sql(text: str) -> str:
    """VARCHAR literal of `text`."""
    return "'" + text.replace("'", "''") + "'"


def profile_words(
    centroid: Sequence[float], features: Sequence[str], words: Vocabulary | None = None, levels: Levels | None = None
) -> str:
    """One line for a centroid (d,) in standard deviations, such as "recent, average frequency, high value"."""
    vocabulary, limits = words or Vocabulary(), levels or Levels()
    return ", ".join(
        vocabulary.profile_of(feature).in_order[level_of(value, limits)]
        for feature, value in zip(features, centroid, strict=True)
    )
