"""Steps on the quarantine: what is in it, as a file, and tried again."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tasks.checking import BATCH, check
from tasks.night import CheckFailedError, Night
from tasks.wrapper import task
from warehouse import landing, parsing, quarantine, replaying, store
from warehouse.errors import WarehouseError
from warehouse.params import SourceParams, WarehouseParams
from warehouse.quarantine import Asked
from warehouse.text_tables import ENDINGS

__all__ = [
    "ENDINGS",
    "REASONS",
    "Asked",
    "accept_replay",
    "check_replay",
    "export_quarantine",
    "list_quarantine",
    "plan_replay",
    "stage_replay",
]

#: Codes a line may be set aside for.
REASONS = (*parsing.REASONS, parsing.MALFORMED)


def list_quarantine(params: WarehouseParams, source: SourceParams, asked: Asked, lines: int) -> dict[str, Any]:
    """Counts and money by reason and load, and the first lines as delivered; opens the warehouse as a writer does."""
    _expect(params)
    with store.writing(params, "quarantine list") as warehouse:
        return quarantine.overview(warehouse, source, asked, lines)


def export_quarantine(params: WarehouseParams, source: SourceParams, asked: Asked, file: Path) -> dict[str, Any]:
    """Write quarantined lines as delivered to a file; opens the warehouse as a writer does."""
    _expect(params)
    with store.writing(params, "quarantine export") as warehouse:
        return quarantine.export(warehouse, source, asked, file)


def plan_replay(night: Night, asked: Asked, corrections: Path | None) -> dict[str, Any]:
    """What a replay would bring; nothing is changed."""
    _expect(night.warehouse)
    with store.writing(night.warehouse, "quarantine replay --plan") as warehouse:
        tried, outcomes = replaying.plan(warehouse, night.source, night.shop_zone, night.began, asked, corrections)
    return asdict(tried) | {"outcomes": outcomes}


@task
def stage_replay(night: Night, asked: Asked, corrections: Path | None) -> dict[str, Any]:
    """Stage the quarantined lines that are sound now; return how many were tried and why the others are not."""
    with store.opened(night.warehouse) as warehouse:
        return asdict(replaying.stage(warehouse, night.source, night.shop_zone, night.began, asked, corrections))


@task
def check_replay(night: Night) -> None:
    """Judge the staged lines as a delivery is judged; a critical failure rejects the whole replay."""
    any_number = replace(night, checks=night.checks.model_copy(update={"min_batch_lines": 0}))
    with store.opened(night.warehouse) as warehouse:
        failures = check(warehouse, any_number, BATCH)
        if failures:
            landing.reject_staged(warehouse, failures)
            raise CheckFailedError(f"Critical checks failed, nothing of the quarantine was replayed:\n{failures}")


@task
def accept_replay(night: Night) -> dict[str, Any]:
    """Accept the staged lines and recompute their customers, in one transaction; return what became of them."""
    with store.opened(night.warehouse) as warehouse, warehouse.transaction():
        return replaying.accept(warehouse, night.source, night.began)


def _expect(params: WarehouseParams) -> None:
    if not params.path.exists():
        raise WarehouseError(f"There is no warehouse at {params.path} yet. Run `resegment nightly` first.")
