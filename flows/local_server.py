"""A Prefect server for the length of a block: on 127.0.0.1, with a home folder of its own and no analytics."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flows.ending import ending_on_signals

_STOPPING_SECONDS = 15
_LOG = "server.log"


class ServerNotStartedError(Exception):
    """The server ended or did not answer in time; the message says which, and where its log is."""


@contextmanager
def local_server(home: Path, *, port: int | None = None, start_seconds: float = 120) -> Iterator[str]:
    """Start a Prefect server, point this process's environment at it, yield its API's address, and stop it.

    Its database and log are in `home`; without `port` it takes a free one. It runs in a session of its own, so that
    Ctrl-C reaches only us; it is stopped by its process id however the block ends, also by SIGTERM. Prefect must not
    have been imported before.

    Raises
    ------
    ServerNotStartedError
        No healthy answer within `start_seconds`.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    url = f"http://127.0.0.1:{port}/api"
    with (
        environment_of(_environment(home, url)),
        ending_on_signals(),
        _server_process(home, port) as server,
    ):
        _wait_until_healthy(server, url, start_seconds, home / _LOG)
        try:
            yield url
        finally:
            _send_what_waits()


@contextmanager
def _server_process(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / _LOG).open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
        try:
            yield server
        finally:
            _stop(server)


def _environment(home: Path, url: str) -> dict[str, str]:
    """Ours without any Prefect setting of the user's: the demo must not reach a server somebody works with."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return ours | {
        "DO_NOT_TRACK": "1",
        "NO_PROXY": ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1"))),
        "PREFECT_API_URL": url,
        "PREFECT_HOME": str(home.absolute()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }


@contextmanager
def environment_of(environment: Mapping[str, str]) -> Iterator[None]:
    """Have exactly this environment in the block."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(environment)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _wait_until_healthy(server: subprocess.Popen[bytes], url: str, seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ServerNotStartedError(f"it ended at once with exit code {server.returncode}; see {log}")
        if answers(f"{url}/health"):
            return
        time.sleep(0.2)
    raise ServerNotStartedError(f"it did not answer within {seconds:g} s; see {log}")


def answers(url: str, timeout: float = 5) -> bool:
    """Whether anything speaks HTTP at `url`, whatever it says."""
    try:
        with urllib.request.urlopen(url, timeout=timeout):  # noqa: S310 - the scheme is the configuration's
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def _send_what_waits() -> None:
    """Send logs and events still in Prefect's queues; for a server that is gone it would try for a minute at exit."""
    if "prefect" not in sys.modules:
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=_STOPPING_SECONDS)


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(_STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
    server.wait()


def _end_with_parent() -> None:
    """Linux sends the server SIGTERM even if we are killed outright (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
