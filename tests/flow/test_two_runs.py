import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from conftest import NIGHTS
from support_runs import Place

HOLD = """
import sys, time
from pathlib import Path
from flows.planning import plan_night
from tasks.night import on_duty
with on_duty(plan_night("backfill", None, False, Path(sys.argv[1]))):
    print("on duty", flush=True)
    sys.stdin.read()
"""


def on_duty(place: Place) -> subprocess.Popen[str]:
    """A run that is under way until its standard input ends."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, place.config], stdin=-1, stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "on duty\n"
    return process


def runs(place: Place) -> list[tuple[str, str]]:
    with duckdb.connect(place.warehouse, read_only=True) as connection:
        return connection.execute("SELECT command, status FROM ops.runs ORDER BY started_at").fetchall()


def test_the_second_run_says_who_holds_the_warehouse(new_place: Callable[[str], Place]) -> None:
    place = new_place("place")
    place.deliver(NIGHTS[0])
    assert place.run(NIGHTS[0]).code == 0
    before = (place.serving / "status.json").read_bytes()
    with on_duty(place) as first:
        second = place.run(NIGHTS[1])
        assert (place.serving / "status.json").read_bytes() == before
        first.communicate("")
        assert first.returncode == 0
    assert (second.code, second.out) == (1, "")
    who = f"`resegment backfill`, process {first.pid} on {socket.gethostname()}, for 0:00:"
    assert f"{place.warehouse} is being written by {who}" in second.err
    assert "Traceback" not in second.err
    assert runs(place)[1:] == [("backfill", "failed")]


def test_a_run_that_is_terminated_is_told_by_the_next(new_place: Callable[[str], Place]) -> None:
    place = new_place("place")
    place.deliver(NIGHTS[0])
    with on_duty(place) as first:
        first.terminate()
        first.communicate()
        assert first.returncode == -signal.SIGTERM
    ended = place.run(NIGHTS[0])
    assert ended.code == 0, ended.err
    assert "an earlier run was stopped: backfill for " in ended.err
    assert runs(place) == [("backfill", "crashed"), ("nightly", "done")]


def test_ctrl_c_leaves_a_record(new_place: Callable[[str], Place]) -> None:
    place = new_place("place")
    place.deliver(NIGHTS[0])
    process = place.start(NIGHTS[0])
    waited = time.monotonic() + 60
    while not (place.serving / "versions").exists() and time.monotonic() < waited:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert (place.status()["status"], place.status()["error"]) == ("failed", "KeyboardInterrupt")
    assert runs(place) == [("nightly", "failed")]


def test_a_private_file_that_somebody_has_open(new_place: Callable[[str], Place]) -> None:
    place = new_place("place")
    place.deliver(NIGHTS[0])
    assert place.run(NIGHTS[0]).code == 0
    before = (place.serving / "status.json").read_bytes()
    with duckdb.connect(place.warehouse, read_only=True):
        ended = place.run(NIGHTS[1])
    assert ended.code == 1
    assert f"{place.warehouse} is open in another process ({Path(sys.executable).resolve()}, process" in ended.err
    assert (place.serving / "status.json").read_bytes() == before
