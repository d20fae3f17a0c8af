"""The quarantine as people see it, as a file, and tried again."""

import csv
import json
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from support_nights import (
    BEGAN,
    by_customer,
    differing_rows,
    ledger,
    new_warehouse,
    outcomes,
    source_of,
    take_in,
    write_files,
)
from support_oracle import Line

from warehouse import erasure, quarantine, replaying
from warehouse.errors import QuarantineError
from warehouse.params import SourceParams
from warehouse.quarantine import Asked
from warehouse.store import Warehouse

AS_OF = date(2011, 2, 1)
FUTURE = Line("9", "p", "1", "2011-02-02 10:00:00", customer_id="8")
#: Sound, a comma where a point should be, two faults, a line from the future, a repetition, and text of a spreadsheet.
LINES = (
    Line("1", "p", "2", customer_id="7"),
    Line("2", "p", "3", unit_price="1,50", customer_id="7"),
    Line("3", "=1+1", "x", unit_price="0", customer_id="8"),
    FUTURE,
    FUTURE,
    Line("C4", "-q", "-1", unit_price="", customer_id="8"),
)
ALL = Asked()


@pytest.fixture
def source(tmp_path: Path) -> SourceParams:
    return source_of(tmp_path / "files")


@pytest.fixture
def warehouse(tmp_path: Path, source: SourceParams) -> Iterator[Warehouse]:
    write_files(tmp_path / "files", {"a.csv": LINES, "b.csv": (Line("5", unit_price="2,00", customer_id="9"),)})
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, source, AS_OF, BEGAN)
        yield warehouse


def replay(
    warehouse: Warehouse, source: SourceParams, asked: Asked = ALL, file: Path | None = None, days: int = 2
) -> replaying.Tried:
    """Staged and accepted, as a run does between its checks."""
    now = BEGAN + timedelta(days=days)
    tried = replaying.stage(warehouse, source, "UTC", now, asked, file)
    if tried.sound:
        with warehouse.transaction():
            replaying.accept(warehouse, source, now)
    hold(warehouse, source)
    return tried


def hold(warehouse: Warehouse, source: SourceParams) -> None:
    ledger(warehouse)  # adds up
    assert differing_rows(warehouse, source) == {}
    transferred = warehouse.select(
        "SELECT sum(replayed_lines) AS gone, sum(delivered_lines) FILTER (replays_load_id IS NOT NULL) AS come"
        " FROM landing.loads WHERE status = 'accepted'"
    )[0]
    assert (transferred["gone"] or 0) == (transferred["come"] or 0)


def with_commas(source: SourceParams) -> SourceParams:
    return source.model_copy(update={"decimal_separator": ","})


def corrected(file: Path, target: Path, changes: dict[tuple[int, int], dict[str, str]], delimiter: str = ",") -> Path:
    """An export in which a person changed some cells and left the other lines out."""
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    kept = []
    for row in rows:
        place = int(row["quarantine_load"]), int(row["quarantine_line"])
        if place in changes:
            kept.append(row | changes[place])
    with target.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(kept)
    return target


def test_the_overview_counts_lines_and_money_by_reason_and_load(warehouse: Warehouse, source: SourceParams) -> None:
    found = quarantine.overview(warehouse, source, ALL, 1)
    assert found["lines"] == 5
    reasons = {row["reason"]: (row["lines"], row["amount"], row["loads"]) for row in found["reasons"]}
    assert reasons == {
        "future_date": (1, Decimal("1.0000"), 1),
        "missing_price": (1, 0, 1),
        "non_positive_price": (1, 0, 1),
        "unparseable_price": (2, 0, 2),
        "unparseable_quantity": (1, 0, 1),
    }
    assert [(row["unit"], row["lines"], row["delivered_lines"]) for row in found["loads"]] == [
        ("a.csv", 4, 6),
        ("b.csv", 1, 1),
    ]
    (first,) = found["first_lines"]
    assert (first["load_id"], first["line"], first["reasons"]) == (1, 2, ["unparseable_price"])
    assert json.loads(first["delivered"])["UnitPrice"] == "1,50"


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (Asked(reasons=("unparseable_price",)), 2),
        (Asked(reasons=("unparseable_price", "future_date")), 3),
        (Asked(reasons=("unparseable_price",), loads=(2,)), 1),
        (Asked(since=BEGAN.date()), 5),
        (Asked(since=BEGAN.date() + timedelta(days=1)), 0),
        (Asked(reasons=("no such reason",)), 0),
    ],
)
def test_filters(warehouse: Warehouse, source: SourceParams, asked: Asked, lines: int) -> None:
    assert quarantine.overview(warehouse, source, asked, 0)["lines"] == lines


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_an_export_has_the_lines_as_delivered_and_is_its_owners(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"export.{ending}"
    file.write_text("something older")
    assert quarantine.export(warehouse, source, ALL, file)["lines"] == 5
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if ".next" in path.name] == []
    reader = {"csv": "read_csv('{}', all_varchar = true)", "parquet": "'{}'", "jsonl": "read_ndjson('{}')"}[ending]
    with duckdb.connect() as connection:
        rows = connection.sql(f"FROM {reader.format(file)} ORDER BY ALL").fetchall()
        names = connection.sql(f"FROM {reader.format(file)}").columns
    assert names[:5] == [*quarantine.PLACE, quarantine.UNIT, quarantine.REASONS, quarantine.WHOLE_LINE]
    by_place = {(int(row[0]), int(row[1])): dict(zip(names, row, strict=True)) for row in rows}
    assert sorted(by_place) == [(1, 2), (1, 3), (1, 4), (1, 6), (2, 1)]
    third = by_place[1, 3]
    assert third["quarantine_reasons"] == "unparseable_quantity non_positive_price"
    assert third["StockCode"] == ("'=1+1" if ending == "csv" else "=1+1")
    assert by_place[1, 6]["StockCode"] == ("'-q" if ending == "csv" else "-q")
    assert by_place[1, 6]["Quantity"] == "-1"  # a number is no formula


def test_an_export_to_nowhere_or_without_a_known_ending_is_told(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    with pytest.raises(QuarantineError, match=r"must end in \.csv, \.parquet, \.jsonl"):
        quarantine.export(warehouse, source, ALL, tmp_path / "export.txt")
    with pytest.raises(Exception, match=r"The export cannot be written.*no such file"):
        quarantine.export(warehouse, source, ALL, tmp_path / "nowhere" / "export.csv")


def test_a_changed_rule_takes_in_what_is_sound_now_and_only_that(warehouse: Warehouse, source: SourceParams) -> None:
    tried = replay(warehouse, with_commas(source), Asked(reasons=("unparseable_price",)))
    assert (tried.lines, tried.sound, tried.loads, tried.still_faulty) == (2, 2, 2, {})
    rows = warehouse.select(
        "SELECT unit, status, delivered_amount FROM landing.loads WHERE load_id > 2 ORDER BY load_id"
    )
    assert rows == [
        {"unit": "replay of load 1", "status": "accepted", "delivered_amount": Decimal("4.5000")},
        {"unit": "replay of load 2", "status": "accepted", "delivered_amount": Decimal("2.0000")},
    ]
    assert outcomes(warehouse)[1, 2] == "replayed"
    assert outcomes(warehouse)[3, 2] == "purchase"
    assert by_customer(warehouse, "features.customer_activity", ("gross",)) == {
        "7": {"gross": Decimal("6.5000")},
        "9": {"gross": Decimal("2.0000")},
    }
    again = replay(warehouse, with_commas(source), Asked(reasons=("unparseable_price",)), days=3)
    assert (again.lines, again.sound) == (0, 0)
    assert warehouse.value("SELECT max(load_id) FROM landing.loads") == 4


def test_what_only_time_could_mend_comes_in_later(warehouse: Warehouse, source: SourceParams) -> None:
    assert replay(warehouse, source, days=0).sound == 0
    assert warehouse.value("SELECT count(*) FROM landing.loads") == 2
    tried = replay(warehouse, source, days=1)
    assert tried.sound == 1
    assert tried.still_faulty == {
        "missing_price": 1,
        "non_positive_price": 1,
        "unparseable_price": 2,
        "unparseable_quantity": 1,
    }
    found = outcomes(warehouse)
    assert (found[1, 4], found[1, 5], found[3, 4]) == ("replayed", "duplicate", "purchase")


def test_a_plan_tells_what_would_become_and_changes_nothing(warehouse: Warehouse, source: SourceParams) -> None:
    before = outcomes(warehouse)
    tried, would_be = replaying.plan(warehouse, with_commas(source), "UTC", BEGAN + timedelta(days=2), ALL, None)
    assert (tried.lines, tried.sound) == (5, 2)
    assert (would_be["files"], would_be["purchase_lines"], would_be["purchase_amount"]) == (2, 2, Decimal("6.5000"))
    assert outcomes(warehouse) == before
    assert warehouse.value("SELECT count(*) FROM landing.loads") == 2
    assert differing_rows(warehouse, source) == {}


@pytest.mark.parametrize("ending", ["csv", "csv with semicolons", "parquet", "jsonl"])
def test_a_person_corrects_lines_in_an_export(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path, ending: str
) -> None:
    changes = {(1, 3): {"Quantity": "4", "UnitPrice": "2.50"}, (1, 6): {"UnitPrice": "-"}, (2, 1): {"UnitPrice": "2"}}
    exported = tmp_path / "export.csv"
    quarantine.export(warehouse, source, ALL, exported)
    file = corrected(exported, tmp_path / "fixed.csv", changes, ";" if "semicolons" in ending else ",")
    if ending in ("parquet", "jsonl"):
        options = {"parquet": "FORMAT parquet", "jsonl": "FORMAT json"}[ending]
        file = tmp_path / f"fixed.{ending}"
        plain = "* REPLACE (regexp_replace(StockCode, '^''', '') AS StockCode)"
        run_alone(
            f"COPY (SELECT {plain} FROM read_csv('{tmp_path}/fixed.csv', all_varchar = true)) TO '{file}' ({options})"
        )
    tried = replay(warehouse, source, file=file)
    assert (tried.lines, tried.sound, tried.gone) == (3, 2, 0)
    assert tried.still_faulty == {"unparseable_price": 1}
    assert warehouse.select("SELECT product, amount FROM sales.transaction_lines WHERE invoice_no = '3'") == [
        {"product": "=1+1", "amount": Decimal("10.0000")}
    ]
    again = replay(warehouse, source, file=file, days=3)
    assert (again.lines, again.sound, again.gone) == (1, 0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "must name the columns quarantine_load, quarantine_line"),
        ("quarantine_load,quarantine_line\n1,2\n1,2\n", "line 2: load 1 line 2 is there twice"),
        ("quarantine_load,quarantine_line\nx,2\n", "line 2: it does not tell the load and line"),
        ("quarantine_load,quarantine_line\n1,2,3\n", "line 2 has too few or too many columns"),
        ("quarantine_load,quarantine_line,A,A\n1,2,3,4\n", "column 'A' twice"),
    ],
)
def test_a_corrected_file_that_cannot_be_meant_so_is_refused(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "fixed.csv"
    file.write_text(text)
    with pytest.raises(QuarantineError, match=message):
        replay(warehouse, source, file=file)
    hold(warehouse, source)


def test_the_unit_delivered_anew_takes_the_place_of_its_replay_too(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    replay(warehouse, with_commas(source), Asked(reasons=("unparseable_price",)))
    mended = (*LINES[:1], Line("2", "p", "3", unit_price="1.50", customer_id="7"))
    write_files(tmp_path / "files", {"a.csv": mended})
    take_in(warehouse, source, AS_OF, BEGAN + timedelta(days=3))
    hold(warehouse, source)
    statuses = warehouse.select("SELECT load_id, status FROM landing.loads ORDER BY load_id")
    assert [row["status"] for row in statuses] == ["replaced", "accepted", "replaced", "accepted", "accepted"]
    assert by_customer(warehouse, "features.customer_activity", ("gross", "frequency"))["7"] == {
        "gross": Decimal("6.5000"),
        "frequency": 2,
    }


def test_a_replayed_line_that_comes_again_elsewhere_is_a_duplicate(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    exported = tmp_path / "export.csv"
    quarantine.export(warehouse, source, ALL, exported)
    replay(warehouse, source, file=corrected(exported, tmp_path / "fixed.csv", {(1, 2): {"UnitPrice": "1.50"}}))
    right = Line("2", "p", "3", unit_price="1.50", customer_id="7")
    write_files(tmp_path / "files", {"c.csv": (LINES[1], right)})
    take_in(warehouse, source, AS_OF, BEGAN + timedelta(days=3))
    hold(warehouse, source)
    found = outcomes(warehouse)
    assert (found[4, 1], found[4, 2]) == ("duplicate", "duplicate")


def test_lines_that_could_not_be_split_can_be_corrected(source: SourceParams, tmp_path: Path) -> None:
    write_files(tmp_path / "files", {"a.csv": LINES[:1]})
    with (tmp_path / "files" / "a.csv").open("a") as file:
        file.write("8,p,1,2011-01-02 10:00:00,3.00,7,UK,,one too many\r\n")
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, source, AS_OF, BEGAN)
        assert replay(warehouse, source).still_faulty == {"malformed_line": 1}
        exported = tmp_path / "export.csv"
        quarantine.export(warehouse, source, ALL, exported)
        with exported.open(newline="") as opened:
            (row,) = csv.DictReader(opened)
        assert row["quarantine_text"] == "8,p,1,2011-01-02 10:00:00,3.00,7,UK,,one too many"
        columns = (
            "quarantine_load,quarantine_line,InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
        )
        exported.write_text(f"{columns}\n1,2,8,p,1,2011-01-02 10:00:00,3.00,7,UK\n")
        assert replay(warehouse, source, file=exported, days=3).sound == 1
        assert outcomes(warehouse)[2, 2] == "purchase"


def test_a_replayed_line_of_an_erased_customer_goes_from_both_loads(
    warehouse: Warehouse, source: SourceParams, tmp_path: Path
) -> None:
    exported = tmp_path / "export.csv"
    quarantine.export(warehouse, source, ALL, exported)
    right = {"UnitPrice": "2.00", "CustomerID": "somebody"}
    replay(warehouse, source, file=corrected(exported, tmp_path / "fixed.csv", {(2, 1): right}))
    erasure.request(warehouse, source, ["somebody"], "test", BEGAN)
    assert warehouse.value("SELECT count(*) FROM landing.quarantine WHERE load_id = 2") == 0
    assert outcomes(warehouse).get((3, 1)) is None
    assert differing_rows(warehouse, source) == {}


def test_columns_the_mapping_no_longer_names_are_told(warehouse: Warehouse, source: SourceParams) -> None:
    other = source.model_copy(update={"columns": source.columns.model_copy(update={"unit_price": "Price"})})
    tried = replay(warehouse, other)
    assert (tried.lines, tried.sound, tried.other_columns) == (5, 0, 5)


def test_typed_values_of_parquet_keep_their_meaning(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    run_alone(f"""
        COPY (SELECT '1' AS InvoiceNo, 'p' AS StockCode, 2.5::DOUBLE AS Quantity,
            TIMESTAMP '2011-02-03 10:00:00' AS InvoiceDate,
            1.25::DOUBLE AS UnitPrice, 17850.0::DOUBLE AS CustomerID, 'UK' AS Country) TO '{folder}/a.parquet'""")
    source = source_of(folder).model_copy(
        update={"path": str(folder / "*.parquet"), "decimal_separator": ",", "date_format": "%d.%m.%Y"}
    )
    with new_warehouse(tmp_path) as warehouse:
        take_in(warehouse, source, AS_OF, BEGAN)
        assert replay(warehouse, source, days=5).sound == 1
        line = warehouse.select("SELECT quantity, unit_price, customer_id, invoiced_at FROM sales.transaction_lines")
        assert line == [
            {
                "quantity": Decimal("2.5"), "unit_price": Decimal("1.25"), "customer_id": "17850",
                "invoiced_at": datetime(2011, 2, 3, 10, tzinfo=UTC).replace(tzinfo=None),
            }
        ]  # fmt: skip


def run_alone(sql: str) -> None:
    """On a connection of its own: the module's is shared by all tests of a process."""
    with duckdb.connect() as connection:
        connection.execute(sql).fetchall()
