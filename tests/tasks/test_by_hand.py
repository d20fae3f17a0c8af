"""What people did outside the nights is on record, and `resegment status` tells it until the next night."""

from datetime import timedelta
from pathlib import Path

import pytest
from support_small import AS_OF, SmallShop, varied
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
