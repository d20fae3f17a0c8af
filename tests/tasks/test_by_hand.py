"""What people did outside the nights is on record, and `resegment status` tells it until the next night."""

import importlib
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from support_small import AS_OF, SmallShop, varied
from support_webhook import listening
from typer.testing import CliRunner

from flows.cli import app
from tasks.present import who

ROWS = "SELECT command, about, status, error FROM ops.runs WHERE as_of IS NULL ORDER BY started_at"


@pytest.fixture
def shop(tmp_path: Path, no_api: None) -> SmallShop:
    shop = SmallShop(tmp_path / "shop").configure()
    shop.deliver("first", varied(30))
    shop.night()
    shop.night(AS_OF + timedelta(days=1))
    return shop


def did(shop: SmallShop, *arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, [*map(str, arguments), "--config", str(shop.config)])
    return found.exit_code, found.output


def test_every_step_is_on_record_with_who_and_how_it_ended(shop: SmallShop, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("c1\nc2\n")
    assert did(shop, "rollback")[0] == 0
    assert did(shop, "rollback", "--release")[0] == 0
    assert did(shop, "promote", 1)[0] == 1
    assert did(shop, "backup", tmp_path / "backups")[0] == 0
    assert did(shop, "compact")[0] == 0
    assert did(shop, "erase", "--customers", tmp_path / "ids.txt", "--yes")[0] == 0
    refused = "Version 1 is published, not held; only a held version can be promoted."
    assert [tuple(row.values()) for row in shop.private(ROWS)] == [
        ("rollback", "to the version before", "done", None),
        ("rollback", "released", "done", None),
        ("promote", "version 1", "failed", refused),
        ("backup", f"in {tmp_path / 'backups'}", "done", None),
        ("compact", None, "done", None),
        ("erase", "2 customers", "done", None),
    ]
    people = shop.private("SELECT DISTINCT requested_by FROM ops.runs")
    assert people == [{"requested_by": who()}]
    (copy,) = (tmp_path / "backups").iterdir()
    assert [row["command"] for row in SmallShop(copy).private(ROWS)] == ["rollback", "rollback", "promote"]
    told = did(shop, "status")[1]
    assert told.count("Since then by hand: ") == 6
    assert "Since then by hand: promote version 1: failed, " in told
    assert f", by {who()}" in told
    shop.night(AS_OF + timedelta(days=2))
    assert "by hand" not in did(shop, "status")[1]


def test_what_cannot_be_kept_on_record_is_done_all_the_same(
    shop: SmallShop, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of a warehouse that an upgrade still awaits leaves it as it is."""
    monkeypatch.setattr("warehouse.store.pending_upgrade", lambda warehouse: {"from": 1, "to": 2})
    assert did(shop, "backup", tmp_path / "backups")[0] == 0
    assert "has schema 1; the next night upgrades it" in caplog.text
    assert shop.private(ROWS) == []


def died(shop: SmallShop, moment: str, *arguments: object) -> None:
    """A command in a process that kills itself where it would call a function."""
    module, _, name = moment.rpartition(".")
    child = os.fork()
    if not child:
        setattr(importlib.import_module(module), name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        did(shop, *arguments)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_steps_that_were_killed_are_found_by_the_next_and_told_by_the_next_night(
    shop: SmallShop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ids.txt").write_text("c1\n")
    copies = tmp_path / "backups"
    died(shop, "warehouse.rewriting.copy_file", "compact")
    died(shop, "tasks.upkeep.asdict", "compact")  # the copy has taken the warehouse's place, and ended well
    assert [row["status"] for row in shop.private(ROWS)] == ["crashed", "done"]
    died(shop, "warehouse.rewriting.discard", "compact")
    died(shop, "warehouse.backup._facts", "backup", copies)
    died(shop, "warehouse.publish.point_current", "rollback")
    died(shop, "warehouse.publish.reconcile", "promote", 1)
    died(shop, "warehouse.erasure.close", "erase", "--customers", tmp_path / "ids.txt", "--yes")
    killed = [
        "compact",
        "compact",
        f"backup in {copies}",
        "rollback to the version before",
        "promote version 1",
        "erase",
    ]
    running = "SELECT command FROM ops.runs WHERE status = 'running'"
    assert shop.private(running) == [{"command": "erase"}]
    caplog.clear()
    assert did(shop, "erase", "--yes")[0] == 0
    (warned,) = (one.getMessage() for one in caplog.records if "an earlier run was stopped" in one.getMessage())
    assert warned.startswith("an earlier run was stopped: erase, begun 2")
    assert shop.private(running) == []
    told = did(shop, "status")[1]
    assert told.count(": crashed, ") == len(killed)
    assert f"Since then by hand: backup in {copies}: crashed, " in told
    with listening() as service, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEGMENT__NOTIFY__WEBHOOK", service.address)
        shop.night(AS_OF + timedelta(days=2))
        shop.night(AS_OF + timedelta(days=3))
    (crashed,) = (one for one in service.got if one["event"] == "resegment.crashed")
    assert [" ".join(filter(None, (run["command"], run["about"]))) for run in crashed["facts"]["runs"]] == killed
    assert {run["as_of"] for run in crashed["facts"]["runs"]} == {None}
    assert crashed["message"].endswith("This run carried on. Steps taken by hand are not repeated by it.")


def test_a_step_that_is_told_to_stop_is_over_and_on_record(shop: SmallShop) -> None:
    stopped = "import os, signal; from warehouse import rewriting; "
    stopped += "rewriting.copy_file = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM); "
    command = [sys.executable, "-c", f"{stopped}from flows.cli import main; main()", "compact", "--config", shop.config]
    assert subprocess.run(command, capture_output=True).returncode == 128 + signal.SIGTERM
    ended = [("compact", None, "failed", "TerminatedError")]
    assert [tuple(row.values()) for row in shop.private(ROWS)] == ended
    assert did(shop, "compact")[0] == 0
    assert "earlier run" not in did(shop, "status")[1]


def test_a_restored_backup_takes_itself_for_neither_running_nor_stopped(
    shop: SmallShop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was stopped before the backup was made is still to be told of."""
    died(shop, "warehouse.rewriting.copy_file", "compact")
    assert did(shop, "backup", tmp_path / "backups")[0] == 0
    (copy,) = (tmp_path / "backups").iterdir()
    restored = SmallShop(tmp_path / "elsewhere").configure()
    assert did(restored, "restore", copy)[0] == 0
    assert [(row["command"], row["status"]) for row in restored.private(ROWS)] == [
        ("compact", "crashed"),
        ("restore", "done"),
    ]
    caplog.clear()
    (restored.folder / "data").symlink_to(shop.folder / "data")
    restored.night(AS_OF + timedelta(days=2))
    stopped = [one.getMessage() for one in caplog.records if "was stopped" in one.getMessage()]
    assert [one.partition(", begun")[0] for one in stopped] == ["an earlier run was stopped: compact"]
