"""Deployed nights: the clock starts them; one that is killed, in whichever way, is seen and the next carries on."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from support_prefect import Shell, documented, ended_state, schedule, waiting
from support_runs import Place, differences, state

NIGHTS = [date(2011, 1, 10) + timedelta(days=number) for number in range(6)]
#: Within which a run that was killed has to be seen as crashed, in seconds.
SEEN_WITHIN = 120


@dataclass
class Nights:
    """A shop whose files appear day by day, and the deployed nights over them."""

    shell: Shell
    place: Place
    delivered: int = 0

    def deliver(self) -> date:
        """Let another day's file appear; returns the night it is for."""
        self.delivered += 1
        self.place.deliver(NIGHTS[self.delivered - 1])
        return NIGHTS[self.delivered - 1]

    @property
    def log(self) -> str:
        """What server, worker and runs said."""
        return (self.shell.folder / "staying.log").read_text()

    def start_worker(self) -> None:
        """In the place of one that ended."""
        self.shell.staying.pop()
        self.shell.do("prefect worker start --pool local")

    def completed(self, night: date) -> None:
        """A run for a night to its good end."""
        ended = schedule(self.shell, self.place, night)
        assert waiting(lambda: ended_state(self.shell, ended))[0] == "Completed"

    def begun(self, night: date) -> str:
        """A run for a night, in the middle of its work."""
        before, run = len(self.log), schedule(self.shell, self.place, night)
        waiting(lambda: "Task run 'accept batch" in self.log[before:])
        return run

    def broken_off(self, night: date, kill: Callable[["Nights", int], None]) -> float:
        """A run for a night that is killed on its way; returns after how many seconds it was seen as crashed."""
        run = self.begun(night)
        holder = json.loads(self.place.warehouse.with_name("warehouse.duckdb.lock").read_text())["pid"]
        kill(self, holder)
        killed = time.time()
        if self.shell.staying[-1].returncode is not None:
            self.start_worker()
        name, moment = waiting(lambda: ended_state(self.shell, run))
        assert name == "Crashed"
        assert not running(holder)
        return moment - killed


def the_run(nights: Nights, run: int) -> None:
    os.kill(run, signal.SIGKILL)


def the_worker_and_the_run(nights: Nights, run: int) -> None:
    end_worker(nights, signal.SIGKILL)
    os.kill(run, signal.SIGKILL)


def the_worker_asked_to_stop(nights: Nights, run: int) -> None:
    end_worker(nights, signal.SIGTERM)


def end_worker(nights: Nights, by: signal.Signals) -> None:
    worker = nights.shell.staying[-1]
    worker.send_signal(by)
    worker.wait(60)


def running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with documented(tmp_path_factory.mktemp("prefect")) as shell:
        yield shell


@pytest.fixture(scope="module")
def nights(shell: Shell, real_data: Path) -> Nights:
    """After a first night."""
    nights = Nights(shell, Place(shell.folder / "retail", real_data).set_up())
    nights.completed(nights.deliver())
    return nights


@pytest.mark.parametrize("kill", [the_run, the_worker_and_the_run, the_worker_asked_to_stop])
def test_a_killed_run_is_seen_and_the_next_one_carries_on(nights: Nights, kill: Callable[[Nights, int], None]) -> None:
    night = nights.deliver()
    assert nights.broken_off(night, kill) < SEEN_WITHIN
    nights.completed(night)
    assert f"an earlier run was stopped: nightly for {night}" in nights.log


def test_a_run_outlives_its_worker(nights: Nights) -> None:
    """Killed hard, the worker cannot take its runs with it: they end as if nothing were."""
    night = nights.deliver()
    run = nights.begun(night)
    end_worker(nights, signal.SIGKILL)
    nights.start_worker()
    assert waiting(lambda: ended_state(nights.shell, run))[0] == "Completed"


def test_nights_that_were_killed_end_where_undisturbed_ones_do(nights: Nights, real_data: Path, tmp_path: Path) -> None:
    nights.completed(nights.deliver())
    clean = Place(tmp_path / "clean", real_data).set_up()
    for night in NIGHTS[: nights.delivered]:
        clean.deliver(night)
        assert clean.run(night).code == 0
    assert differences(state(nights.place), state(clean)) == {}


def test_the_clock_starts_a_night(shell: Shell) -> None:
    """The deployed schedule, set to every minute."""
    api = f"http://127.0.0.1:{shell.port}/api"
    deployment = httpx.get(f"{api}/deployments/name/nightly/nightly").raise_for_status().json()
    schedule = f"{api}/deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    every_minute = {"cron": "* * * * *", "timezone": "Europe/London"}
    httpx.patch(schedule, json={"schedule": every_minute}).raise_for_status()
    wanted = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}, "parent_task_run_id": {"is_null_": True}}}

    def by_the_clock() -> list[dict[str, Any]]:
        found = httpx.post(f"{api}/flow_runs/filter", json=wanted).raise_for_status().json()
        return [run for run in found if run["auto_scheduled"]]

    began = waiting(by_the_clock)[0]
    httpx.patch(schedule, json={"active": False}).raise_for_status()
    assert began["deployment_id"] == deployment["id"]
    assert datetime.fromisoformat(began["expected_start_time"]).second == 0
    last = json.loads((shell.folder / "shop" / "serving" / "status.json").read_text())
    assert last["status"] == "done"
