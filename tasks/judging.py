"""Whether a version may be published, and how well earlier ones did."""

import logging
from dataclasses import asdict
from datetime import date

import numpy as np

from segmentation.breaker import BreakerFacts, SegmentSize, hold_reasons
from segmentation.classic import classic_groups_sql
from segmentation.drift import psi
from segmentation.quality import group_sums_sql, separation
from segmentation.scoring import Thresholds, parse_rfm_map, scored_sql
from segmentation.stability import membership_change, membership_change_sql
from tasks.drafts import query
from tasks.night import Night, VersionHeldError
from tasks.notifying import notice
from tasks.progress import logger
from warehouse import features, judging
from warehouse.store import Warehouse

#: Days after a version in which its customers' behaviour is looked at.
HORIZON_DAYS = 90


def breaker_reasons(warehouse: Warehouse, night: Night, version_id: int, *, warn: bool = True) -> list[str]:
    """Reasons to hold the version, compared with the one before; none after a change of parameters or without one.

    Drift that is worth a warning is logged, unless `warn` is off.
    """
    compared = judging.prepare_comparison(warehouse, version_id)
    if compared is None:
        return []
    change = membership_change(query(warehouse)(membership_change_sql("members_before", "members_after", "transacted")))
    sizes = tuple(SegmentSize(*size) for size in compared.sizes)
    shares_psi = _size_drift(sizes)
    judging.record_membership_change(warehouse, version_id, change.moved_share, change.idle_share, shares_psi)
    if not compared.comparable:
        logger.log(
            logging.INFO if warn else logging.DEBUG,
            "the parameters changed: the new segments are not compared with those before",
        )
        return []
    drift = compared.drift | ({} if shares_psi is None else {"segment shares": shares_psi})
    if warn:
        _warn_of_drift(night, version_id, drift)
    facts = BreakerFacts(days=compared.days, compared=change.compared, moved=change.moved, segments=sizes, psi=drift)
    return hold_reasons(facts, night.breaker)


def _warn_of_drift(night: Night, version_id: int, drift: dict[str, float]) -> None:
    drifted = {name: round(value, 4) for name, value in drift.items() if value > night.breaker.warn_psi}
    for name, value in drifted.items():
        logger.warning("%s drifted since the version before: population stability index %.2f", name, value)
    if drifted and not night.refit:  # a refit is the answer to drift; told of it again, it would be asked for again
        notice("drift", f"Drifted since the version before: {', '.join(drifted)}.", version_id=version_id, psi=drifted)


def hold_back(warehouse: Warehouse, version_id: int, reasons: list[str]) -> None:
    """Hold a version and stop the run; from the third in a row on the message is louder."""
    in_a_row = judging.hold(warehouse, version_id, reasons)
    listed = "\n".join(f"  {reason.strip()}" for reason in reasons)
    loud = f"ESCALATED: {in_a_row} versions in a row are held. " if in_a_row >= judging.ESCALATE_AFTER else ""
    raise VersionHeldError(
        f"{loud}Version {version_id} is held back, what is published stays as it is:\n{listed}\n"
        f"Look at it with `resegment status`; publish it all the same with `resegment promote {version_id}`.",
        version_id,
        [reason.strip() for reason in reasons],
    )


def later_quality(warehouse: Warehouse, night: Night) -> None:
    """Measure the newest version with 90 later days, its segments beside scored RFM and the notebook's recipe."""
    version = judging.unmeasured(warehouse, night.as_of, HORIZON_DAYS)
    if version is None:
        return
    features.prepare(warehouse, version["as_of"], night.features.window_days)
    _prepare_rfm(warehouse, night, version["as_of"], net=night.features.money.value == "net")
    warehouse.run("judging/later", as_of=version["as_of"], horizon_days=HORIZON_DAYS)
    thresholds = Thresholds.model_validate_json(version["rfm_thresholds"])
    groupings = {
        "segments": "SELECT customer_id, segment AS grouping FROM later",
        "scored_rfm": "SELECT customer_id, rfm_name AS grouping FROM "
        f"({scored_sql(thresholds, parse_rfm_map(night.rfm_map), 'features', night.scoring)})",
    }
    measured = {name: _separation(warehouse, select) for name, select in groupings.items()}
    _prepare_rfm(warehouse, night, version["as_of"], net=False)
    measured["classic"] = _separation(warehouse, classic_groups_sql(query(warehouse), "features"))
    judging.record_quality(warehouse, version["version_id"], HORIZON_DAYS, measured)


def _prepare_rfm(warehouse: Warehouse, night: Night, as_of: date, *, net: bool) -> None:
    """Make `features` with the money the thresholds were cut from, or the gross money of the notebook's recipe."""
    inputs, window = ("recency_days", "frequency", "monetary"), night.features.window_days
    features.prepare_inputs(warehouse, inputs, as_of=as_of, window_days=window, net=net, own_sql="")


def _separation(warehouse: Warehouse, select: str) -> dict[str, object]:
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE grouped AS SELECT customer_id, grouping, later_spend, later_active "
        f"FROM ({select}) JOIN later USING (customer_id)"
    )
    return asdict(separation(query(warehouse)(group_sums_sql("grouped"))))


def _size_drift(sizes: tuple[SegmentSize, ...]) -> float | None:
    before, after = (np.array([getattr(size, end) for size in sizes]) for end in ("before", "after"))
    return psi(before / before.sum(), after) if len(sizes) and before.sum() and after.sum() else None
