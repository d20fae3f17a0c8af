"""The night, told in one screen: what came in, what it says about the customers, and what is published of it.

A plain function: with a Prefect API it runs as the flow in `flows/deployments.py`, without one the command line calls
it as it is. Any step may be killed and the night run again: each is one transaction, and the start of the next run
finishes or undoes what was left.
"""

from datetime import date
from pathlib import Path
from typing import Any

from flows.planning import plan_night
from tasks.carrying import carry_out
from tasks.changes import announce_changes
from tasks.closing import let_old_lines_go
from tasks.landing import (
    accept_batch,
    anything_new,
    check_batch,
    find_published,
    stage_deliveries,
    summarise_deliveries,
)
from tasks.night import Night, on_duty, preload_libraries
from tasks.reporting import report_current
from tasks.retiring import retire_versions
from tasks.segments import (
    check_activity,
    judge_version,
    measure_quality,
    publish_version,
    segment_customers,
    summarise_segments,
)


def nightly(
    as_of: date | None = None, refit: bool = False, config: Path | None = None, reread: bool | None = None
) -> dict[str, Any]:
    """Take in new deliveries and publish the segments as of a date (default: the shop's date of the scheduled time).

    Returns what was done; raises a ResegmentError, leaving what is published as it was, if something stops the night.
    """
    return carry_out(plan_night("refit" if refit else "nightly", as_of, refit, config, reread), _one_night)


def _one_night(night: Night) -> dict[str, Any]:
    with on_duty(night) as record:
        record.retired = retire_versions(night)
        published = find_published(night)
        if published and not anything_new(night):
            let_old_lines_go(night)
            return record.unchanged(published, report_current(night.warehouse.serving, night.report))
        record.changes = announce_changes(night)
        preload_libraries(night)
        files = stage_deliveries(night)["files"]
        check_batch(night, files)
        accept_batch(night)
        let_old_lines_go(night)
        published = find_published(night)
        if published:
            return record.unchanged(published, report_current(night.warehouse.serving, night.report))
        check_activity(night)
        version_id = segment_customers(night)
        judge_version(night, version_id)
        measure_quality(night)
        publish_version(night, version_id)
        published = summarise_segments(night, version_id)
        return record.done(
            summarise_deliveries(night), published, report_current(night.warehouse.serving, night.report)
        )
