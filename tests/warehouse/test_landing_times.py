"""Times become the shop's local times, by stated rules."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from support_landing import NOW, PURCHASE, deliver, lines, reasons, take_in, warehouse_in

from warehouse.params import SourceParams

LONDON, NEW_YORK = "Europe/London", "America/New_York"


def landed(folder: Path, text: str, zone: str = LONDON, **options: str) -> str | list[str]:
    """The shop-local time and day of one line, or the reasons for its quarantine."""
    deliver(folder, "a.csv", PURCHASE.replace("2010-12-01 08:26:00", text))
    with warehouse_in(folder) as warehouse:
        take_in(warehouse, SourceParams.model_validate({"path": str(folder / "a.csv")} | options), zone=zone)
        found = lines(warehouse, "strftime(invoiced_at, '%Y-%m-%d %H:%M:%S'), CAST(shop_day AS VARCHAR)")
        if not found:
            return reasons(warehouse)[0][1]
    (moment, day) = found[0]
    assert moment.startswith(day)
    return str(moment)


@pytest.mark.parametrize(
    ("text", "time_zone", "expected"),
    [
        ("2011-07-01 12:00:00", "", "2011-07-01 12:00:00"),
        ("2011-07-01 12:00:00", LONDON, "2011-07-01 12:00:00"),
        ("2011-07-01 12:00:00", "UTC", "2011-07-01 13:00:00"),
        ("2011-07-01 23:30:00", "UTC", "2011-07-02 00:30:00"),
        ("2011-01-01 12:00:00", "UTC", "2011-01-01 12:00:00"),
        ("2011-07-01T12:00:00Z", "", "2011-07-01 13:00:00"),
        ("2011-07-01 12:00:00+02:00", "", "2011-07-01 11:00:00"),
        ("2011-07-01 12:00:00.5-0500", NEW_YORK, "2011-07-01 18:00:00"),
        ("2011-07-01 12:00+02", "UTC", "2011-07-01 11:00:00"),
        ("2011-07-01", "", "2011-07-01 00:00:00"),
        ("2011-07-01", "Asia/Tokyo", "2011-07-01 00:00:00"),
    ],
)
def test_zones_and_offsets(tmp_path: Path, text: str, time_zone: str, expected: str) -> None:
    assert landed(tmp_path, text, time_zone=time_zone) == expected


@pytest.mark.parametrize(
    ("text", "time_zone", "zone", "expected"),
    [
        ("2011-03-27 01:30:00", "", LONDON, "2011-03-27 01:30:00"),  # skipped in London, kept as written
        ("2011-03-27 01:30:00", "UTC", LONDON, "2011-03-27 02:30:00"),
        ("2011-03-27 01:30:00", LONDON, "UTC", "2011-03-27 01:30:00"),  # moved to 02:30 summer time
        ("2011-10-30 01:30:00", "", LONDON, "2011-10-30 01:30:00"),  # comes twice
        ("2011-10-30 01:30:00", LONDON, "UTC", "2011-10-30 01:30:00"),  # the later one
        ("2011-10-30 00:30:00", "UTC", LONDON, "2011-10-30 01:30:00"),
        ("2011-10-30 01:30:00", "UTC", LONDON, "2011-10-30 01:30:00"),
        ("2011-03-13 02:30:00", NEW_YORK, LONDON, "2011-03-13 07:30:00"),  # moved to 03:30 summer time
    ],
)
def test_clock_changes(tmp_path: Path, text: str, time_zone: str, zone: str, expected: str) -> None:
    assert landed(tmp_path, text, zone, time_zone=time_zone) == expected


@pytest.mark.parametrize(
    ("text", "date_format", "time_zone", "expected"),
    [
        ("01/07/2011 12:00", "%d/%m/%Y %H:%M", "", "2011-07-01 12:00:00"),
        ("01/07/2011 12:00", "%d/%m/%Y %H:%M", "UTC", "2011-07-01 13:00:00"),
        ("7/1/2011 1:05 PM", "%m/%d/%Y %I:%M %p", "", "2011-07-01 13:05:00"),
        ("01.07.2011", "%d.%m.%Y", "Asia/Tokyo", "2011-07-01 00:00:00"),
        ("01/07/2011 12:00 +0200", "%d/%m/%Y %H:%M %z", "Asia/Tokyo", "2011-07-01 11:00:00"),
        ("2011-07-01", "%d.%m.%Y", "", ["unparseable_date"]),
        ("31.02.2011", "%d.%m.%Y", "", ["unparseable_date"]),
    ],
)
def test_date_formats(tmp_path: Path, text: str, date_format: str, time_zone: str, expected: str | list[str]) -> None:
    assert landed(tmp_path, text, date_format=date_format, time_zone=time_zone) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["missing_date"]),
        ("yesterday", ["unparseable_date"]),
        ("2011-02-30 10:00:00", ["unparseable_date"]),
        ("01/07/2011 10:00", ["unparseable_date"]),
        ("1899-12-30 00:00:00", ["implausible_date"]),
        ("-infinity", ["implausible_date"]),
        ("infinity", ["future_date"]),
        ("9999-12-31 23:59:59", ["future_date"]),
        ("290000-01-01 00:00:00Z", ["future_date"]),
        ("999999-01-01 00:00:00", ["unparseable_date"]),
    ],
)
@pytest.mark.parametrize("time_zone", ["", "UTC"])
def test_what_is_no_plausible_date(tmp_path: Path, text: str, expected: list[str], time_zone: str) -> None:
    found = landed(tmp_path, text, time_zone=time_zone)
    assert found == expected or (text[:2] in ("29", "in", "-i") and found == ["unparseable_date"])


def test_future_is_after_the_moment_of_receipt_in_the_shops_time(tmp_path: Path) -> None:
    """Received at 03:00 UTC in July, which is 04:00 in London."""
    received = datetime.fromisoformat("2011-07-02T03:00:00")
    now = [PURCHASE.replace("2010-12-01 08:26:00", text) for text in ("2011-07-02 04:00:00", "2011-07-02 04:00:01")]
    deliver(tmp_path, "a.csv", *now)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "a.csv")), now=received)
        assert lines(warehouse, "line_number") == [(1,)]
        assert reasons(warehouse) == [(2, ["future_date"])]


def test_a_line_of_the_future_counts_once_it_comes_again_in_time(tmp_path: Path) -> None:
    """The same line is sound when it is delivered later; the faulty one becomes its duplicate."""
    deliver(tmp_path, "a.csv", PURCHASE.replace("2010-12-01", "2011-12-11"))
    source = SourceParams(path=str(tmp_path / "*.csv"))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        deliver(tmp_path, "b.csv", PURCHASE.replace("2010-12-01", "2011-12-11"))
        take_in(warehouse, source, now=NOW + timedelta(days=2))
        assert lines(warehouse, "load_id, outcome") == [(2, "purchase")]
        assert warehouse.value("SELECT outcome FROM landing.quarantine") == "duplicate"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("TIMESTAMP", "2011-07-01 12:00:00", "13:00"),
        ("TIMESTAMP_NS", "2011-07-01 12:00:00", "13:00"),
        ("TIMESTAMP_S", "2011-07-01 12:00:00", "13:00"),
        ("TIMESTAMPTZ", "2011-07-01 12:00:00+02", "11:00"),
        ("DATE", "2011-07-01", "00:00"),
        ("VARCHAR", "01/07/2011 12:00", "13:00"),
    ],
)
def test_typed_columns_of_parquet(tmp_path: Path, kind: str, value: str, expected: str) -> None:
    """A date format is for texts; a column of times needs none."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            'COPY (SELECT \'1\' AS "InvoiceNo", \'x\' AS "StockCode", \'x\' AS "Description", 1 AS "Quantity", '
            f'CAST(\'{value}\' AS {kind}) AS "InvoiceDate", 1.5 AS "UnitPrice", 7.0::DOUBLE AS "CustomerID", '
            f"'x' AS \"Country\") TO '{tmp_path}/a.parquet' (FORMAT parquet)"
        )
    options = {"path": str(tmp_path / "a.parquet"), "time_zone": "UTC", "date_format": "%d/%m/%Y %H:%M"}
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams.model_validate(options))
        found = lines(warehouse, "strftime(invoiced_at, '%H:%M'), CAST(shop_day AS VARCHAR), customer_id")
    assert found == [(expected, "2011-07-01", "7")]


@pytest.mark.parametrize("date_format", ["%d/%m/%Y %Q", "%d/%m/%"])
def test_a_date_format_that_is_none(date_format: str) -> None:
    with pytest.raises(ValueError, match="strptime"):
        SourceParams(date_format=date_format)
