"""Files that cannot be read: each is named with the reason, nothing of the delivery is accepted, nothing is lost."""

import gzip
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
import psutil
import pytest
from support_landing import (
    HEADER,
    NOW,
    PURCHASE,
    RETURN,
    USUAL,
    csv_text,
    deliver,
    lines,
    reasons,
    stage,
    take_in,
    warehouse_in,
)

from warehouse import file_reader, formats
from warehouse.errors import DeliveryError
from warehouse.params import SourceParams

GOOD = csv_text(*USUAL).encode()
PARQUET = b"PAR1" + bytes(range(256)) * 8


def source_of(folder: Path, **options: object) -> SourceParams:
    return SourceParams.model_validate({"path": str(folder / "in" / "*"), "encoding": "utf-8"} | options)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


# fmt: off
CASES = {
    "empty": ("a.csv", b"", "the file is empty, not even a header"),
    "empty gzip": ("a.csv.gz", gzip.compress(b""), "its first line is empty"),
    "first line empty": ("a.csv", b"\n" + GOOD, "its first line is empty"),
    "missing column": (
        "a.csv", GOOD.replace(b"Quantity", b"Menge"),
        "it has no column 'Quantity' .our quantity.*It has: In",
    ),
    "near column": ("a.csv", GOOD.replace(b"Quantity", b"quantity"), "did you mean 'quantity'"),
    "delimiter": ("a.csv", GOOD.replace(b",", b";"), "separated by ';': set .source. delimiter"),
    "duplicated header": ("a.csv", GOOD.replace(b"StockCode", b"Country"), "has the column 'Country' twice"),
    "binary": ("a.csv", b"\x7fELF\0\0\0" * 99, "it is binary, not CSV text"),
    "garbage": ("a.csv", bytes(range(1, 256)) * 4, "it is binary, not CSV text"),
    "image": ("a.dat", b"GIF89a", "the ending of its name is unknown.*set .source. format"),
    "gzip cut off": ("a.csv.gz", gzip.compress(GOOD)[:20], "damaged or cut off"),
    "gzip cut off later": (
        "a.csv.gz", gzip.compress(GOOD + os.urandom(99999).hex().encode())[:-99],
        "damaged or cut off",
    ),
    "no gzip": ("a.csv.gz", GOOD, "it is no gzip file"),
    "gzip with wrong bits": ("a.csv.gz", gzip.compress(GOOD)[:20] + b"\xff" * 99, "damaged or cut off"),
    "mixed encodings": (
        "a.csv", GOOD + PURCHASE.encode().replace(b"HEART", b"C\xc9") + b"\n",
        "line 6 is not utf-8; set .source. encoding",
    ),
    "open quote": ("a.csv", GOOD + b'1,"a\n' + GOOD, "a quote opened in line 6 is never closed"),
    "long line": ("a.csv", GOOD + b"x" * 2_500_000 + b"\n" + GOOD, "line 6 is longer than 2 MB"),
    "long first line": ("a.csv", b"x" * 2_500_000, "its first line is longer than 1 MB"),
    "broken JSON": (
        "a.jsonl", b'{"InvoiceNo": 1}\n{"InvoiceNo": \n',
        "line 2 is no JSON .unexpected end of data.; mend that line",
    ),
    "long JSON": ("a.jsonl", b'{"InvoiceNo": "' + b"x" * 40_000_000, "longer than 16 MB"),
    "JSON array": ("a.json", b'[{"InvoiceNo": 1}]\n', "are no JSON objects; deliver one object per line"),
    "JSON without lines": ("a.json", b"\n\n", "it has no line of JSON"),
    "Parquet that is none": ("a.parquet", GOOD, "it cannot be read"),
    "Parquet cut off": ("a.parquet", PARQUET, "it cannot be read"),
    "xlsx that is none": ("a.xlsx", GOOD, "it is no readable xlsx file"),
    "xlsx cut off": ("a.xlsx", b"PK\3\4" + bytes(500), "it is no readable xlsx file"),
}
# fmt: on


@pytest.mark.parametrize("case", CASES)
def test_an_unreadable_file_is_named_with_what_to_do(tmp_path: Path, case: str) -> None:
    name, content, message = CASES[case]
    path = write(tmp_path, name, content)
    deliver(tmp_path, "in/good.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(DeliveryError, match=message) as raised:
            stage(warehouse, source_of(tmp_path))
        assert str(path) in str(raised.value)
        assert "good.csv" not in str(raised.value)
        assert warehouse.select("SELECT unit, status FROM landing.loads") == [{"unit": name, "status": "rejected"}]
        assert warehouse.value("SELECT error FROM landing.loads") in str(raised.value)
        assert warehouse.value("SELECT count(*) FROM landing.staged_lines") == 0
        left = warehouse.select("SELECT table_name FROM duckdb_tables() WHERE temporary")
        assert {row["table_name"] for row in left} <= {"given_merges", "changed_merges"}  # what the merges file says
        path.unlink()
        assert take_in(warehouse, source_of(tmp_path)).files == 1


def test_an_open_quote_in_a_large_file_loses_nothing(tmp_path: Path) -> None:
    """DuckDB reads in pieces of 32 MB; a quote left open over several of them must not pass for one bad line."""
    write(tmp_path, "a.csv", GOOD + b'1,"a\n' + (PURCHASE.encode() + b"\n") * 1_000_000)
    with warehouse_in(tmp_path) as warehouse, pytest.raises(DeliveryError, match="a quote may be left open near line"):
        stage(warehouse, source_of(tmp_path))


def test_blank_lines_and_values_of_several_lines_are_no_loss(tmp_path: Path) -> None:
    several = PURCHASE.replace("WHITE HEART", '"WHITE\n\nHEART"')
    inches = RETURN.replace("Discount", '12" RULER')
    deliver(tmp_path, "in/a.csv", "", PURCHASE, "", "", several, inches, "")
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        found = lines(warehouse, "line_number, description")
    assert found == [(1, "WHITE HEART"), (2, "WHITE\n\nHEART"), (3, '12" RULER')]


def test_parquet_damaged_anywhere_loses_nothing(tmp_path: Path) -> None:
    """Whatever byte is wrong, the file is named or its lines are all there; no other error comes out."""
    write(tmp_path, "a.csv", csv_text(*USUAL * 50).encode())
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM read_csv('{tmp_path}/in/a.csv')) TO '{tmp_path}/whole' (FORMAT parquet)")
    (tmp_path / "in" / "a.csv").unlink()
    whole = (tmp_path / "whole").read_bytes()
    with warehouse_in(tmp_path) as warehouse:
        for place in range(0, len(whole), len(whole) // 40):
            write(tmp_path, "a.parquet", whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            with suppress(DeliveryError):
                assert stage(warehouse, source_of(tmp_path)).lines == 200
        assert warehouse.value("SELECT count(*) FROM landing.loads WHERE status = 'rejected'") > 10


def test_several_bad_files_among_good_ones(tmp_path: Path) -> None:
    """All are named, whenever they are found out, and offered again the next night."""
    for number in range(9):
        deliver(tmp_path, f"in/{number}.csv", PURCHASE.replace("536365", str(number)))
    write(tmp_path, "1.csv", GOOD + b'1,"a\nb\n')
    write(tmp_path, "4.csv", GOOD + b"\xff,,,,,,,\n")
    write(tmp_path, "6.csv", GOOD.replace(b"Quantity", b"Q"))
    write(tmp_path, "7.csv.gz", gzip.compress(GOOD + os.urandom(99999).hex().encode())[:-99])
    expected = ["1.csv", "4.csv", "6.csv", "7.csv.gz"]
    with warehouse_in(tmp_path) as warehouse:
        for night in range(1, 3):
            with pytest.raises(
                DeliveryError, match="4 files cannot be read; nothing of this delivery was acc"
            ) as raised:
                stage(warehouse, source_of(tmp_path))
            named = [line.split("/")[-1].split(":")[0] for line in str(raised.value).splitlines()[1:]]
            assert named == expected
            assert warehouse.value("SELECT count(*) FROM landing.loads WHERE status = 'rejected'") == 4 * night
        for name in expected:
            (tmp_path / "in" / name).unlink()
        take_in(warehouse, source_of(tmp_path))
        assert sorted(lines(warehouse, "invoice_no")) == [(text,) for text in "023578"]


def test_no_more_than_twenty_files_are_listed(tmp_path: Path) -> None:
    for number in range(23):
        write(tmp_path, f"{number:02}.csv", b"")
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(DeliveryError, match=r"23 files(?s:.)*\.\.\. and 3 more"):
            stage(warehouse, source_of(tmp_path))
        assert warehouse.value("SELECT count(*) FROM landing.loads") == 23


def test_a_header_alone_is_a_delivery_without_lines(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", HEADER.encode())
    with warehouse_in(tmp_path) as warehouse:
        assert take_in(warehouse, source_of(tmp_path)).files == 1
        assert warehouse.select("SELECT status, delivered_lines FROM landing.loads") == [
            {"status": "accepted", "delivered_lines": 0}
        ]
        assert take_in(warehouse, source_of(tmp_path)).files == 0


def test_malformed_lines_are_quarantined_with_their_line_numbers(tmp_path: Path) -> None:
    other = [PURCHASE.replace("536365", str(number)) for number in range(5)]
    broken = ["too,few", PURCHASE + ",one,two", '1,"a"b,3,4,5,6,7,8']
    content = [other[0], broken[0], other[1], other[2], broken[1], broken[2], other[3], other[4], "again,few"]
    deliver(tmp_path, "in/a.csv", *content)
    deliver(tmp_path, "in/b.csv", *content[:2], *content[3:])
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path, duplicates="keep"))
        assert lines(warehouse, "load_id, line_number, invoice_no")[:5] == [
            (1, 1, "0"), (1, 3, "1"), (1, 4, "2"), (1, 7, "3"), (1, 8, "4"),
        ]  # fmt: skip
        places = [place for place, why in reasons(warehouse) if why == ["malformed_line"]]
        assert places == [2, 5, 6, 9, 2, 4, 5, 8]
        delivered = warehouse.select("SELECT delivered FROM landing.quarantine WHERE load_id = 1 ORDER BY line_number")
    assert [json.loads(row["delivered"])["line"] for row in delivered] == [*broken, "again,few"]


def test_lines_of_large_files_keep_their_numbers(tmp_path: Path) -> None:
    """Files are read by several threads, in pieces."""
    rows = [PURCHASE.replace("536365", str(number)) for number in range(60_000)]
    rows[50_000] = "malformed"
    deliver(tmp_path, "in/a.csv", *rows)
    deliver(tmp_path, "in/b.csv", *rows[:10])
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path, duplicates="keep"))
        assert (
            warehouse.value("SELECT count(*) FROM sales.transaction_lines WHERE line_number <> invoice_no::BIGINT + 1")
            == 0
        )
        assert reasons(warehouse) == [(50_001, ["malformed_line"])]


def test_nested_json_is_kept_as_text_or_quarantined(tmp_path: Path) -> None:
    row = dict(zip(HEADER.split(","), PURCHASE.split(","), strict=True))
    nested = [row | {"Description": {"en": "HEART"}}, row | {"Quantity": [6]}]
    write(tmp_path, "a.jsonl", b"\n".join(json.dumps(each).encode() for each in nested))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        assert lines(warehouse, "description") == [('{"en":"HEART"}',)]
        assert reasons(warehouse) == [(2, ["unparseable_quantity"])]


def test_a_line_without_end_needs_no_memory(tmp_path: Path) -> None:
    """64 MB in one line, after a header and without; a gigabyte behaves alike."""
    for name, start in (("a.csv", GOOD), ("b.csv", b"")):
        with write(tmp_path, name, start + b"x").open("r+b") as file:
            file.truncate(len(start) + (64 << 20))
    with warehouse_in(tmp_path) as warehouse:
        before = psutil.Process().memory_info().rss
        with pytest.raises(DeliveryError) as raised:
            stage(warehouse, source_of(tmp_path))
        grown = psutil.Process().memory_info().rss - before
    assert "a.csv: line 6 is longer than 2 MB" in str(raised.value)
    assert "b.csv: its first line is longer than 1 MB" in str(raised.value)
    assert grown < 256 << 20


def _append(path: Path) -> None:
    with path.open("a") as file:
        file.write(PURCHASE + "\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [(_append, "it changed while it was read"), (Path.unlink, "it was removed before it could be read")],
    ids=["written", "removed"],
)
@pytest.mark.parametrize("moment", ["looking", "reading"])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], message: str, moment: str
) -> None:
    path = deliver(tmp_path, "in/a.csv", PURCHASE)
    deliver(tmp_path, "in/b.csv", PURCHASE)
    module, name = (formats, "csv_header") if moment == "looking" else (file_reader, "relation_sql")
    real = getattr(module, name)

    def changing(*arguments: object) -> object:
        if path.exists() and path.stat().st_size == len(csv_text(PURCHASE)):
            change(path)
        return real(*arguments)

    monkeypatch.setattr(module, name, changing)
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(DeliveryError, match=message) as raised:
            stage(warehouse, source_of(tmp_path))
        assert "1 file cannot" in str(raised.value)
        assert take_in(warehouse, source_of(tmp_path), now=NOW).lines in (1, 3)


def test_an_encoding_that_does_not_fit_names_the_line(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", GOOD + PURCHASE.encode().replace(b"HEART", b"\x81") + b"\n")
    with warehouse_in(tmp_path) as warehouse, pytest.raises(DeliveryError, match=r"line \d.* is not windows-1252"):
        stage(warehouse, source_of(tmp_path, encoding="windows-1252"))
    assert [path.name for path in tmp_path.iterdir() if "w.duckdb" not in path.name] == ["in"]
