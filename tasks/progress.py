"""How far a run is: each task tells its name and, where it can, how much of it is done; whoever runs it may listen."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

logger = logging.getLogger("resegment")


class Listener(Protocol):
    """Shows a run to a person."""

    def begin(self, step: str) -> None:
        """A step begins."""

    def advance(self, done: int, total: int) -> None:
        """So much of the running step is done."""

    def end(self, step: str, seconds: float, *, well: bool) -> None:
        """The step has ended after so many seconds; not `well` if it raised."""


class _Silent:
    def begin(self, step: str) -> None:
        return

    def advance(self, done: int, total: int) -> None:
        return

    def end(self, step: str, seconds: float, *, well: bool) -> None:
        return


listener: ContextVar[Listener] = ContextVar("listener", default=_Silent())  # noqa: B039 - it has no state
seconds: ContextVar[dict[str, float]] = ContextVar("seconds")


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Tell the listener about a step and keep its seconds for the run's record."""
    listener.get().begin(step)
    started = time.perf_counter()
    well = False
    try:
        yield
        well = True
    finally:
        taken = time.perf_counter() - started
        listener.get().end(step, taken, well=well)
        kept = seconds.get(None)
        if kept is not None:
            kept[step] = round(kept.get(step, 0.0) + taken, 4)


@contextmanager
def counted(part: str) -> Iterator[None]:
    """Add the seconds of a part of a running step to the run's record, without telling anybody."""
    started = time.perf_counter()
    try:
        yield
    finally:
        kept = seconds.get(None)
        if kept is not None:
            kept[part] = round(kept.get(part, 0.0) + time.perf_counter() - started, 4)
