"""Whoever is erased between whichever nights, the warehouse equals its rebuild and the books balance ever after."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support_nights import KINDS, History, differing_rows, new_warehouse, played, source_of_history
from test_incremental_properties import histories

from warehouse import erasure
from warehouse.params import SourceParams
from warehouse.store import Warehouse

CUSTOMERS = st.lists(st.sampled_from(["7", "8", "9", "new"]), min_size=1, max_size=2, unique=True)


@settings(max_examples=12)
@given(histories(), st.dictionaries(st.integers(0, 5), CUSTOMERS, min_size=1, max_size=2))
def test_erased_between_any_nights(history: History, erasures: dict[int, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        erase_between(Path(name), history, erasures)


def erase_between(folder: Path, history: History, erasures: dict[int, list[str]]) -> None:
    source, gone = source_of_history(folder, history), set()
    with new_warehouse(folder) as warehouse:
        for one in played(warehouse, source, folder, history):
            if one.number in erasures:
                (folder / "ids.txt").write_text("\n".join(erasures[one.number]))
                customers = erasure.read_customers(warehouse, source, folder / "ids.txt")
                erasure.request(warehouse, source, customers, "a test", one.now)
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
