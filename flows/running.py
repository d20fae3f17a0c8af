"""Runs a flow from the command line: as a flow run if a Prefect API is configured, else as the plain function it is."""

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.listening import listening


def run_flow(name: str, *, quiet: bool, **arguments: Any) -> dict[str, Any]:
    """Run `flows/<name>.py`'s function `<name>` with its progress on the terminal; `quiet` keeps the terminal clean."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    function = getattr(importlib.import_module(f"flows.{name}"), name)
    if has_prefect_api():
        function = getattr(importlib.import_module("flows.deployments"), name)
    with _logging(quiet), listening(quiet):
        return dict(function(**arguments))


def has_prefect_api() -> bool:
    """Whether a Prefect API is configured, by the environment or by the active profile; never starts a server."""
    if "PREFECT_API_URL" in os.environ:
        return bool(os.environ["PREFECT_API_URL"])
    home = os.environ.get("PREFECT_HOME", os.path.expanduser("~/.prefect"))  # noqa: PTH111
    if not os.path.exists(os.path.join(home, "profiles.toml")):  # noqa: PTH110, PTH118 - without importing Prefect
        return False
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


@contextmanager
def _logging(quiet: bool) -> Iterator[None]:
    """Warnings go to standard error; in a pipe, so does what each step has to say."""
    logger = logging.getLogger("resegment")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.setLevel(logging.WARNING if quiet or handler.stream.isatty() else logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
