"""The frame of a run that writes: the values it works with, the lock it holds, and the record it leaves."""

import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from expectations.params import CheckParams
from segmentation.params import FeatureParams, ModelParams, params_fingerprint
from tasks.progress import logger, seconds
from warehouse import ops, publish, store
from warehouse.errors import ResegmentError
from warehouse.params import SourceParams, WarehouseParams


class CheckFailedError(ResegmentError):
    """A critical check failed; what is published was not changed."""


class VersionHeldError(ResegmentError):
    """The new version exists but was not published; the reasons are listed."""


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
    playbook: str
    refit: bool = False
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def fingerprint(self) -> str:
        """Of everything that shapes the segments."""
        return params_fingerprint(self.features, self.model)


@dataclass
class Record:
    """What a run will have done; filled in as it goes and kept in the warehouse and in `status.json`."""

    status: str = "failed"
    version_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def unchanged(self, published: dict[str, Any]) -> dict[str, Any]:
        """Nothing new came and the version of this date is published already."""
        return self._ended("unchanged", published["version_id"], {"published": published})

    def done(self, deliveries: dict[str, Any], published: dict[str, Any]) -> dict[str, Any]:
        """A version was published."""
        return self._ended("done", published["version_id"], {"deliveries": deliveries, "published": published})

    def _ended(self, status: str, version_id: int, facts: dict[str, Any]) -> dict[str, Any]:
        self.status, self.version_id, self.facts = status, version_id, facts
        return {"status": status} | facts


def scheduled_or_now() -> datetime:
    """When the flow run was to begin, else now; UTC without a zone. A late start is still the same night."""
    if "prefect" in sys.modules:
        from prefect.runtime import flow_run

        if flow_run.get_id():
            return flow_run.get_scheduled_start_time().astimezone(UTC).replace(tzinfo=None)
    return utc_now()


def utc_now() -> datetime:
    """The present moment in UTC, without a zone, as the warehouse keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


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
        with store.writing(night.warehouse, night.command) as warehouse:
            ops.start_run(warehouse, night.run_id, night.command, night.as_of, night.began)
            try:
                for mended in publish.reconcile(warehouse, night.began):
                    logger.warning("an earlier run was stopped: %s", mended)
                yield record
            except BaseException as error:
                record.status = "held" if isinstance(error, VersionHeldError) else "failed"
                _leave(warehouse, night, record, str(error) or type(error).__name__)
                raise
            _leave(warehouse, night, record, None)
    finally:
        seconds.reset(token)


def preload_libraries() -> None:
    """Import the slow libraries in the background, while DuckDB, which needs no Python, does its work."""

    def load() -> None:
        import sklearn.cluster  # noqa: F401

        from expectations.run import preload

        preload()

    threading.Thread(target=load, name="preload", daemon=True).start()


def _leave(warehouse: store.Warehouse, night: Night, record: Record, error: str | None) -> None:
    now = utc_now()
    took = seconds.get()
    ops.end_run(warehouse, night.run_id, record.status, now, version_id=record.version_id, error=error, seconds=took)
    current = publish.current_pointer(warehouse.params.serving)
    failed = ops.failed_checks(warehouse, night.run_id)
    status = {
        "command": night.command,
        "status": record.status,
        "as_of": night.as_of,
        "began": night.began,
        "ended": now,
        "current": current,
        "error": error,
        "failed_checks": failed,
        "seconds": took,
    } | record.facts
    publish.write_status(warehouse.params.serving, status)
