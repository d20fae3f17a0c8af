"""With a Prefect server: set up by the commands the documentation gives, one server and one worker for this module."""

import base64
import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from support_prefect import Shell, asked, documented, filled, resegment, run, waiting

from flows.settings import ScheduleParams
from warehouse.lock import writer_lock

REPOSITORY = Path(__file__).parents[2]
AS_OF = "2011-03-10"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Server and worker stay for the module."""
    with documented(tmp_path_factory.mktemp("prefect")) as shell:
        yield shell


@pytest.fixture(scope="module")
def environment(shell: Shell) -> dict[str, str]:
    """Environment of a process that finds the module's server."""
    return shell.environment


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with deliveries and a configuration."""
    return filled(tmp_path)


def without_moments(outcome: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(outcome), object_hook=lambda found: {k: v for k, v in found.items() if k != "file"})


def artifacts(environment: dict[str, str], folder: Path) -> dict[str, Any]:
    """The latest artifact of each key, without `resegment-` before it."""
    found: dict[str, Any] = asked(
        environment,
        folder,
        """
        shown = client.request("POST", "/artifacts/latest/filter", json={}).json()
        print(json.dumps({one["key"].removeprefix("resegment-"): one["data"] for one in shown}))
        """,
    )
    return found


def test_the_documented_commands_lead_to_a_published_version(shell: Shell) -> None:
    now = datetime.now(ZoneInfo(ScheduleParams().time_zone))
    days = now.date(), now.date() - timedelta(days=1)  # midnight may have passed since
    assert any(f"as of {day}" in shell.said for day in days)
    pool, deployments = asked(
        shell.environment,
        shell.folder,
        """
        pool = client.read_work_pool("local")
        found = {d.name: [d.pull_steps, d.parameters, [s.schedule.cron for s in d.schedules]]
                 for d in client.read_deployments()}
        print(json.dumps([pool.concurrency_limit, found]))
        """,
    )
    here = [{"prefect.deployments.steps.set_working_directory": {"directory": str(shell.folder / "shop")}}]
    schedule = ScheduleParams()
    assert pool == 1
    assert deployments["nightly"] == [here, {}, [schedule.nightly_cron]]
    assert deployments["backfill"] == [here, {}, []]
    assert deployments["weekly-refit"] == [here, {"refit": True}, [schedule.weekly_refit_cron]]


def test_a_run_shows_tables_pictures_and_no_customer(shell: Shell) -> None:
    found = artifacts(shell.environment, shell.folder)
    assert set(found) >= {"progress", "deliveries", "checks", "segments", "night", "version"}
    assert found["progress"] == 100
    assert len(json.loads(found["deliveries"])) == len(list((shell.folder / "shop" / "data").iterdir()))
    assert {check["severity"] for check in json.loads(found["checks"])} >= {"critical", "warning"}
    assert sum(segment["customers"] for segment in json.loads(found["segments"])) > 100
    pictures = re.findall(r"!\[.*\]\(data:image/svg\+xml;base64,(.*)\)", found["night"])
    assert json.loads(found["segments"])[0]["segment"] in base64.b64decode(pictures[0]).decode()
    customers = resegment(shell.folder / "shop", shell.environment, "sql", "SELECT customer_id FROM customer_segments")
    ids = customers.stdout.split()[1:]
    assert len(ids) > 100
    assert [one for one in ids if f'"{one}"' in json.dumps(found) or f" {one} " in json.dumps(found)] == []


def test_a_night_without_anything_new_links_what_readers_see(
    shop: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    nights = [resegment(shop, environment, "nightly", "--as-of", AS_OF, "--json") for _ in range(2)]
    assert [json.loads(night.stdout)["status"] for night in nights] == ["done", "unchanged"]
    assert "incomplete" not in nights[1].stderr
    file = json.loads(nights[1].stdout)["published"]["file"]
    assert (file, Path(file).exists()) == (json.loads(nights[0].stdout)["published"]["file"], True)
    shown = artifacts(environment, tmp_path)
    assert f"`{file}`" in shown["version"]
    assert "stays: nothing new came" in shown["night"]


def test_crons_create_scheduled_runs(environment: dict[str, str], tmp_path: Path) -> None:
    scheduled = asked(
        environment,
        tmp_path,
        """
        import time
        from prefect.client.schemas.filters import FlowRunFilter
        wanted = FlowRunFilter(state={"type": {"any_": ["SCHEDULED"]}})
        names = {d.id: d.name for d in client.read_deployments()}
        deadline, found = time.monotonic() + 60, {}
        while len(found) < 2 and time.monotonic() < deadline:
            runs = client.read_flow_runs(flow_run_filter=wanted)
            found = {names[run.deployment_id]: run.next_scheduled_start_time.strftime("%H:%M %Z") for run in runs}
            time.sleep(0.5)
        print(json.dumps(found))
        """,
    )
    assert set(scheduled) == {"nightly", "weekly-refit"}


def test_the_times_in_prefect_yaml_are_the_defaults_of_the_configuration() -> None:
    deployments = {one["name"]: one for one in yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]}
    schedule = ScheduleParams()
    crons = {"nightly": schedule.nightly_cron, "weekly-refit": schedule.weekly_refit_cron}
    assert {
        name: (one["schedules"][0]["cron"], one["schedules"][0]["timezone"])
        for name, one in deployments.items()
        if "schedules" in one
    } == {name: (cron, schedule.time_zone) for name, cron in crons.items()}


def test_a_night_is_a_flow_run_with_named_tasks_and_the_result_of_the_plain_function(
    shop: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with_api = resegment(shop, environment, "nightly", "--as-of", AS_OF, "--json")
    assert with_api.returncode == 0, with_api.stderr
    plain_shop = filled(tmp_path_factory.mktemp("plain"))
    plain = resegment(plain_shop, environment | {"PREFECT_API_URL": ""}, "nightly", "--as-of", AS_OF, "--json")
    assert plain.returncode == 0, plain.stderr
    assert without_moments(json.loads(with_api.stdout)) == without_moments(json.loads(plain.stdout))
    found = asked(
        environment,
        shop,
        """
        from prefect.client.schemas.filters import FlowRunFilter
        from prefect.client.schemas.sorting import FlowRunSort
        flow_run = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(start_time={"is_null_": False}), sort=FlowRunSort.START_TIME_DESC, limit=1
        )[0]
        mine = FlowRunFilter(id={"any_": [flow_run.id]})
        names = sorted(run.name.rpartition("-")[0] for run in client.read_task_runs(flow_run_filter=mine))
        logs = [log.message for log in client.read_logs() if log.name == "resegment" and log.flow_run_id == flow_run.id]
        print(json.dumps([flow_run.state.type.value, names, logs]))
        """,
    )
    state, names, logs = found
    assert state == "COMPLETED"
    assert {"stage deliveries", "accept batch", "segment customers", "publish version"} <= set(names)
    assert any(line.startswith("staged ") for line in logs)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> CompletedProcess[str]:
    """A night that its checks stopped."""
    shop = filled(tmp_path_factory.mktemp("failed"))
    strict = environment | {"RESEGMENT__CHECKS__STALE_DAYS_STOP": "31"}
    return resegment(shop, strict, "nightly", "--as-of", "2050-01-01")


def test_a_held_or_failed_run_ends_with_one_message_and_no_traceback(failed: CompletedProcess[str]) -> None:
    assert failed.returncode == 1
    assert "Critical checks failed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""


@pytest.mark.usefixtures("failed")
def test_a_failed_run_is_an_event(environment: dict[str, str], tmp_path: Path) -> None:
    found = asked(
        environment,
        tmp_path,
        """
        import time
        wanted = {"filter": {"event": {"prefix": ["resegment."]}}}
        deadline, events = time.monotonic() + 60, []
        while not events and time.monotonic() < deadline:
            events = client.request("POST", "/events/filter", json=wanted).json()["events"]
            time.sleep(0.5)
        about = {one["event"]: [one["resource"]["prefect.resource.id"], one["payload"]["as_of"]] for one in events}
        print(json.dumps(about))
        """,
    )
    told = ["resegment.night", "2050-01-01"]
    assert found == {"resegment.failed": told, "resegment.stale": told}


def test_a_deployed_run_waits_for_the_warehouse_and_does_not_repeat_what_would_fail_again(shell: Shell) -> None:
    folder, log = shell.folder / "shop", shell.folder / "staying.log"
    before = log.stat().st_size
    with writer_lock(folder / "warehouse.duckdb", "verify"):
        shell.do("prefect deployment run nightly/nightly --param as_of=2009-01-01")
        waiting(lambda: "is being written by `resegment verify`" in log.read_text()[before:])
    waiting(lambda: re.search(r"Flow run '.*' - Finished in state Failed", log.read_text()[before:]))
    said = log.read_text()[before:]
    assert "Tried again in 1 s." in said
    assert len(re.findall(r"Task run 'check batch-\w+' - Finished", said)) == 1


def test_an_api_that_does_not_answer_is_named(shop: Path, environment: dict[str, str]) -> None:
    dead = environment | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    failed = resegment(shop, dead, "nightly", "--as-of", AS_OF)
    assert failed.returncode == 1
    assert failed.stderr.startswith("resegment: The Prefect API at http://127.0.0.1:9/api does not answer")
    assert not (shop / "warehouse.duckdb").exists()


def test_a_deployed_run_works_from_any_folder_for_the_day_it_was_scheduled(
    shop: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The run was to begin at 23:30 UTC in summer, when the shop has the next day."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    code = f"""
    import datetime, os
    from pathlib import Path
    from prefect.flow_engine import run_flow
    from prefect.flows import load_flow_from_entrypoint
    from prefect.states import Scheduled
    flow = load_flow_from_entrypoint("flows.deployments.nightly")
    moment = datetime.datetime(2011, 4, 1, 23, 30, tzinfo=datetime.UTC)
    parameters = {{"config": Path({str(shop / "resegment.toml")!r})}}
    flow_run = client.create_flow_run(flow, parameters=parameters, state=Scheduled(scheduled_time=moment))
    outcome = run_flow(flow, flow_run=flow_run, parameters=parameters)
    time = client.read_flow_run(flow_run.id).state.type.value
    from prefect.logging.handlers import APILogWorker
    APILogWorker.drain_all(timeout=15)
    print(json.dumps([str(outcome["published"]["as_of"]), time]))
    """
    assert asked(environment, elsewhere, code) == ["2011-04-02", "COMPLETED"]


def test_drift_asks_for_a_refit(shell: Shell) -> None:
    """The shipped automation is accepted, and starts one more run of the deployment the event came from."""
    shell.do("prefect automation create --from-file /opt/resegment/flows/automations/refit-on-drift.yaml")
    found = asked(
        shell.environment,
        shell.folder,
        """
        import time
        from prefect.events import emit_event
        from prefect.events.worker import EventsWorker
        deployment = client.read_deployment_by_name("nightly/nightly")
        of = {"prefect.resource.id": f"prefect.deployment.{deployment.id}", "prefect.resource.role": "deployment"}
        deadline, asked_for = time.monotonic() + 120, []
        while not asked_for and time.monotonic() < deadline:
            # again, since those of before the server's own service has loaded the automation are lost
            emit_event("resegment.drift", resource={"prefect.resource.id": "resegment.night"}, related=[of])
            EventsWorker.drain_all(timeout=15)
            time.sleep(1)
            runs = client.read_flow_runs()
            asked_for = [r.parameters for r in runs if r.deployment_id == deployment.id and r.parameters.get("refit")]
        print(json.dumps(asked_for))
        """,
    )
    assert [one["refit"] for one in found] == [True]


def test_no_process_of_this_module_spoke_to_another_machine(shell: Shell) -> None:
    """Server, worker, command line and runs; the last line shows that the watch works.

    But for one: for `prefect work-pool create` the server looks for a catalogue of kinds of pools, and has one itself.
    """
    log = shell.folder / "connections.log"
    said = log.read_text().splitlines() if log.exists() else []
    assert [line for line in said if not ("raw.githubusercontent.com" in line and "'server', 'start'" in line)] == []
    assert len(said) <= 1
    out = run(
        [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 9))"],
        REPOSITORY,
        shell.environment,
    )
    assert "192.0.2.1 is not this machine" in out.stderr
    assert "192.0.2.1" in log.read_text()
