"""Deployed nights: the clock starts them; one that is killed, in whichever way, is seen and the next carries on."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support_prefect import Shell, documented, ended_state, nightly, schedule, told, waiting
from support_runs import Place, differences, state
from support_webhook import listening

from flows.nightly import nightly as run_nightly
from warehouse.errors import WarehouseLockedError
from warehouse.lock import writer_lock

NIGHTS = [date(2011, 1, 10) + timedelta(days=number) for number in range(7)]
#: Within which a run that was killed has to be seen as crashed, in seconds.
SEEN_WITHIN = 120
#: A line for the made-up shop, so that a night there has something to do.
LATE = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
990001,17020,SILVER STRAWBERRY LUNCH BAG,2,2011-03-10 09:10:00,9.73,12359.0,United Kingdom
"""


@dataclass
class Nights:
    """A shop whose files appear day by day, the deployed nights over them, and a twin whose nights nobody disturbs."""

    shell: Shell
    place: Place
    twin: Place
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

    def undisturbed(self, night: date) -> None:
        """The twin's night."""
        self.twin.deliver(night)
        run_nightly(night, config=self.twin.config)

    @contextmanager
    def begun(self, night: date) -> Iterator[tuple[str, int]]:
        """A run for a night, in the middle of its work until the block ends; gives its id and its process."""
        with self.shell.hold.holding(self.place.warehouse):
            run = schedule(self.shell, self.place, night)
            yield run, waiting(self.shell.hold.held)

    def broken_off(self, night: date, kill: Callable[["Nights", int], None]) -> tuple[float, float]:
        """A run for a night that is killed on its way; returns when it was seen as crashed, after how many seconds."""
        with self.begun(night) as (run, process):
            kill(self, process)
            killed = time.time()
            if self.shell.staying[-1].returncode is not None:
                self.start_worker()
            waiting(lambda: not running(process))
        self.undisturbed(night)
        name, moment = waiting(lambda: ended_state(self.shell, run))
        assert name == "Crashed"
        return moment, moment - killed

    def carried_on(self, night: date) -> None:
        """Another run for a night that was broken off, which completes it and says so."""
        self.completed(night)
        assert f"an earlier run was stopped: nightly for {night}" in self.log


def the_run(nights: Nights, run: int) -> None:
    os.kill(run, signal.SIGKILL)


def the_run_told_to_stop(nights: Nights, run: int) -> None:
    os.kill(run, signal.SIGTERM)


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
    place, twin = (Place(shell.folder / name, real_data).set_up() for name in ("retail", "twin"))
    nights = Nights(shell, place, twin)
    first = nights.deliver()
    nights.completed(first)
    nights.undisturbed(first)
    return nights


@pytest.mark.parametrize("kill", [the_run, the_worker_and_the_run])
def test_a_killed_run_is_seen_and_the_next_one_carries_on(nights: Nights, kill: Callable[[Nights, int], None]) -> None:
    night = nights.deliver()
    _, seconds = nights.broken_off(night, kill)
    assert seconds < SEEN_WITHIN
    nights.carried_on(night)


def test_a_run_that_is_told_to_stop_says_so_itself(nights: Nights) -> None:
    night, configured = nights.deliver(), nights.place.config.read_text()
    with listening() as service:
        nights.place.config.write_text(f'{configured}[notify]\nwebhook = "{service.address}"\n')
        nights.broken_off(night, the_run_told_to_stop)
    nights.place.config.write_text(configured)
    assert [one["as_of"] for one in service.got if "told to stop" in one["message"]] == [str(night)]
    wanted = {"filter": {"event": {"name": ["resegment.failed"]}}}
    found = waiting(lambda: told(nights.shell, "POST", "events/filter", wanted)["events"])
    assert [one["payload"]["as_of"] for one in found] == [str(night)]
    assert (nights.place.status()["status"], nights.place.status()["as_of"]) == ("failed", str(night))
    nights.completed(night)


def test_a_run_outlives_its_worker(nights: Nights) -> None:
    """Killed hard, the worker cannot take its run with it: the run ends well, though nobody reads its log."""
    night = nights.deliver()
    with nights.begun(night) as (run, process):
        end_worker(nights, signal.SIGKILL)
        assert running(process)
        nights.start_worker()
    assert waiting(lambda: ended_state(nights.shell, run))[0] == "Completed"
    waiting(lambda: not running(process))
    assert nights.place.status()["status"] == "done"
    nights.undisturbed(night)


def test_a_night_that_is_due_waits_for_the_place_of_one_that_was_stopped(nights: Nights) -> None:
    """A worker that is asked to stop takes its run with it; the clock, set to every minute, starts another."""
    late = nights.shell.folder / "shop" / "data" / "late.csv"
    late.write_text(LATE)
    os.utime(late, (late.stat().st_mtime - 3600,) * 2)  # long settled
    night = nights.deliver()
    with ExitStack() as clock:

        def kill(nights: Nights, run: int) -> None:
            clock.enter_context(every_minute(nights.shell))  # not before the run has the place
            the_worker_asked_to_stop(nights, run)

        seen, seconds = nights.broken_off(night, kill)
        assert seconds < SEEN_WITHIN
        began = waiting(lambda: begun_by_the_clock(nights.shell))[0]
    assert began["deployment_id"] == nightly(nights.shell)["id"]
    assert datetime.fromisoformat(began["expected_start_time"]).second == 0
    started = datetime.fromisoformat(began["start_time"]).timestamp()
    assert started > seen - 5
    shop = nights.shell.folder / "shop" / "warehouse.duckdb"
    taken, runs = waiting(lambda: taken_and_runs(shop, started), despite=(WarehouseLockedError,))
    assert (taken, runs[0]) == ([("late.csv", 1)], "done")
    nights.carried_on(night)


def test_nights_that_were_killed_end_where_undisturbed_ones_do(nights: Nights) -> None:
    night = nights.deliver()
    nights.completed(night)
    nights.undisturbed(night)
    assert differences(state(nights.place), state(nights.twin)) == {}


@contextmanager
def every_minute(shell: Shell) -> Iterator[None]:
    """The deployed schedule, set to every minute."""
    deployment = nightly(shell)
    schedule = f"deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    told(shell, "PATCH", schedule, {"schedule": {"cron": "* * * * *", "timezone": "Europe/London"}})
    try:
        yield
    finally:
        told(shell, "PATCH", schedule, {"active": False})


def taken_and_runs(warehouse: Path, since: float) -> tuple[list[tuple[str, int]], list[str]]:
    """Deliveries accepted since a moment, with their lines, and how the runs since then ended, while no run is on."""
    moment = datetime.fromtimestamp(since, UTC).replace(tzinfo=None)
    accepted = "SELECT unit, delivered_lines FROM landing.loads WHERE accepted_at > $1 AND status = 'accepted'"
    ended = "SELECT status FROM ops.runs WHERE started_at > $1 ORDER BY started_at"
    with writer_lock(warehouse, "test"), duckdb.connect(warehouse, read_only=True) as connection:
        taken = connection.execute(accepted, [moment]).fetchall()
        return taken, [status for (status,) in connection.execute(ended, [moment]).fetchall()]


def begun_by_the_clock(shell: Shell) -> list[dict[str, Any]]:
    wanted = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}, "parent_task_run_id": {"is_null_": True}}}
    completed = told(shell, "POST", "flow_runs/filter", wanted)
    return sorted((run for run in completed if run["auto_scheduled"]), key=lambda run: str(run["start_time"]))
