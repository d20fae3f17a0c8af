"""A changed rule of reading, from the command line: told in the plan, refused by the night, and done when asked for."""

from pathlib import Path

import pytest
from support_small import AS_OF, SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app


def test_a_night_stops_until_somebody_says_what_a_change_is_to_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    shop = SmallShop(tmp_path / "shop").configure()
    shop.deliver("first", varied(30))
    shop.night()
    text = shop.config.read_text()
    shop.config.write_text(text.replace("[source]\n", '[source]\ncancellation_prefix = "R"\n'))

    def called(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["nightly", "--as-of", str(AS_OF), "--config", str(shop.config), *arguments])

    plan = called("--plan")
    assert plan.exit_code == 0, plan.output
    assert "cancellation_prefix changed" in plan.output
    stopped = called()
    assert stopped.exit_code == 1
    assert "[source] cancellation_prefix: was 'C', is 'R'" in stopped.output
    assert shop.private("SELECT count(*) AS loads FROM landing.loads") == [{"loads": 1}]
    assert called("--reread").exit_code == 0
    assert shop.private("SELECT load_id, status FROM landing.loads ORDER BY load_id") == [
        {"load_id": 1, "status": "replaced"},
        {"load_id": 2, "status": "accepted"},
    ]
    assert "Nothing new" in called().output
