"""How a process of ours ends where the interpreter is taken apart piece by piece, and where it does not end."""

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class TerminatedError(SystemExit):
    """A signal told this process to end; its code is what a shell reports for one."""


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that it is on record, told, and what it started is stopped.

    A handler that is there already, and a signal that is ignored as under nohup, are left.
    """
    came: list[int] = []

    def leave(number: int, frame: object) -> None:
        came.append(number)
        raise TerminatedError(128 + number)

    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, leave)
    try:
        yield
    except KeyboardInterrupt:  # DuckDB reports any signal that interrupts a query as this one
        if came:
            raise TerminatedError(128 + came[0]) from None
        raise
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@cache
def end_silently() -> None:
    """Close standard error before the interpreter is taken apart; what was registered later still writes to it.

    DuckDB's binding takes objects for leaked while a thread of Prefect's or an import still lives, and would fill the
    screen, or the worker's log, with them as the interpreter ends.
    """
    atexit.register(_close_standard_error)


def outlive_readers() -> None:
    """Go on when nobody reads what is said any more, because the worker that passed it on was killed.

    Rich, with which Prefect writes to the console, would end the process: in the middle of a night, without a word.
    """
    from rich.console import Console

    Console.on_broken_pipe = _go_on  # type: ignore[method-assign]


def _go_on(self: "Console") -> None:
    self.quiet = True


def _close_standard_error() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
