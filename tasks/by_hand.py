"""What people do outside a night is kept beside the runs: who, what, when, and how it ended."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tasks.present import utc_now, who, words_of
from tasks.progress import logger
from warehouse import ops, publish, reading, store
from warehouse.errors import signals_raised
from warehouse.params import WarehouseParams


@contextmanager
def kept(params: WarehouseParams, command: str, about: str = "") -> Iterator[ops.Deed]:
    """Keep what the block does in `ops.runs` and, when it has ended, for readers in `status.json`.

    Runs inside `store.holding` around whatever opens the warehouse. The row is committed before the block begins, so
    that a step that is killed is found by whatever writes next; a warehouse that is not there yet, damaged or of an
    older schema gets it at the end. The block may fill in what the step is about. A record that cannot be kept is a
    warning: the step itself is done, or undone.
    """
    deed = ops.Deed(uuid.uuid4().hex, command, about, who(), utc_now())
    _begin(params, deed)
    try:
        with signals_raised():
            yield deed
    except BaseException as error:
        _end(params, deed, words_of(error))
        raise
    _end(params, deed, None)


def warn_of_stopped(stopped: Sequence[dict[str, Any]]) -> list[str]:
    """Warn of each run or step that ended without a word; return what was said of them."""
    told = [f"{_name(run)}, begun {run['started_at']:%Y-%m-%d %H:%M} UTC" for run in stopped]
    for one in told:
        logger.warning("an earlier run was stopped: %s", one)
    return told


def _name(run: dict[str, Any]) -> str:
    about = f"for {run['as_of']}" if run["as_of"] else run["about"] or ""
    return f"{run['command']} {about}".rstrip()


def _begin(params: WarehouseParams, deed: ops.Deed) -> None:
    if not params.path.exists():
        return
    try:
        with signals_raised(), store.opening(params, upgrade=False) as warehouse:
            warn_of_stopped(ops.begin_deed(warehouse, deed))
    except Exception as trouble:
        logger.debug("that this begins is not on record: %s", trouble)


def _end(params: WarehouseParams, deed: ops.Deed, error: str | None) -> None:
    if not params.path.exists():  # opening it would make an empty one
        return
    try:
        with signals_raised(), store.opening(params, upgrade=False) as warehouse:
            deeds = ops.end_deed(warehouse, deed, utc_now(), error)
        if status := reading.status(params.serving):
            publish.write_status(params.serving, status | {"by_hand": deeds})
    except Exception as trouble:
        logger.warning("that this was done is not on record: %s", trouble)
