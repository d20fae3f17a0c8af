import json
import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support_disk import mounted
from support_small import AS_OF, SmallShop, varied
from typer.testing import CliRunner

from dashboard.params import ReportParams
from flows.cli import app
from tasks.reporting import report_version
from warehouse import serving
from warehouse.errors import DiskFullError, NothingPublishedError

ON = "[model]\nk = 2\n[report]\n"


def called(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    """A shop without a night, whose nights write reports."""
    monkeypatch.setenv("RESEGMENT__REPORT__ENABLED", "true")
    shop = SmallShop(tmp_path / "shop").configure("[model]\nk = 2\n")
    shop.deliver("first", varied(20))
    return shop


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, logger="resegment"):
        yield caplog


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_night_leaves_a_report_beside_its_version_and_says_where(shop: SmallShop) -> None:
    outcome = shop.night()
    file = serving.report_file(shop.serving, 1)
    assert outcome["report"] == str(file)
    assert json.loads((shop.serving / "status.json").read_text())["report"] == str(file)
    assert (shop.serving / "current" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(os.listdir(file.parent)) == ["report.html", "segments.duckdb"]  # noqa: PTH208
    assert (mode(file.parent), mode(file)) == (0o555, 0o644)


def test_a_night_with_nothing_new_writes_the_report_that_is_missing_and_no_other(shop: SmallShop) -> None:
    file = Path(shop.night()["report"])
    before = file.stat().st_mtime_ns
    assert shop.night()["status"] == "unchanged"
    assert file.stat().st_mtime_ns == before
    file.parent.chmod(0o755)
    file.unlink()
    assert shop.night()["report"] == str(file)
    assert file.exists()


def test_a_report_that_fails_is_a_warning_and_the_night_is_done(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("no picture today")

    monkeypatch.setattr("tasks.reporting.report", broken)
    outcome = shop.night()
    assert (outcome["status"], outcome["report"]) == ("done", None)
    assert "the report could not be written; `resegment report` tries again: no picture today" in logged.text
    assert serving.linked_version(shop.serving) == 1


def test_switched_off_nothing_is_written(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEGMENT__REPORT__ENABLED", "false")
    assert shop.night()["report"] is None
    assert not serving.report_file(shop.serving, 1).exists()


def test_any_version_can_be_rendered_to_any_file(shop: SmallShop, tmp_path: Path) -> None:
    shop.night()
    shop.night(AS_OF + timedelta(days=1))
    output = tmp_path / "old.html"
    code, told = called("report", 1, "--output", output, "--config", shop.config, "--json")
    assert (code, json.loads(told)["file"]) == (0, str(output))
    assert "Version 1." in output.read_text(encoding="utf-8")
    code, told = called("report", "--config", shop.config)
    assert code == 0
    assert told.startswith(f"Report of version 2: {serving.report_file(shop.serving, 2)} (4.")


def test_a_version_that_is_not_there_is_named(shop: SmallShop, tmp_path: Path) -> None:
    with pytest.raises(NothingPublishedError):
        report_version(shop.serving, ReportParams(), None, None)
    shop.night()
    with pytest.raises(NothingPublishedError, match="Version 7 is not in"):
        report_version(shop.serving, ReportParams(), 7, None)
    code, told = called("report", "--output", tmp_path / "no" / "such.html", "--config", shop.config)
    assert code == 1
    assert "The report cannot be written" in told


def test_what_a_killed_writer_left_is_tidied_by_the_next_night(shop: SmallShop) -> None:
    shop.night()
    folder = serving.version_folder(shop.serving, 1)
    folder.chmod(0o755)
    (folder / ".report.html.next").write_text("half a page")
    shop.night(AS_OF + timedelta(days=1))
    assert sorted(os.listdir(folder)) == ["report.html", "segments.duckdb"]  # noqa: PTH208
    assert mode(folder) == 0o555


def test_a_rollback_leaves_a_report_of_what_readers_see_then(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEGMENT__REPORT__ENABLED", "false")
    shop.night()
    shop.night(AS_OF + timedelta(days=1))
    monkeypatch.setenv("RESEGMENT__REPORT__ENABLED", "true")
    code, told = called("rollback", "--config", shop.config)
    assert code == 0
    file = serving.report_file(shop.serving, 1)
    assert told.endswith(f"Report: {file}\n")
    assert file.exists()
    assert not serving.report_file(shop.serving, 2).exists()


def test_a_full_disk_leaves_no_half_page(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 4) as disk:
        folder = serving.version_folder(disk, 1)
        folder.mkdir(parents=True)
        with pytest.raises(DiskFullError):
            serving.put_report(disk, 1, "x" * 6_000_000)
        assert list(folder.iterdir()) == []
        assert mode(folder) == 0o555
