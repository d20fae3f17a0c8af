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

    OpenMP's limit is this thread's own. That of BLAS is the process's, so of blocks in several threads the last one to
    end lifts it.
    """
    global _blocks
    libraries = _controller("sklearn.cluster" in sys.modules)
    with _lock:
        if not _blocks:
            _limit.enter_context(libraries.select(user_api="blas").limit(limits=1))
        _blocks += 1
    try:
        with libraries.select(user_api="openmp").limit(limits=1):
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
