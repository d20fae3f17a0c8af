from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support_nights import new_warehouse
from support_versions import NOW, write_candidate

from warehouse import promotion, publish, serving, versions
from warehouse.params import RetentionParams
from warehouse.retention import Retired, retire
from warehouse.store import Warehouse

#: Of the last two days of January, 1 February (which is January's end) and the days around the end of February.
DATES = [date(2011, 1, 30), date(2011, 1, 31), date(2011, 2, 1), date(2011, 2, 27), date(2011, 2, 28), date(2011, 3, 5)]
LATER = NOW + timedelta(days=11)
TEN = RetentionParams(daily_days=10, grace_days=3)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """Versions 1 to 6 of `DATES`, all made at one time; each moves a customer."""
    with new_warehouse(tmp_path) as made:
        made.execute("INSERT INTO features.state VALUES ('2011-01-01', NULL, 1)")
        for number, as_of in enumerate(DATES):
            published(made, as_of, number % 2 + 1)
        yield made


def published(warehouse: Warehouse, as_of: date, key: int = 1) -> int:
    version_id = write_candidate(warehouse, as_of, {"a": key, "b": 1})
    publish.publish(warehouse, version_id, NOW)
    return version_id


def statuses(warehouse: Warehouse) -> dict[int, str]:
    rows = warehouse.select("SELECT version_id, status FROM segments.versions ORDER BY version_id")
    return {row["version_id"]: row["status"] for row in rows}


def test_daily_versions_go_after_their_time_and_grace_and_month_ends_stay(warehouse: Warehouse) -> None:
    folder = warehouse.params.serving
    assert retire(warehouse, TEN, NOW + timedelta(days=10)) == Retired([], [])
    assert retire(warehouse, TEN, LATER) == Retired([1, 2, 4], [])
    assert set(serving.finished(folder)) == {1, 2, 3, 4, 5, 6}
    assert retire(warehouse, TEN, LATER + timedelta(days=2)) == Retired([], [])
    assert retire(warehouse, TEN, LATER + timedelta(days=3)) == Retired([], [1, 2, 4])
    assert set(serving.finished(folder)) == {3, 5, 6}
    assert retire(warehouse, TEN, LATER + timedelta(days=4)) == Retired([], [])


def test_without_days_only_superseded_versions_go(warehouse: Warehouse) -> None:
    again = published(warehouse, DATES[1])
    forever = RetentionParams(daily_days=None, grace_days=0)
    assert retire(warehouse, forever, LATER) == Retired([2], [2])
    assert statuses(warehouse)[again] == "published"


def test_what_readers_see_or_are_kept_on_stays(warehouse: Warehouse) -> None:
    promotion.roll_back(warehouse, 2, NOW)
    assert retire(warehouse, TEN, LATER).pruned == [1, 4]
    promotion.release(warehouse)
    assert retire(warehouse, TEN, LATER).pruned == [2]
    alone = RetentionParams(daily_days=1, grace_days=0)
    assert 6 not in retire(warehouse, alone, LATER).pruned


def test_history_keeps_what_pruned_versions_said(warehouse: Warehouse) -> None:
    """Later files tell of pruned versions what they told before, and a date put in between meets its neighbours."""
    told = "SELECT * EXCLUDE (from_segment, to_segment) FROM segment_movements WHERE version_id <= 6 ORDER BY ALL"
    before = rows(warehouse, published(warehouse, date(2011, 3, 6)), told)
    retire(warehouse, RetentionParams(daily_days=10, grace_days=0), LATER)
    newest = published(warehouse, date(2011, 3, 7))
    assert rows(warehouse, newest, told) == before
    assert len({row[0] for row in before}) == 5
    between = published(warehouse, date(2011, 2, 20), key=2)
    assert versions.version(warehouse, between)["previous_version_id"] == 3
    after = warehouse.select("SELECT previous_version_id FROM segments.versions WHERE version_id = 4")
    assert after == [{"previous_version_id": between}]


def test_a_pruned_date_made_anew_takes_its_place_in_history(warehouse: Warehouse) -> None:
    retire(warehouse, RetentionParams(daily_days=10, grace_days=0), LATER)
    again = published(warehouse, DATES[1], key=1)
    found = warehouse.select("SELECT version_id FROM segments.history WHERE as_of = $day", {"day": DATES[1]})
    assert found == [{"version_id": again}]
    assert statuses(warehouse)[2] == "pruned"


def rows(warehouse: Warehouse, version_id: int, sql: str) -> list[tuple[object, ...]]:
    from warehouse import reading

    return reading.query_file(serving.version_file(warehouse.params.serving, version_id), sql)[1]
