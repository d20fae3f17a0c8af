"""How a process of ours ends where the interpreter is taken apart piece by piece, and where it does not end."""

import atexit
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


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
