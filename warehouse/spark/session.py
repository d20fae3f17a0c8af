"""One Spark session for a run: begun by the first step that needs it, ended with the run."""

import os
import re
import shutil
import socket
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.errors import SparkError, SparkUnreachableError
from warehouse.params import SparkParams

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOCAL = re.compile(r"local(\[|$|-cluster\[)")
_NEEDED = ("pyspark", "sqlglot")
#: How long a master may take to answer, and its executors to be there.
_ANSWER_SECONDS, _EXECUTOR_SECONDS = 5.0, 300.0
#: What results depend on: no zone of a machine's own, and what overflows is an error, as in DuckDB.
_MEANING = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
_QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
_THIS_MACHINE = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


@contextmanager
def started(params: SparkParams, scratch: Path) -> Iterator["SparkSession"]:
    """A session on the master, with scratch space of its own on this machine.

    Raises
    ------
    SparkUnreachableError
        The master does not answer, or no executor came.
    SparkError
        pyspark or Java is missing, or Spark cannot be started.
    """
    _check_installed()
    _check_reachable(params.master)
    with _environment(_variables(params.master, scratch)):
        session = _begin(params, scratch)
    try:
        _await_executors(session, params.master)
        yield session
    finally:
        _end(session)


def _check_installed() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise SparkError(
            f'[warehouse] engine = "spark" needs {" and ".join(missing)}, which is not installed. '
            "Run `pip install 'resegment[spark]'`, or set engine = \"duckdb\"."
        )
    home = os.environ.get("JAVA_HOME")
    if not shutil.which(str(Path(home) / "bin" / "java") if home else "java"):
        place = f"JAVA_HOME, {home}" if home else "the PATH"
        raise SparkError(
            f'[warehouse] engine = "spark" needs Java 17 or newer, and there is none in {place}. Install one, or set '
            'engine = "duckdb".'
        )


def _check_reachable(master: str) -> None:
    """Spark itself tries for a minute and more, and its message tells nobody what to do."""
    if not master.startswith("spark://"):
        return
    told = []
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
        except (OSError, ValueError) as error:
            told.append(f"{place}: {error}")
        else:
            return
    raise SparkUnreachableError(
        f"The Spark master {master} does not answer ({'; '.join(told)}). Start it or correct [warehouse.spark] master; "
        'engine = "duckdb" gives the same tables without it.'
    )


def _variables(master: str, scratch: Path) -> dict[str, str]:
    variables = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_DIRS": str(scratch)}
    if _LOCAL.match(master):
        variables["SPARK_LOCAL_IP"] = "127.0.0.1"
    if master.startswith("local-cluster"):
        variables["SPARK_HOME"] = str(_home_in(scratch))
    return variables


def _home_in(scratch: Path) -> Path:
    """Workers of a local cluster keep their files in Spark's own folder, which may be read-only and is not ours."""
    import pyspark

    home = scratch / "home"
    home.mkdir()
    for name in ("bin", "jars"):
        (home / name).symlink_to(Path(pyspark.__file__).parent / name)
    return home


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _begin(params: SparkParams, scratch: Path) -> "SparkSession":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about pandas, which no step uses
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession

    options = _QUIET | (_THIS_MACHINE if _LOCAL.match(params.master) else {})
    options |= {"spark.sql.warehouse.dir": str(scratch / "tables")} | dict(params.options) | _MEANING
    builder = SparkSession.builder.master(params.master).appName("resegment")
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise SparkError(
            f"Spark cannot be started on {params.master}: {first_line(error)} (It needs Java 17 or newer; what it said "
            "itself is above.)"
        ) from error


def _end(session: "SparkSession") -> None:
    """The driver's own process goes, too: else it stays as long as this one, with the folders it began with."""
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    with suppress(Py4JError, OSError):  # where it died, that is told already
        session.stop()
    gateway, SparkContext._gateway, SparkContext._jvm = SparkContext._gateway, None, None
    if gateway is not None:
        with suppress(Py4JError, OSError):
            gateway.shutdown()
            gateway.proc.stdin.close()
        gateway.proc.wait()


def _await_executors(session: "SparkSession", master: str) -> None:
    """A cluster without a free executor takes jobs and lets them wait for ever."""
    if master.startswith("local") and not master.startswith("local-cluster"):
        return
    end = time.monotonic() + _EXECUTOR_SECONDS
    while session.sparkContext._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one
        if time.monotonic() > end:
            raise SparkUnreachableError(
                f"The Spark master {master} has given no executor for {_EXECUTOR_SECONDS:.0f} s. Does another "
                "application use all of them, or do [warehouse.spark] options ask for more than its workers have?"
            )
        time.sleep(0.1)


def first_line(error: BaseException) -> str:
    """What Spark says is pages long; the first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
