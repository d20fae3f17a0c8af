"""Steps that make a segment version, judge it and publish it."""

from typing import Any

from tasks import drafts
from tasks.checking import check
from tasks.judging import breaker_reasons, hold_back, later_quality
from tasks.night import CheckFailedError, Night
from tasks.present import utc_now
from tasks.progress import logger
from tasks.wrapper import task
from warehouse import ops, publish, store, versions

#: What judges a candidate.
SUITES = ("segment_version", "segment_version_segments", "segment_version_summary")


@task
def check_activity(night: Night) -> None:
    """Judge the customers' activity; a critical failure stops the run before any segment is made."""
    with store.opened(night.warehouse) as warehouse:
        failures = check(warehouse, night, ("customer_activity",))
    if failures:
        raise CheckFailedError(
            f"Critical checks of features.customer_activity failed; nothing was published:\n{failures}"
        )


@task
def segment_customers(night: Night) -> int:
    """Refit, update or keep the model and assign every customer; return the id of the candidate version."""
    with store.opened(night.warehouse) as warehouse:
        draft = drafts.draft(warehouse, night)
        versions.assign(warehouse, night.as_of, draft.assign_sql, draft.scored_sql)
        with warehouse.transaction():
            ops.keep_settings(warehouse, night.fingerprint, night.settings, utc_now())
            (version_id,) = drafts.store(warehouse, [drafts.Drafted(night, draft)])
    logger.info("%s (%s): version %s", draft.model["action"], draft.reason, version_id)
    return version_id


@task
def judge_version(night: Night, version_id: int) -> None:
    """Judge the candidate by the checks and by how much changed; hold it back, and leave what is published, if need be.

    Raises VersionHeldError with the reasons.
    """
    with store.opened(night.warehouse) as warehouse:
        reasons = check(warehouse, night, SUITES).splitlines()
        reasons += breaker_reasons(warehouse, night, version_id)
        if reasons:
            hold_back(warehouse, version_id, reasons)


@task
def measure_quality(night: Night) -> None:
    """Measure how well an earlier version separated what its customers did since, once enough days are known."""
    with store.opened(night.warehouse) as warehouse:
        later_quality(warehouse, night)


@task
def publish_version(night: Night, version_id: int) -> bool:
    """Publish the candidate; return whether it is `current` now."""
    with store.opened(night.warehouse) as warehouse:
        return publish.publish(warehouse, version_id, utc_now())


@task
def summarise_segments(night: Night, version_id: int) -> dict[str, Any]:
    """The version's row, its segments, where its file is, and the version readers see, where that is another."""
    with store.opened(night.warehouse) as warehouse:
        current = versions.current(warehouse)
        other = current["version_id"] if current and current["version_id"] != version_id else None
        seen = {"readers_see": other, "pinned": versions.pinned(warehouse) is not None}
        return publish.summary(warehouse, version_id) | seen
