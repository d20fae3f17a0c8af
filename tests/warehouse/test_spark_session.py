"""What somebody is told when Spark cannot be used."""

import socket
from pathlib import Path

import psutil
import pytest
from pydantic import ValidationError
from support_spark import OPTIONS, need_spark

from warehouse.errors import SparkError, SparkUnreachableError, TransientError
from warehouse.params import SparkParams, StepEngine, WarehouseParams
from warehouse.spark import session


def begin(folder: Path, master: str = "local[1]") -> None:
    with session.started(SparkParams(master=master), folder):
        pytest.fail("it has begun")


def test_the_extra_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_NEEDED", ("pyspark_of_nobody", "sqlglot_of_nobody"))
    with pytest.raises(SparkError, match=r"pyspark_of_nobody and sqlglot_of_nobody.*pip install 'resegment\[spark\]'"):
        begin(tmp_path)


def test_there_is_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_spark()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SparkError, match="needs Java 17 or newer, and there is none in the PATH"):
        begin(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    with pytest.raises(SparkError, match=f"none in JAVA_HOME, {tmp_path / 'jdk'}"):
        begin(tmp_path)


def test_nobody_answers_at_the_master(tmp_path: Path) -> None:
    need_spark()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SparkUnreachableError, match=f"127.0.0.1:{port}: .*refused") as raised:
        begin(tmp_path, f"spark://127.0.0.1:{port}")
    assert isinstance(raised.value, TransientError)  # a deployed run waits and tries again
    with pytest.raises(SparkUnreachableError, match="does not answer"):
        begin(tmp_path, "spark://127.0.0.1")


def test_a_session_leaves_no_process_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    need_spark()
    for number, memory in enumerate(("600m", "700m")):
        folder = tmp_path / str(number)
        folder.mkdir()
        params = SparkParams(master="local[1]", options=OPTIONS | {"spark.driver.memory": memory})
        with session.started(params, folder) as spark:
            assert spark.sql("SELECT 1 + 1 AS two").collect()[0].two == 2
            (java,) = [one for one in psutil.Process().children() if one.name() == "java"]
            assert f"-Xmx{memory}" in java.cmdline()
        assert not java.is_running()


def test_the_engine_needs_a_master() -> None:
    with pytest.raises(ValidationError, match=r"needs \[warehouse.spark\] master"):
        WarehouseParams(engine=StepEngine.SPARK)
