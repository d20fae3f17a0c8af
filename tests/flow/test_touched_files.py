"""A file that gets another time and keeps its content is looked into by one night, and is nothing new to the next."""

import os
from pathlib import Path

import pytest
from support_small import AS_OF, SmallShop, varied
from typer.testing import CliRunner

from flows.cli import app
from tasks import landing


def test_a_touched_file_is_new_to_one_night_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    shop = SmallShop(tmp_path / "shop").configure()
    shop.deliver("first", varied(30))
    shop.night()
    staged = []

    def stage(*arguments: object, **options: object) -> object:
        staged.append(real(*arguments, **options))  # type: ignore[arg-type]
        return staged[-1]

    real = landing.landing.stage
    monkeypatch.setattr(landing.landing, "stage", stage)

    def planned() -> str:
        told = CliRunner().invoke(app, ["nightly", "--plan", "--as-of", str(AS_OF), "--config", str(shop.config)])
        assert told.exit_code == 0, told.output
        return told.output

    assert "New deliveries are taken in" not in planned()
    os.utime(shop.folder / "data" / "first.csv", (1_400_000_000, 1_400_000_000))
    assert [("New deliveries are taken in" in planned()) for _ in range(2)] == [True, True]
    assert [shop.night()["status"] for _ in range(2)] == ["unchanged"] * 2
    assert [one.unchanged_files for one in staged] == [1]
    assert "New deliveries are taken in" not in planned()
