"""How a process of ours ends where the interpreter is taken apart piece by piece, and where it does not end."""

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Timer
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


#: After how long a signal that came during an import is sent again.
_LOOKED_AGAIN_SECONDS = 0.05


class TerminatedError(SystemExit):
    """A signal told this process to end; its code is what a shell reports for one."""


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does, so that it is on record, told, and what it started is stopped.

    All three wait for an import to be over: DuckDB's module aborts the process when something is raised in the middle
    of its own. A handler that is there already, and a signal that is ignored as under nohup, are left.
    """
    came: list[int] = []

    def leave(number: int, frame: FrameType | None) -> None:
        if _imports(frame):
            again = Timer(_LOOKED_AGAIN_SECONDS, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        came.append(number)
        raise TerminatedError(128 + number)

    usual = {
        signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler,
    }  # fmt: skip
    ours = {number: handler for number, handler in usual.items() if signal.getsignal(number) == handler}
    for number in ours:
        signal.signal(number, leave)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):  # a signal in the middle of a query comes as Ctrl-C, which has its own code
        if came:
            raise TerminatedError(128 + came[0]) from None
        raise
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


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
