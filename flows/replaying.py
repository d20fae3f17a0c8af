"""The quarantine tried again: staged, checked and accepted as a delivery is. The next night publishes the change."""

from functools import partial
from pathlib import Path
from typing import Any

from flows.planning import plan_night
from tasks.carrying import carry_out
from tasks.night import Night, on_duty
from tasks.quarantining import Asked, accept_replay, check_replay, plan_replay, stage_replay


def replay(asked: Asked, corrections: Path | None, plan: bool, config: Path | None) -> dict[str, Any]:
    """Take in the asked lines of the quarantine that are sound now; with `plan` only tell what would become of them.

    Raises
    ------
    CheckFailedError
        The replayed lines fail a critical check; nothing of them was accepted.
    QuarantineError
        The file of corrections cannot be used.
    """
    night = plan_night("quarantine replay", None, False, config)
    if plan:
        return {"status": "planned", "replay": plan_replay(night, asked, corrections)}
    return carry_out(night, partial(_replay, asked=asked, corrections=corrections))


def _replay(night: Night, asked: Asked, corrections: Path | None) -> dict[str, Any]:
    with on_duty(night) as record:
        tried = stage_replay(night, asked, corrections)
        if not tried["sound"]:
            return record.replayed(tried | {"outcomes": None})
        check_replay(night)
        return record.replayed(tried | {"outcomes": accept_replay(night)})
