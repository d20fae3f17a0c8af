"""Customers the shop has merged: its file of old and new ids, followed to the end of each chain.

Lines keep the customer they were delivered with; invoices, and all that is made of them, belong to the merged one. So a
row that is taken out of the file takes the merge back.
"""

import csv
import glob
import re
from collections.abc import Callable
from pathlib import Path

import duckdb

from warehouse.errors import MergeError, WarehouseError
from warehouse.params import SourceParams
from warehouse.parsing import whole_id_sql
from warehouse.store import Warehouse
from warehouse.text import literal

_DELIMITERS = (",", ";", "\t")
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
    else:
        warehouse.run("merges/none")
    found = warehouse.run("merges/changed").fetchone()
    return int(found[0]) if found else 0


def apply(warehouse: Warehouse) -> None:
    """Put the prepared merges in force: `touched_invoices` then names invoices by the customers they belong to."""
    warehouse.run("merges/apply")


def _read(warehouse: Warehouse, path: Path, source: SourceParams) -> None:
    names, delimiter = _header(path)
    old, new = (names.index(name) for name in _COLUMNS)
    types = ", ".join(f"c{number}: 'VARCHAR'" for number in range(len(names)))
    relation = (
        f"read_csv([$file], columns = {{{types}}}, auto_detect = false, header = true, delim = {literal(delimiter)}, "
        "quote = '\"', escape = '\"', strict_mode = true)"
    )
    id_sql = _id_sql(source)
    select = f"SELECT row_number() OVER () + 1 AS line, {id_sql(old)} AS customer_id, {id_sql(new)} AS merged_id"
    try:
        warehouse.execute(
            f"CREATE OR REPLACE TEMP TABLE merge_lines AS {select} FROM {relation}", {"file": glob.escape(str(path))}
        )
    except WarehouseError as error:
        if not isinstance(
            error.__cause__, duckdb.InvalidInputException | duckdb.IOException | duckdb.ConversionException
        ):
            raise
        line = re.search(r"CSV Error on Line: (\d+)", str(error.__cause__))
        problem = f"line {line[1]} has too few or too many columns, or a stray quote" if line else "it is no CSV text"
        raise _unusable(path, problem) from error


def _header(path: Path) -> tuple[list[str], str]:
    """Names of the columns, in small letters, and what separates them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except FileNotFoundError:
        raise _unusable(path, "there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"it cannot be read: {error}") from error
    for delimiter in _DELIMITERS:
        names = [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter), [])]
        if all(names.count(column) == 1 for column in _COLUMNS):
            return names, delimiter
    raise _unusable(path, "its first line must name the columns old and new, as `old,new`")


def _id_sql(source: SourceParams) -> Callable[[int], str]:
    """An id as landing reads it, so that both are the same customer."""
    missing = ", ".join(literal(text) for text in ("", *source.missing_values))

    def of_column(number: int) -> str:
        return f"CASE WHEN trim(c{number}) NOT IN ({missing}) THEN {whole_id_sql(f'trim(c{number})')} END"

    return of_column


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
