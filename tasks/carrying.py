"""How a run is carried through: again where waiting can help, and told to whoever should know how it ended."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from segmentation.errors import SegmentationError
from tasks.following import followed
from tasks.night import Night, VersionHeldError
from tasks.notifying import Notice, noticed, tell
from tasks.present import utc_now
from tasks.progress import logger
from warehouse import reading
from warehouse.errors import ResegmentError, TransientError, signals_raised

Story = Callable[[Night], dict[str, Any]]
#: Whoever tells a run to stop kills it if it takes too long.
_WHILE_STOPPING = 5.0


def carry_out(night: Night, story: Story) -> dict[str, Any]:
    """Run the story of a night to its end, then raise the events and call the webhook that are due.

    What waiting can mend (TransientError: another writer, a file still being written, a source out of reach) is tried
    again as a whole after `night.retry_after_seconds`, since every step may be repeated and the lock must not be held
    while waiting; a failed check or a held version would only fail again. It stays one run, which begins anew: what
    arrived meanwhile is not of the future. A run that a person started does not wait: it says what is in the way.
    """
    token = noticed.set([])
    try:
        before = (reading.status(night.warehouse.serving) or {}).get("seconds") or {}
        with signals_raised(), followed(before):
            outcome = _patiently(night, story)
    except Exception as error:
        tell([*noticed.get(), _ended_by(error)], _about(night), night.notify)
        raise
    except BaseException as signalled:
        tell([_stopped_by(signalled), *noticed.get()], _about(night), night.notify, within_seconds=_WHILE_STOPPING)
        raise
    else:
        tell(noticed.get(), _about(night) | _version(outcome), night.notify)
        return outcome
    finally:
        noticed.reset(token)


def _patiently(night: Night, story: Story) -> dict[str, Any]:
    for seconds in night.retry_after_seconds if _from_a_deployment() else ():
        try:
            return story(night)
        except TransientError as error:
            logger.warning("%s Tried again in %g s.", error, seconds)
            time.sleep(seconds)
            noticed.get()[:] = [one for one in noticed.get() if one.kind == "crashed"]  # which is found once
            night = replace(night, began=utc_now())
    return story(night)


def _from_a_deployment() -> bool:
    """Whether a scheduler or an API started this run, so that nobody sits and waits."""
    if "prefect" not in sys.modules:
        return False
    from prefect.runtime import deployment

    return bool(deployment.id)


def _ended_by(error: Exception) -> Notice:
    """Messages of errors made for people are told; of others only the kind, as their text may hold anything."""
    if isinstance(error, VersionHeldError):
        return Notice("held", str(error), {"version_id": error.version_id, "reasons": error.reasons})
    told = isinstance(error, ResegmentError | SegmentationError)
    return Notice(
        "failed", str(error) if told else f"{type(error).__name__}; see the log", {"error": type(error).__name__}
    )


def _stopped_by(signalled: BaseException) -> Notice:
    kind = type(signalled).__name__
    return Notice("failed", f"The run was told to stop ({kind}); the next one carries on.", {"error": kind})


def _version(outcome: dict[str, Any]) -> dict[str, Any]:
    return {"version_id": outcome["published"]["version_id"]} if outcome.get("published") else {}


def _about(night: Night) -> dict[str, Any]:
    return {
        "command": night.command,
        "as_of": night.as_of.isoformat(),
        "run_id": night.run_id,
        "warehouse": str(night.warehouse.path),
        "serving": str(night.warehouse.serving),
    }
