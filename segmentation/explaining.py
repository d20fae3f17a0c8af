"""Why a customer is in its segment: margin to the second nearest, and the features that pull it there, as SQL text.

The squared distance to the second nearest centroid less the one to the nearest is a sum over the features; a feature
whose part of it is positive pulls the customer to its segment. The one or two that pull most are the reasons. A reason
is stored as a code, the feature's letter and how the customer stands against all customers ('R--', 'M+'), since words
would double a version's file; `reason_words_sql` puts words in its place.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.assign import Steps, ranked_steps, steps_sql
from segmentation.params import ExplainingParams, Levels
from segmentation.transforms import Scaler, literal_sql
from segmentation.words import Vocabulary, level_sql, text_sql

#: Letter of a feature in a reason code; any other feature stands with its name.
LETTERS = {"recency_days": "R", "frequency": "F", "monetary": "M", "average": "A"}
#: Sign of each level, 0 (far below average) to 4 (far above).
SIGNS = ("--", "-", "=", "+", "++")
#: What `explain_sql` yields.
EXPLAINED = "customer_id, cluster, distance, second_cluster, second_distance, margin, borderline, reasons"

Floats = NDArray[np.float64]


def explain_sql(scaler: Scaler, centroids: Floats, relation: str, params: ExplainingParams | None = None) -> str:
    """Query of the columns of `assign_sql`, with the very same values, and margin, borderline and reasons.

    margin is (second_distance - distance) / second_distance: 0 on the border, 1 at the centroid (the simplified
    silhouette). borderline: the margin is below `params.borderline_margin`. reasons: one or two codes with a blank
    between, strongest first; NULL where no feature tells the two nearest apart. With one cluster margin and reasons are
    NULL and nobody is borderline. Raises SegmentationError if the centroids have other columns than the scaler.
    """
    ranked = ranked_steps(scaler, centroids, relation)
    return steps_sql(ranked + explained_steps(scaler, centroids, params), EXPLAINED)


def explained_steps(scaler: Scaler, centroids: Floats, params: ExplainingParams | None = None) -> Steps:
    """Steps after `ranked_steps` to `explained`, which has margin, borderline and reasons as well."""
    chosen = params or ExplainingParams()
    margin = (
        "CASE WHEN second_distance > 0 THEN (second_distance - distance) / second_distance WHEN second = 0 THEN 0 END"
    )
    steps = [("margined", f"SELECT *, CAST({margin} AS DOUBLE) AS margin FROM ranked")]
    reasons = "CAST(NULL AS VARCHAR)"
    if len(centroids) > 1:
        steps += _pulled_steps(centroids)
        reasons = _reasons_sql(scaler, chosen.levels)
    borderline = f"coalesce(margin < {literal_sql(chosen.borderline_margin)}, false)"
    explained = f"SELECT *, {borderline} AS borderline, {reasons} AS reasons FROM {steps[-1][0]}"
    return [*steps, ("explained", explained)]


def _pulled_steps(centroids: Floats) -> Steps:
    """Steps to the strongest pull and the number of its feature, and the next pull if it is one."""
    features = range(centroids.shape[1])
    pulls = ", ".join(f"{_pull_sql(feature, centroids)} AS pull{feature}" for feature in features)
    whens = " ".join(f"WHEN pull{feature} = strongest_pull THEN {feature}" for feature in features)
    rest = [f"CASE WHEN strongest <> {feature} AND pull{feature} > 0 THEN pull{feature} END" for feature in features]
    return [
        ("pulled", f"SELECT *, {pulls} FROM margined"),
        (
            "greatest_pull",
            f"SELECT *, {_greatest_sql([f'pull{feature}' for feature in features])} AS strongest_pull FROM pulled",
        ),
        ("strongest", f"SELECT *, CASE WHEN strongest_pull <= 0 THEN NULL {whens} END AS strongest FROM greatest_pull"),
        ("next_pull", f"SELECT *, {_greatest_sql(rest)} AS next_pull FROM strongest"),
    ]


def _pull_sql(feature: int, centroids: Floats) -> str:
    """(z - second centroid)^2 - (z - centroid)^2 of one feature."""
    own, other = (own_sql(centroids[:, feature], cluster) for cluster in ("cluster", "second_cluster"))
    return f"({own} - {other}) * (2 * z{feature} - {own} - {other})"


def own_sql(values: Floats, cluster: str) -> str:
    """SQL expression of the one of `values` (k,) that belongs to the column `cluster`."""
    return f"([{', '.join(literal_sql(value) for value in values)}])[{cluster} + 1]"


def _greatest_sql(values: list[str]) -> str:
    return f"greatest({', '.join(values)})"


def _reasons_sql(scaler: Scaler, levels: Levels) -> str:
    codes = [level_sql(f"z{feature}", levels, reason_codes(name)) for feature, name in enumerate(scaler.names)]
    first = " ".join(f"WHEN {feature} THEN {code}" for feature, code in enumerate(codes))
    second = " ".join(
        f"WHEN strongest <> {feature} AND pull{feature} = next_pull THEN ' ' || {code}"
        for feature, code in enumerate(codes)
    )
    return f"CASE strongest {first} END || CASE {second} ELSE '' END"


def reason_codes(feature: str) -> tuple[str, ...]:
    """Codes of a feature by level, 0 (far below average) to 4 (far above)."""
    return tuple(LETTERS.get(feature, feature) + sign for sign in SIGNS)


def reason_words_sql(features: Sequence[str], words: Vocabulary | None = None, column: str = "reasons") -> str:
    """SQL expression of the words for `column`, as "bought more recently than most; spends far more than average".

    Only what every DuckDB since 1.0 knows is used, so that it can stand in a published view. NULL stays NULL.
    """
    vocabulary = words or Vocabulary()
    texts = [
        (code, text)
        for feature in features
        for code, text in zip(reason_codes(feature), vocabulary.reasons_of(feature).in_order, strict=True)
    ]
    whens = " ".join(f"WHEN {text_sql(code)} THEN {text_sql(text)}" for code, text in texts)
    first, second = (f"CASE split_part({column}, ' ', {place}) {whens} END" for place in (1, 2))
    return f"CASE WHEN {column} IS NOT NULL THEN concat_ws('; ', {first}, {second}) END"
