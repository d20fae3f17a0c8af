"""The same shop in every format and spelling gives the same lines."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import polars
import pytest
from support_landing import (
    HEADER,
    PURCHASE,
    USUAL,
    csv_text,
    lines,
    outcomes,
    reasons,
    take_in,
    warehouse_in,
)

from warehouse.errors import DeliveryError
from warehouse.params import ColumnMapping, SourceParams

COLUMNS = (
    "line_number, invoice_no, product, description, quantity, unit_price, amount, invoiced_at, shop_day, customer_id, "
    "country, content_key, outcome"
)
NAMES = HEADER.split(",")
ROWS = [line.split(",") for line in USUAL]


def write_csv(path: Path) -> None:
    path.write_text(csv_text(*USUAL))


def write_gz(path: Path) -> None:
    path.write_bytes(gzip.compress(csv_text(*USUAL).encode()))


def write_jsonl(path: Path) -> None:
    """Numbers as numbers, missing values as null or left out."""
    rows = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    numbers = ("Quantity", "UnitPrice", "CustomerID")
    kept = [{key: (float(text) if key in numbers else text) for key, text in row.items() if text} for row in rows]
    kept[2]["CustomerID"] = None
    path.write_text("\n".join(json.dumps(row) for row in kept) + "\n")


def write_jsonl_gz(path: Path) -> None:
    plain = path.with_suffix("")
    write_jsonl(plain)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


def write_parquet(path: Path) -> None:
    """Binary floats, as pandas writes them."""
    _write_parquet(path, CustomerID="DOUBLE", UnitPrice="DOUBLE", Quantity="BIGINT", InvoiceDate="TIMESTAMP")


def write_exact_parquet(path: Path) -> None:
    _write_parquet(path, CustomerID="BIGINT", UnitPrice="DECIMAL(12,2)", Quantity="INTEGER", InvoiceDate="TIMESTAMP_NS")


def _write_parquet(path: Path, **types: str) -> None:
    text = path.with_suffix(".tmp")
    text.write_text(csv_text(*USUAL).replace("0.0,", "0,").replace("7.0,", "7,"))
    typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
    select = f"SELECT * REPLACE ({typed}) FROM read_csv('{text}', all_varchar = true)"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    text.unlink()


def write_xlsx(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(NAMES)
    for row in ROWS:
        numbers = {3: int, 5: float, 6: float}
        book.active.append(
            [numbers[place](cell) if place in numbers and cell else cell or None for place, cell in enumerate(row)]
        )
    book.save(path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.csv.gz": write_gz,
    "a.CSV.GZ": write_gz,
    "a.jsonl": write_jsonl,
    "a.jsonl.gz": write_jsonl_gz,
    "floats.parquet": write_parquet,
    "exact.parquet": write_exact_parquet,
    "a.xlsx": write_xlsx,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_lines(tmp_path: Path, name: str) -> None:
    write_csv(tmp_path / "a.csv")
    WRITERS[name](tmp_path / name)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "a.csv"), duplicates="keep"))
        take_in(warehouse, SourceParams(path=str(tmp_path / name), duplicates="keep"))
        both = lines(warehouse, COLUMNS)
        quarantined = reasons(warehouse)
    assert both[:3] == both[3:]
    assert quarantined == [(4, ["zero_quantity", "non_positive_price"])] * 2


def test_a_line_is_a_duplicate_across_formats(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv")
    write_parquet(tmp_path / "b.parquet")
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "[ab].*")))
        assert [outcome for load, _, outcome in outcomes(warehouse) if load == 2] == ["duplicate"] * 4


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Quantity;UnitPrice\n6;2,55\n1.000;1.234,5\n", {"decimal_separator": ",", "thousands_separator": "."}),
        ('Quantity,UnitPrice\n6,2.55\n"1,000","1,234.5"\n', {"thousands_separator": ",", "delimiter": ","}),
        ("Quantity||UnitPrice\n6||2.55\n1000||1234.5\n", {"delimiter": "||"}),
        ("Quantity;UnitPrice\r\n6;2.55\r\n1000;1234.5\r\n", {}),
        ("Quantity;UnitPrice\r\n6;2.55\n1000;1234.5\r\n", {}),
        ("\ufeffQuantity;UnitPrice\n6;2.55\n1e3;1234.50\n", {}),
        ("'Quantity';'UnitPrice'\n'6';'2.55'\n'1000';'1234.5'\n", {"quote": "'"}),
        ("Quantity\tUnitPrice\n 6 \t2.55\n1000.0\t 1234.5\n", {"delimiter": "\t", "quote": ""}),
    ],
    ids=["German", "English", "two-character delimiter", "CRLF", "mixed line ends", "BOM", "quote", "tab"],
)
def test_numbers_and_spellings(tmp_path: Path, text: str, options: dict[str, str]) -> None:
    first, *rest = text.splitlines(keepends=True)
    mark = options.get("delimiter", ";")
    whole = f"{first.rstrip()}{mark}no{mark}at{first[len(first.rstrip()) :]}" + "".join(
        f"{line.rstrip()}{mark}1{mark}2011-01-01{line[len(line.rstrip()) :]}" for line in rest
    )
    (tmp_path / "a.csv").write_bytes(whole.encode())
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, bare(tmp_path, **{"delimiter": ";"} | options))
        assert lines(warehouse, "quantity, unit_price") == [(6, Decimal("2.55")), (1000, Decimal("1234.5"))]


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1", "utf-16", "utf-8-sig", "UTF8"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(csv_text(PURCHASE.replace("WHITE HEART", "CAFÉ ñ £")).encode(encoding))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv"), encoding=encoding))
        assert lines(warehouse, "description") == [("CAFÉ ñ £",)]
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_files_without_a_header_are_mapped_by_place(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\ufeff1,2011-01-01,6,2.55\n2,2011-01-01,1\n")
    columns = {"invoice_no": "column0", "invoiced_at": "column1", "quantity": "column2", "unit_price": "column3"}
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, bare(tmp_path, header=False, columns=bare(tmp_path).columns.model_copy(update=columns)))
        assert lines(warehouse, "line_number, invoice_no") == [(1, "1")]
        assert reasons(warehouse) == [(2, ["malformed_line"])]


def test_column_names_may_be_anything(tmp_path: Path) -> None:
    """Our own names, SQL's words, quotes, and names that differ by case only."""
    names = ["load_id", "record", "no", "at", "Quantity", "quantity", "UnitPrice", "fi'le", 'se"lect', "file", "c0"]
    row = ["7", "8", "1", "2011-01-01", "6", "0", "2.55", "a", "b", "c", "d"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    bad = [*row[:4], "none", *row[5:]]
    (tmp_path / "a.csv").write_text("\n".join(",".join(cells) for cells in (quoted, row, bad)) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps(dict(zip(names, row, strict=True))) + "\n")
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, bare(tmp_path, path=str(tmp_path / "[ab].*")))
        assert lines(warehouse, "invoice_no, quantity, outcome") == [
            ("1", 6, "unattributed"),
            ("1", 6, "duplicate"),
        ]
        delivered = json.loads(warehouse.value("SELECT delivered FROM landing.quarantine"))
    assert delivered == dict(zip(names, bad, strict=True))


def test_ids_keep_their_letters_and_zeros_and_lose_a_fraction_of_zero(tmp_path: Path) -> None:
    ids = ["00123", "A-1.0", "17850.0", "17850.00", "17850.5", " 17850 ", "", "NULL"]
    rows = [PURCHASE.replace("17850.0", text).replace("536365", str(number)) for number, text in enumerate(ids)]
    (tmp_path / "a.csv").write_text(csv_text(*rows))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv")))
        found = [name for (name,) in lines(warehouse, "customer_id")]
    assert found == ["00123", "A-1.0", "17850", "17850", "17850.5", "17850", None, None]


def test_digits_beyond_the_fourth_are_rounded_and_counted(tmp_path: Path) -> None:
    prices = ["0.00005", "2.55", "2.550000", "2.55004", "-", "99999999999.5", "1e-5"]
    (tmp_path / "a.csv").write_text(csv_text(*(PURCHASE.replace("2.55", text) for text in prices)))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv"), duplicates="keep"))
        found = lines(warehouse, "unit_price, amount, rounded")
        assert warehouse.value("SELECT rounded_lines FROM landing.loads") == 3
        assert reasons(warehouse) == [
            (5, ["unparseable_price"]),
            (6, ["amount_too_large"]),
            (7, ["non_positive_price"]),
        ]
    assert found == [
        (Decimal("0.0001"), Decimal("0.0006"), True),
        (Decimal("2.55"), Decimal("15.3"), False),
        (Decimal("2.55"), Decimal("15.3"), False),
        (Decimal("2.55"), Decimal("15.3"), True),
    ]


@pytest.mark.parametrize("price", ["nan", "NaN", "inf", "-inf", "1.5e400", "1,234", "0x10", "€5", "2.5.5"])
def test_what_is_no_number_is_quarantined(tmp_path: Path, price: str) -> None:
    (tmp_path / "a.csv").write_text(csv_text(PURCHASE.replace("2.55", f'"{price}"')))
    nothing = {"no": ["1"], "at": ["2011-01-01"], "Quantity": [1.0], "UnitPrice": [float("nan")]}
    polars.DataFrame(nothing).write_parquet(tmp_path / "b.parquet")
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv")))
        take_in(warehouse, bare(tmp_path, path=str(tmp_path / "b.parquet")))
        first, second = reasons(warehouse)
    assert first[1] == (["missing_price"] if price in ("nan", "NaN") else ["unparseable_price"])
    assert second[1] == ["missing_price"]


@pytest.mark.parametrize("price", ["2,55", "12,34,567", "1,2345", "1234,567"])
def test_thousands_separators_out_of_place_are_no_number(tmp_path: Path, price: str) -> None:
    """A decimal comma read as a thousands separator would be a price a hundred times too large."""
    (tmp_path / "a.csv").write_text(csv_text(PURCHASE.replace("2.55", f'"{price}"')))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv"), thousands_separator=","))
        assert reasons(warehouse) == [(1, ["unparseable_price"])]


def test_a_value_may_hold_a_nul_and_a_line_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv_text(PURCHASE.replace("WHITE HEART", '"a\0b\nc"'), "1,2", USUAL[2]))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv")))
        assert lines(warehouse, "line_number, description") == [(1, "a\0b\nc"), (3, None)]


def test_an_optional_column_the_shop_has_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv_text(PURCHASE).replace("Country", "Land"))
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(DeliveryError, match=r"'Country' \(our country\).*\[source.columns\] country = \"\""):
            take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv")))
        take_in(warehouse, SourceParams(path=str(tmp_path / "*.csv"), columns=ColumnMapping(country="")))
        assert lines(warehouse, "country, outcome") == [(None, "purchase")]


def bare(folder: Path, **options: object) -> SourceParams:
    """A source that has the required columns only, the invoice's called `no` and `at`."""
    columns = ColumnMapping(invoice_no="no", invoiced_at="at", product="", description="", customer_id="", country="")
    return SourceParams.model_validate({"path": str(folder / "*.csv"), "columns": columns} | options)
