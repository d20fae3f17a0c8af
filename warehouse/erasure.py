"""Erasure of customers: out of every table at once, then out of every file that still holds their bytes.

1. `request` is one transaction. After it no table of the warehouse holds a row of theirs, their keyed hashes keep them
   out of later deliveries, and `erasure.pending` says whose bytes are still in files.
2. `revise_versions` writes each published version again without them, the one readers see first, one at a time.
3. `finish`, once the warehouse is closed, puts a copy of its file in its place that has nothing of them: no
   deleted rows, no `erasure.pending`. That replacement ends the erasure.

Killed anywhere, each file is whole, with the customers or without; the same command goes on from there.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse import erased, landing, publish, published_file, reading, revising, rewriting, serving
from warehouse.errors import ErasureError
from warehouse.params import Duplicates, SourceParams, WarehouseParams
from warehouse.private_file import looks_like_duckdb
from warehouse.store import Warehouse
from warehouse.text import quoted

Progress = Callable[[int, int], None]
#: The rows of landing and the tables that follow from them go by the steps of landing; these hold what is to be erased.
_OWN_SCHEMA = "erasure"
_REMOVED = "(removed: it told of an erased customer)"


def read_customers(warehouse: Warehouse, source: SourceParams, file: Path) -> list[str]:
    """Ids in a file, one a line or in the column `customer_id` of a CSV file, written as landing writes them.

    A customer the shop has merged is one person: whichever id is named, all come.

    Raises
    ------
    ErasureError
        The file cannot be read or holds no id.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            texts = list(_ids(opened.read()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        raise ErasureError(f"{file} cannot be read: {reason}. Give a text file with one customer id a line.") from error
    found = warehouse.select(
        "SELECT DISTINCT erasure.id_of(text) AS id FROM (SELECT unnest(CAST($texts AS VARCHAR[])) AS text) "
        "WHERE trim(text) <> '' AND NOT list_contains($missing, trim(text)) ORDER BY 1",
        {"texts": texts, "missing": list(source.missing_values)},
    )
    if not found:
        raise ErasureError(f"{file} holds no customer id. Give one a line, or a CSV file with a column customer_id.")
    return [row["customer_id"] for row in warehouse.rows("erasure/identities", customers=[row["id"] for row in found])]


def pending(warehouse: Warehouse) -> list[str]:
    """Customers of an erasure that was stopped: out of the tables already, but not out of every file."""
    return [
        row["customer_id"] for row in warehouse.select("SELECT DISTINCT customer_id FROM erasure.pending ORDER BY 1")
    ]


def to_request(warehouse: Warehouse, source: SourceParams, customers: Sequence[str]) -> list[str]:
    """Those of `customers` who are not erased yet: no hash of theirs is kept, or there is still a row of them.

    Raises
    ------
    ErasureKeyError
        Customers were erased before, and their key is missing.
    """
    pads = erased.pads(warehouse)
    if pads["inner_pad"] is None:
        return list(customers)
    found = warehouse.select(
        "SELECT id FROM (SELECT unnest(CAST($ids AS VARCHAR[])) AS id) "
        "WHERE NOT erasure.is_erased(id, $inner_pad, $outer_pad) ORDER BY id",
        {"ids": list(customers), **pads},
    )
    fresh = [row["id"] for row in found]
    known = sorted(set(customers) - {*fresh, *pending(warehouse)})
    left = known and (rows_of(warehouse, source, known) or rows_of_versions(warehouse, known))
    return sorted([*fresh, *known]) if left else fresh


def rows_of(warehouse: Warehouse, source: SourceParams, customers: Sequence[str]) -> dict[str, int]:
    """Rows that would go from each table of the warehouse; tables without any are left out."""
    _remember(warehouse, customers)
    _find_lines(warehouse, source)
    counts = {
        table: int(warehouse.value(f"SELECT count(*) FROM {table} WHERE customer_id IN (FROM gone)"))
        for table in _tables_of_customers(warehouse)
    }
    counts["sales.transaction_lines"] = int(warehouse.value("SELECT count(*) FROM gone_lines"))
    counts["landing.quarantine"] = int(warehouse.value("SELECT count(*) FROM gone_quarantine"))
    return {table: rows for table, rows in sorted(counts.items()) if rows}


def unknown(warehouse: Warehouse, source: SourceParams, customers: Sequence[str]) -> list[str]:
    """Those of `customers` of whom the warehouse has no row: mistyped ids, or lines that have not come yet."""
    _remember(warehouse, customers)
    _find_lines(warehouse, source)
    tables = ["quarantined_ids", *_tables_of_customers(warehouse)]
    known = " UNION ALL ".join(f"SELECT customer_id FROM {table}" for table in tables)
    merged = "SELECT merged_id FROM sales.customer_merges"
    found = warehouse.select(
        f"SELECT customer_id FROM gone ANTI JOIN ({known} UNION ALL {merged}) USING (customer_id) ORDER BY 1"
    )
    return [row["customer_id"] for row in found]


def rows_of_versions(warehouse: Warehouse, customers: Sequence[str]) -> dict[int, dict[str, int]]:
    """Rows that would go from each table of each published version; versions without any are left out.

    After `rows_of` for the same customers, or for pending ones.
    """
    files, texts = _version_files(warehouse.params.serving), _texts(warehouse)
    found = {number: revising.rows_of(file, customers, texts) for number, file in files.items()}
    return {number: rows for number, rows in found.items() if rows}


def request(
    warehouse: Warehouse,
    source: SourceParams,
    customers: Sequence[str],
    by: str,
    now: datetime,
    *,
    new_key: bool = False,
) -> dict[str, int]:
    """Take customers out of all tables, for good, in one transaction; return the rows that went, by table.

    `by` says who asked; `now` is UTC without a zone; `new_key` replaces a key that is lost (`erased.replace_key`).
    """
    landing.discard_staged(warehouse)
    pads = {} if new_key else erased.make_key(warehouse)
    with warehouse.transaction():
        if new_key:
            pads = erased.replace_key(warehouse, len(customers))
        removed = rows_of(warehouse, source, customers)
        warehouse.run("erasure/count_members")
        warehouse.run("erasure/remove_lines")
        warehouse.run("landing/judge_duplicates", keep=source.duplicates is Duplicates.KEEP)
        landing.rebuild_touched(warehouse)
        for table in _tables_of_customers(warehouse):
            warehouse.execute(f"DELETE FROM {table} WHERE customer_id IN (FROM gone)")
        warehouse.run("erasure/count_erased")
        warehouse.run("erasure/redact")
        warehouse.run("erasure/insert_request", by=by, now=now, removed=json.dumps(removed), **pads)
    return removed


def revise_versions(warehouse: Warehouse, now: datetime, progress: Progress) -> dict[int, dict[str, int]]:
    """Write every published version again that still holds pending customers; return the rows that went from each.

    The version readers see comes first; its former revision goes last, so that who is just opening it finds it.
    """
    params, customers = warehouse.params, pending(warehouse)
    found = rows_of_versions(warehouse, customers) if customers else {}
    shown = serving.linked_version(params.serving) if found else None
    former = None
    for done, version_id in enumerate(sorted(found, key=lambda number: (number != shown, -number))):
        progress(done, len(found))
        folder = serving.version_folder(params.serving, version_id)
        _revise(warehouse, version_id, customers, found[version_id], now)
        if version_id == shown:
            former = folder
            publish.point_current(warehouse)
        else:
            serving.remove(folder)
    if former:
        serving.remove(former)
    _mend_status(params.serving, [*customers, *_texts(warehouse)])
    progress(len(found), len(found))
    return found


def close(warehouse: Warehouse, now: datetime) -> None:
    """Note that only the warehouse's own file is left to be replaced."""
    warehouse.execute(
        "UPDATE erasure.requests SET finished_at = $now WHERE erasure_id IN (SELECT erasure_id FROM erasure.pending)",
        {"now": now},
    )


def finish(params: WarehouseParams) -> rewriting.Copied:
    """Replace the warehouse's file, closed by now, by a copy that holds nothing of the customers; ends the erasure."""
    keep = {"erasure.pending": "false", "erasure.pending_movements": "false", "erasure.pending_texts": "false"}
    return rewriting.rewrite_file(params, params.path, keep)


def history(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every request with what was removed; no id is kept."""
    return [row | {"rows_removed": json.loads(row["rows_removed"])} for row in warehouse.rows("erasure/history")]


def copies_left(params: WarehouseParams) -> list[Path]:
    """Other DuckDB files beside the warehouse, as copies made before an upgrade: only a person can erase there."""
    files = [path for path in sorted(params.path.parent.iterdir()) if path.is_file() and path != params.path]
    return [path for path in files if looks_like_duckdb(path)]


def _ids(text: str) -> Iterator[str]:
    rows = csv.reader(text.splitlines())
    head = next(rows, [])
    names = [name.strip() for name in head]
    if "customer_id" in names:
        place = names.index("customer_id")
        yield from (row[place] for row in rows if len(row) > place)
    else:
        yield from (line.strip().strip('"') for line in text.splitlines())


def _remember(warehouse: Warehouse, customers: Sequence[str]) -> None:
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE gone AS SELECT unnest(CAST($ids AS VARCHAR[])) AS customer_id",
        {"ids": list(customers)},
    )


def _find_lines(warehouse: Warehouse, source: SourceParams) -> None:
    theirs = source.columns.customer_id
    column = f'$."{theirs}"'.replace("\\", "\\\\") if theirs else None
    warehouse.run("erasure/find_lines", customer_column=column, delimiter=source.delimiter, quote=source.quote)


def _tables_of_customers(warehouse: Warehouse) -> list[str]:
    found = warehouse.select(
        "SELECT t.schema_name, t.table_name FROM duckdb_tables() AS t "
        "JOIN duckdb_columns() AS c USING (database_name, schema_name, table_name) "
        "WHERE c.column_name = 'customer_id' AND t.database_name = current_database() AND NOT t.temporary "
        "AND t.schema_name <> $own ORDER BY ALL",
        {"own": _OWN_SCHEMA},
    )
    return [f"{quoted(row['schema_name'])}.{quoted(row['table_name'])}".replace('"', "") for row in found]


def _texts(warehouse: Warehouse) -> list[str]:
    """Of pending customers, and of those just looked up."""
    looked_up = "FROM duckdb_tables() WHERE table_name = 'gone_texts' AND temporary"
    also = "UNION FROM gone_texts" if warehouse.value(f"SELECT count(*) {looked_up}") else ""
    return [row["text"] for row in warehouse.select(f"SELECT text FROM erasure.pending_texts {also} ORDER BY 1")]


def _version_files(folder: Path) -> dict[int, Path]:
    if not (folder / "versions").exists():
        return {}
    files = {number: serving.version_file(folder, number) for number in serving.finished(folder)}
    return {number: file for number, file in files.items() if file.exists()}


def _revise(
    warehouse: Warehouse, version_id: int, customers: Sequence[str], rows: dict[str, int], now: datetime
) -> None:
    params = warehouse.params
    former = serving.version_file(params.serving, version_id)
    revision = revising.Revision(
        version_id=version_id,
        revision=serving.revision_of(former.parent) + 1,
        revised_at=now,
        reason=f"erasure of customers; {rows.get('customer_segments', 0)} of them were in this version",
        customers=customers,
        texts=_texts(warehouse),
        movements=warehouse.execute(
            "SELECT version_id, customer_id, net_365_days FROM erasure.pending_movements"
        ).fetchall(),
    )
    record = {"version": version_id, "revision": revision.revision, "now": now, "rows": json.dumps(rows)}
    warehouse.run("erasure/insert_revision", **record)
    serving.revise_version(
        params.serving, version_id, revision.revision,
        lambda target: revising.write_revision(params, former, target, revision, published_file.STORAGE_VERSION),
    )  # fmt: skip


def _mend_status(folder: Path, texts: Sequence[str]) -> None:
    """The last run's own record tells of no erased customer, and what is current is what it is now."""
    status = reading.status(folder)
    if not status:
        return
    redacted = _redacted(status, [re.compile(rf"(?<![0-9A-Za-z]){re.escape(one)}(?![0-9A-Za-z])") for one in texts])
    serving.write_status(folder, redacted | {"current": serving.current_pointer(folder)})


def _redacted(value: Any, names: list[re.Pattern[str]]) -> Any:
    if isinstance(value, dict):
        return {key: _redacted(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_redacted(one, names) for one in value]
    is_text = isinstance(value, str) and not re.fullmatch(r"[-+0-9.,:%TZ ]*", value)
    return _REMOVED if is_text and any(name.search(value) for name in names) else value
