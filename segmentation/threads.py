"""One thread for numerics whose sums have to come out the same bit for bit."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

_lock = threading.Lock()
_limit = ExitStack()
_blocks = 0


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep BLAS and OpenMP on one thread in the block: parallel sums of floats differ from run to run.

    The limit is the process's own, so of blocks in several threads the last one to end lifts it.
    """
    global _blocks
    with _lock:
        if not _blocks:
            _limit.enter_context(_controller("sklearn.cluster" in sys.modules).limit(limits=1))
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks:
                _limit.close()


@cache
def _controller(with_sklearn: bool) -> Any:
    """Finding the libraries of a process takes milliseconds, so it is done once, and again when scikit-learn came."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
