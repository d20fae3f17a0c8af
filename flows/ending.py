"""How a process of ours ends where the interpreter is taken apart piece by piece."""

import atexit
import os
import sys
from functools import cache


@cache
def end_silently() -> None:
    """Close standard error before the interpreter is taken apart; what was registered later still writes to it.

    DuckDB's binding takes objects for leaked while a thread of Prefect's or an import still lives, and would fill the
    screen, or the worker's log, with them as the interpreter ends.
    """
    atexit.register(_close_standard_error)


def _close_standard_error() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
