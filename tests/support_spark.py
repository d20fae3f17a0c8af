"""Spark on this machine, with processes of its own as executors; tests that need it skip where it cannot run."""

import os
import shutil
from importlib.util import find_spec

import pytest

#: Two workers with one executor each, processes of their own, as of a real cluster.
LOCAL_CLUSTER = "local-cluster[2,1,1024]"
#: Little memory, and no more compiling in the Java machines than short work on busy cores is worth.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
OPTIONS = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": _SHORT_LIVED,
    "spark.executor.memory": "768m",
    "spark.executor.extraJavaOptions": _SHORT_LIVED,
    "spark.sql.shuffle.partitions": "2",
}


def need_spark() -> None:
    """Skip the test, or fail it where it has to run, if pyspark or Java is missing."""
    missing = [name for name in ("pyspark", "sqlglot") if find_spec(name) is None]
    if not shutil.which("java"):
        missing.append("java")
    if missing:
        reason = (
            f"{', '.join(missing)}: not installed; `make spark` installs what Python needs, Java 17 is the system's"
        )
        if os.environ.get("RESEGMENT_REQUIRE_SPARK") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
