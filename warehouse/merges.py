"""Customers the shop has merged: its file of old and new ids, followed to the end of each chain.

Lines keep the customer they were delivered with; invoices, and all that is made of them, belong to the merged one. So a
row that is taken out of the file takes the merge back.
"""

from pathlib import Path

from warehouse import erased
from warehouse.errors import MergeError
from warehouse.params import SourceParams
from warehouse.parsing import whole_id_sql
from warehouse.store import Warehouse
from warehouse.text import literal
from warehouse.text_tables import read_texts
from warehouse.unreadable import UnreadableFileError

_COLUMNS = ("old", "new")
#: Doublings that follow any chain to its end.
_MOST_DOUBLINGS = 40


def prepare(warehouse: Warehouse, source: SourceParams) -> int:
    """Make the temporary tables `given_merges` (what the file says now) and `changed_merges` (whom that is new for).

    Returns how many delivered customer ids belong to another customer than before.

    Raises
    ------
    MergeError
        The file cannot be read, or merges a customer into itself, into two others or in a circle.
    """
    if source.merges:
        _read(warehouse, Path(source.merges), source)
        _refuse_faults(warehouse, source.merges)
        _follow_chains(warehouse, source.merges)
        pads = erased.pads(warehouse)
        if pads["inner_pad"]:
            warehouse.run("merges/without_erased", **pads)
    else:
        warehouse.run("merges/none")
    found = warehouse.run("merges/changed").fetchone()
    return int(found[0]) if found else 0


def apply(warehouse: Warehouse) -> None:
    """Put the prepared merges in force: `touched_invoices` then names invoices by the customers they belong to."""
    if warehouse.value("SELECT EXISTS (FROM given_merges) OR EXISTS (FROM sales.customer_merges)"):
        warehouse.run("merges/apply")


def _read(warehouse: Warehouse, path: Path, source: SourceParams) -> None:
    try:
        names = read_texts(warehouse, path, "handed_in", _COLUMNS)
    except UnreadableFileError as error:
        raise _unusable(path, str(error)) from error
    old, new = (_id_sql(f"c{names.index(column)}", source) for column in _COLUMNS)
    select = f"SELECT line, {old} AS customer_id, {new} AS merged_id FROM handed_in"
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE merge_lines AS {select}")


def _id_sql(column: str, source: SourceParams) -> str:
    """An id as landing reads it, so that both are the same customer."""
    missing = ", ".join(literal(text) for text in ("", *source.missing_values))
    return f"CASE WHEN trim({column}) NOT IN ({missing}) THEN {whole_id_sql(f'trim({column})')} END"


def _refuse_faults(warehouse: Warehouse, path: str) -> None:
    faults = warehouse.rows("merges/faults")
    if faults:
        raise _unusable(path, "\n".join(["", *(f"  line {fault['line']}: {fault['problem']}" for fault in faults)]))


def _follow_chains(warehouse: Warehouse, path: str) -> None:
    warehouse.run("merges/begin")
    for _ in range(_MOST_DOUBLINGS):
        left = warehouse.rows("merges/unfinished")[0]
        if not left["customers"]:
            return
        warehouse.run("merges/shorten")
    raise _unusable(path, f"it merges in a circle: {_circle(warehouse, left['example'])}")


def _circle(warehouse: Warehouse, start: str) -> str:
    walk = [start]
    while len(walk) < 2 or (walk[-1] != start and len(walk) < 8):
        walk.append(warehouse.value("SELECT merged_id FROM merge_pairs WHERE customer_id = $one", {"one": walk[-1]}))
    return " -> ".join([*walk, *(["..."] if walk[-1] != start else [])])


def _unusable(path: Path | str, problem: str) -> MergeError:
    return MergeError(
        f"The customers' merges cannot be used, [source] merges = {path}: {problem}. Nothing was changed."
    )
