"""One machine, one command: a Prefect server if none is configured, and the deployments, one run at a time.

What it serves and what `prefect.yaml` deploys are the same flows; here the times and the zone come from the
configuration, and every run is a process of its own that this one watches.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flows.local_server import ServerNotStartedError, local_server
from flows.running import has_prefect_api, reachable_api
from flows.settings import LoadedSettings, load_settings
from warehouse.errors import ResegmentError

if TYPE_CHECKING:
    from prefect.runner import Runner

AUTOMATIONS = Path(__file__).with_name("automations")
TAG = "resegment"
#: Seconds a night has to say that it was told to stop.
_WHILE_STOPPING = 20.0
Tell = Callable[[str], None]


class NotServedError(ResegmentError):
    """The server this machine needs could not be started."""


def serve(config: Path | None, port: int, tell: Tell) -> None:
    """Serve the deployments until SIGTERM or Ctrl-C; a server of our own is stopped with them.

    Raises
    ------
    ConfigurationError
        The configuration cannot be used.
    NotServedError, PrefectUnreachableError
        No server could be started, or the configured one does not answer.
    """
    loaded = load_settings(config)
    ours = not has_prefect_api()
    with suppress(KeyboardInterrupt, SystemExit), _server(loaded, port, tell) if ours else _configured() as url:
        tell(f"Prefect's pages are at {url.removesuffix('/api')}")
        _serve(loaded, pause=not ours, tell=tell)
    tell("Stopped.")


@contextmanager
def _configured() -> Iterator[str]:
    yield reachable_api()


@contextmanager
def _server(loaded: LoadedSettings, port: int, tell: Tell) -> Iterator[str]:
    """A server whose record of runs is kept beside the warehouse."""
    home = loaded.settings.warehouse.path.with_name("prefect")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise NotServedError(
                f"Port {port} of 127.0.0.1 is taken ({error.strerror}). Choose another with --port; or, if a Prefect "
                f"server is there, use it: PREFECT_API_URL=http://127.0.0.1:{port}/api resegment serve."
            ) from error
    tell(f"Starting a Prefect server on 127.0.0.1:{port}; its database and log are in {home}")
    try:
        with local_server(home, port=port) as url:
            yield url
    except ServerNotStartedError as error:
        raise NotServedError(f"The Prefect server could not be started: {error}") from error


def _serve(loaded: LoadedSettings, *, pause: bool, tell: Tell) -> None:
    os.environ |= {
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "resegment",
    }
    deployments = _deployments(loaded)
    for one in deployments:
        times = [f"{each.schedule.cron} {each.schedule.timezone}" for each in one.schedules or []]
        tell(f"{one.flow_name}/{one.name}: {', '.join(times) or 'no schedule'}")
    with suppress(asyncio.CancelledError):
        asyncio.run(_until_stopped(deployments, pause))


async def _until_stopped(deployments: list[Any], pause: bool) -> None:
    """Start what is due, one run at a time, until a signal tells us to stop, and with us a night that is running.

    A server that stops with us keeps the nights it has scheduled, and they are made up when it is back. On another's
    server nothing may stay scheduled that nobody runs: there `pause` is set.
    """
    from prefect.runner import Runner

    await ensure_automations()
    runner = Runner(pause_on_shutdown=pause, limit=1)
    for one in deployments:
        await runner.aadd_deployment(one)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    # The runner's own handler leaves its coroutine unawaited and raises SystemExit through the event loop.
    runner.handle_sigterm = lambda *_: loop.call_soon_threadsafe(stop.set)  # type: ignore[assignment, method-assign]
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    serving, told = asyncio.ensure_future(runner.start()), asyncio.ensure_future(stop.wait())
    await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        await _end_runs(runner)
        serving.cancel()
    told.cancel()
    await serving


async def _end_runs(runner: "Runner") -> None:
    """Tell what is running to stop, and wait while it says so to whom it has to.

    Cancelled, the runner would kill it at once, and nobody would hear of it.
    """
    told: set[Any] = set()
    running, loop = runner._process_manager, asyncio.get_running_loop()
    deadline = loop.time() + _WHILE_STOPPING
    while (left := running.flow_run_ids()) and loop.time() < deadline:
        for one in left - told:
            if handle := running.get(one):
                with suppress(ProcessLookupError):
                    handle.graceful_kill()
            told.add(one)
        await asyncio.sleep(0.1)


def _deployments(loaded: LoadedSettings) -> list[Any]:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron

    import flows.deployments

    schedule = loaded.settings.schedule
    config = {"config": str(loaded.file.absolute())} if loaded.file else {}
    crons = {"nightly": schedule.nightly_cron, "weekly-refit": schedule.weekly_refit_cron}
    made = []
    for name, (flow, parameters) in flows.deployments.DEPLOYMENTS.items():
        times = [Cron(crons[name], timezone=schedule.time_zone)] if name in crons else []
        one = RunnerDeployment.from_flow(
            flow, name=name, schedules=times, parameters=parameters | config, tags=[TAG], paused=False
        )
        one.entrypoint = f"flows.deployments.{flow.name}"
        made.append(one)
    return made


async def ensure_automations() -> None:
    """Create the shipped automation that finds crashed runs, or bring an older one up to date."""
    from prefect import get_client
    from prefect.events.schemas.automations import AutomationCore

    described = yaml.safe_load((AUTOMATIONS / "crashed-runs.yaml").read_text(encoding="utf-8"))["automations"]
    async with get_client() as client:
        for wanted in map(AutomationCore.model_validate, described):
            there = await client.read_automations_by_name(wanted.name)
            if there:
                await client.update_automation(there[0].id, wanted)
            else:
                await client.create_automation(wanted)
