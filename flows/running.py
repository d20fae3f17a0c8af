"""Runs a flow from the command line: as a flow run if a Prefect API is configured, else as the plain function it is."""

import importlib
import logging
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.listening import listening
from flows.local_server import answers
from warehouse.errors import ResegmentError


class PrefectUnreachableError(ResegmentError):
    """A Prefect API is configured and does not answer."""


def run_flow(name: str, *, quiet: bool, brief: bool = False, **arguments: Any) -> dict[str, Any]:
    """Run `flows/<name>.py`'s function `<name>` with its progress on the terminal.

    `quiet` keeps the terminal clean, `brief` lets the bars vanish when the run ends.

    Raises
    ------
    PrefectUnreachableError
        A Prefect API is configured and does not answer.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    function = _deployed(name) if has_prefect_api() else _plain(name)
    with listening(quiet, brief), _logging(quiet or brief):
        return dict(function(**arguments))


def has_prefect_api() -> bool:
    """Whether a Prefect API is configured, by the environment or by the active profile; starts and imports nothing."""
    if "PREFECT_API_URL" in os.environ:
        return bool(os.environ["PREFECT_API_URL"])
    file = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser() / "profiles.toml"
    try:
        profiles = tomllib.loads(Path(os.environ.get("PREFECT_PROFILES_PATH") or file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "")
    return bool(profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL"))


def reachable_api() -> str:
    """Address of the configured Prefect API; raises PrefectUnreachableError if it does not answer."""
    from prefect.settings import PREFECT_API_URL

    url = str(PREFECT_API_URL.value())
    if not answers(f"{url}/health"):
        raise PrefectUnreachableError(
            f"The Prefect API at {url} does not answer. Start it, or run with PREFECT_API_URL= to do without."
        )
    return url


def _plain(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(importlib.import_module(f"flows.{name}"), name)
    return function


def _deployed(name: str) -> Callable[..., Any]:
    """The flow; what its steps say goes to Prefect's logs, and to the terminal only once, through our own handler."""
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "resegment")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
    reachable_api()
    function: Callable[..., Any] = getattr(importlib.import_module("flows.deployments"), name)
    return function


@contextmanager
def _logging(quiet: bool) -> Iterator[None]:
    """Warnings go to standard error; in a pipe, so does what each step has to say."""
    logger = logging.getLogger("resegment")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handler.setLevel(logging.WARNING if quiet or handler.stream.isatty() else logging.INFO)
    before = logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before
