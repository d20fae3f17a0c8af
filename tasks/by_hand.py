"""What people do outside a night is kept beside the runs: who, what, when, and how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from tasks.present import utc_now, who
from tasks.progress import logger
from warehouse import ops, publish, reading, store
from warehouse.params import WarehouseParams


@dataclass
class Deed:
    """`about`: to which version, folder or number of customers it was done; may be filled in as it goes."""

    about: str


@contextmanager
def kept(params: WarehouseParams, command: str, about: str = "") -> Iterator[Deed]:
    """Keep what the block does in `ops.runs` and, for readers, in `status.json`.

    Runs inside `store.holding` around whatever opens the warehouse: the row is written when the block has ended, so
    that a copy of the warehouse it makes does not hold a step that is going on. A record that cannot be kept is a
    warning: the step itself is done, or undone.
    """
    began, deed = utc_now(), Deed(about)
    try:
        yield deed
    except BaseException as error:
        _keep(params, command, deed, began, str(error) or type(error).__name__)
        raise
    _keep(params, command, deed, began, None)


def _keep(params: WarehouseParams, command: str, deed: Deed, began: datetime, error: str | None) -> None:
    try:
        with store.opening(params, upgrade=False) as warehouse:
            deeds = ops.record_deed(warehouse, command, deed.about, who(), began, utc_now(), error)
        if status := reading.status(params.serving):
            publish.write_status(params.serving, status | {"by_hand": deeds})
    except Exception as trouble:
        logger.warning("that this was done is not on record: %s", trouble)
