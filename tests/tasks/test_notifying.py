"""What a shop's own service is told of a night, by a real server on 127.0.0.1 and whole nights of the command line."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from support_webhook import TOKEN, Service, listening

from segmentation.generator import ShopParams
from tasks.generate import write_shop
from tasks.notifying import Notice, NotifyParams, tell

RUN = {"command": "nightly", "as_of": "2011-03-10", "run_id": "r", "warehouse": "w", "serving": "s"}


@pytest.fixture
def service() -> Iterator[Service]:
    with listening() as service:
        yield service


def night(folder: Path, as_of: str, webhook: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PREFECT_API_URL": "", "RESEGMENT__NOTIFY__WEBHOOK": webhook}
    command = [sys.executable, "-m", "flows.cli", "nightly", "--as-of", as_of]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    params = ShopParams(customers=120, days=60, start=date(2011, 1, 10), lines_per_invoice=4)
    write_shop(params, tmp_path / "data", "csv")
    (tmp_path / "resegment.toml").write_text('[source]\npath = "data/*.csv"\n[report]\nenabled = false\n')
    return tmp_path


def test_nights_tell_of_stale_data_and_of_failure_and_nothing_keeps_the_address(shop: Path, service: Service) -> None:
    stale = night(shop, "2011-03-20", service.address)
    assert stale.returncode == 0, stale.stderr
    failed = night(shop, "2012-03-10", service.address)
    assert failed.returncode == 1
    assert [told["event"] for told in service.got] == ["resegment.stale"] * 2 + ["resegment.failed"]
    first, _, last = service.got
    assert (first["as_of"], first["version_id"], first["command"]) == ("2011-03-20", 1, "nightly")
    assert "New lines have not stopped coming" in last["message"] or "Critical checks failed" in last["message"]
    assert TOKEN not in stale.stdout + stale.stderr + failed.stdout + failed.stderr
    kept = [file for file in shop.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]
    assert kept == []


def test_a_killed_night_is_told_by_the_next_that_ends(shop: Path, service: Service) -> None:
    """Also if the one that found it was killed as well."""
    died = "import os, signal, sys; from warehouse import publish; "
    died += "publish.publish = lambda *_: os.kill(os.getpid(), signal.SIGKILL); from flows.cli import main; main()"
    environment = os.environ | {"PREFECT_API_URL": "", "RESEGMENT__NOTIFY__WEBHOOK": service.address}
    for _ in range(2):
        command = [sys.executable, "-c", died, "nightly", "--as-of", "2011-03-10"]
        assert subprocess.run(command, cwd=shop, env=environment, capture_output=True).returncode == -signal.SIGKILL
    assert service.got == []
    assert night(shop, "2011-03-11", service.address).returncode == 0
    (told,) = service.got
    assert (told["event"], told["as_of"], told["version_id"]) == ("resegment.crashed", "2011-03-11", 1)
    assert [run["as_of"] for run in told["facts"]["runs"]] == ["2011-03-10"] * 2
    assert told["message"].startswith("Ended without a word: nightly for 2011-03-10, begun ")
    assert night(shop, "2011-03-12", service.address).returncode == 0
    assert len(service.got) == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_night_that_is_told_to_stop_says_so(shop: Path, service: Service, number: signal.Signals, code: int) -> None:
    """In the middle of its work, and only once, also where whoever runs this test ignores the signal."""
    usual = "default_int_handler" if number == signal.SIGINT else "SIG_DFL"
    told_to = f"import os, signal; signal.signal({int(number)}, signal.{usual}); from warehouse import publish; "
    told_to += f"publish.publish = lambda *_: os.kill(os.getpid(), {int(number)}); from flows.cli import main; main()"
    environment = os.environ | {"PREFECT_API_URL": "", "RESEGMENT__NOTIFY__WEBHOOK": service.address}
    command = [sys.executable, "-c", told_to, "nightly", "--as-of", "2011-03-10"]
    stopped = subprocess.run(command, cwd=shop, env=environment, capture_output=True, text=True)
    assert (stopped.returncode, "Traceback" in stopped.stderr) == (code, False), stopped.stderr
    (told,) = service.got
    assert (told["event"], told["as_of"]) == ("resegment.failed", "2011-03-10")
    kind = "KeyboardInterrupt" if number == signal.SIGINT else "TerminatedError"
    assert told["facts"] == {"error": kind}
    assert told["message"] == f"The run was told to stop ({kind}); the next one carries on."
    status = json.loads((shop / "serving" / "status.json").read_text())
    assert (status["status"], status["error"]) == ("failed", kind)
    after = night(shop, "2011-03-10", service.address)
    assert (after.returncode, "an earlier run was stopped" in after.stderr) == (0, False)
    assert len(service.got) == 1


def test_a_night_that_is_told_to_stop_in_the_middle_of_a_query_says_so(shop: Path, service: Service) -> None:
    """Where its handler's exception gets lost in DuckDB; the exit code is still that of the signal."""
    told_to = """
import os, signal, threading
from warehouse import publish
SLOW = "SELECT count(*) FROM range(300000) a, range(300000) b WHERE (a.range * b.range) % 7 = 3"
def slowly(warehouse, *_):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    warehouse.value(SLOW)
publish.publish = slowly
from flows.cli import main
main()
"""
    environment = os.environ | {"PREFECT_API_URL": "", "RESEGMENT__NOTIFY__WEBHOOK": service.address}
    command = [sys.executable, "-c", told_to, "nightly", "--as-of", "2011-03-10"]
    stopped = subprocess.run(command, cwd=shop, env=environment, capture_output=True, text=True)
    assert (stopped.returncode, "Traceback" in stopped.stderr) == (143, False), stopped.stderr
    (told,) = service.got
    assert told["message"] == "The run was told to stop (KeyboardInterrupt); the next one carries on."
    assert night(shop, "2011-03-10", service.address).returncode == 0


def test_telling_takes_no_longer_than_there_is_time(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.seconds = 60
    params = NotifyParams(webhook=SecretStr(service.address), timeout_seconds=60)
    tell([Notice("failed", ""), Notice("drift", "")], RUN, params, within_seconds=0.9)
    first, second = [record.message.partition(": ")[2] for record in caplog.records]
    assert re.fullmatch(r"no answer within 0\.\d s", first)
    assert second == "no answer within 0 s"
    assert {one["event"] for one in service.received(2)} == {"resegment.failed", "resegment.drift"}


def test_a_good_night_tells_nobody(shop: Path, service: Service) -> None:
    assert night(shop, "2011-03-10", service.address).returncode == 0
    assert service.got == []


def test_a_webhook_nobody_answers_never_fails_a_night(shop: Path) -> None:
    done = night(shop, "2011-03-20", f"http://127.0.0.1:9/{TOKEN}")
    assert done.returncode == 0
    assert (
        "WARNING the webhook was not told that the run is stale: it cannot be reached (Connection refused)"
        in done.stderr
    )
    assert TOKEN not in done.stderr


@pytest.mark.parametrize(
    ("status", "seconds", "timeout", "warning"),
    [
        (500, 0, 60, "it answered 500"),
        (302, 0, 60, "it answered 302"),
        (204, 60, 0.5, "no answer within 0.5 s"),
        (204, 0, 60, None),
    ],
)
def test_answers(
    service: Service,
    caplog: pytest.LogCaptureFixture,
    status: int,
    seconds: float,
    timeout: float,
    warning: str | None,
) -> None:
    service.status, service.seconds = status, seconds
    params = NotifyParams(webhook=SecretStr(service.address), timeout_seconds=timeout)
    tell([Notice("held", "reasons", {"version_id": 3})], RUN, params)
    assert service.received(1) == [{"event": "resegment.held", "message": "reasons", **RUN, "facts": {"version_id": 3}}]
    told = [record.message.partition(": ")[2] for record in caplog.records]
    assert told == ([warning] if warning else [])


@pytest.mark.parametrize("address", [f"ftp://host/{TOKEN}", f"https:///{TOKEN}", TOKEN, f"http://[{TOKEN}]:1/"])
def test_a_wrong_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NotifyParams(webhook=SecretStr(address))
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    "address", [f"http://127.0.0.1:1/\n{TOKEN}", f"http://127.0.0.1:99999/{TOKEN}", f"http://127.0.0.1:{TOKEN}/"]
)
def test_an_address_the_library_refuses_is_not_repeated(address: str, caplog: pytest.LogCaptureFixture) -> None:
    tell([Notice("failed", "")], RUN, NotifyParams(webhook=SecretStr(address)))
    (warning,) = caplog.records
    assert TOKEN not in warning.getMessage()
    assert "cannot be reached" in warning.getMessage()


@pytest.mark.parametrize("source", ["file", "environment"])
def test_the_configuration_shows_neither_a_right_nor_a_wrong_address(tmp_path: Path, source: str) -> None:
    for address, code in ((f"https://example.org/{TOKEN}", 0), (f"example.org/{TOKEN}", 1)):
        (tmp_path / "resegment.toml").write_text(f'[notify]\nwebhook = "{address}"\n' if source == "file" else "")
        environment = os.environ | ({"RESEGMENT__NOTIFY__WEBHOOK": address} if source == "environment" else {})
        for options in ([], ["--json"]):
            shown = subprocess.run(
                [sys.executable, "-m", "flows.cli", "config", *options],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert shown.returncode == code, shown.stderr
            assert TOKEN not in shown.stdout + shown.stderr
            assert "webhook" in (shown.stdout + shown.stderr).lower()
