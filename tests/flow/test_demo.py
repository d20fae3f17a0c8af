"""The demo as a user runs it: a process of its own, with a server of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import duckdb
import pytest

from flows.demo import DemoFolderError, run_demo
from flows.local_server import ServerNotStartedError, local_server

COMMAND = [sys.executable, "-m", "flows.cli", "demo", "--folder"]


def test_two_demos_end_with_segments_and_leave_no_server(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    theirs = os.environ | {"PREFECT_API_URL": "http://127.0.0.1:9/api", "RESEGMENT__WAREHOUSE__PATH": "/nowhere/at.all"}
    for again in range(2):
        arguments = ["--json"] if again else []
        done = subprocess.run(
            [*COMMAND, str(folder), *arguments], capture_output=True, text=True, env=theirs, check=False
        )
        assert done.returncode == 0, done.stderr
        if not again:
            assert "Published: " in done.stdout
            assert f"Report: {folder}" in done.stdout
            assert "adjusted Rand index" in done.stdout
            assert "Traceback" not in done.stderr
            assert "leaked" not in done.stderr
    outcome = json.loads(done.stdout)
    assert [night["status"] for night in outcome["nights"]] == ["done"] * 4
    assert [night["deliveries"]["files"] for night in outcome["nights"]][1:] == [1, 1, 1]
    assert outcome["adjusted_rand_index"] > 0.7
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(outcome["prefect_api"])
    with duckdb.connect(outcome["current"], read_only=True) as published:
        assert published.execute("SELECT count(*) FROM customer_segments").fetchone() == (1200,)


def test_interrupted_demo_stops_its_server(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*COMMAND, str(tmp_path / "demo")],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stderr is not None
    line = next(line for line in demo.stderr if "runs at" in line)
    address = line.partition("runs at ")[2].partition(";")[0]
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 130
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address)
        except OSError:
            return
        time.sleep(0.1)
    pytest.fail(f"the server at {address} is still there")


def test_without_a_server_the_nights_run_as_plain_functions(tmp_path: Path) -> None:
    code = "import flows.demo, contextlib; from flows.local_server import ServerNotStartedError\n" + NO_SERVER
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "demo")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "could not be started: no luck" in done.stdout
    assert "None 4 prefect False" in done.stdout


NO_SERVER = """
import pathlib, sys

@contextlib.contextmanager
def unlucky(home):
    raise ServerNotStartedError("no luck")
    yield

flows.demo.local_server = unlucky
found = flows.demo.run_demo(pathlib.Path(sys.argv[1]), quiet=True, tell=print)
print(found["prefect_api"], len(found["nights"]), "prefect", "prefect" in sys.modules)
"""


def test_a_server_that_does_not_answer_in_time_is_stopped_and_told(tmp_path: Path) -> None:
    told = pytest.raises(ServerNotStartedError, match=r"did not answer within 0.1 s; see .*server.log")
    with told, local_server(tmp_path, start_seconds=0.1):
        pass


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_text("mine")
    with pytest.raises(DemoFolderError, match="no demo"):
        run_demo(tmp_path, quiet=True, tell=print)
    assert (tmp_path / "warehouse.duckdb").read_text() == "mine"
