"""Whole processes, start included: what a person or a scheduler waits for, and the memory it takes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

#: What a night cannot do without, imported as one would.
BARE_IMPORTS = "import duckdb, numpy, sklearn.cluster, great_expectations"
LOAD, NIGHT, NIGHT_WITH_API = "first load", "night, without a Prefect API", "night, with a Prefect API"
IMPORTS, HELP, NOTHING = f'python -c "{BARE_IMPORTS}"', "resegment --help", 'python -c "pass"'
OURS = "the imports of a night, as it does them"
_OUR_IMPORTS = "import flows.cli, flows.nightly, tasks.night; tasks.night._load_libraries(False)"

_LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Ended:
    """Seconds on the clock, seconds of processor time and the most memory (MiB) of a process that ended well."""

    seconds: float
    processor_seconds: float
    peak_mib: float


def measure(shop: Path, night: Path, work: Path, as_of: date, repetitions: int) -> dict[str, list[Ended]]:
    """Run each kind of process so many times, in turns; `shop` is unloaded, `night` has one new file."""
    from flows.local_server import local_server

    resegment = ["-m", "flows.cli"] if not _script().exists() else [str(_script())]
    command = [*resegment, "nightly", "--as-of", as_of.isoformat(), "--json"]
    kinds: dict[str, Callable[[], Ended]] = {
        NOTHING: lambda: ended(["-c", "pass"], work),
        IMPORTS: lambda: ended(["-c", BARE_IMPORTS], work),
        OURS: lambda: ended(["-c", _OUR_IMPORTS], work),
        HELP: lambda: ended([*resegment, "--help"], work),
        NIGHT: lambda: ended(command, _fresh(night, work), PREFECT_API_URL=""),
    }
    measured = {kind: [run()] for kind, run in {LOAD: lambda: ended(command, shop, PREFECT_API_URL="")}.items()}
    _turns(kinds, repetitions, measured)
    with local_server(work / "prefect") as api:
        with_api = {NIGHT_WITH_API: lambda: ended(command, _fresh(night, work), PREFECT_API_URL=api)}
        with_api[NIGHT_WITH_API]()  # the server's own first run
        _turns(with_api, repetitions, measured)
    return measured


def ended(arguments: list[str], folder: Path, **environment: str) -> Ended:
    """Run Python with `arguments` in `folder` to its end; raises RuntimeError with what it said if it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RESEGMENT__")}
    output = folder / ".output"
    launched = subprocess.run(
        [sys.executable, "-I", "-S", str(_LAUNCHER), str(output), sys.executable, *arguments],
        cwd=folder, env=kept | environment, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    code, seconds, processor_seconds, peak = json.loads(launched.stdout)
    if code:
        raise RuntimeError(f"{arguments} ended with {code}: {output.read_text()[-2000:]}")
    return Ended(seconds, processor_seconds, peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def remove(folder: Path) -> None:
    """Delete a shop; published versions are read-only."""
    for published in (folder / "serving" / "versions").glob("*"):
        published.chmod(0o755)
    shutil.rmtree(folder)


def _turns(kinds: dict[str, Callable[[], Ended]], repetitions: int, into: dict[str, list[Ended]]) -> None:
    for _ in range(repetitions):
        for kind, run in kinds.items():
            into.setdefault(kind, []).append(run())


def _fresh(night: Path, work: Path) -> Path:
    folder = work / "process"
    if folder.exists():
        remove(folder)
    return shutil.copytree(night, folder, symlinks=True)


def _script() -> Path:
    return Path(sys.executable).with_name("resegment")
