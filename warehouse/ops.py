"""What runs and people did, and what the checks of runs found."""

import json
import uuid
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


def record_deed(
    warehouse: Warehouse, command: str, about: str, by: str, began: datetime, ended: datetime, error: str | None
) -> list[dict[str, Any]]:
    """Keep a step that somebody took by hand and how it ended; return those since the last run."""
    status = "done" if error is None else "failed"
    warehouse.run(
        "ops/insert_deed", run_id=uuid.uuid4().hex, command=command, about=about or None, by=by, began=began,
        ended=ended, status=status, error=error,
    )  # fmt: skip
    return warehouse.rows("ops/deeds")


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
