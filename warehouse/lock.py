"""One writer: a lock file beside the warehouse that says who holds it.

DuckDB's own file lock is the last word, but it names nobody and is let go between two connections. This one is held for
a whole run; the kernel frees it when its process ends, however that happens.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from warehouse.errors import WarehouseLockedError
from warehouse.failures import explaining_files


@contextmanager
def writer_lock(warehouse: Path, command: str) -> Iterator[None]:
    """Hold the writer's lock of `warehouse` (the DuckDB file) for the length of the block.

    Raises
    ------
    WarehouseLockedError
        Another process holds it; the message tells its command, process, host and age.
    WarehouseError
        The folder or the lock file cannot be written.
    """
    path = warehouse.with_name(warehouse.name + ".lock")
    with explaining_files("The warehouse's folder cannot be written", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with explaining_files("The warehouse cannot be locked", path):
            _take(descriptor, warehouse, path, command)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, warehouse: Path, path: Path, command: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WarehouseLockedError(_who_holds(warehouse, path)) from None
    holder = {"command": command, "pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _who_holds(warehouse: Path, path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        age = timedelta(seconds=round(time.time() - holder["since"]))
        who = f"`resegment {holder['command']}`, process {holder['pid']} on {holder['host']}, for {age} (h:mm:ss) now"
    except (ValueError, KeyError, TypeError, OSError):
        who = "a process that has just started"
    return f"{warehouse} is being written by {who}. Wait until it has ended, then run this again."
