"""Whatever is published, in any order of dates: history, movements and files are those of the snapshots that stand."""

import tempfile
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support_nights import new_warehouse
from support_versions import NOW, Snapshot, grouped, membership, movements, net_of, write_candidate

from warehouse import judging, publish, versions
from warehouse.store import Warehouse

DAYS = [date(2011, 1, 1) + timedelta(days=number) for number in (0, 7, 365, 366)]
CUSTOMERS = ["a", "b", "c"]
INVOICES = [
    ("a", DAYS[0], Decimal("1.0001")),
    ("a", DAYS[1], Decimal("-3")),
    ("b", DAYS[2], Decimal("10.5")),
    ("b", DAYS[3], Decimal("7")),
]
#: One customer who is elsewhere each time a date is published again.
AGAIN_AND_AGAIN = [
    (DAYS[day], {"a": key}, "published") for day, key in ((0, 1), (1, 2), (1, 3), (0, 2), (1, 1), (0, 1))
]
snapshots = st.dictionaries(st.sampled_from(CUSTOMERS), st.integers(1, 3))
ends = st.sampled_from(["published"] * 6 + ["held", "dropped"])


@settings(max_examples=40)
@example(AGAIN_AND_AGAIN)
@example([(DAYS[0], {}, "held"), (DAYS[0], {CUSTOMERS[0]: 1}, "held"), (DAYS[0], {CUSTOMERS[0]: 2}, "held")])
@given(st.lists(st.tuples(st.sampled_from(DAYS), snapshots, ends), min_size=2, max_size=7))
def test_history_is_that_of_the_published_snapshots(steps: list[tuple[date, Snapshot, str]]) -> None:
    published: dict[date, tuple[int, Snapshot]] = {}
    statuses: dict[int, str] = {}
    held: set[int] = set()
    held_for: dict[int, date] = {}
    with tempfile.TemporaryDirectory() as name, new_warehouse(Path(name)) as warehouse:
        insert_invoices(warehouse)
        for as_of, snapshot, end in steps:
            version_id = write_candidate(warehouse, as_of, snapshot)
            if end == "held":
                judging.hold(warehouse, version_id, [" because "])
                for earlier in [one for one, day in held_for.items() if day == as_of]:  # answered by this one
                    statuses[earlier] = "withdrawn"
                    held -= {earlier}
                    del held_for[earlier]
                statuses[version_id] = "held"
                held_for[version_id] = as_of
                held |= {version_id} if snapshot else set()
            elif end == "dropped":
                assert versions.drop_candidates(warehouse) == [version_id]
            else:
                became_current = publish.publish(warehouse, version_id, NOW)
                assert became_current == (as_of >= max(published, default=as_of))
                if as_of in published:
                    statuses[published[as_of][0]] = "superseded"
                published[as_of] = (version_id, snapshot)
                statuses[version_id] = "published"
            check_warehouse(warehouse, published, statuses, held)
            if end == "published":
                check_file(warehouse, published, as_of)


def check_warehouse(
    warehouse: Warehouse, published: dict[date, tuple[int, Snapshot]], statuses: dict[int, str], held: set[int]
) -> None:
    standing = {day: snapshot for day, (_, snapshot) in published.items()}
    assert stays(warehouse.select("FROM segments.membership")) == {
        customer: found for customer, found in membership(standing).items() if found
    }
    rows = {row["version_id"]: row for row in warehouse.select("FROM segments.versions")}
    assert {version_id: row["status"] for version_id, row in rows.items()} == statuses
    expected = movements(standing)
    stored = grouped(warehouse.select("FROM segments.movements"), "version_id")
    before = None
    for day in sorted(published):
        version_id, _ = published[day]
        moved = {
            row["customer_id"]: (row["from_segment_key"], row["to_segment_key"]) for row in stored.get(version_id, [])
        }
        assert moved == expected[day]
        assert len(moved) == len(stored.get(version_id, []))
        for row in stored.get(version_id, []):
            assert row["net_365_days"] == net_of(INVOICES, row["customer_id"], day)
        assert rows[version_id]["previous_version_id"] == before
        assert rows[version_id]["moved"] == (len(moved) if before else None)
        before = version_id
    kept = {row["version_id"] for row in warehouse.select("SELECT DISTINCT version_id FROM segments.assignments")}
    current, of_current = published[max(published)] if published else (None, {})
    assert kept == ({current} if of_current else set()) | held


def check_file(warehouse: Warehouse, published: dict[date, tuple[int, Snapshot]], as_of: date) -> None:
    """The file agrees with the warehouse as it is after the publication it was made for."""
    standing = {day: snapshot for day, (_, snapshot) in published.items()}
    version_id, snapshot = published[as_of]
    file = publish.version_file(warehouse.params.serving, version_id)
    with duckdb.connect(file, read_only=True) as connection:

        def rows(table: str) -> list[dict[str, Any]]:
            return warehouse.fetch_dicts(connection.execute(f"FROM {table}"))

        assert stays(rows("customer_segments_history")) == {
            customer: found for customer, found in membership(standing).items() if found
        }
        assert {row["customer_id"]: row["segment_key"] for row in rows("customer_segments")} == snapshot
        since = {
            customer: next(start for _, start, end in found if start <= as_of and (end is None or end > as_of))
            for customer, found in membership(standing).items()
            if customer in snapshot
        }
        assert {row["customer_id"]: row["segment_since"] for row in rows("customer_segments")} == since
        assert {row["customer_id"]: row["segment"] for row in rows("customer_segments")} == {
            customer: name_of(warehouse, version_id, key) for customer, key in snapshot.items()
        }
        columns = ("version_id", "as_of", "status", "moved", "previous_version_id", "customers", "not_segmented")
        stored = warehouse.select("FROM segments.versions ORDER BY version_id")
        assert [[row[column] for column in columns] for row in rows("segment_versions")] == [
            [row[column] for column in columns] for row in stored
        ]
        expected = Counter(
            (published[day][0], day, max((other for other in published if other < day), default=None), *move)
            for day, moves in movements(standing).items()
            for move in moves.values()
        )
        ends = ("version_id", "as_of", "previous_as_of", "from_segment_key", "to_segment_key")
        assert {tuple(row[end] for end in ends): row["customers"] for row in rows("segment_movements")} == expected
        assert sum(row["customers"] for row in rows("segment_profiles")) == len(snapshot)


def name_of(warehouse: Warehouse, version_id: int, key: int) -> str:
    return str(
        warehouse.value(
            "SELECT segment_name FROM models.clusters JOIN segments.versions USING (model_id) "
            "WHERE version_id = $version_id AND segment_key = $key",
            {"version_id": version_id, "key": key},
        )
    )


def stays(rows: list[dict[str, Any]]) -> dict[str, list[tuple[int, date, date | None]]]:
    """Intervals by customer, from the first; no two overlap if they equal an oracle's."""
    return {
        customer: sorted((row["segment_key"], row["valid_from"], row["valid_to"]) for row in of_customer)
        and [
            (row["segment_key"], row["valid_from"], row["valid_to"])
            for row in sorted(of_customer, key=lambda row: row["valid_from"])
        ]
        for customer, of_customer in grouped(rows, "customer_id").items()
    }


def insert_invoices(warehouse: Warehouse) -> None:
    for customer, day, net in INVOICES:
        warehouse.execute(
            "INSERT INTO sales.invoices VALUES ('shop', $customer, '1', $day, 'UK', 1, 1, 1, greatest($net, 0), "
            "least($net, 0))",
            {"customer": customer, "day": day, "net": net},
        )


def test_a_version_of_an_earlier_date_is_summed_up_as_it_was_published(tmp_path: Path) -> None:
    with new_warehouse(tmp_path) as warehouse:
        for day, snapshot in ((DAYS[1], {"a": 1}), (DAYS[0], {"a": 2, "b": 2})):
            version_id = write_candidate(warehouse, day, snapshot)
            publish.publish(warehouse, version_id, NOW)
        told = publish.summary(warehouse, version_id)
    assert {row["segment_key"]: row["customers"] for row in told["segments"] if row["customers"]} == {2: 2}
