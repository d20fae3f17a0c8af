"""The frame of a run that writes: the values it works with, the lock it holds, and the record it leaves."""

import hashlib
import json
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.params import ReportParams
from expectations.importing import without_collecting
from expectations.params import CheckParams
from expectations.run import preload
from segmentation.params import (
    BreakerParams,
    ExplainingParams,
    FeatureParams,
    ModelParams,
    RefitParams,
    ScoringParams,
)
from tasks.artifacts import show_run
from tasks.by_hand import warn_of_stopped
from tasks.notifying import NotifyParams, notice
from tasks.present import utc_now, who, words_of
from tasks.progress import logger, seconds
from warehouse import erasure, ops, publish, reading, store, versions
from warehouse.errors import ResegmentError, WarehouseError, signals_raised
from warehouse.params import RetentionParams, SourceParams, WarehouseParams


class CheckFailedError(ResegmentError):
    """A critical check failed; what is published was not changed."""


class VersionHeldError(ResegmentError):
    """The new version exists but was not published; the reasons are listed."""

    def __init__(self, message: str, version_id: int, reasons: list[str]) -> None:
        super().__init__(message)
        self.version_id, self.reasons = version_id, reasons


@dataclass(frozen=True)
class Night:
    """One run: its parameters, the date it is for and the moment it began (UTC without a zone)."""

    command: str
    as_of: date
    began: datetime
    shop_zone: str
    warehouse: WarehouseParams
    source: SourceParams
    features: FeatureParams
    model: ModelParams
    checks: CheckParams
    refitting: RefitParams
    explaining: ExplainingParams
    scoring: ScoringParams
    breaker: BreakerParams
    playbook: str
    rfm_map: str
    own_features: str = ""
    retention: RetentionParams = field(default_factory=RetentionParams)
    report: ReportParams = field(default_factory=ReportParams)
    notify: NotifyParams = field(default_factory=NotifyParams)
    retry_after_seconds: tuple[float, ...] = ()
    refit: bool = False
    reread: bool | None = None
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that shapes what is published of the customers, as plain JSON; texts of files as digests."""
        sections = {"features": self.features, "model": self.model, "explaining": self.explaining}
        names = {"playbook": _digest(self.playbook), "rfm_map": _digest(self.rfm_map)}
        return {
            **{name: params.model_dump(mode="json") for name, params in sections.items()},
            "scoring": self.scoring.model_dump(mode="json"),
            "names": names,
            "own_features": _digest(self.own_features) if self.own_features else "",
        }

    @property
    def fingerprint(self) -> str:
        """Of the settings."""
        return _digest(json.dumps(self.settings, sort_keys=True))


@dataclass
class Record:
    """What a run will have done; filled in as it goes and kept in the warehouse and in `status.json`."""

    status: str = "failed"
    began: bool = False
    version_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    retired: dict[str, Any] = field(default_factory=dict)

    def unchanged(self, published: dict[str, Any], report: str | None) -> dict[str, Any]:
        """Nothing new came and the version of this date is published already."""
        facts = {"published": published, "report": report, "retired": self.retired}
        return self._ended("unchanged", published["version_id"], facts)

    def done(self, deliveries: dict[str, Any], published: dict[str, Any], report: str | None) -> dict[str, Any]:
        """A version was published; `report` is that of the version readers see."""
        facts: dict[str, Any] = {"deliveries": deliveries, "published": published, "report": report}
        return self._ended("done", published["version_id"], facts | {"changes": self.changes, "retired": self.retired})

    def backfilled(self, deliveries: dict[str, Any], backfill: dict[str, Any]) -> dict[str, Any]:
        """Versions of a range of dates were published, or all of them were there."""
        made = backfill["versions"]
        last = made[-1]["version_id"] if made else None
        return self._ended("done" if made else "unchanged", last, {"deliveries": deliveries, "backfill": backfill})

    def replayed(self, replay: dict[str, Any]) -> dict[str, Any]:
        """Quarantined lines were tried again; what is published is for the next night."""
        return self._ended("done" if replay["sound"] else "unchanged", None, {"replay": replay})

    def _ended(self, status: str, version_id: int | None, facts: dict[str, Any]) -> dict[str, Any]:
        self.status, self.version_id, self.facts = status, version_id, facts
        return {"status": status} | facts


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def scheduled_or_now() -> datetime:
    """When the flow run was to begin, else now; UTC without a zone. A late start is still the same night."""
    if "prefect" in sys.modules:
        from prefect.runtime import flow_run

        if flow_run.get_id():
            return flow_run.get_scheduled_start_time().astimezone(UTC).replace(tzinfo=None)
    return utc_now()


def shop_date(moment: datetime, shop_zone: str) -> date:
    """The shop's date at a moment given in UTC without a zone."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(shop_zone)).date()


@contextmanager
def on_duty(night: Night) -> Iterator[Record]:
    """Be the only writer until the block ends; finish what an earlier run left, and leave a record of this one.

    Raises
    ------
    WarehouseLockedError
        Somebody else writes; their run is not disturbed and no record is left.
    """
    record = Record()
    token = seconds.set({})
    try:
        with store.writing(night.warehouse, night.command) as warehouse, _recorded(warehouse, night, record):
            stopped = ops.start_run(warehouse, night.run_id, night.command, night.as_of, night.began, who())
            _tell_of_stopped(stopped)
            for mended in publish.reconcile(warehouse, night.began):
                logger.warning("after an earlier run that was stopped: %s", mended)
            if erasure.pending(warehouse):
                logger.warning("an erasure of customers was stopped; finish it with `resegment erase`")
            yield record
    except WarehouseError as error:
        if not record.began:
            told = str(error)
            _record_despite(lambda: _record_for_readers(night, record, [], told))
        raise
    finally:
        seconds.reset(token)


def _tell_of_stopped(stopped: list[dict[str, Any]]) -> None:
    """What is killed cannot say so; the next run does, to the log and to whoever is told of failures."""
    if told := warn_of_stopped(stopped):
        repeat = "" if all(run["as_of"] for run in stopped) else " Steps taken by hand are not repeated by it."
        facts = [
            {name: run[name] and str(run[name]) for name in ("run_id", "command", "about", "as_of")} for run in stopped
        ]
        notice("crashed", f"Ended without a word: {'; '.join(told)}. This run carried on.{repeat}", runs=facts)


@contextmanager
def _recorded(warehouse: store.Warehouse, night: Night, record: Record) -> Iterator[None]:
    """Leave the record of a run; where that fails too, the error that ended the run is still the one that is told."""
    record.began = True
    try:
        with signals_raised():
            yield
    except BaseException as error:
        record.status = "held" if isinstance(error, VersionHeldError) else "failed"
        told = words_of(error)
        failed: list[dict[str, Any]] = []
        _record_despite(lambda: failed.extend(_record_in_warehouse(warehouse, night, record, told)))
        _record_despite(lambda: show_run(warehouse, night.run_id, _record_for_readers(night, record, failed, told)))
        raise

    def leave() -> None:
        status = _record_for_readers(night, record, _record_in_warehouse(warehouse, night, record, None), None)
        _record_despite(lambda: show_run(warehouse, night.run_id, status))

    try:
        leave()
    except BaseException:  # a signal, most likely: what readers have already is on record all the same
        _record_despite(leave)
        raise


def preload_libraries(night: Night | None = None) -> None:
    """Import the slow libraries in the background, while DuckDB, which needs no Python, does its work.

    scikit-learn is left out where `night` carries on with the parent's parameters: an update needs none.
    """
    threading.Thread(target=_load_libraries, args=(night is None or _fits(night),), name="preload", daemon=True).start()


def _fits(night: Night) -> bool:
    with store.opened(night.warehouse) as warehouse:
        before = versions.neighbours(warehouse, night.as_of).before
    return night.refit or before is None or before["params_fingerprint"] != night.fingerprint


@cache
def _load_libraries(fitting: bool) -> None:
    with without_collecting():
        if fitting:
            import sklearn.cluster  # noqa: F401
        preload()


def _record_in_warehouse(
    warehouse: store.Warehouse, night: Night, record: Record, error: str | None
) -> list[dict[str, Any]]:
    """Returns the checks that failed."""
    ops.end_run(
        warehouse, night.run_id, record.status, utc_now(),
        version_id=record.version_id, error=error, seconds=seconds.get(),
    )  # fmt: skip
    return ops.failed_checks(warehouse, night.run_id)


def _record_for_readers(
    night: Night, record: Record, failed: list[dict[str, Any]], error: str | None
) -> dict[str, Any]:
    """Returns the status as it was written."""
    serving = night.warehouse.serving
    status = {
        "command": night.command,
        "status": record.status,
        "as_of": night.as_of,
        "began": night.began,
        "ended": utc_now(),
        "current": publish.current_pointer(serving),
        "pinned": reading.status(serving).get("pinned", False),  # by hand only, see promotion
        "error": error,
        "failed_checks": failed,
        "changes": record.changes,
        "seconds": seconds.get(),
    } | record.facts
    publish.write_status(serving, status)
    return status


def _record_despite(record: Callable[[], object]) -> None:
    try:
        with signals_raised():
            record()
    except Exception as trouble:
        logger.warning("the record of this run is incomplete: %s", trouble)
