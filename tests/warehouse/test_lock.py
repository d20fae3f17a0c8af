import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warehouse.errors import WarehouseLockedError
from warehouse.lock import writer_lock

HOLD = """
import sys
from pathlib import Path
from warehouse.lock import writer_lock
with writer_lock(Path(sys.argv[1]), "backfill"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_that_holds_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with holder(path) as process:
        with pytest.raises(WarehouseLockedError) as caught, writer_lock(path, "nightly"):
            pass
        process.communicate()
    who = f"`resegment backfill`, process {process.pid} on {socket.gethostname()}, for 0:00:0"
    assert str(caught.value).startswith(f"{path} is being written by {who}")
    assert str(caught.value).endswith("Wait until it has ended, then run this again.")


def test_it_is_free_as_soon_as_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with holder(path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with writer_lock(path, "nightly"):
        assert json.loads(path.with_name("warehouse.duckdb.lock").read_text())["pid"] == os.getpid()


def test_not_even_the_same_process_may_hold_it_twice(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with writer_lock(path, "nightly"):
        with pytest.raises(WarehouseLockedError, match=f"process {os.getpid()}"), writer_lock(path, "refit"):
            pass
        assert json.loads(path.with_name("warehouse.duckdb.lock").read_text())["command"] == "nightly"
    with writer_lock(path, "refit"):
        pass


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"command": "nightly"}', '{"command": 1, "pid": 1, "host": 1, "since": "x"}']
)
def test_a_holder_that_has_not_signed_yet(tmp_path: Path, text: str) -> None:
    path = tmp_path / "warehouse.duckdb"
    with writer_lock(path, "nightly"):
        path.with_name("warehouse.duckdb.lock").write_text(text)
        with pytest.raises(WarehouseLockedError, match="a process that has just started"), writer_lock(path, "refit"):
            pass


def test_a_former_longer_text_leaves_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    lock = path.with_name("warehouse.duckdb.lock")
    lock.write_text("x" * 5000)
    with writer_lock(path, "nightly"):
        assert json.loads(lock.read_text())["since"] <= time.time()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with writer_lock(tmp_path / "warehouse.duckdb", "nightly"):
            assert stat.S_IMODE((tmp_path / "warehouse.duckdb.lock").stat().st_mode) == 0o600
    finally:
        os.umask(before)
