"""On PYTHONPATH, this makes every Python process refuse and write down connections that leave the machine."""

import os
import socket
import sys
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


if "CONNECTIONS_LOG" in os.environ:
    sys.addaudithook(_watch)
