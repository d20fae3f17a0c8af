"""Backfills of a small shop, held to nights of the same dates."""

import shutil
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support_small import AS_OF, Bought, SmallShop, varied

from flows.backfill import backfill
from flows.planning import plan_backfill
from tasks import backfilling
from tasks.backfill_plan import look_ahead
from tasks.ranges import Asked, BackfillError, Every
from warehouse import serving
from warehouse.errors import ResegmentError

#: Dates before the last night, with purchases before and after each.
FIRST, LAST = AS_OF - timedelta(days=9), AS_OF - timedelta(days=2)
DATES = [FIRST + timedelta(days=day) for day in range(8)]
#: Nights keep the model of the first, as a backfill with one model does.
KEPT = '[refit]\nnightly = "assign"\nevery_days = 999\ndrift = 99\n'
_OWN = "* EXCLUDE (version_id, created_at)"


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    made = SmallShop(tmp_path / "shop").configure()
    made.deliver("all", varied(40))
    return made


def filled(shop: SmallShop, start: date = FIRST, end: date = LAST, **asked: Any) -> dict[str, Any]:
    return backfill(start, end, config=shop.config, **asked)["backfill"]


def by_date(shop: SmallShop, table: str, columns: str = _OWN) -> dict[date, list[dict[str, Any]]]:
    """A table of the published file of each date."""
    rows = shop.private("SELECT as_of, version_id FROM segments.versions WHERE status = 'published' ORDER BY as_of")
    return {
        row["as_of"]: shop.published(f"SELECT {columns} FROM {table} ORDER BY ALL", row["version_id"]) for row in rows
    }


def test_each_date_equals_the_night_that_keeps_the_model(tmp_path: Path) -> None:
    shops = [SmallShop(tmp_path / name).configure(KEPT) for name in ("nights", "backfill")]
    for shop in shops:
        shop.deliver("all", varied(60))
        shop.night(FIRST - timedelta(days=1))
    nights, filled_up = shops
    for day in DATES:
        nights.night(day)
    made = filled(filled_up, model="current")
    assert [row["as_of"] for row in made["versions"]] == DATES
    assert by_date(nights, "customer_segments") == by_date(filled_up, "customer_segments")
    for table in ("customer_segments_history", "rfm_crosstab", "segment_countries"):
        assert by_date(nights, table, "*") == by_date(filled_up, table, "*")
    moves = "* EXCLUDE version_id"
    assert by_date(nights, "segment_movements", moves) == by_date(filled_up, "segment_movements", moves)
    figures = "as_of, customers, not_segmented, moved, silhouette, inertia, smallest_share, drift, moved_share"
    assert by_date(nights, "segment_versions", figures)[LAST] == by_date(filled_up, "segment_versions", figures)[LAST]


def test_a_replay_equals_nights_from_nothing(tmp_path: Path) -> None:
    nights, replayed = (SmallShop(tmp_path / name).configure("[refit]\nevery_days = 3\n") for name in ("a", "b"))
    for shop in (nights, replayed):
        shop.deliver("all", varied(60))
    for day in DATES:
        nights.night(day)
    filled(replayed, model="replay")
    assert by_date(nights, "customer_segments") == by_date(replayed, "customer_segments")
    models = "SELECT as_of, action, refitted, parent_model_id FROM models.models ORDER BY model_id"
    assert nights.private(models) == replayed.private(models)
    assert {row["chain_from"] for row in replayed.published("FROM segment_versions")} == {FIRST}


def test_a_replay_does_not_know_what_came_later(tmp_path: Path) -> None:
    """A shop that delivers other things afterwards, and is segmented afterwards, has the same past."""
    calm, wild = (SmallShop(tmp_path / name).configure() for name in ("calm", "wild"))
    for shop in (calm, wild):
        shop.deliver("all", [line for line in varied(40) if line.days > 2])
    wild.deliver("later", [Bought(f"c{number}", days=1, price=9_000) for number in range(30)])
    filled(calm, model="replay")
    filled(wild, AS_OF, AS_OF, model="replay")
    filled(wild, model="replay")
    columns = (
        "* EXCLUDE (version_id, created_at, segment_key, segment, segment_since, second_segment, moves_on_segment)"
    )
    assert by_date(calm, "customer_segments", columns) == {
        day: rows for day, rows in by_date(wild, "customer_segments", columns).items() if day <= LAST
    }


def test_a_replay_gives_segments_the_keys_of_the_model_before_it(shop: SmallShop) -> None:
    shop.night(FIRST - timedelta(days=3))
    known = {row["segment_key"] for row in shop.published("FROM segment_profiles")}
    filled(shop, model="replay")
    rows = shop.private("SELECT parent_model_id, as_of FROM models.models WHERE as_of >= '2011-02-20' ORDER BY as_of")
    assert [row["parent_model_id"] for row in rows] == [None, *range(2, 9)]
    assert known & {row["segment_key"] for row in shop.published("FROM segment_profiles")}


def test_dates_stored_together_are_what_each_is_alone(
    shop: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version of another model lies between them, which what comes after is compared with; each has its own cuts."""
    shop.configure('[scoring]\ncuts = "nightly"\n')
    shop.night(DATES[3])
    shop.night(AS_OF)
    alone = SmallShop(Path(shutil.copytree(shop.folder, tmp_path / "alone", symlinks=True)))
    filled(shop)
    monkeypatch.setattr(backfilling, "_AT_ONCE", 1)
    filled(alone)
    stamps = "created_at, published_at, superseded_at"
    for table, columns in {
        "versions": f"* EXCLUDE ({stamps})", "drift": "*", "sizes": "*", "profiles": "*", "membership": "*",
        "movements": "*", "assignments": "*", "map_points": "*", "map_axes": "*",
    }.items():  # fmt: skip
        rows = f"SELECT {columns} FROM segments.{table} ORDER BY ALL"
        assert shop.private(rows) == alone.private(rows)
    for table in ("customer_segments", "segment_map", "product_affinity", "rfm_heatmap", "version_drift"):
        assert by_date(shop, table, "COLUMNS(lambda c: c <> 'created_at')") == by_date(
            alone, table, "COLUMNS(lambda c: c <> 'created_at')"
        )
    order = shop.private(
        "SELECT v.as_of, b.as_of AS before FROM segments.versions AS v JOIN segments.versions AS b "
        "ON b.version_id = v.previous_version_id ORDER BY v.as_of"
    )
    dates = [*DATES, AS_OF]
    assert [(row["before"], row["as_of"]) for row in order] == list(pairwise(dates))


def test_what_is_published_is_left_unless_forced(shop: SmallShop) -> None:
    shop.night(DATES[3])
    shop.night(AS_OF)
    before = shop.published("FROM customer_segments ORDER BY ALL")
    found = filled(shop)
    assert [row["as_of"] for row in found["versions"]] == [day for day in DATES if day != DATES[3]]
    assert found["others"] == [
        {"as_of": DATES[3], "action": "leave", "why": "published already; --force supersedes it"}
    ]
    assert shop.published("FROM customer_segments ORDER BY ALL") == before
    forced = filled(shop, force=True)
    assert [row["as_of"] for row in forced["versions"]] == [DATES[3]]
    assert shop.private(f"SELECT status FROM segments.versions WHERE as_of = '{DATES[3]}' ORDER BY version_id") == [
        {"status": "superseded"}, {"status": "published"},
    ]  # fmt: skip


def test_versions_of_a_later_model_are_marked_as_hindsight(shop: SmallShop) -> None:
    shop.night(DATES[1])
    shop.night(DATES[5])
    filled(shop, model="2")
    found = shop.published("SELECT as_of, hindsight FROM segment_versions ORDER BY as_of", version=8)
    assert {row["as_of"] for row in found if row["hindsight"]} == {DATES[day] for day in (0, 2, 3, 4)}
    night = shop.night(DATES[3] + timedelta(days=10))
    assert night["status"] == "done"


def test_counts_in_bins_of_another_model_are_not_compared(shop: SmallShop) -> None:
    """There are as many bins, but they are cut elsewhere: who bought nothing meanwhile would seem to have drifted."""
    shop.night(DATES[0])
    shop.deliver("more", [Bought(f"c{number}", days=1, price=5_000) for number in range(0, 40, 2)])
    shop.night(AS_OF + timedelta(days=1), refit=True)
    filled(shop, DATES[3], DATES[4])
    own = "SELECT psi_previous FROM version_drift WHERE as_of = '{}' AND measure <> 'segment shares'"
    after_other_model, after_same = (shop.published(own.format(DATES[day]), day) for day in (3, 4))
    assert {row["psi_previous"] for row in after_other_model} == {None}
    assert None not in {row["psi_previous"] for row in after_same}


def test_a_night_does_not_carry_on_a_model_of_later_lines(shop: SmallShop) -> None:
    shop.night(AS_OF)
    filled(shop, FIRST, FIRST)
    shop.night(DATES[4])
    (model,) = shop.private(f"SELECT parent_model_id, action FROM models.models WHERE as_of = '{DATES[4]}'")
    assert model == {"parent_model_id": None, "action": "refit"}


def test_a_first_date_made_anew_keeps_its_segments(shop: SmallShop) -> None:
    shop.night()
    before = shop.published("SELECT segment_key, segment, colour FROM segment_profiles ORDER BY ALL")
    (k,) = {len(before)}
    shop.configure(f"[model]\nk = {k}\n")
    shop.night()
    assert shop.published("SELECT segment_key, segment, colour FROM segment_profiles ORDER BY ALL") == before


def test_a_plan_tells_what_would_be_made_and_changes_nothing(shop: SmallShop) -> None:
    shop.night(DATES[3])
    filled(shop, DATES[0], DATES[0])
    before = shop.warehouse.read_bytes(), sorted(shop.serving.rglob("*"))
    asked = Asked(FIRST, LAST)
    found = look_ahead(plan_backfill(asked, shop.config), asked)
    assert (shop.warehouse.read_bytes(), sorted(shop.serving.rglob("*"))) == before
    actions = {row["as_of"]: row["action"] for row in found["dates"]}
    assert actions == dict.fromkeys(DATES, "make") | {DATES[0]: "leave", DATES[3]: "leave"}
    made = filled(shop)["versions"]
    assert found["versions_to_make"] == len(made)
    assert found["customers_to_assign"] == sum(row["customers"] for row in made)
    files = [serving.version_file(shop.serving, row["version_id"]) for row in made]
    assert found["bytes"] == pytest.approx(sum(file.stat().st_size for file in files), rel=0.1)
    assert found["seconds"] > 0


def test_the_newest_date_becomes_current_and_reports_are_written_if_asked(shop: SmallShop) -> None:
    shop.night(FIRST)
    filled(shop, DATES[1], DATES[1], reports=True)
    found = filled(shop, DATES[2], DATES[3])
    reported = [serving.report_file(shop.serving, number).exists() for number in (2, 3, 4)]
    assert reported == [True, False, False]
    assert found["current"]["as_of"] == str(DATES[3])


def test_reports_of_dates_made_before_a_run_was_stopped_are_written_by_the_next(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    shop.night(FIRST - timedelta(days=1))
    filled(shop, DATES[0], DATES[0], reports=True)
    with monkeypatch.context() as context:
        context.setattr("tasks.reporting.report", killed)
        with pytest.raises(KeyboardInterrupt):
            filled(shop, DATES[0], DATES[2], reports=True)
    files = [serving.report_file(shop.serving, number) for number in range(1, 6)]
    assert [file.exists() for file in files] == [False, True, False, False, False]
    before = files[1].stat().st_mtime_ns
    serving.remove(serving.version_folder(shop.serving, 3))
    made = filled(shop, DATES[0], DATES[3], reports=True)["versions"]
    assert [row["version_id"] for row in made] == [5]
    assert [file.exists() for file in files] == [False, True, False, True, True]
    assert files[1].stat().st_mtime_ns == before
    assert "a report cannot be written: Version 3 is not in" in caplog.text


def test_with_force_the_report_is_that_of_the_new_version(shop: SmallShop) -> None:
    shop.night(DATES[0])
    shop.night(AS_OF)
    filled(shop, DATES[0], DATES[0], force=True, reports=True)
    assert [serving.report_file(shop.serving, number).exists() for number in (1, 2, 3)] == [False, False, True]


def test_past_dates_say_nothing_of_whether_deliveries_have_stopped(shop: SmallShop) -> None:
    """A night of such a date would find no line for weeks."""
    shop.night()
    closed = AS_OF + timedelta(days=60)
    assert [row["as_of"] for row in filled(shop, closed, closed)["versions"]] == [closed]


def test_dates_that_cannot_be_made_are_skipped_and_told(shop: SmallShop) -> None:
    shop.night()
    first = shop.private("SELECT min(shop_day) AS day FROM sales.invoices")[0]["day"]
    found = filled(shop, first - timedelta(days=1), first + timedelta(days=1))
    assert [row["as_of"] for row in found["versions"]] == [first + timedelta(days=1)]
    assert [row["action"] for row in found["others"]] == ["skip", "skip"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((date(2090, 1, 1), date(2090, 2, 1)), "after today"),
        ((date(1990, 1, 1), date(1990, 2, 1)), "The first purchase is of 2011-01-10"),
        ((FIRST, LAST, Every.DAY, "77"), "There is no model 77"),
    ],
)
def test_a_range_or_model_that_is_none_is_an_error(shop: SmallShop, asked: tuple[Any, ...], told: str) -> None:
    shop.night()
    with pytest.raises(ResegmentError, match=told):
        backfill(*asked, config=shop.config)
    assert len(shop.private("FROM segments.versions")) == 1


def test_without_a_model_there_is_nothing_to_assign_with(shop: SmallShop) -> None:
    with pytest.raises(BackfillError, match="no current model"):
        filled(shop)


def test_late_lines_name_the_versions_they_contradict_and_these_are_restated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Restated versions equal those of a shop where the lines had come in time and the same models served."""
    late = [Bought("c1", days=5, price=700), Bought("c2", days=5, price=20), Bought("new", days=4, price=90)]
    knowing, told_late = (SmallShop(tmp_path / name).configure(KEPT) for name in ("knowing", "late"))
    for shop in (knowing, told_late):
        shop.deliver("all", varied(40))
        shop.night(FIRST)
    knowing.deliver("late", late)
    knowing.night(AS_OF)
    filled(knowing, AS_OF - timedelta(days=6), LAST, model="1")
    for day in (AS_OF - timedelta(days=6), AS_OF - timedelta(days=4), LAST):
        told_late.night(day)
    told_late.deliver("late", late)
    outcome = told_late.night(AS_OF)
    contradicted = [AS_OF - timedelta(days=4), LAST]
    assert [row["as_of"] for row in outcome["deliveries"]["restatable"]] == contradicted
    assert f"contradict 2 published versions, as of {contradicted[0]} to {contradicted[1]}" in caplog.text
    told = told_late.published("SELECT as_of FROM segment_versions WHERE restatable ORDER BY as_of")
    assert [row["as_of"] for row in told] == contradicted
    made = backfill(affected=True, config=told_late.config)["backfill"]["versions"]
    assert [(row["as_of"], row["restates_version_id"]) for row in made] == [(contradicted[0], 3), (contradicted[1], 4)]
    assert backfill(affected=True, config=told_late.config)["status"] == "unchanged"
    pages = [serving.report_file(told_late.serving, row["version_id"]) for row in made]
    assert not any(page.exists() for page in pages)  # a run that was stopped leaves it so
    backfill(affected=True, reports=True, config=told_late.config)
    assert all(page.exists() for page in pages)
    columns = "* EXCLUDE (version_id, created_at, segment_since)"
    expected = by_date(knowing, "customer_segments", columns)
    found = by_date(told_late, "customer_segments", columns)
    assert {day: found[day] for day in contradicted} == {day: expected[day] for day in contradicted}
    known = told_late.private("SELECT as_of, status, restates_version_id FROM segments.versions ORDER BY version_id")
    assert [(row["status"], row["restates_version_id"]) for row in known] == [
        ("published", None), ("published", None), ("superseded", None), ("superseded", None), ("published", None),
        ("published", 3), ("published", 4),
    ]  # fmt: skip
    believed = told_late.published("SELECT customer_id FROM customer_segments WHERE customer_id = 'new'", version=4)
    assert believed == []


def test_what_changes_nothing_contradicts_nothing(shop: SmallShop) -> None:
    shop.night(LAST)
    shutil.copy(shop.folder / "data" / "all.csv", shop.folder / "data" / "again.csv")
    shop.deliver("newer", [Bought("c1", days=1)])
    assert shop.night(AS_OF)["deliveries"]["restatable"] == []


def test_a_date_without_a_customer_in_its_window_is_passed_over(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path / "shop").configure("[features]\nwindow_days = 2\n")
    bought = [Bought(f"c{number}", days=days, price=5 + number + days) for number in range(8) for days in (1, 9, 10)]
    shop.deliver("all", bought)
    shop.night()
    made = filled(shop)["versions"]
    assert [row["as_of"] for row in made] == DATES[:3]
