"""The circuit breaker: when a new version changes so much that a person should look before it is published."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from segmentation.params import BreakerParams

#: Everybody's recency grows by a day a day, and in a young shop or over a closed week all of it together, beyond any
#: limit. That calls for a refit, not for a person; a delivery that did not come is found by the checks of freshness.
AGEING_FEATURES = frozenset({"recency_days"})


@dataclass(frozen=True)
class SegmentSize:
    """A segment's customers in the published version and in the new one; 0 afterwards if it is gone."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class BreakerFacts:
    """A new version beside the published one before it.

    `days` lie between their dates. `compared` customers are in both, `moved` of them changed segment. `psi` are
    population stability indices against the published version by what they are of: a feature, or "segment shares".
    """

    days: int
    compared: int
    moved: int
    segments: tuple[SegmentSize, ...] = ()
    psi: Mapping[str, float] = field(default_factory=dict)


def hold_reasons(facts: BreakerFacts, limits: BreakerParams) -> list[str]:
    """Plain sentences that say why the version is held back; empty if it may be published.

    Limits are for one day. Over d days 1 - (1 - limit)**d of the customers may move, as if the limit had been used up
    every day, but never more than `max_moved_share_overall`. A segment that loses more than `max_segment_loss` of its
    share of the customers holds at any distance, and so does drift, except of the features that age by themselves.
    """
    if max(facts.compared, sum(segment.before for segment in facts.segments)) < limits.min_customers:
        return []
    return [*_moved_reasons(facts, limits), *_segment_reasons(facts, limits), *_drift_reasons(facts, limits)]


def moved_share_limit(days: int, limits: BreakerParams) -> float:
    """Share of the customers that may change segment in so many days (at least one is counted)."""
    share = round(1 - (1 - limits.max_moved_share) ** max(days, 1), 9)
    return min(share, limits.max_moved_share_overall)


def _moved_reasons(facts: BreakerFacts, limits: BreakerParams) -> list[str]:
    limit = moved_share_limit(facts.days, limits)
    share = facts.moved / facts.compared if facts.compared else 0.0
    if share <= limit:
        return []
    return [
        f"{facts.moved:,} of {facts.compared:,} customers ({share:.1%}) changed segment in {_days(facts.days)}; "
        f"the limit for that time is {limit:.1%}."
    ]


def _segment_reasons(facts: BreakerFacts, limits: BreakerParams) -> list[str]:
    before = sum(segment.before for segment in facts.segments)
    after = sum(segment.after for segment in facts.segments)
    reasons = []
    for segment in facts.segments:
        if segment.before < limits.min_segment_customers:
            continue
        old, new = segment.before / before, segment.after / after if after else 0.0
        if 1 - new / old > limits.max_segment_loss:
            reasons.append(
                f"Segment {segment.name} fell from {old:.1%} to {new:.1%} of the customers ({segment.before:,} to "
                f"{segment.after:,}); it may lose at most {limits.max_segment_loss:.0%} of its share."
            )
    return reasons


def _drift_reasons(facts: BreakerFacts, limits: BreakerParams) -> list[str]:
    return [
        f"The customers differ too much from those of the published version: population stability index of {name} "
        f"is {value:.2f}; the limit is {limits.max_psi:g}."
        for name, value in facts.psi.items()
        if value > limits.max_psi and name not in AGEING_FEATURES
    ]


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
