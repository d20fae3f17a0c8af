"""A backfill, told in one screen: what came in, which dates have a version, and the versions of those that have none.

A plain function like the night. Every date is published as soon as it is made, so a backfill that was stopped is run
again and goes on where it was.
"""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from flows.planning import plan_backfill
from tasks.backfill_plan import plan_versions
from tasks.backfilling import make_versions, published_ids, summarise_backfill
from tasks.carrying import carry_out
from tasks.landing import accept_batch, check_batch, stage_deliveries, summarise_deliveries
from tasks.night import Night, on_duty, preload_libraries
from tasks.ranges import Asked, Every
from tasks.reporting import report_versions
from tasks.segments import check_activity


def backfill(
    start: date | None = None,
    end: date | None = None,
    every: Every = Every.DAY,
    model: str = "current",
    force: bool = False,
    affected: bool = False,
    reports: bool = False,
    config: Path | None = None,
) -> dict[str, Any]:
    """Publish a version for each date from `start` to `end`, or anew for those that later deliveries contradict.

    `model` is current, replay or the number of a model. Dates that have a version are left, unless `force` supersedes
    them; `reports` writes the report of each date, made or left, that has none. Returns what was made; raises a
    ResegmentError if something stops the run: what is published by then stays.
    """
    asked = Asked(start, end, every, model, force, affected)
    return carry_out(plan_backfill(asked, config), partial(_dates, asked, reports))


def _dates(asked: Asked, reports: bool, night: Night) -> dict[str, Any]:
    with on_duty(night) as record:
        preload_libraries(night)
        files = stage_deliveries(night)["files"]
        check_batch(night, files, freshness=False)
        accept_batch(night)
        check_activity(night)
        plan = plan_versions(night, asked)
        made = make_versions(night, plan)
        if reports:
            report_versions(night.warehouse.serving, night.report, published_ids(night, asked, plan, made))
        return record.backfilled(summarise_deliveries(night), summarise_backfill(night, plan, made))
