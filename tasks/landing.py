"""Steps that take deliveries in."""

from dataclasses import asdict
from typing import Any

from tasks.checking import BATCH, check
from tasks.night import CheckFailedError, Night
from tasks.passwords import source_password
from tasks.progress import listener, logger
from tasks.ranges import dated
from tasks.wrapper import task
from warehouse import backfill, features, landing, rules, store, versions
from warehouse.params import SourceKind
from warehouse.serving import version_file


@task
def anything_new(night: Night) -> bool:
    """Whether a file is new or was touched since it was taken in, or the rules of landing changed."""
    with store.opened(night.warehouse) as warehouse:
        otherwise_read = rules.changed_reading(warehouse, night.source, night.shop_zone)
        return bool(night.reread or otherwise_read) or landing.anything_new(warehouse, night.source)


@task
def stage_deliveries(night: Night) -> dict[str, Any]:
    """Read new and changed files, or slices of a database, into the staging table; return counts of files and lines."""
    with store.opened(night.warehouse) as warehouse:
        replayed = landing.replayed_lines(warehouse, night.source) if night.reread else 0
        staged = landing.stage(
            warehouse, night.source, night.shop_zone, night.began, listener.get().advance,
            source_password(night.source), night.reread,
        )  # fmt: skip
    unit = "file" if night.source.kind is SourceKind.FILES else "slice"
    units = unit if staged.files == 1 else f"{unit}s"
    logger.info(f"staged {staged.lines:,} lines of {staged.files:,} {units}; {staged.unchanged_files:,} unchanged")
    if night.source.kind is SourceKind.FILES and not (staged.files or staged.unchanged_files or staged.unsettled_files):
        logger.warning("No file matches %s now, though files came before; is [source] path right?", night.source.path)
    if replayed:
        logger.warning("%s lines of the quarantine were replayed; of files read again they are as delivered", replayed)
    for unit in staged.unsettled_files:
        logger.warning("%s has just been written to and is left for the next night", unit)
    return asdict(staged)


@task
def check_batch(night: Night, files: int, *, freshness: bool = True) -> None:
    """Judge the staged deliveries and the freshness of the data; a critical failure rejects the whole batch.

    Past dates say nothing of whether deliveries have stopped: `freshness` is for a night.
    """
    suites = (BATCH if files else ()) + (("freshness",) if freshness else ())
    with store.opened(night.warehouse) as warehouse:
        failures = check(warehouse, night, suites)
        if failures:
            landing.reject_staged(warehouse, failures)
            raise CheckFailedError(f"Critical checks failed, nothing of this delivery was accepted:\n{failures}")


@task
def accept_batch(night: Night) -> None:
    """Accept what is staged, merge customers and bring their activity to the night's date, in one transaction.

    Published versions of other dates that this contradicts are warned of here: the run may yet be held or fail.
    """
    with store.opened(night.warehouse) as warehouse:
        with warehouse.transaction():
            accepted = landing.accept(warehouse, night.source, night.began)
            rules.keep(warehouse, night.source, night.shop_zone)
            features.advance(warehouse, night.as_of, night.features.window_days, accepted=accepted)
        dates = [row["as_of"] for row in backfill.affected(warehouse) if row["as_of"] != night.as_of]
    if accepted and dates:
        logger.warning(
            "lines that came late contradict %s; `resegment backfill --affected` restates %s",
            dated("published version", dates), "it" if len(dates) == 1 else "them",
        )  # fmt: skip


@task
def find_published(night: Night) -> dict[str, Any] | None:
    """The version published for this date from the same lines and parameters and its file, if there is one already."""
    with store.opened(night.warehouse) as warehouse:
        found = versions.is_up_to_date(warehouse, night.as_of, night.fingerprint, refit=night.refit)
    return found and found | {"file": str(version_file(night.warehouse.serving, found["version_id"]))}


@task
def summarise_deliveries(night: Night) -> dict[str, Any]:
    """Outcomes of the lines this run accepted, and the published versions that lines accepted since contradict."""
    with store.opened(night.warehouse) as warehouse:
        restatable = [{name: row[name] for name in ("version_id", "as_of")} for row in backfill.affected(warehouse)]
        return warehouse.rows("ops/summary", now=night.began)[0] | {"restatable": restatable}
