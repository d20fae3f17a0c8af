"""A run that waits and tries again."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from support_small import AS_OF, SmallShop, varied

from flows.nightly import _one_night
from flows.planning import plan_night
from tasks import carrying
from tasks.night import Night
from warehouse import reading


def test_tried_again_it_is_one_run_that_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setattr(carrying, "_from_a_deployment", lambda: True)
    shop = SmallShop(tmp_path / "shop").configure()
    shop.deliver("first", varied(20))
    shop.night()
    (shop.folder / "data").rename(shop.folder / "away")
    attempts = []

    def story(night: Night) -> dict[str, Any]:
        attempts.append(night.began)
        if len(attempts) == 2:
            (shop.folder / "away").rename(shop.folder / "data")
        return _one_night(night)

    night = plan_night("nightly", AS_OF + timedelta(days=1), False, shop.config)
    assert carrying.carry_out(replace(night, retry_after_seconds=(0.01,)), story)["status"] == "done"
    assert attempts[0] < attempts[1]  # what arrived meanwhile is not of the future
    runs = shop.private("SELECT run_id, status, error, started_at FROM ops.runs ORDER BY started_at")
    assert [(row["status"], row["error"]) for row in runs] == [("done", None), ("done", None)]
    assert runs[1] | {"run_id": night.run_id, "started_at": attempts[1]} == runs[1]


@pytest.mark.parametrize("step", ["tasks.night.ops.end_run", "tasks.night.publish.write_status"])
def test_a_night_that_is_told_to_stop_while_its_good_end_is_recorded_is_on_record_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Readers have its version already."""
    shop = SmallShop(tmp_path / "shop").configure()
    shop.deliver("first", varied(20))
    signals = [KeyboardInterrupt()]
    with monkeypatch.context() as context:
        usual: Any = resolve_name(step)

        def interrupted(*arguments: Any, **options: Any) -> Any:
            if signals:
                raise signals.pop()
            return usual(*arguments, **options)

        context.setattr(step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            shop.night()
    assert not signals
    assert [row["status"] for row in shop.private("SELECT status FROM ops.runs")] == ["done"]
    status = reading.status(shop.serving)
    assert status is not None
    assert (status["status"], status["current"]["version_id"]) == ("done", 1)
