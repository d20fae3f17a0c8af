"""What Prefect adds to a night: starting the process, requests to a running server, tasks, the wait at the end.

    python -m benchmarks.orchestration DATA        (DATA: the folder of daily files)

The same night, of one new file, as a process with and without a server, in turns. Requests are counted in the process
that makes them.
"""

import argparse
import os
import tempfile
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from benchmarks import nights, processes
from benchmarks.sections import spread, write_section
from flows.local_server import local_server

README = Path(__file__).with_name("README.md")
IMPORT, PLAIN, WITH_API = 'python -c "import prefect"', "night, without a Prefect API", "night, with a Prefect API"
#: Runs the command line and writes how many requests its process made.
_COUNTED = """
import atexit, pathlib, sys
import httpx
counted = []
send = httpx.HTTPTransport.handle_request
asend = httpx.AsyncHTTPTransport.handle_async_request
def handle(self, request):
    counted.append(f"{request.method} {request.url.path}")
    return send(self, request)
async def ahandle(self, request):
    counted.append(f"{request.method} {request.url.path}")
    return await asend(self, request)
httpx.HTTPTransport.handle_request = handle
httpx.AsyncHTTPTransport.handle_async_request = ahandle
atexit.register(lambda: pathlib.Path("requests.txt").write_text("\\n".join(counted)))
from flows.cli import main
main()
"""
_TASKS = """
import time
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
nothing = task(cache_policy=NO_CACHE, persist_result=False)(lambda: None)
@flow
def tasks(number):
    started = time.perf_counter()
    for _ in range(number):
        nothing()
    return time.perf_counter() - started
@flow
def empty():
    return None
tasks(1)
few, many = (min(tasks(number) for _ in range(3)) for number in (10, 110))
started = time.perf_counter()
empty()
print((many - few) / 100, time.perf_counter() - started, file=open("tasks.txt", "w"))
"""


def main() -> None:
    """Measure and write the section of the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of daily files")
    parser.add_argument("--repetitions", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="resegment-benchmark-") as folder:
        text = measure(asked.data, Path(folder), asked.repetitions)
    write_section(README, "orchestration", text)


def measure(data: Path, work: Path, repetitions: int) -> str:
    """The section, measured in `work` on the last of the daily files in `data`."""
    days = sorted(data.glob("*.csv"))
    last = date.fromisoformat(days[-1].stem)
    night = nights._with_file(nights._base(work, days, last), days[-1])
    as_of = (last + timedelta(days=1)).isoformat()
    command = ["-m", "flows.cli", "nightly", "--as-of", as_of, "--json"]
    found: dict[str, list[processes.Ended]] = {}
    with local_server(work / "prefect") as api:
        kinds = {
            IMPORT: lambda: processes.ended(["-c", "import prefect"], work),
            PLAIN: lambda: processes.ended(command, processes._fresh(night, work), PREFECT_API_URL=""),
            WITH_API: lambda: processes.ended(command, processes._fresh(night, work), PREFECT_API_URL=api),
        }
        kinds[WITH_API]()  # the server's own first run
        processes._turns(kinds, repetitions, found)
        counted = processes._fresh(night, work)
        processes.ended(["-c", _COUNTED, *command[2:]], counted, PREFECT_API_URL=api)
        processes.ended(["-c", _TASKS], work, PREFECT_API_URL=api)
        requests = (counted / "requests.txt").read_text().split("\n")
        task, empty = map(float, (work / "tasks.txt").read_text().split())
        processes.remove(work / "process")
    return _section(found, requests, task, empty)


def _section(found: dict[str, list[processes.Ended]], requests: list[str], task: float, empty: float) -> str:
    rows = [
        f"| {kind} | {spread([one.seconds for one in ended])} | {spread([one.processor_seconds for one in ended])}"
        f" | {median(one.peak_mib for one in ended):.0f} |"
        for kind, ended in found.items()
    ]
    artifacts = sum("/artifacts" in one for one in requests)
    plain, with_api = ([one.seconds for one in found[kind]] for kind in (PLAIN, WITH_API))
    return "\n".join(
        [
            "## What orchestration adds to a night",
            "",
            "Whole processes with a server that is running already, in turns, a night of one new file on top of all"
            f" others (`python -m benchmarks.orchestration`); {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at"
            " the end. Medians (smallest to largest).",
            "",
            "| process | s | processor s | peak MiB |",
            "|---|---|---|---|",
            *rows,
            "",
            f"With a server a night takes {median(with_api) - median(plain):.2f} s more: importing Prefect,"
            f" {len(requests)} requests ({artifacts} for artifacts), {task * 1000:.1f} ms a task, and up to a second in"
            " which the heartbeat's thread is waited for at the end of every run: a flow that does nothing takes"
            f" {empty:.2f} s.",
        ]
    )


if __name__ == "__main__":
    main()
