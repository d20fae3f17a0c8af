"""The step that lets old lines go."""

from typing import Any

from tasks.night import Night
from tasks.progress import logger
from tasks.wrapper import task
from warehouse import closing, store


@task
def let_old_lines_go(night: Night) -> dict[str, Any]:
    """Let go the lines and the quarantine that are older than is set; return how many went."""
    with store.opened(night.warehouse) as warehouse:
        gone = closing.expire(warehouse, night.retention, night.as_of, night.began)
    if gone.lines:
        logger.warning("%s lines of days before %s went ([retention] lines_years)", gone.lines, gone.before)
    if gone.quarantined_lines:
        logger.info("%s quarantined lines went", gone.quarantined_lines)
    return {"lines": gone.lines, "quarantined_lines": gone.quarantined_lines}
