"""One thread for numerics whose sums have to come out the same bit for bit."""

import sys
from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def single_threaded() -> AbstractContextManager[Any]:
    """Keep BLAS and OpenMP on one thread in the block: parallel sums of floats differ from run to run."""
    limit: AbstractContextManager[Any] = _controller("sklearn.cluster" in sys.modules).limit(limits=1)
    return limit


@cache
def _controller(with_sklearn: bool) -> Any:
    """Finding the libraries of a process takes milliseconds, so it is done once, and again when scikit-learn came."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
