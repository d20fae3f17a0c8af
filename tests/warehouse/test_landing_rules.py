"""Rules of landing that change on a filled warehouse: judged anew, read again, or refused; never in silence."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support_nights import BEGAN, by_customer, differing_rows, new_warehouse, outcomes, source_of, write_files
from support_oracle import Line

from warehouse import features, landing, rules
from warehouse.errors import RulesChangedError
from warehouse.params import DeliveryMode, Duplicates, SourceParams
from warehouse.store import Warehouse

AS_OF = date(2011, 2, 1)
TWICE = Line("1", "p", "2", customer_id="7", line_id="a")
FILES = {
    "b.csv": (TWICE, TWICE._replace(line_id="b")),
    "c.csv": (TWICE, Line("2", "p", "1", unit_price="1,50", customer_id="8", line_id="c")),
}


@pytest.fixture
def source(tmp_path: Path) -> SourceParams:
    return source_of(tmp_path / "files")


@pytest.fixture
def warehouse(tmp_path: Path, source: SourceParams) -> Iterator[Warehouse]:
    write_files(tmp_path / "files", {"c.csv": FILES["c.csv"]})
    with new_warehouse(tmp_path) as warehouse:
        night(warehouse, source)
        write_files(tmp_path / "files", {"b.csv": FILES["b.csv"]})
        night(warehouse, source, 1)
        yield warehouse


def night(
    warehouse: Warehouse, source: SourceParams, days: int = 2, *, reread: bool | None = None, zone: str = "UTC"
) -> int:
    """What a night does with deliveries, and `verify` after it."""
    now = BEGAN + timedelta(days=days)
    staged = landing.stage(warehouse, source, zone, now, lambda done, files: None, reread=reread)
    with warehouse.transaction():
        accepted = landing.accept(warehouse, source, now)
        rules.keep(warehouse, source, zone)
        features.advance(warehouse, AS_OF, None, accepted=accepted)
    assert differing_rows(warehouse, source) == {}
    return staged.files


def with_ids(source: SourceParams) -> SourceParams:
    return source.model_copy(update={"columns": source.columns.model_copy(update={"line_id": "LineID"})})


def frequency_and_gross(warehouse: Warehouse) -> dict[str, int]:
    return {who: int(row["gross"]) for who, row in by_customer(warehouse, "features.customer_activity").items()}


def test_equal_lines_are_judged_anew_and_back(warehouse: Warehouse, source: SourceParams) -> None:
    before = outcomes(warehouse)
    assert frequency_and_gross(warehouse) == {"7": 4}  # 2.00 twice: LineID makes two contents of three lines
    keeping = source.model_copy(update={"duplicates": Duplicates.KEEP})
    assert differing_rows(warehouse, keeping) == {}  # not judged yet, and not to be held against the new rule
    assert landing.anything_new(warehouse, keeping)
    assert night(warehouse, keeping) == 0
    assert frequency_and_gross(warehouse) == {"7": 6}
    assert rules.changed_duplicates(warehouse, keeping) is None
    night(warehouse, source, 3)
    assert outcomes(warehouse) == before


def test_a_change_of_reading_is_refused_and_told(warehouse: Warehouse, source: SourceParams) -> None:
    commas = with_ids(source).model_copy(update={"decimal_separator": ","})
    with pytest.raises(RulesChangedError) as raised:
        night(warehouse, commas)
    for part in (
        "2 deliveries before",
        "[source] decimal_separator: was '.', is ','",
        "[source.columns] line_id: was '', is 'LineID'",
        "nightly --reread",
        "nightly --no-reread",
    ):
        assert part in str(raised.value)
    with pytest.raises(RulesChangedError, match=r"\[schedule\] time_zone: was 'UTC', is 'Asia/Tokyo'"):
        night(warehouse, source, zone="Asia/Tokyo")
    assert night(warehouse, source) == 0


def test_reading_again_is_as_if_it_had_always_been_so(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    """The order of deliveries stays, which decides between lines of one id."""
    assert night(warehouse, with_ids(source), reread=True) == 2
    units = warehouse.select("SELECT unit FROM landing.loads WHERE status = 'accepted' ORDER BY load_id")
    assert [row["unit"] for row in units] == ["c.csv", "b.csv"]
    assert outcomes(warehouse) == {
        (3, 1): "duplicate",
        (3, 2): "quarantined",
        (4, 1): "purchase",
        (4, 2): "purchase",
    }
    assert night(warehouse, with_ids(source), 3) == 0


def test_a_change_can_hold_for_new_files_only(warehouse: Warehouse, source: SourceParams, tmp_path: Path) -> None:
    commas = source.model_copy(update={"decimal_separator": ","})
    before = outcomes(warehouse)
    assert night(warehouse, commas, reread=False) == 0
    assert outcomes(warehouse) == before
    write_files(tmp_path / "files", {"d.csv": (Line("3", unit_price="1,50", customer_id="9"),)})
    assert night(warehouse, commas, 3) == 1
    assert frequency_and_gross(warehouse)["9"] == 1


def test_files_that_are_gone_stay_as_they_were_read(warehouse: Warehouse, source: SourceParams, tmp_path: Path) -> None:
    (tmp_path / "files" / "c.csv").unlink()
    assert night(warehouse, with_ids(source), reread=True) == 1
    rows = warehouse.select("SELECT load_id, unit FROM landing.loads WHERE status = 'accepted' ORDER BY load_id")
    assert rows == [{"load_id": 1, "unit": "c.csv"}, {"load_id": 3, "unit": "b.csv"}]


def test_read_again_a_file_takes_only_its_own_place(source: SourceParams, tmp_path: Path) -> None:
    """In append mode one name has many loads, of which the file is the last."""
    appending = source.model_copy(update={"mode": DeliveryMode.APPEND})
    with new_warehouse(tmp_path) as warehouse:
        for number in range(3):
            write_files(tmp_path / "files", {"a.csv": (Line(str(number), customer_id="7"),)})
            night(warehouse, appending, number)
        night(warehouse, with_ids(appending), 4, reread=True)
        assert warehouse.select("SELECT load_id, status FROM landing.loads WHERE status = 'replaced'") == [
            {"load_id": 3, "status": "replaced"}
        ]
        assert by_customer(warehouse, "features.customer_activity", ("frequency",)) == {"7": {"frequency": 3}}


def test_a_warehouse_that_never_noted_its_rules_takes_them_as_they_are(
    warehouse: Warehouse, source: SourceParams
) -> None:
    warehouse.execute("DELETE FROM landing.rules")
    assert night(warehouse, with_ids(source)) == 0
    with pytest.raises(RulesChangedError):
        night(warehouse, source)
