"""What runs and people did, and what the checks of runs found."""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from warehouse.store import Warehouse


def start_run(
    warehouse: Warehouse, run_id: str, command: str, as_of: date | None, now: datetime, by: str
) -> list[dict[str, Any]]:
    """Record that a run begins, asked for `by` somebody; return those before it that ended without a word.

    They are marked as crashed, since nobody else can be writing. Those of before are returned again as long as no run
    that ended could tell of them.
    """
    with warehouse.transaction():
        warehouse.run("ops/close_stopped", now=now)
        stopped = warehouse.rows("ops/stopped_runs")
        warehouse.run("ops/start_run", run_id=run_id, command=command, as_of=as_of, now=now, by=by)
    return [run for run in stopped if run["run_id"] != run_id]


def end_run(
    warehouse: Warehouse,
    run_id: str,
    status: str,
    now: datetime,
    *,
    version_id: int | None = None,
    error: str | None = None,
    seconds: dict[str, float] | None = None,
) -> None:
    """Record how a run ended: done, unchanged, held or failed."""
    took = json.dumps(seconds or {})
    warehouse.run(
        "ops/end_run", run_id=run_id, status=status, now=now, version_id=version_id, error=error, seconds=took
    )


@dataclass
class Deed:
    """A step that somebody takes by hand: `about` which version, which folder or how many customers, and by whom."""

    run_id: str
    command: str
    about: str
    by: str
    began: datetime


def begin_deed(warehouse: Warehouse, deed: Deed) -> list[dict[str, Any]]:
    """Record that a step by hand begins; return runs and steps that were going on, which are marked as crashed."""
    with warehouse.transaction():
        stopped = warehouse.rows("ops/close_stopped", now=deed.began)
        warehouse.run("ops/write_deed", **_described(deed), ended=None, status="running", error=None)
    return stopped


def end_deed(warehouse: Warehouse, deed: Deed, now: datetime, error: str | None) -> list[dict[str, Any]]:
    """Record how a step by hand ended; return all those since the last run."""
    status = "done" if error is None else "failed"
    with warehouse.transaction():
        warehouse.run("ops/write_deed", **_described(deed), ended=now, status=status, error=error)
    return warehouse.rows("ops/deeds")


def _described(deed: Deed) -> dict[str, Any]:
    return asdict(deed) | {"about": deed.about or None}


def record_checks(warehouse: Warehouse, run_id: str, now: datetime, results: list[dict[str, Any]]) -> None:
    """Keep every result of a run's checks."""
    rows = [
        (
            run_id, result["suite"], now, result["expectation"], result["column_name"], result["severity"],
            result["success"], result["observed"], result["expected"], result["meaning"],
        )
        for result in results
    ]  # fmt: skip
    with warehouse.transaction():
        warehouse.insert_rows("ops.checks", rows)


def keep_settings(warehouse: Warehouse, fingerprint: str, settings: dict[str, Any], now: datetime) -> None:
    """Keep the settings a fingerprint stands for; runs inside the caller's transaction."""
    text = json.dumps(settings)
    warehouse.run("ops/keep_settings", fingerprint=fingerprint, settings=text, now=now)


def settings_of(warehouse: Warehouse, fingerprint: str) -> dict[str, Any] | None:
    """The settings a fingerprint stands for; None where the version was made before they were kept."""
    found = warehouse.value("SELECT settings FROM ops.settings WHERE fingerprint = $id", {"id": fingerprint})
    return None if found is None else dict(json.loads(found))


def failed_checks(warehouse: Warehouse, run_id: str) -> list[dict[str, Any]]:
    """Checks of a run that did not succeed, gravest first."""
    return warehouse.rows("ops/failed_checks", run_id=run_id)
