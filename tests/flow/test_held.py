"""A delivery that changes too much makes a held version; what people then do by hand, also when they are stopped."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support_small import AS_OF, Bought, SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app
from tasks.night import VersionHeldError
from warehouse import serving

CUSTOMERS = 80
LIMITS = "[breaker]\nmin_customers = 40\nmin_segment_customers = 10\n"
MODEL = "[model]\nk = 3\n"
#: A hundred times the price, for every second customer; and as many lines without one.
WRONG = [Bought(f"c{number}", days=0, price=(5 + 3 * number) * 100) for number in range(0, CUSTOMERS, 2)]
RIGHT = [Bought("", days=0, price=5 + number) for number in range(0, CUSTOMERS, 2)]


def day(number: int) -> date:
    return AS_OF + timedelta(days=number)


def called(shop: SmallShop, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--config", str(shop.config)])


def table(shop: SmallShop, name: str) -> list[dict[str, Any]]:
    return shop.private(f"FROM {name} ORDER BY ALL")


def statuses(shop: SmallShop) -> dict[int, str]:
    return {row["version_id"]: row["status"] for row in table(shop, "segments.versions")}


pytestmark = pytest.mark.usefixtures("no_api")


@pytest.fixture(scope="module")
def held_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallShop, dict[str, Any]]:
    """Version 1 is published, version 2 held; and what there was before the second night."""
    shop = SmallShop(tmp_path_factory.mktemp("held") / "shop").configure(MODEL + LIMITS)
    shop.deliver("a", varied(CUSTOMERS))
    shop.night(day(0))
    before = {
        "membership": table(shop, "segments.membership"),
        "files": sorted(path.name for path in (shop.serving / "versions").iterdir()),
        "current": (shop.serving / "current.json").read_bytes(),
    }
    shop.deliver("b", WRONG)
    result = called(shop, "nightly", "--as-of", day(1))
    assert result.exit_code == 3, result.output
    return shop, before


@pytest.fixture
def held(held_once: tuple[SmallShop, dict[str, Any]], tmp_path: Path) -> SmallShop:
    shutil.copytree(held_once[0].folder, tmp_path / "shop", symlinks=True)
    return SmallShop(tmp_path / "shop")


def test_a_held_version_changes_nothing_for_readers(held_once: tuple[SmallShop, dict[str, Any]]) -> None:
    shop, before = held_once
    assert statuses(shop) == {1: "published", 2: "held"}
    (row,) = shop.private("FROM segments.versions WHERE version_id = 2")
    assert any("changed segment in 1 day" in reason for reason in row["held_reasons"])
    status = json.loads((shop.serving / "status.json").read_text())
    assert (status["status"], status["current"]["version_id"]) == ("held", 1)
    for reason in row["held_reasons"]:
        assert reason in status["error"]
    assert table(shop, "segments.membership") == before["membership"]
    assert sorted(path.name for path in (shop.serving / "versions").iterdir()) == before["files"]
    assert (shop.serving / "current.json").read_bytes() == before["current"]
    assert shop.private("SELECT count(*) AS n FROM landing.loads WHERE status = 'accepted'") == [{"n": 2}]


def test_the_next_good_night_publishes_and_goes_on_from_what_was_published(held: SmallShop) -> None:
    held.deliver("b", RIGHT)
    published = held.night(day(2))["published"]
    assert published["version_id"] == 3
    assert published["readers_see"] is None
    parents = "SELECT parent_model_id, previous_version_id FROM models.models JOIN segments.versions USING (model_id)"
    assert held.private(f"{parents} WHERE version_id = 3") == [{"parent_model_id": 1, "previous_version_id": 1}]
    assert statuses(held) == {1: "published", 2: "held", 3: "published"}

    _promoted_in_between(held)


def _promoted_in_between(shop: SmallShop) -> None:
    """Version 2, held, is published although one of a later date is."""
    wrong_day = {row["customer_id"]: row["segment_key"] for row in table(shop, "segments.assignments")
                 if row["version_id"] == 2}  # fmt: skip
    ends = {row["customer_id"]: row["segment_key"] for row in shop.published("FROM customer_segments")}
    result = called(shop, "promote", 2)
    assert result.output == "Readers see version 3 as of 2011-03-03.\n"
    assert statuses(shop) == {1: "published", 2: "published", 3: "published"}
    assert {row["version_id"]: row["previous_version_id"] for row in table(shop, "segments.versions")} == {
        1: None, 2: 1, 3: 2,
    }  # fmt: skip
    for number, expected in ((1, wrong_day), (2, ends)):
        at = f"valid_from <= DATE '{day(number)}' AND (valid_to IS NULL OR valid_to > DATE '{day(number)}')"
        found = shop.private(f"SELECT customer_id, segment_key FROM segments.membership WHERE {at}")
        assert {row["customer_id"]: row["segment_key"] for row in found} == expected
    back = {row["customer_id"] for row in shop.private("FROM segments.movements WHERE version_id = 3")}
    assert back == {customer for customer, key in wrong_day.items() if ends[customer] != key}
    assert called(shop, "promote", 2).exit_code == 1


def test_three_held_nights_in_a_row_are_told_louder(held: SmallShop) -> None:
    with pytest.raises(VersionHeldError) as second:
        held.night(day(2))
    with pytest.raises(VersionHeldError, match="ESCALATED: 3 versions in a row"):
        held.night(day(3))
    assert "ESCALATED" not in str(second.value)
    parents = held.private("SELECT DISTINCT parent_model_id FROM models.models WHERE model_id > 1")
    assert parents == [{"parent_model_id": 1}]
    with pytest.raises(VersionHeldError, match="ESCALATED: 3 versions"):  # the same night again is not one more
        held.night(day(3))
    assert statuses(held) == {1: "published", 2: "held", 3: "held", 4: "withdrawn", 5: "held"}


def test_rollback_and_promotion(held: SmallShop) -> None:
    assert called(held, "rollback").exit_code == 1  # nothing was published before version 1
    assert "is held; readers can only go back" in called(held, "rollback", 2).output
    assert "no version 99" in called(held, "rollback", 99).output
    assert "no version 99" in called(held, "promote", 99).output
    assert "published, not held" in called(held, "promote", 1).output

    assert called(held, "promote", 2).output == "Readers see version 2 as of 2011-03-02.\n"
    assert held.published("SELECT max(version_id) AS v FROM customer_segments") == [{"v": 2}]
    assert "Readers see version 1 as of 2011-03-01; they stay" in called(held, "rollback").output
    assert "Current: version 1 as of 2011-03-01" in called(held, "status").output

    held.deliver("c", [Bought("", days=-1)])
    night = called(held, "nightly", "--as-of", day(2))
    assert "Readers still see version 1, until `resegment rollback --release` or a promotion." in night.output
    assert "Readers are kept on it until" in called(held, "status").output
    assert serving.linked_version(held.serving) == 1
    assert statuses(held) == {1: "published", 2: "published", 3: "published"}
    assert called(held, "rollback", "--release").output == "Readers see version 3 as of 2011-03-03.\n"
    assert called(held, "rollback", "--release").output == "Readers see version 3 as of 2011-03-03.\n"
    assert "Readers are kept" not in called(held, "status").output
    assert "Readers see version 2" in called(held, "rollback", 2).output


def test_a_promotion_ends_a_rollback(held: SmallShop) -> None:
    assert called(held, "rollback", 1).exit_code == 0
    assert table(held, "segments.pin") != []
    assert called(held, "promote", 2).output == "Readers see version 2 as of 2011-03-02.\n"
    assert table(held, "segments.pin") == []


def killed(shop: SmallShop, dies: str, does: str) -> None:
    code = (
        "import os; from pathlib import Path; from flows.settings import load_settings; "
        "from tasks.promotion import promote_version, roll_back; from warehouse import publish, serving, versions\n"
        f"params = load_settings(Path({str(shop.config)!r})).settings.warehouse\n"
        f"{dies} = lambda *args, **kwargs: os._exit(9)\n{does}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr


@pytest.mark.parametrize(
    ("dies", "seen", "status"),
    [("serving.make_version", 1, "held"), ("serving.point_current", 1, "held"),
     ("versions.commit_published", 2, "published")],
)  # fmt: skip
def test_a_promotion_that_was_killed(held: SmallShop, dies: str, seen: int, status: str) -> None:
    killed(held, dies, "promote_version(params, 2)")
    assert serving.linked_version(held.serving) == seen
    assert called(held, "rollback", "--release").exit_code == 0  # any command that writes mends what was left
    assert statuses(held) == {1: "published", 2: status}
    assert serving.linked_version(held.serving) == seen
    if status == "held":
        assert called(held, "promote", 2).exit_code == 0
        assert statuses(held) == {1: "published", 2: "published"}


def test_a_rollback_that_was_killed_is_finished_by_the_next_night(held: SmallShop) -> None:
    assert called(held, "promote", 2).exit_code == 0
    killed(held, "serving.point_current", "roll_back(params, 1)")
    assert serving.linked_version(held.serving) == 2
    held.night(day(1))
    assert serving.linked_version(held.serving) == 1


CHANGES: dict[str, tuple[str, Callable[[int, int], bool]]] = {
    "k": ("[model]\nk = 5\n", lambda kept, epoch: kept >= 2 and epoch == 1),
    "transform": ('[model]\nk = 3\ntransform = "log1p"\n', lambda kept, epoch: kept == 0 and epoch == 2),
    "window": ("[model]\nk = 3\n[features]\nwindow_days = 20\n", lambda kept, epoch: kept == 0 and epoch == 2),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_change_of_parameters_holds_nothing(held: SmallShop, changed: str) -> None:
    text, expected = CHANGES[changed]
    held.configure(text + LIMITS)
    before = {row["segment_key"] for row in held.published("FROM segment_profiles")}
    assert held.night(day(1))["published"]["version_id"] == 3
    after = {row["segment_key"] for row in held.published("FROM segment_profiles")}
    (model,) = held.private(
        "SELECT epoch FROM models.models JOIN segments.versions USING (model_id) WHERE version_id = 3"
    )
    assert expected(len(before & after), model["epoch"])
