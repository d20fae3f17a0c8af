"""One decorator for every step: a Prefect task inside a flow run, the plain function anywhere else.

A night on a laptop has no Prefect server to wait for, and does not even import Prefect.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from tasks.progress import timed

P = ParamSpec("P")
R = TypeVar("R")


def task(function: Callable[P, R]) -> Callable[P, R]:
    """Make a step of a run: timed, and a Prefect task run of its own if a flow run is going on."""

    @functools.wraps(function)
    def step(*args: P.args, **kwargs: P.kwargs) -> R:
        with timed(function.__name__):
            return _as_prefect_task(function)(*args, **kwargs) if inside_flow_run() else function(*args, **kwargs)

    return step


def inside_flow_run() -> bool:
    """Whether a flow run of Prefect is going on; Prefect is not imported to find out."""
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


@functools.cache
def _as_prefect_task(function: Callable[..., Any]) -> Callable[..., Any]:
    """Results are small facts and correctness is DuckDB's, so nothing is cached or kept by Prefect."""
    import prefect
    from prefect.cache_policies import NO_CACHE

    name = function.__name__.replace("_", " ")
    made: Callable[..., Any] = prefect.task(name=name, cache_policy=NO_CACHE, persist_result=False)(function)
    return made
