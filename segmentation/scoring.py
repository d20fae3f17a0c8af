"""Scored RFM: quintiles 1 to 5 of recency, frequency and money, and a name for each of the 125 scores.

Quintiles are cut by value: equal values get equal scores, so they need not hold equal numbers of customers (NTILE would
give four different scores to identical customers with one order). A value that equals a cut lies below it, as in the
qcut of pandas. So at least (s - 1) fifths of the customers have less frequency or money than those with the score s,
and fewer than (6 - s) fifths bought more recently. Where there are fewer than five distinct values some scores stay
empty; where all customers are equal, and for a single one, the score is 5 in recency and 1 in the others: '511'.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from segmentation.errors import SegmentationError
from segmentation.params import ScoringParams
from segmentation.transforms import literal_sql
from segmentation.words import Text, text_sql

_STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_FIFTHS = (0.2, 0.4, 0.6, 0.8)
#: Score column of each feature.
SCORES = {"recency_days": "r_score", "frequency": "f_score", "monetary": "m_score", "average": "a_score"}
#: All scores in the order of `name_sql`'s list.
CODES = tuple(f"{r}{f}{m}" for r in range(1, 6) for f in range(1, 6) for m in range(1, 6))
Cuts = tuple[float, float, float, float]


class Thresholds(BaseModel):
    """Four cuts per feature, lowest first, in the feature's own unit; their JSON brings back the very same floats."""

    model_config = _STRICT

    recency_days: Cuts
    frequency: Cuts
    monetary: Cuts
    average: Cuts

    @model_validator(mode="after")
    def _ordered(self) -> "Thresholds":
        for feature in SCORES:
            cuts = getattr(self, feature)
            if list(cuts) != sorted(cuts):
                raise ValueError(f"the cuts of {feature} do not ascend: {cuts}")
        return self


def thresholds_sql(relation: str) -> str:
    """Query of one row with `<feature>_1` to `<feature>_4`: cuts that are values of the data (quantile_disc)."""
    quantiles = ", ".join(f"quantile_disc({feature}, {list(_FIFTHS)}) AS {feature}" for feature in SCORES)
    columns = ", ".join(f"{feature}[{cut}] AS {feature}_{cut}" for feature in SCORES for cut in range(1, 5))
    return f"SELECT {columns} FROM (SELECT {quantiles} FROM {relation})"


def thresholds_from_row(row: Mapping[str, Any]) -> Thresholds:
    """Thresholds of the row of `thresholds_sql` by column name. Raises SegmentationError if there are no customers."""
    cuts = {feature: tuple(row[f"{feature}_{cut}"] for cut in range(1, 5)) for feature in SCORES}
    if None in cuts["recency_days"]:
        raise SegmentationError("there are no customers to cut quintiles of; load transactions or widen window_days")
    try:
        return Thresholds.model_validate(cuts)
    except ValidationError as error:
        raise SegmentationError(
            f"a feature is not a finite number for every customer; check its query: {error}"
        ) from error


def score_sql(thresholds: Thresholds) -> dict[str, str]:
    """SQL expressions of r_score, f_score, m_score and a_score (TINYINT 1 to 5)."""
    return {SCORES[feature]: _score_sql(feature, getattr(thresholds, feature)) for feature in SCORES}


def _score_sql(feature: str, cuts: Cuts) -> str:
    above = " + ".join(f"CAST({feature} > {literal_sql(cut)} AS INTEGER)" for cut in cuts)
    score = f"5 - ({above})" if feature == "recency_days" else f"1 + {above}"
    return f"CAST({score} AS TINYINT)"


class RfmMap(BaseModel):
    """Names of the scores: each of the 125 codes belongs to exactly one name."""

    model_config = _STRICT

    names: dict[Text, tuple[str, ...]]

    @model_validator(mode="after")
    def _exact_partition(self) -> "RfmMap":
        given = [code for codes in self.names.values() for code in codes]
        problems = {
            "unknown": sorted(set(given) - set(CODES)),
            "missing": [code for code in CODES if code not in given],
            "given more than once": sorted({code for code in given if given.count(code) > 1}),
        }
        found = "; ".join(f"{problem}: {', '.join(codes)}" for problem, codes in problems.items() if codes)
        if found:
            raise ValueError(f"each of the codes 111 to 555 has to stand under exactly one name; {found}")
        return self

    @property
    def name_of(self) -> dict[str, str]:
        """Code -> name."""
        return {code: name for name, codes in self.names.items() for code in codes}


def parse_rfm_map(text: str) -> RfmMap:
    """Map from the text of a JSON file of name -> list of codes. Raises SegmentationError naming what is wrong."""
    try:
        return RfmMap.model_validate({"names": json.loads(text, object_pairs_hook=_without_repeats)})
    except json.JSONDecodeError as error:
        raise SegmentationError(f"the RFM map is not valid JSON: {error}") from error
    except ValidationError as error:
        problems = "; ".join(problem["msg"] for problem in error.errors())
        raise SegmentationError(f"the RFM map needs mending: {problems}") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SegmentationError(f"the RFM map has the name {repeated[0]!r} twice; put all its codes in one list")
    return dict(pairs)


def name_sql(rfm_map: RfmMap, params: ScoringParams | None = None) -> str:
    """SQL expression of the name, from the columns of the three scores (a list looked up: 5 times as fast as CASE).

    The list is one literal that is split once: to parse and plan 125 of them takes longer than to score a small shop.
    """
    name_of = rfm_map.name_of
    names = text_sql("\x1f".join(name_of[code] for code in CODES))
    third = SCORES[(params or ScoringParams()).money]
    place = f"25 * CAST(r_score AS INTEGER) + 5 * CAST(f_score AS INTEGER) + {third} - 30"
    return f"string_split({names}, chr(31))[{place}]"


def scored_sql(thresholds: Thresholds, rfm_map: RfmMap, relation: str, params: ScoringParams | None = None) -> str:
    """Query of customer_id, r_score, f_score, m_score, a_score, rfm_score ('111' to '555') and rfm_name.

    The third digit of rfm_score is m_score, or a_score where `params.money` is average.
    """
    columns = ", ".join(f"{expression} AS {name}" for name, expression in score_sql(thresholds).items())
    third = SCORES[(params or ScoringParams()).money]
    return (
        f"SELECT *, CAST(100 * CAST(r_score AS INTEGER) + 10 * f_score + {third} AS VARCHAR) AS rfm_score, "
        f"{name_sql(rfm_map, params)} AS rfm_name FROM (SELECT customer_id, {columns} FROM {relation})"
    )
