"""Everything switched on at once: what one part leaves behind, every other part can work with."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support_small import AS_OF, Bought, SmallShop, varied
from typer.testing import CliRunner

from flows.backfill import backfill
from flows.cli import app
from flows.replaying import replay
from flows.settings import load_settings
from flows.verification import run_verification
from tasks.night import utc_now
from tasks.promotion import release_readers, roll_back
from tasks.quarantining import Asked, export_quarantine
from tasks.upkeep import compact_warehouse
from warehouse import reading, serving, store
from warehouse.errors import DeliveryError, VersionError
from warehouse.params import RetentionParams
from warehouse.retention import Retired, retire

EVERYTHING = """
merges = "merges.csv"
[breaker]
min_customers = 1000000
[checks]
max_quarantined_share = 0.9
[retention]
lines_years = 1
grace_days = 0
[notify]
webhook = "http://127.0.0.1:9/"
timeout_seconds = 1
"""
#: The first two end in January and February.
NIGHTS = (date(2011, 1, 20), date(2011, 2, 1), date(2011, 2, 20), AS_OF)
#: Bought long before the lines that are kept; `c4` and `c5` buy again.
LONG_AGO = [Bought(who, days=700, price=40) for who in ("veteran", "c4", "c5", "old")]
FAULTY = [Bought(who, days=12, quantity=0, price=7) for who in ("sorry", "c7")]
LATE = [Bought("latecomer", days=50, price=90), Bought("c2", days=45, price=90)]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    """Three nights: the lines of long ago go in the first, the third quarantines two lines."""
    monkeypatch.setenv("PREFECT_API_URL", "")
    shop = SmallShop(tmp_path / "shop").configure(EVERYTHING)
    shop.config.write_text(shop.config.read_text().replace("[report]\nenabled = false\n", ""))
    (shop.folder / "merges.csv").write_text("old,new\n")
    before: date | None = None
    for number, as_of in enumerate(NIGHTS[:3]):
        extra = {0: LONG_AGO, 2: FAULTY}.get(number, [])
        shop.deliver(f"night{number}", [*extra, *(one for one in varied(40) if _came(one, before, as_of))])
        assert shop.night(as_of)["status"] == "done"
        before = as_of
    return shop


def _came(line: Bought, before: date | None, as_of: date) -> bool:
    day = AS_OF - timedelta(days=line.days)
    return (before is None or day >= before) and day < as_of


def test_everything_at_once(shop: SmallShop, tmp_path: Path) -> None:
    settings = load_settings(shop.config).settings
    assert shop.private("SELECT before_day FROM landing.closed_days") == [{"before_day": date(2010, 1, 1)}]
    holds(shop)

    bad = shop.folder / "data" / "bad.csv"
    bad.write_text("these,are,other,columns\n1,2,3,4\n")
    with pytest.raises(DeliveryError):
        shop.night(AS_OF)
    assert reading.status(shop.serving)["status"] == "failed"
    bad.unlink()
    (shop.folder / "merges.csv").write_text("old,new\nc3,c6\nold,veteran\nveteran,c5\n")
    shop.deliver("late", LATE)
    night = shop.night(AS_OF)
    restatable = [row["version_id"] for row in night["deliveries"]["restatable"]]
    assert restatable == [1, 2, 3]
    assert shop.published("SELECT frequency FROM customer_segments WHERE customer_id = 'c5'") == [{"frequency": 5}]
    holds(shop)

    assert corrected(shop, tmp_path)["replay"]["sound"] == 2
    made = backfill(affected=True, config=shop.config)["backfill"]["versions"]
    assert [row["restates_version_id"] for row in made] == [1, 2, 3, 4]
    for row in made[:2]:
        former = "SELECT customer_id FROM customer_segments WHERE customer_id IN ('old', 'veteran', 'c3')"
        assert shop.published(former, row["version_id"]) == []
    holds(shop)

    with pytest.raises(VersionError, match="The file of version 5 is not in"), moved_away(shop, 5):
        roll_back(settings.warehouse, 5)
    roll_back(settings.warehouse, made[1]["version_id"])
    assert shop.night(AS_OF + timedelta(days=1))["status"] == "done"
    superseded = [row["version_id"] for row in shop.private("FROM segments.versions WHERE status = 'pruned'")]
    assert superseded == [1, 2, 3, 4]
    assert sorted(serving.finished(shop.serving)) == [row["version_id"] for row in made] + [9]
    retired = retire_later(shop, settings.warehouse.model_copy())
    assert retired.pruned == [
        5,
        7,
    ]  # of what is published 6 is the last of its month and shown, 8 the last, 9 the newest
    holds(shop)

    customers = tmp_path / "customers.txt"
    customers.write_text("c7\nold\n")
    words = ["erase", "--customers", str(customers), "--yes", "--json", "--config", str(shop.config)]
    erased = json.loads(CliRunner().invoke(app, words).stdout)
    assert sorted(erased["versions"]) == ["6", "8", "9"]
    assert erased["report"] == str(shop.serving / "versions" / "000006.r2" / "report.html")
    assert shop.published("FROM customer_segments WHERE customer_id IN ('c5', 'c7')") == []
    holds(shop)
    assert release_readers(settings.warehouse)["current"]["version_id"] == 9
    compact_warehouse(settings.warehouse)
    assert shop.night(AS_OF + timedelta(days=1))["status"] == "unchanged"
    holds(shop)
    shop.deliver("more", [Bought("c7", days=-1), Bought("c8", days=-1), Bought("veteran", days=-1)])
    last = shop.night(AS_OF + timedelta(days=2))
    assert (last["status"], last["deliveries"]["erased_lines"], last["deliveries"]["restatable"]) == ("done", 2, [])
    assert last["report"] == str(shop.serving.resolve() / "versions" / "000010" / "report.html")
    holds(shop)


def corrected(shop: SmallShop, folder: Path) -> dict[str, Any]:
    """The quarantine, exported, corrected by hand and replayed."""
    settings = load_settings(shop.config).settings
    file = folder / "quarantine.csv"
    export_quarantine(settings.warehouse, settings.source, Asked(), file)
    with file.open(newline="") as opened:
        rows = [row | {"Quantity": "3"} for row in csv.DictReader(opened)]
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return replay(Asked(), file, plan=False, config=shop.config)


@contextmanager
def moved_away(shop: SmallShop, number: int) -> Iterator[None]:
    """A version's folder is elsewhere, as after a backup of the current version alone was brought back."""
    folder = serving.version_folder(shop.serving, number)
    folder.rename(shop.folder / "away")
    try:
        yield
    finally:
        (shop.folder / "away").rename(folder)


def retire_later(shop: SmallShop, params: store.WarehouseParams) -> Retired:
    """What a night in two years would find too old."""
    with store.writing(params, "test") as warehouse:
        return retire(warehouse, RetentionParams(grace_days=0), utc_now() + timedelta(days=700))


def holds(shop: SmallShop) -> None:
    """What is stored equals its rebuild, and every file that is there says the same of its version as the others do."""
    assert {row["table"]: row["differing_rows"] for row in run_verification(shop.config) if row["differing_rows"]} == {}
    at_hand = {row["version_id"] for row in reading.versions_at_hand(shop.serving)}
    shown = serving.linked_version(shop.serving)
    newest = max(serving.finished(shop.serving))
    assert {shown, newest} <= serving.finished(shop.serving).keys()
    assert shown != newest or at_hand == serving.finished(shop.serving).keys()
    pointer = json.loads((shop.serving / "current.json").read_text())
    assert (shop.serving / pointer["path"]).resolve() == reading.current_file(shop.serving)
    stays = counted(
        shop.private(
            "SELECT version_id, segment_key, count(*) AS customers FROM segments.history JOIN segments.membership "
            "ON valid_from <= as_of AND (valid_to IS NULL OR valid_to > as_of) GROUP BY ALL"
        )
    )
    stored = counted(
        shop.private(
            "SELECT version_id, segment_key, customers FROM segments.profiles SEMI JOIN segments.history "
            "USING (version_id) WHERE customers > 0"
        )
    )
    assert stored == stays
    for number in serving.finished(shop.serving):
        own = counted(shop.published("SELECT version_id, segment_key, customers FROM segment_profiles", number))
        history = counted(shop.published("FROM segment_profiles_history", number))
        assert {key: history[key] for key in own} == own
        people = shop.published(
            "SELECT version_id, segment_key, count(*) AS customers FROM customer_segments GROUP BY ALL", number
        )
        assert counted(people) == {key: count for key, count in own.items() if count}


def counted(rows: list[dict[str, Any]]) -> dict[tuple[int, int], int]:
    """Customers by version and segment."""
    return {(row["version_id"], row["segment_key"]): row["customers"] for row in rows}
