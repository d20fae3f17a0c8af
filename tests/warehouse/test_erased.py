"""Lines of customers who were erased: counted, never stored; and the key that tells them."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from support_landing import FAULTY, HEADER, NOW, PURCHASE, USUAL, deliver, lines, reasons, take_in, warehouse_in

from warehouse import erased, landing
from warehouse.errors import ErasureKeyError
from warehouse.params import FileFormat, SourceParams, WarehouseParams
from warehouse.store import Warehouse
from warehouse.verify import verify


@pytest.fixture
def source(tmp_path: Path) -> SourceParams:
    return SourceParams(path=str(tmp_path / "data" / "*.*"))


def keep_out(warehouse: Warehouse, *customers: str) -> None:
    keyed = dict(erased.make_key(warehouse))
    for customer in customers:
        warehouse.execute(
            "INSERT INTO erasure.customers SELECT erasure.keyed_hash($id, $inner_pad, $outer_pad), 1",
            keyed | {"id": customer},
        )


def counted(warehouse: Warehouse) -> list[tuple[int, str]]:
    rows = warehouse.select("SELECT erased_lines, erased_amount FROM landing.loads ORDER BY load_id")
    return [(row["erased_lines"], str(row["erased_amount"])) for row in rows]


def proven(warehouse: Warehouse, source: SourceParams) -> bool:
    return all(found.differing_rows == 0 for found in verify(warehouse, source))


def test_lines_of_an_erased_customer_are_counted_whatever_else_they_are(tmp_path: Path, source: SourceParams) -> None:
    too_long, too_short, quoted = PURCHASE + ",more", "1,2,3", '9,"17850"'
    deliver(tmp_path / "data", "a.csv", *USUAL, PURCHASE, too_long, too_short, quoted)
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "17850", "nobody")
        take_in(warehouse, source)
        found = lines(warehouse, "line_number, customer_id, outcome")
        assert found == [(2, "14527", "return"), (3, None, "unattributed")]
        assert reasons(warehouse) == [(7, ["malformed_line"])]
        assert counted(warehouse) == [(5, "30.6000")]  # of the five, two are purchases with money
        assert proven(warehouse, source)


def test_a_delivery_of_nothing_else_is_one_all_the_same(tmp_path: Path, source: SourceParams) -> None:
    deliver(tmp_path / "data", "a.csv", PURCHASE, FAULTY)
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "17850")
        staged = landing.stage(warehouse, source, "Europe/London", NOW, lambda done, files: None)
        assert (staged.files, staged.lines) == (1, 0)
        assert warehouse.select("SELECT lines, quarantined_share FROM checks.batch_summary") == [
            {"lines": 2, "quarantined_share": 0}
        ]
        with warehouse.transaction():
            landing.accept(warehouse, source, NOW)
        assert counted(warehouse) == [(2, "15.3000")]
        assert warehouse.value("SELECT last_shop_day FROM landing.loads").isoformat() == "2010-12-01"
        assert proven(warehouse, source)


def test_a_corrected_file_is_counted_anew(tmp_path: Path, source: SourceParams) -> None:
    deliver(tmp_path / "data", "a.csv", *USUAL)
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "17850")
        take_in(warehouse, source)
        deliver(tmp_path / "data", "a.csv", *USUAL, PURCHASE)
        take_in(warehouse, source)
        found = warehouse.select("SELECT status, delivered_lines, erased_lines FROM landing.loads ORDER BY load_id")
        assert [tuple(row.values()) for row in found] == [("replaced", 4, 2), ("accepted", 5, 3)]
        assert proven(warehouse, source)


def test_lost_lines_of_a_replacement_are_judged_without_them(tmp_path: Path, source: SourceParams) -> None:
    deliver(tmp_path / "data", "a.csv", PURCHASE, PURCHASE, PURCHASE, *USUAL[1:3])
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "17850")
        take_in(warehouse, source)
        deliver(tmp_path / "data", "a.csv", *USUAL[1:3])
        landing.stage(warehouse, source, "Europe/London", NOW, lambda done, files: None)
        found = warehouse.select("SELECT replaced_usable_lines, usable_lines, lost_share FROM checks.batch_loads")
        assert [tuple(row.values()) for row in found] == [(2, 2, 0)]


@pytest.mark.parametrize("written", ["17850", "17850.0", " 17850 ", '"17850.00"'])
def test_however_the_id_is_written(tmp_path: Path, source: SourceParams, written: str) -> None:
    deliver(tmp_path / "data", "a.csv", PURCHASE.replace("17850.0", written))
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "17850")
        take_in(warehouse, source)
        assert counted(warehouse) == [(1, "15.3000")]


def test_other_formats_and_separators(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("\n".join(
        line.replace(",", ";") for line in (HEADER, PURCHASE.replace("17850.0", "'17850'"), "1;2;'17850'")
    ))  # fmt: skip
    semicolons = SourceParams(path=str(tmp_path / "data" / "*.csv"), delimiter=";", quote="'")
    (tmp_path / "data" / "b.jsonl").write_text(
        '{"InvoiceNo": 1, "StockCode": "a", "Description": "b", "Quantity": 1, "InvoiceDate": "2010-12-01", '
        '"UnitPrice": 2.5, "CustomerID": 17850.0, "Country": "France"}\n'
    )
    objects = SourceParams(path=str(tmp_path / "data" / "*.jsonl"), format=FileFormat.JSONL, name="other")
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "17850")
        take_in(warehouse, semicolons)
        take_in(warehouse, objects)
        assert counted(warehouse) == [(2, "15.3000"), (1, "2.5000")]
        assert warehouse.value("SELECT count(*) FROM sales.transaction_lines") == 0


def test_the_hash_is_hmac_sha256_of_the_id_under_the_key(tmp_path: Path) -> None:
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "Ærø-17")
        file = erased.key_file(warehouse.params)
        assert file == tmp_path / "w.duckdb.erasure-key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        expected = hmac.new(bytes.fromhex(file.read_text()), "Ærø-17".encode(), hashlib.sha256).hexdigest()
        assert warehouse.value("SELECT customer_hash FROM erasure.customers") == expected
        assert file.read_text().strip().encode() not in (tmp_path / "w.duckdb").read_bytes()


def test_without_its_key_nothing_is_taken_in(tmp_path: Path, source: SourceParams) -> None:
    deliver(tmp_path / "data", "a.csv", *USUAL)
    with warehouse_in(tmp_path) as warehouse:
        keep_out(warehouse, "17850")
        file = erased.key_file(warehouse.params)
        text = file.read_text()
        for damage, told in (("", "holds no erasure key"), ("0" * 64, "is not the one"), (None, "is missing")):
            file.unlink()
            if damage is not None:
                file.write_text(damage)
            with pytest.raises(ErasureKeyError, match=told):
                take_in(warehouse, source)
            with pytest.raises(ErasureKeyError, match=told):
                erased.make_key(warehouse)
            if damage is None:
                file.write_text(text)
        assert warehouse.value("SELECT count(*) FROM landing.loads") == 0
        take_in(warehouse, source)
        assert counted(warehouse) == [(2, "15.3000")]


def test_a_key_of_another_place_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ab" * 32 + "\n")
    with warehouse_in(tmp_path) as warehouse:
        warehouse.params = WarehouseParams(path=tmp_path / "w.duckdb", erasure_key=tmp_path / "key")
        keep_out(warehouse, "1")
        expected = hmac.new(bytes.fromhex("ab" * 32), b"1", hashlib.sha256).hexdigest()
        assert warehouse.value("SELECT customer_hash FROM erasure.customers") == expected
        assert sorted(one.name for one in tmp_path.iterdir()) == ["key", "w.duckdb", "w.duckdb.lock", "w.duckdb.wal"]
