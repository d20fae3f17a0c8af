"""On PYTHONPATH, this makes every Python process refuse and write down connections that leave the machine.

Where a test asks for it, a run also waits before it publishes: what is killed meanwhile is in the middle of its work.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

_HERE = {None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0", b"127.0.0.1", socket.gethostname()}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in _HERE:
        with open(os.environ["CONNECTIONS_LOG"], "a") as log:  # noqa: PTH123 - importing pathlib would slow every start
            log.write(f"{event} {host} by {sys.argv}\n")
        raise PermissionError(f"{host} is not this machine")


class _Holding:
    """Finds `warehouse.publish`, which is imported late or not at all, and lets it wait."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "warehouse.publish":
            return None
        from importlib.machinery import PathFinder

        found: Any = PathFinder.find_spec(name, path, target)
        usual = found.loader.exec_module

        def execute(module: Any) -> None:
            usual(module)
            module.publish = _after_the_hold(module.publish)

        found.loader.exec_module = execute
        return found


def _after_the_hold(publish: Callable[..., bool]) -> Callable[..., bool]:
    def publish_then(warehouse: Any, *arguments: Any, **options: Any) -> bool:
        while _held() == str(warehouse.params.path):
            with open(f"{os.environ['HELD_WAREHOUSE']}.{os.getpid()}", "w"):  # noqa: PTH123 - as above
                time.sleep(0.05)
        return publish(warehouse, *arguments, **options)

    return publish_then


def _held() -> str | None:
    """Path of the warehouse whose versions are not to be published now."""
    try:
        with open(os.environ["HELD_WAREHOUSE"]) as file:  # noqa: PTH123 - as above
            return file.read()
    except FileNotFoundError:
        return None


if "CONNECTIONS_LOG" in os.environ:
    sys.addaudithook(_watch)
if "HELD_WAREHOUSE" in os.environ:
    sys.meta_path.insert(0, _Holding())
