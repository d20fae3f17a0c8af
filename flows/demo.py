"""The demo: a year of a made-up shop, four nights as real flow runs on a Prefect server that lives as long as they do.

It needs no network. Everything it makes is in one folder, and it starts afresh each time.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.local_server import ServerNotStartedError, environment_of, local_server
from flows.running import run_flow
from flows.settings import load_settings
from flows.settings_keys import PREFIX
from tasks.example_shop import Portion, deliver, planted_behaviours, planted_recovery, portions
from tasks.night import preload_libraries
from tasks.reporting import report_version
from warehouse import reading
from warehouse.errors import ResegmentError

_MARK = ".resegment-demo"
_MADE = ("deliveries", "serving", "prefect", "warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.duckdb.lock")
_CONFIGURATION = """\
# The demo's configuration. `resegment config --config {file}` shows what is in force and where it came from,
# `resegment config --example` prints every setting with its meaning.

[warehouse]
path = "warehouse.duckdb"      # private: only resegment opens it
serving = "serving"            # what readers open: serving/current/segments.duckdb

[source]
path = "deliveries/*.csv"      # one file a day; relative to the folder of this file

[model]
k = {k}                          # as many segments as behaviours were planted

[schedule]
time_zone = "Europe/London"
"""

_MOVES = """
SELECT from_segment, to_segment, customers
FROM segment_movements
WHERE version_id = (SELECT max(version_id) FROM segment_profiles)
ORDER BY customers DESC, from_segment, to_segment
"""

Tell = Callable[[str], None]


class DemoFolderError(ResegmentError):
    """The folder is not the demo's to replace."""


def run_demo(folder: Path, *, quiet: bool, tell: Tell) -> dict[str, Any]:
    """Run the demo in `folder` from nothing; `tell` gets a line for each thing that happens.

    Returns every night's outcome, the last night's movements, and how much of the planted truth was found.

    Raises
    ------
    DemoFolderError
        The folder holds something else, or another demo is running in it.
    """
    with _own_folder(folder), _without_settings_of_the_environment():
        preload_libraries()
        config = folder / "resegment.toml"
        config.write_text(_CONFIGURATION.format(file=config, k=len(planted_behaviours())), encoding="utf-8")
        nights, api = _nights_with_prefect(folder, config, quiet, tell)
        tell("Drawing the report of the last night")
        settings = load_settings(config).settings
        report = report_version(settings.warehouse.serving, settings.report, None, None)["file"]
        found = {"folder": folder, "config": config, "prefect_api": api, "nights": nights, "report": report}
        return found | _found(config)


def _nights_with_prefect(
    folder: Path, config: Path, quiet: bool, tell: Tell
) -> tuple[list[dict[str, Any]], str | None]:
    tell("Starting a Prefect server on 127.0.0.1, for this demo only; this takes about ten seconds.")
    try:
        with local_server(folder / "prefect") as api:
            tell(f"The server runs at {api.removesuffix('/api')}; it is stopped at the end of the demo.")
            return _nights(folder, config, quiet, tell), api
    except ServerNotStartedError as error:
        tell(f"The Prefect server could not be started: {error}. The nights run without it, as plain functions.")
    with environment_of({name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | _NO_API):
        return _nights(folder, config, quiet, tell), None


_NO_API = {"PREFECT_API_URL": ""}


def _nights(folder: Path, config: Path, quiet: bool, tell: Tell) -> list[dict[str, Any]]:
    return [_night(number, portion, folder, config, quiet, tell) for number, portion in enumerate(portions(), start=1)]


def _night(number: int, portion: Portion, folder: Path, config: Path, quiet: bool, tell: Tell) -> dict[str, Any]:
    written = deliver(portion, folder / "deliveries")
    files = "1 file" if written.files == 1 else f"{written.files} files"
    tell(f"Night {number}: {files} delivered, up to {portion.last_day}; segments as of {portion.as_of}")
    return run_flow("nightly", quiet=quiet, brief=True, as_of=portion.as_of, config=config)


def _found(config: Path) -> dict[str, Any]:
    """What a reader of the published file finds."""
    serving = load_settings(config).settings.warehouse.serving
    _, assigned = reading.query(serving, "SELECT customer_id, segment_key FROM customer_segments")
    names, moves = reading.query(serving, _MOVES)
    return {
        "movements": [dict(zip(names, move, strict=True)) for move in moves],
        "adjusted_rand_index": round(planted_recovery([(row[0], row[1]) for row in assigned]), 3),
        "planted_behaviours": planted_behaviours(),
        "current": serving / "current" / "segments.duckdb",
    }


@contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    """The demo's folder, emptied of what an earlier demo made; nobody else's, and one demo at a time."""
    mark = folder / _MARK
    if folder.exists() and not mark.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DemoFolderError(f"{folder} holds something that is no demo. Choose another with --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with mark.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoFolderError(f"Another demo is running in {folder}. Choose another with --folder.") from None
        for name in _MADE:
            _remove(folder / name)
        yield


def _remove(path: Path) -> None:
    if path.is_dir():
        for published in path.glob("versions/*"):
            published.chmod(0o755)  # they are read-only
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _without_settings_of_the_environment() -> Any:
    """A variable such as RESEGMENT__WAREHOUSE__PATH would lead the demo to somebody's warehouse.

    One report at the end is enough: nobody looks at the nights before.
    """
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    return environment_of(kept | {f"{PREFIX}REPORT__ENABLED": "false"})
