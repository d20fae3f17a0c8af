"""What is announced of a changed setting is what the run then does, for every setting there is."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support_released import released_shop
from support_small import AS_OF, Bought, SmallShop, varied
from typer.testing import CliRunner

from flows.cli import app
from flows.planning import look_ahead_to_night, plan_night
from flows.settings import Settings
from flows.settings_keys import setting_fields
from segmentation.changes import NEW_EPOCH, REFIT
from tasks import drafts
from tasks.changes import ACTIVITY, NEW_VERSION, find_changes
from warehouse import features, store, versions

NEXT = AS_OF + timedelta(days=1)
#: Chance moves everybody in so small a shop; only settings may refit it here.
BASE = {"refit.drift": "1000.0"}
EVERYTHING = {REFIT, NEW_EPOCH, NEW_VERSION}
FITTED = {REFIT, NEW_VERSION}
#: Another value for each setting of the sections that shape segments or are close to them, and what it causes.
OTHERS: dict[str, tuple[str, set[str]]] = {
    "features.inputs": ('["recency_days", "frequency"]', EVERYTHING),
    "features.money": ('"gross"', EVERYTHING),
    "features.window_days": ("30", EVERYTHING | {ACTIVITY}),
    "features.sql": ('"own.sql"', {NEW_VERSION}),
    "model.k": ("3", FITTED),
    "model.transform": ('"log1p"', EVERYTHING),
    "model.transforms": ('{ frequency = "log1p" }', EVERYTHING),
    "model.winsorize_quantiles": ("[0.02, 0.98]", EVERYTHING),
    "model.iqr_factor": ("2.0", EVERYTHING),
    "model.seed": ("7", FITTED),
    "model.n_init": ("5", FITTED),
    "model.update_iterations": ("2", FITTED),
    "model.cell_width": ("0.2", FITTED),
    "model.exact_up_to": ("1000", FITTED),
    "model.silhouette_sample": ("5000", FITTED),
    "model.k_search.smallest_k": ("2", FITTED),
    "model.k_search.largest_k": ("6", FITTED),
    "model.k_search.bootstraps": ("5", FITTED),
    "model.k_search.min_stability": ("0.5", FITTED),
    "model.k_search.min_share": ("0.05", FITTED),
    "model.k_search.tolerance": ("0.05", FITTED),
    "explaining.borderline_margin": ("0.2", {NEW_VERSION}),
    "explaining.levels.different": ("0.6", {NEW_VERSION}),
    "explaining.levels.far": ("2.0", {NEW_VERSION}),
    "explaining.horizon_days": ("365", {NEW_VERSION}),
    "scoring.money": ('"average"', {NEW_VERSION}),
    "scoring.cuts": ('"refit"', {NEW_VERSION}),
    "names.playbook": ('"playbook.toml"', {NEW_VERSION}),
    "names.rfm_map": ('"rfm_map.json"', {NEW_VERSION}),
    "refit.nightly": ('"assign"', set()),
    "refit.every_days": ("30", set()),
    "breaker.max_moved_share": ("0.2", set()),
    "breaker.max_moved_share_overall": ("0.6", set()),
    "breaker.max_segment_loss": ("0.6", set()),
    "breaker.min_customers": ("200", set()),
    "breaker.min_segment_customers": ("20", set()),
    "breaker.warn_psi": ("0.2", set()),
    "breaker.max_psi": ("0.3", set()),
}


pytestmark = pytest.mark.usefixtures("no_api")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """A shop with one night, and files of its own that settings may name."""
    shop = SmallShop(tmp_path_factory.mktemp("shop"))
    configure(shop)
    shop.deliver("first", varied(30))
    shop.night()
    built_in = Path(drafts.parse_playbook.__code__.co_filename).parent
    (shop.folder / "own.sql").write_text("SELECT customer_id, count(*) AS orders FROM sales.invoices GROUP BY ALL")
    (shop.folder / "playbook.toml").write_text((built_in / "playbook.toml").read_text() + "\n# ours\n")
    (shop.folder / "rfm_map.json").write_text((built_in / "rfm_map.json").read_text() + "\n")
    return shop


def configure(shop: SmallShop, **values: str) -> None:
    """The base with other values, by dotted key with two underscores for a dot."""
    by_section: dict[str, list[str]] = {}
    for key, value in (BASE | {name.replace("__", "."): value for name, value in values.items()}).items():
        section, _, name = key.rpartition(".")
        by_section.setdefault(section, []).append(f"{name} = {value}")
    shop.configure("\n".join(line for section, lines in by_section.items() for line in [f"[{section}]", *lines]))


def announced_and_done(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> tuple[set[str], set[str]]:
    """Effects that are announced for the next night, and those its steps have; nothing of them is kept."""
    night = plan_night("nightly", NEXT, False, shop.config)
    queries: list[str] = []
    run = store.Warehouse.run

    def recorded(warehouse: store.Warehouse, name: str, **parameters: Any) -> Any:
        queries.append(name)
        return run(warehouse, name, **parameters)

    monkeypatch.setattr(store.Warehouse, "run", recorded)
    with store.writing(night.warehouse, "test"), store.opened(night.warehouse) as warehouse:
        announced = {code for change in find_changes(warehouse, night) for code in change.effects}
        before = versions.published_before(warehouse, NEXT)
        assert before is not None
        parent = drafts.parent(warehouse, before["model_id"])
        warehouse.execute("BEGIN")
        features.advance(warehouse, night.as_of, night.features.window_days, accepted=False)
        draft = drafts.draft(warehouse, night)
        warehouse.execute("ROLLBACK")
        done = {
            REFIT: draft.reason == "the parameters changed",
            NEW_EPOCH: draft.model["epoch"] != parent.epoch,
            ACTIVITY: "features/rebuild" in queries,
            NEW_VERSION: versions.is_up_to_date(warehouse, AS_OF, night.fingerprint) is None,
        }
    return announced, {code for code, happened in done.items() if happened}


def test_every_setting_near_the_segments_is_in_the_table() -> None:
    sections = {key.partition(".")[0] for key in OTHERS}
    known = {key for key in setting_fields(Settings) if key.partition(".")[0] in sections}
    assert known == OTHERS.keys() | BASE.keys()


@pytest.mark.parametrize("key", [None, *OTHERS])
def test_what_is_announced_is_what_happens(shop: SmallShop, key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    value, expected = OTHERS[key] if key else ("", set())
    configure(shop, **({key: value} if key else {}))
    assert announced_and_done(shop, monkeypatch) == (expected, expected)


def test_a_transform_of_a_feature_nobody_looks_at_is_no_new_epoch(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(shop, model__transforms='{ tenure_days = "log1p" }')
    assert announced_and_done(shop, monkeypatch) == (FITTED, FITTED)


def test_settings_that_make_up_for_each_other_are_no_new_epoch(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = '{ recency_days = "winsorize", frequency = "winsorize", monetary = "winsorize" }'
    configure(shop, model__transform='"none"', model__transforms=kept)
    assert announced_and_done(shop, monkeypatch) == (FITTED, FITTED)


def test_a_night_says_it_before_and_in_its_record(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shop = SmallShop(tmp_path)
    configure(shop)
    shop.deliver("first", varied(30))
    (tmp_path / "own.sql").write_text("SELECT customer_id, count(*) AS orders FROM sales.invoices GROUP BY ALL")
    inputs = '["recency_days", "orders"]'
    configure(shop, features__inputs=inputs, features__sql='"own.sql"')
    assert shop.night()["changes"] == []
    configure(shop, features__inputs=inputs, features__sql='"own.sql"', features__window_days="40")
    (tmp_path / "own.sql").write_text("SELECT customer_id, 2 * count(*) AS orders FROM sales.invoices GROUP BY ALL")
    shop.deliver("second", [Bought("c1", days=0)])
    ahead = look_ahead_to_night(NEXT, False, shop.config)
    told = [change["told"] for change in ahead["changes"]]
    assert told[0].startswith("[features] window_days changed from not set to 40: the model is fitted anew; ")
    assert told[0].endswith("the activity of every customer is computed anew; "
                            "a date that is published already is made anew if it is run again")  # fmt: skip
    assert told[1].startswith("[features] sql changed: the model is fitted anew; ")
    assert "a new epoch: all segments begin anew" in told[1]
    assert (ahead["action"], ahead["reason"]) == ("refit", "the parameters changed")
    assert shop.private("SELECT count(*) AS n FROM segments.versions") == [{"n": 1}]
    outcome = shop.night(NEXT)
    assert [record.getMessage() for record in caplog.records if " changed" in record.getMessage()][:2] == told
    status = json.loads((shop.serving / "status.json").read_text())
    assert status["changes"] == json.loads(json.dumps(outcome["changes"]))
    assert [change["setting"] for change in status["changes"]] == ["features.window_days", "features.sql"]
    assert shop.private("SELECT epoch FROM models.models ORDER BY model_id") == [{"epoch": 1}, {"epoch": 2}]
    assert look_ahead_to_night(NEXT + timedelta(days=1), False, shop.config)["changes"] == []


def test_the_plan_changes_nothing_and_tells_of_an_upgrade(tmp_path: Path) -> None:
    shop = released_shop(tmp_path, 1)
    before = shop.warehouse.read_bytes()
    shop.config.write_text(shop.config.read_text() + "[model]\nk = 3\n")
    called = CliRunner().invoke(app, ["nightly", "--plan", "--as-of", "2011-03-05", "--config", str(shop.config)])
    assert called.exit_code == 0, called.output
    lines = called.stdout.splitlines()
    assert lines[0] == "A night as of 2011-03-05; nothing was done."
    assert lines[1].startswith("  The warehouse is upgraded from schema 1 to ")
    assert lines[2].startswith('  [model] k changed from "auto" to 3: the model is fitted anew; ')
    assert lines[3:] == ["  Model: refit (the parameters changed)."]
    assert shop.warehouse.read_bytes() == before


def test_the_plan_of_a_first_night_and_of_one_that_is_done(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path).configure()
    shop.deliver("first", varied(30))
    plan = ["nightly", "--plan", "--as-of", str(AS_OF), "--config", str(shop.config)]
    assert CliRunner().invoke(app, plan).stdout.splitlines()[1:] == [
        "  New deliveries are taken in.", "  Model: refit (there is no model yet)."
    ]  # fmt: skip
    assert not shop.warehouse.exists()
    shop.night()
    assert CliRunner().invoke(app, plan).stdout.splitlines()[1:] == ["  Nothing is new: version 1 of this date stays."]
    assert date.fromisoformat(json.loads(CliRunner().invoke(app, [*plan, "--json"]).stdout)["as_of"]) == AS_OF
    shop.deliver("late", [Bought("c1", days=0)])
    assert CliRunner().invoke(app, plan).stdout.splitlines()[1:] == [
        "  New deliveries are taken in.",
        "  Model: refit (there is no model of an earlier date).",
        "  The new version supersedes version 1 of this date, if anything differs.",
    ]
