"""A Prefect server and a worker, set up by the commands the documentation gives, and what is asked of them."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as dt_time
from pathlib import Path
from typing import Any

import httpx
from support_runs import Place

from flows.local_server import answers, environment_of, free_port
from segmentation.generator import ShopParams
from tasks.generate import write_shop

REPOSITORY = Path(__file__).parents[1]
NO_NETWORK = REPOSITORY / "tests" / "support_network"
SHOP = ShopParams(customers=120, days=60, start=date(2011, 1, 10), lines_per_invoice=4)
#: The shop has long closed, so that a run for today finds its data stale.
CONFIG = """
[source]
path = "data/*.csv"
[checks]
stale_days_warn = 100000
stale_days_stop = 100000
[report]
enabled = false
[schedule]
retry_after_seconds = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
"""


def zone_at_noon() -> str:
    """A time zone where it is noon or a little later: what is due there in the night does not fall due in a test."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+}"  # whose sign is that of hours behind


def documented_commands() -> list[str]:
    """Lines of the shell blocks between the heading and the next one, without their comments."""
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    section = text.partition("### With a Prefect server, a work pool and a worker\n")[2].partition("\n##")[0]
    lines = "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).splitlines()
    return [line.partition("  #")[0].rstrip() for line in lines]


@dataclass(frozen=True)
class Hold:
    """Lets runs of a warehouse wait before they publish; `file` is what HELD_WAREHOUSE names for them."""

    file: Path

    @contextmanager
    def holding(self, warehouse: Path) -> Iterator[None]:
        """Until the block ends."""
        for old in self.file.parent.glob(f"{self.file.name}.*"):
            old.unlink()
        self.file.write_text(str(warehouse))
        try:
            yield
        finally:
            self.file.unlink()

    def held(self) -> int | None:
        """The process of the run that waits, if one does."""
        return next((int(run.suffix[1:]) for run in self.file.parent.glob(f"{self.file.name}.*")), None)


@dataclass
class Shell:
    """What a person does in the shells of the documentation: folders, variables, commands that stay."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    staying: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    said: str = ""

    def do(self, line: str) -> None:
        """Perform one line; with another port, folders and time zone than the page's, else as it is written."""
        line = line.replace("4200", str(self.port)).replace(
            "/opt/resegment/prefect.yaml", str(self.folder / "prefect.yaml")
        )
        line = line.replace("/opt/resegment", str(REPOSITORY))
        words = shlex.split(line.replace("/srv/shop", str(self.folder / "shop")))
        self.said = ""
        if words[0] == "cd":
            self.environment["PWD"] = words[1]
        elif words[0] == "export":
            self.environment |= dict(word.split("=", 1) for word in words[1:])
        elif words[:3] == ["prefect", "server", "start"]:
            self.stay([*words, "--port", str(self.port)])
            waiting(lambda: answers(f"http://127.0.0.1:{self.port}/api/health"))
        elif words[:3] == ["prefect", "worker", "start"]:
            self.stay(words)
        else:
            done = run(words, Path(self.environment["PWD"]), self.environment)
            assert done.returncode == 0, done.stdout + done.stderr
            self.said = done.stdout

    @property
    def hold(self) -> Hold:
        """What lets runs wait."""
        return Hold(Path(self.environment["HELD_WAREHOUSE"]))

    def stay(self, words: list[str]) -> None:
        with (self.folder / "staying.log").open("ab") as log:
            self.staying.append(
                subprocess.Popen(words, cwd=self.environment["PWD"], env=self.environment, stdout=log, stderr=log)
            )


def write_deployments(file: Path) -> None:
    """The shipped ones, but for their time zone: they are due hours from now, whenever this is."""
    shipped, zone = (REPOSITORY / "prefect.yaml").read_text(), "timezone: Europe/London\n"
    assert zone in shipped
    file.write_text(shipped.replace(zone, f"timezone: {zone_at_noon()}\n"))


def filled(folder: Path, config: str = CONFIG) -> Path:
    write_shop(SHOP, folder / "data", "csv")
    (folder / "resegment.toml").write_text(config)
    return folder


def watched(folder: Path) -> dict[str, str]:
    """Environment without Prefect's variables, whose processes write into `connections.log` what they ask elsewhere."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return theirs | {
        "PYTHONPATH": f"{NO_NETWORK}{os.pathsep}{REPOSITORY}",
        "CONNECTIONS_LOG": str(folder / "connections.log"),
    }


@contextmanager
def documented(folder: Path) -> Iterator[Shell]:
    """The documentation's commands, all of them, in their order, for a made-up shop in `folder / "shop"`."""
    filled(folder / "shop")
    write_deployments(folder / "prefect.yaml")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ours = {"PATH": path, "PREFECT_HOME": str(folder), "PREFECT_WORKER_QUERY_SECONDS": "1"}
    ours["HELD_WAREHOUSE"] = str(folder / "held")
    ours["PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS"] = "5"  # a changed schedule is looked at once a minute else
    shell = Shell(folder, watched(folder) | ours)
    with environment_of(shell.environment):  # where the executables are looked for
        try:
            for line in documented_commands():
                shell.do(line)
            yield shell
        finally:
            for process in reversed(shell.staying):
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                process.kill()
                process.wait()


def waiting(condition: Callable[[], Any], despite: tuple[type[Exception], ...] = ()) -> Any:
    """Wait for something to become true, for five minutes at most; errors of the kinds `despite` mean: not yet."""
    deadline = time.monotonic() + 300
    while True:
        with suppress(*despite):
            if found := condition():
                return found
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.2)


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


def told(shell: Shell, method: str, path: str, content: Any = None) -> Any:
    """Answer of the server to one request; asked again, as Prefect's own clients do, while its database is locked."""
    url, deadline = f"http://127.0.0.1:{shell.port}/api/{path}", time.monotonic() + 60
    while True:
        answer = httpx.request(method, url, json=content, timeout=60)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            return answer.raise_for_status().json() if answer.content else None
        time.sleep(0.2)


def nightly(shell: Shell) -> Any:
    """The deployment of that name."""
    return told(shell, "GET", "deployments/name/nightly/nightly")


def schedule(shell: Shell, place: Place, night: date) -> str:
    """A run of the deployment that was to begin in that night, as the scheduler would have made it; returns its id."""
    moment = datetime.combine(night, dt_time(3, 30), UTC)
    scheduled = {"type": "SCHEDULED", "state_details": {"scheduled_time": moment.isoformat()}}
    asked_for = {"state": scheduled, "parameters": {"config": str(place.config)}}
    return str(told(shell, "POST", f"deployments/{nightly(shell)['id']}/create_flow_run", asked_for)["id"])


def ended_state(shell: Shell, flow_run: str) -> tuple[str, float] | None:
    """Name and moment of the state a run ended in; None while it has not."""
    found = told(shell, "GET", f"flow_runs/{flow_run}")["state"]
    ended = found["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return (found["name"], datetime.fromisoformat(found["timestamp"]).timestamp()) if ended else None
