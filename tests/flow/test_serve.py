"""The one-command alternative: server, deployments and crash detection of one machine, in a process of its own."""

import json
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from support_prefect import Hold, filled, waiting, watched, zone_at_noon

from flows.local_server import free_port

ZONE = zone_at_noon()
CONFIG = f"""
[source]
path = "data/*.csv"
[checks]
stale_days_stop = 100000
[report]
enabled = false
[schedule]
time_zone = "{ZONE}"
nightly_cron = "17 2 * * *"
"""


#: The server may not answer yet.
coming = partial(waiting, despite=(httpx.HTTPError,))


def hold_in(folder: Path) -> Hold:
    return Hold(folder / "held")


def started(folder: Path, port: int) -> "subprocess.Popen[str]":
    ours = {"PREFECT_HOME": str(folder / "home"), "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    ours["HELD_WAREHOUSE"] = str(hold_in(folder).file)
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", str(port)]
    return subprocess.Popen(
        command, cwd=folder, env=watched(folder) | ours, stdout=-1, stderr=subprocess.STDOUT, text=True
    )


def test_it_serves_the_configured_times_runs_a_night_and_stops_with_its_server(tmp_path: Path) -> None:
    filled(tmp_path, CONFIG)
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    for again in range(2):
        began, serving = datetime.now(UTC), started(tmp_path, port)
        try:
            found = coming(partial(served_since, began, api))
            deployments = {one["name"]: one for one in found}
            cron = deployments["nightly"]["schedules"][0]["schedule"]
            assert (cron["cron"], cron["timezone"]) == ("17 2 * * *", ZONE)
            assert not deployments["nightly"]["paused"]
            assert deployments["weekly-refit"]["parameters"]["refit"] is True
            assert [one["name"] for one in all_of(api, "automations")] == ["resegment crashed runs"]
            coming(lambda: {run["state_type"] for run in all_of(api, "flow_runs")} >= {"SCHEDULED"})
            run = asked_for(api, deployments["nightly"], "2011-03-11" if again else "2011-03-10")
            if again:  # it is stopped on its way
                waiting(hold_in(tmp_path).held)
            else:
                coming(lambda: httpx.get(f"{api}/flow_runs/{run}").json()["state_type"] == "COMPLETED")  # noqa: B023
                hold_in(tmp_path).file.write_text(str(tmp_path / "warehouse.duckdb"))  # the next night waits
        finally:
            serving.send_signal(signal.SIGTERM if again else signal.SIGINT)
            said, _ = serving.communicate(timeout=120)
        assert serving.returncode == 0, said
        assert f"Prefect's pages are at http://127.0.0.1:{port}" in said
        assert "Traceback" not in said
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{api}/health")
    assert not (tmp_path / "connections.log").exists(), "something spoke to another machine"
    status = json.loads((tmp_path / "serving" / "status.json").read_text())
    assert (status["as_of"], status["status"]) == ("2011-03-11", "failed")
    assert status["error"] in ("TerminationSignal", "KeyboardInterrupt")
    assert status["current"]["as_of"] == "2011-03-10"


def asked_for(api: str, deployment: dict[str, Any], as_of: str) -> str:
    """A run of a deployment for a date; returns its id."""
    asked = {"parameters": {"as_of": as_of} | deployment["parameters"]}
    made = httpx.post(f"{api}/deployments/{deployment['id']}/create_flow_run", json=asked)
    return str(made.raise_for_status().json()["id"])


def served_since(began: datetime, api: str) -> list[dict[str, Any]]:
    """The deployments, once each was looked for runs; the server knows them from the last time, too."""
    found = all_of(api, "deployments")
    asked = [datetime.fromisoformat(one["last_polled"]) for one in found if one["last_polled"]]
    return found if len(asked) == 3 and min(asked) > began else []


def all_of(api: str, what: str) -> list[dict[str, Any]]:
    found = httpx.post(f"{api}/{what}/filter", json={}).raise_for_status().json()
    return list(found)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        serving = started(tmp_path, taken.getsockname()[1])
        said, _ = serving.communicate()
    assert serving.returncode == 1
    assert "is taken" in said
    assert "--port" in said
