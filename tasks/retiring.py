"""The first step of a night, which it takes whatever comes of the others: what nobody needs any more goes."""

from dataclasses import asdict
from typing import Any

from tasks.night import Night
from tasks.present import utc_now
from tasks.progress import logger
from tasks.wrapper import task
from warehouse import store
from warehouse.errors import WarehouseError
from warehouse.retention import Retired, retire


@task
def retire_versions(night: Night) -> dict[str, Any]:
    """Mark versions beyond retention as pruned and remove directories whose grace is over; return which.

    What is published is, whatever goes wrong with what is old: that is a warning, and tried again the next night.
    """
    try:
        with store.opened(night.warehouse) as warehouse:
            retired = retire(warehouse, night.retention, utc_now())
    except WarehouseError as error:
        logger.warning("old versions could not be removed; the next night tries again: %s", error)
        retired = Retired([], [])
    return asdict(retired)
