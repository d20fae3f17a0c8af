"""With a Prefect API: real flow runs, on one server for this module."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.local_server import local_server
from segmentation.generator import ShopParams
from tasks.generate import write_shop

REPOSITORY = Path(__file__).parents[2]
PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]
SHOP = ShopParams(customers=120, days=60, start=date(2011, 1, 10), lines_per_invoice=4)
AS_OF = "2011-03-10"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of a process that finds the module's server."""
    with local_server(tmp_path_factory.mktemp("prefect")):
        yield dict(os.environ)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with deliveries and a configuration."""
    write_shop(SHOP, tmp_path / "data", "csv")
    (tmp_path / "resegment.toml").write_text('[source]\npath = "data/*.csv"\n[report]\nenabled = false\n')
    return tmp_path


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def resegment(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "flows.cli", *arguments], folder, environment)


def asked(environment: dict[str, str], folder: Path, code: str) -> Any:
    """What `code`, which has a synchronous `client` and prints JSON, finds out about the server."""
    head = "import json\nfrom prefect import get_client\nclient = get_client(sync_client=True).__enter__()\n"
    done = run([sys.executable, "-c", head + textwrap.dedent(code)], folder, environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_moments(outcome: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(outcome), object_hook=lambda found: {k: v for k, v in found.items() if k != "file"})


def test_a_night_is_a_flow_run_with_named_tasks_and_the_result_of_the_plain_function(
    shop: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with_api = resegment(shop, environment, "nightly", "--as-of", AS_OF, "--json")
    assert with_api.returncode == 0, with_api.stderr
    plain_shop = tmp_path_factory.mktemp("plain")
    write_shop(SHOP, plain_shop / "data", "csv")
    plain = resegment(plain_shop, environment | {"PREFECT_API_URL": ""}, "nightly", "--as-of", AS_OF, "--json")
    assert plain.returncode == 0, plain.stderr
    assert without_moments(json.loads(with_api.stdout)) == without_moments(json.loads(plain.stdout))
    found = asked(
        environment,
        shop,
        """
        (flow_run,) = client.read_flow_runs()
        names = sorted(run.name.rpartition("-")[0] for run in client.read_task_runs())
        logs = client.read_logs()
        print(json.dumps([flow_run.state.type.value, names, [log.message for log in logs if log.name == "resegment"]]))
        """,
    )
    state, names, logs = found
    assert state == "COMPLETED"
    assert {"stage deliveries", "accept batch", "segment customers", "publish version"} <= set(names)
    assert any(line.startswith("staged ") for line in logs)


def test_a_held_or_failed_run_ends_with_one_message_and_no_traceback(shop: Path, environment: dict[str, str]) -> None:
    failed = resegment(shop, environment, "nightly", "--as-of", "2050-01-01")
    assert failed.returncode == 1
    assert "Critical checks failed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""


def test_an_api_that_does_not_answer_is_named(shop: Path, environment: dict[str, str]) -> None:
    dead = environment | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    failed = resegment(shop, dead, "nightly", "--as-of", AS_OF)
    assert failed.returncode == 1
    assert failed.stderr.startswith("resegment: The Prefect API at http://127.0.0.1:9/api does not answer")
    assert not (shop / "warehouse.duckdb").exists()


def test_cron_of_a_deployment_creates_scheduled_runs(environment: dict[str, str], tmp_path: Path) -> None:
    pool = run([*PREFECT, "work-pool", "create", "local", "--type", "process", "--overwrite"], tmp_path, environment)
    assert pool.returncode == 0, pool.stderr
    deployed = run([*PREFECT, "deploy", "--all"], REPOSITORY, environment)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    scheduled = asked(
        environment,
        tmp_path,
        """
        import time
        from prefect.client.schemas.filters import FlowRunFilter
        wanted = FlowRunFilter(state={"type": {"any_": ["SCHEDULED"]}})
        deadline = time.monotonic() + 60
        while not (runs := client.read_flow_runs(flow_run_filter=wanted)) and time.monotonic() < deadline:
            time.sleep(1)
        deployments = {d.id: d.name for d in client.read_deployments()}
        print(json.dumps(sorted({deployments[run.deployment_id] for run in runs})))
        """,
    )
    assert "nightly" in scheduled


def test_a_deployed_run_works_from_any_folder_for_the_day_it_was_scheduled(
    shop: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The entrypoint is a file; the run was to begin at 23:30 UTC in summer, when the shop has the next day."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    entrypoint = f"{REPOSITORY}/flows/deployments.py:nightly"
    code = f"""
    import datetime, os
    from pathlib import Path
    from prefect.flow_engine import run_flow
    from prefect.flows import load_flow_from_entrypoint
    from prefect.states import Scheduled
    flow = load_flow_from_entrypoint({entrypoint!r})
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
