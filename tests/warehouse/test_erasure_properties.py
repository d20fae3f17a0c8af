"""Whoever is erased between whichever nights, the warehouse equals its rebuild and the books balance ever after."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support_nights import (
    BEGAN,
    FIRST_DAY,
    KINDS,
    History,
    differing_rows,
    new_warehouse,
    source_of,
    take_in,
    write_files,
    write_merges,
)
from support_oracle import Line
from test_incremental_properties import histories

from warehouse import erasure
from warehouse.params import SourceParams
from warehouse.store import Warehouse

CUSTOMERS = st.lists(st.sampled_from(["7", "8", "9", "new"]), min_size=1, max_size=2, unique=True)


@settings(max_examples=12)
@given(histories(), st.dictionaries(st.integers(0, 5), CUSTOMERS, min_size=1, max_size=2))
def test_erased_between_any_nights(history: History, erasures: dict[int, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        play(Path(name), history, erasures)


def play(folder: Path, history: History, erasures: dict[int, list[str]]) -> None:
    rules = {"append": history.append, "keep": history.keep, "by_id": history.by_id}
    source = source_of(folder / "files", **rules, merges=folder / "merges.csv")
    files: dict[str, tuple[Line, ...]] = {"first.csv": (Line(),)}
    as_of, gone = FIRST_DAY + timedelta(days=3), set()
    with new_warehouse(folder) as warehouse:
        for number, night in enumerate(history.nights):
            files |= night.files
            write_files(folder / "files", night.files if number else files)
            write_merges(folder / "merges.csv", night.merges)
            now, as_of = BEGAN + timedelta(days=number), as_of + timedelta(days=night.step)
            take_in(warehouse, source, as_of, now, night.window_days)
            if number in erasures:
                (folder / "ids.txt").write_text("\n".join(erasures[number]))
                customers = erasure.read_customers(warehouse, source, folder / "ids.txt")
                erasure.request(warehouse, source, customers, "a test", now)
                gone |= set(customers)
            assert differing_rows(warehouse, source) == {}
            assert kept_of(warehouse, source, gone) == {}
            assert unbalanced(warehouse) == []


def kept_of(warehouse: Warehouse, source: SourceParams, customers: set[str]) -> dict[str, int]:
    return erasure.rows_of(warehouse, source, sorted(customers)) if customers else {}


def unbalanced(warehouse: Warehouse) -> list[dict[str, object]]:
    sums = [
        f"delivered_{what} <> {' + '.join(f'{kind}_{what}' for kind in (*KINDS, 'erased'))}"
        for what in ("lines", "amount")
    ]
    return warehouse.select(f"FROM landing.loads WHERE status = 'accepted' AND ({' OR '.join(sums)})")
