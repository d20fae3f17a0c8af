"""Steps that write a version's report: at the end of a night, and whenever somebody asks for one."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from dashboard.params import ReportParams
from dashboard.report import report
from tasks.progress import listener, logger
from tasks.wrapper import task
from warehouse import reading, serving
from warehouse.errors import NothingPublishedError, signals_raised
from warehouse.failures import explaining_files


@task
def report_current(folder: Path, params: ReportParams) -> str | None:
    """Put a report beside the version readers see, unless it has one or they are switched off; return where it is.

    A night, or a promotion, is about segments: whatever goes wrong with a page of pictures is a warning and no more.
    """
    if not params.enabled:
        return None
    try:
        with signals_raised():
            return str(_beside_current(folder, params))
    except NothingPublishedError:
        return None
    except Exception as error:
        logger.warning("the report could not be written; `resegment report` tries again: %s", error)
        return None


@task
def report_version(folder: Path, params: ReportParams, version_id: int | None, output: Path | None) -> dict[str, Any]:
    """Write the report of any published version (default: the current) beside it, or to the file `output`.

    Raises
    ------
    NothingPublishedError
        There is no such version, or none yet.
    ServingError
        The folder cannot be written by this user; `output` can be.
    """
    file = reading.version_file_of(folder, version_id)
    text = report(file, params)
    number = serving.number_of(file.parent)
    if output is None:
        written = serving.put_report(folder, number, text)
    else:
        with explaining_files("The report cannot be written", output):
            serving.replace_text(output, text)
        written = output
    return {"version_id": number, "file": str(written), "bytes": len(text.encode())}


@task
def report_versions(folder: Path, params: ReportParams, version_ids: Collection[int]) -> int:
    """Put a report beside each of these versions that has none; return how many. One whose folder is gone is told."""
    missing = [number for number in version_ids if not serving.report_file(folder, number).exists()]
    written = 0
    for done, number in enumerate(missing, start=1):
        try:
            file = reading.version_file_of(folder, number)
        except NothingPublishedError as error:
            logger.warning("a report cannot be written: %s", error)
        else:
            serving.put_report(folder, number, report(file, params))
            written += 1
        listener.get().advance(done, len(missing))
    return written


def _beside_current(folder: Path, params: ReportParams) -> Path:
    file = reading.current_file(folder)
    there = serving.report_file(folder, serving.number_of(file.parent))
    return there if there.exists() else serving.put_report(folder, serving.number_of(file.parent), report(file, params))
