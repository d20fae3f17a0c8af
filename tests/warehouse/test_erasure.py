"""Whose lines and rows go, what published files say afterwards, and what stays as it was."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support_landing import HEADER, NOW, PURCHASE, USUAL, deliver, take_in, warehouse_in
from support_nights import new_warehouse
from support_versions import Snapshot, write_candidate

from warehouse import erased, erasure, publish, reading, revising, serving, versions
from warehouse.errors import ErasureError, ErasureKeyError
from warehouse.params import ColumnMapping, SourceParams
from warehouse.store import Warehouse
from warehouse.verify import verify

DAYS = [date(2011, 1, day) for day in (1, 2, 3)]
#: Nine customers; `b` enters, moves and stays, `e` leaves, `x` and `y` are to be erased in every way one can move.
SNAPSHOTS: list[Snapshot] = [
    {"a": 1, "c": 2, "d": 1, "e": 2, "x": 1, "y": 1},
    {"a": 1, "b": 2, "c": 1, "d": 1, "x": 2, "y": 1},
    {"a": 1, "b": 3, "c": 1, "d": 2, "e": 3, "x": 3},
]
GONE = ["x", "y"]


@pytest.fixture
def source(tmp_path: Path) -> SourceParams:
    return SourceParams(path=str(tmp_path / "data" / "*.csv"))


def no_progress(done: int, total: int) -> None:
    return


def erase(warehouse: Warehouse, source: SourceParams, *customers: str) -> dict[str, int]:
    removed = erasure.request(warehouse, source, customers, "a test", NOW)
    erasure.revise_versions(warehouse, NOW, no_progress)
    return removed


def named(warehouse: Warehouse, source: SourceParams, folder: Path, text: str) -> list[str]:
    (folder / "ids.txt").write_text(text)
    return erasure.read_customers(warehouse, source, folder / "ids.txt")


def proven(warehouse: Warehouse, source: SourceParams) -> bool:
    return all(found.differing_rows == 0 for found in verify(warehouse, source))


def kept(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.execute(
        "SELECT line_number FROM sales.transaction_lines "
        "UNION ALL SELECT line_number FROM landing.quarantine ORDER BY 1"
    ).fetchall()


@pytest.mark.parametrize(
    "text", ["17850\n12346.0\n", "customer_id,reason\n17850.0,asked\n 12346 ,asked\n", "﻿17850\r\n\r\n12346\r\n17850\n"]
)
def test_ids_are_read_as_landing_reads_them(tmp_path: Path, source: SourceParams, text: str) -> None:
    with warehouse_in(tmp_path) as warehouse:
        assert named(warehouse, source, tmp_path, text) == ["12346", "17850"]


@pytest.mark.parametrize("text", ["", "\n\n", "customer_id\n", "NULL\n"])
def test_a_file_without_ids_is_an_error(tmp_path: Path, source: SourceParams, text: str) -> None:
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(ErasureError, match="holds no customer id"):
            named(warehouse, source, tmp_path, text)
        with pytest.raises(ErasureError, match="cannot be read"):
            erasure.read_customers(warehouse, source, tmp_path / "none.txt")


def test_lines_go_wherever_the_id_can_be_told(tmp_path: Path, source: SourceParams) -> None:
    malformed = [PURCHASE + ",more", "1,2,3", '1,"17850"']
    deliver(tmp_path / "data", "a.csv", *USUAL, PURCHASE, *malformed)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        removed = erase(warehouse, source, "17850")
        assert {name: removed[f"{name}"] for name in ("sales.transaction_lines", "landing.quarantine")} == {
            "sales.transaction_lines": 2, "landing.quarantine": 3,
        }  # fmt: skip
        assert kept(warehouse) == [(2,), (3,), (7,)]
        assert proven(warehouse, source)


def test_a_quarantined_line_of_another_mapping_is_told_by_any_value(tmp_path: Path, source: SourceParams) -> None:
    deliver(tmp_path / "data", "a.csv", *USUAL)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        other = source.model_copy(update={"columns": ColumnMapping(customer_id="Kundennummer")})
        assert erase(warehouse, other, "17850")["landing.quarantine"] == 1
        assert proven(warehouse, source)


def test_an_earlier_delivery_of_their_line_goes_with_it(tmp_path: Path) -> None:
    source = SourceParams(path=str(tmp_path / "data" / "*.csv"), columns=ColumnMapping(line_id="LineID"))
    (tmp_path / "data").mkdir()
    for name, customer in (("a", "old"), ("b", "new")):
        with (tmp_path / "data" / f"{name}.csv").open("w", newline="") as file:
            rows = [[*HEADER.split(","), "LineID"], [*PURCHASE.replace("17850.0", customer).split(","), "L1"]]
            csv.writer(file).writerows([*rows, [*PURCHASE.replace("17850.0", "old").split(","), f"L{name}"]])
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        assert erase(warehouse, source, "new")["sales.transaction_lines"] == 2
        assert warehouse.value("SELECT list(line_id ORDER BY line_id) FROM sales.transaction_lines") == ["La", "Lb"]
        assert proven(warehouse, source)


def test_a_merged_customer_is_one_person(tmp_path: Path, source: SourceParams) -> None:
    people = [PURCHASE.replace("17850.0", one) for one in ("first", "second", "third", "other")]
    deliver(tmp_path / "data", "a.csv", *people)
    merges = tmp_path / "merges.csv"
    merges.write_text("old,new\nfirst,second\nsecond,third\n")
    source = source.model_copy(update={"merges": str(merges)})
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        for one in ("first", "second", "third"):
            assert named(warehouse, source, tmp_path, one) == ["first", "second", "third"]
        erase(warehouse, source, *named(warehouse, source, tmp_path, "second"))
        assert warehouse.value("SELECT list(customer_id) FROM sales.invoices") == ["other"]
        assert proven(warehouse, source)
        deliver(tmp_path / "data", "b.csv", *people)
        take_in(warehouse, source)  # the shop's file still names them
        assert warehouse.value("SELECT count(*) FROM sales.customer_merges") == 0
        assert warehouse.value("SELECT erased_lines FROM landing.loads WHERE load_id = 2") == 3
        assert proven(warehouse, source)


def test_what_was_asked_before_is_not_asked_again(tmp_path: Path, source: SourceParams) -> None:
    deliver(tmp_path / "data", "a.csv", *USUAL)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        assert erasure.to_request(warehouse, source, ["17850", "1"]) == ["17850", "1"]
        erase(warehouse, source, "17850")
        assert erasure.to_request(warehouse, source, ["17850", "1"]) == ["1"]
        assert erasure.pending(warehouse) == ["17850"]
        assert [row["unfinished"] for row in erasure.history(warehouse)] == [True]


def published(folder: Path, snapshots: list[Snapshot], gone: list[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of all published tables that tell of customers, after erasing some."""
    with new_warehouse(folder) as warehouse:
        for day, snapshot in zip(DAYS, snapshots, strict=True):
            version_id = write_candidate(warehouse, day, snapshot)
            versions.write_measures(warehouse, {version_id: versions.Measures({}, {})})
            publish.publish(warehouse, version_id, NOW)
        if gone:
            erase(warehouse, SourceParams(), *gone)
            assert warehouse.select(
                "SELECT v.version_id, v.customers, sum(s.customers) AS sizes, sum(p.customers) AS profiles, "
                "any_value(moved) AS m "
                "FROM segments.versions AS v JOIN segments.sizes AS s USING (version_id) "
                "JOIN segments.profiles AS p USING (version_id, segment_key) GROUP BY ALL ORDER BY 1"
            ) == [
                {"version_id": 1, "customers": 4, "sizes": 4, "profiles": 4, "m": None},
                {"version_id": 2, "customers": 4, "sizes": 4, "profiles": 4, "m": 3},
                {"version_id": 3, "customers": 5, "sizes": 5, "profiles": 5, "m": 3},
            ]
    found = {}
    for number in (1, 2, 3):
        file = serving.version_file(folder / "serving", number)
        for table in (*revising.RECOUNTED, "customer_segments", "customer_segments_history"):
            columns = COUNTED.get(table, "*")
            found[f"{number} {table}"] = reading.query_file(file, f"SELECT {columns} FROM {table} ORDER BY ALL")[1]
    return found


#: Of these tables the other columns stay as measured: of the model, of other versions.
COUNTED = {
    "segment_versions": "version_id, as_of, status, customers, moved, previous_version_id",
    "segment_profiles_history": "version_id, as_of, segment_key, segment, customers, share",
}


def test_totals_are_those_of_a_shop_that_never_knew_them(tmp_path: Path) -> None:
    without = [{who: key for who, key in snapshot.items() if who not in GONE} for snapshot in SNAPSHOTS]
    expected = published(tmp_path / "without", without, [])
    found = published(tmp_path / "erased", SNAPSHOTS, GONE)
    assert {name: (found[name], rows) for name, rows in expected.items() if found[name] != rows} == {}


def test_versions_without_them_are_left_alone(tmp_path: Path) -> None:
    with new_warehouse(tmp_path) as warehouse:
        for day, snapshot in zip(DAYS, [{"a": 1}, {"a": 1, "x": 2}], strict=False):
            publish.publish(warehouse, write_candidate(warehouse, day, snapshot), NOW)
        folder = warehouse.params.serving
        before = serving.version_file(folder, 1).stat().st_ino
        assert erasure.rows_of_versions(warehouse, ["x"]).keys() == {2}
        erase(warehouse, SourceParams(), "x")
        assert serving.version_file(folder, 1).stat().st_ino == before
        assert sorted(entry.name for entry in (folder / "versions").iterdir()) == ["000001", "000002.r2"]
        assert publish.reconcile(warehouse, NOW) == []
        pointer = publish.current_pointer(folder)
        assert pointer is not None
        assert (pointer["version_id"], pointer["revision"], pointer["path"]) == (
            2,
            2,
            "versions/000002.r2/segments.duckdb",
        )
        erase(warehouse, SourceParams(), "a")
        assert sorted(entry.name for entry in (folder / "versions").iterdir()) == ["000001.r2", "000002.r3"]
        told = reading.query(folder, "SELECT revision FROM version_revisions ORDER BY 1")[1]
        assert told == [(2,), (3,)]


def test_a_file_of_an_older_release_is_revised_too(tmp_path: Path) -> None:
    with new_warehouse(tmp_path) as warehouse:
        publish.publish(warehouse, write_candidate(warehouse, DAYS[0], SNAPSHOTS[0]), NOW)
        file = serving.version_file(warehouse.params.serving, 1)
        file.parent.chmod(0o755)
        file.chmod(0o644)
        with duckdb.connect(file) as connection:
            for table in ("rfm_heatmap", "segment_profiles_history", "check_results", "version_revisions"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("ALTER TABLE segment_profiles DROP COLUMN orders")
        erase(warehouse, SourceParams(), "x")
        select = "SELECT sum(customers), any_value(revision) FROM segment_profiles, version_revisions"
        rows = reading.query(warehouse.params.serving, select)[1]
        assert rows == [(5, 2)]
        assert serving.version_file(warehouse.params.serving, 1).stat().st_mode & 0o777 == 0o444


def test_every_client_since_1_0_can_read_a_revision(tmp_path: Path) -> None:
    with new_warehouse(tmp_path) as warehouse:
        publish.publish(warehouse, write_candidate(warehouse, DAYS[0], SNAPSHOTS[0]), NOW)
        erase(warehouse, SourceParams(), "x")
        file = serving.version_file(warehouse.params.serving, 1)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS published (READ_ONLY)")
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'published'").fetchall()
        assert tags[0][0]["storage_version"].startswith("v1.0.0")
        silent = "SELECT count(*) FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''"
        assert connection.execute(f"{silent} AND database_name = 'published'").fetchall() == [(0,)]


def test_a_lost_key_is_replaced_only_with_everybody_named(tmp_path: Path, source: SourceParams) -> None:
    deliver(tmp_path / "data", "a.csv", *USUAL)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        erase(warehouse, source, "17850", "14527")
        with pytest.raises(ErasureError, match="--new-key is not needed"):
            erasure.request(warehouse, source, ["17850", "14527"], "a test", NOW, new_key=True)
        erased.key_file(warehouse.params).unlink()
        with pytest.raises(ErasureKeyError, match="is missing"):
            erasure.to_request(warehouse, source, ["17850"])
        with pytest.raises(ErasureError, match="name all of them"):
            erasure.request(warehouse, source, ["17850"], "a test", NOW, new_key=True)
        erasure.request(warehouse, source, ["17850", "14527"], "a test", NOW, new_key=True)
        deliver(tmp_path / "data", "b.csv", *USUAL)
        take_in(warehouse, source)
        assert warehouse.value("SELECT erased_lines FROM landing.loads WHERE load_id = 2") == 3
