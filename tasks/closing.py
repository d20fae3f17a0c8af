"""The step that lets old lines go."""

from datetime import date
from typing import Any

from tasks.night import Night, shop_date
from tasks.progress import logger
from tasks.wrapper import task
from warehouse import closing, store


@task
def let_old_lines_go(night: Night) -> dict[str, Any]:
    """Let go the lines and the quarantine that are older than is set; return how many went."""
    with store.opened(night.warehouse) as warehouse:
        gone = closing.expire(warehouse, night.retention, age_counts_from(night), night.began)
    if gone.lines:
        logger.warning("%s lines of days before %s went ([retention] lines_years)", gone.lines, gone.before)
    if gone.quarantined_lines:
        logger.info("%s quarantined lines went", gone.quarantined_lines)
    return {"lines": gone.lines, "quarantined_lines": gone.quarantined_lines}


def age_counts_from(night: Night) -> date:
    """The night's date, but never one that has not come: a year mistyped in `--as-of` would let everything go."""
    return min(night.as_of, shop_date(night.began, night.shop_zone))
