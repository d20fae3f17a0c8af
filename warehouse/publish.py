"""Publication: each version is an immutable directory, and `current` is swapped to it in one step.

The order is: candidate committed, directory built and renamed, `current` swapped, version committed as published. A
reader opens a file that never changes, so it blocks nobody and is blocked by nobody.
"""

import tomllib
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from warehouse import reading, serving, versions
from warehouse.errors import ServingError, WarehouseError
from warehouse.serving import current_pointer, version_file, write_status
from warehouse.store import ROOM, Warehouse
from warehouse.text import literal, quoted

__all__ = ["build", "contract", "current_pointer", "publish", "reconcile", "summary", "version_file", "write_status"]

#: Every client since DuckDB 1.0 can read this format; the default of 2.0 is unreadable by the clients BI tools ship.
_STORAGE_VERSION = "v1.0.0"


def publish(warehouse: Warehouse, version_id: int, now: datetime) -> bool:
    """Publish a checked candidate; return whether it became `current`.

    Killed at any moment, readers have a whole version, and `reconcile` finishes or undoes the rest.
    """
    versions.prepare_history(warehouse, version_id)
    if not version_file(warehouse.params.serving, version_id).exists():
        build(warehouse, version_id)
    return _make_visible(warehouse, version_id, now)


def build(warehouse: Warehouse, version_id: int) -> None:
    """Write the version's directory under a temporary name and rename it when it is whole and on disk."""
    serving.make_version(warehouse.params.serving, version_id, lambda file: _write_tables(warehouse, version_id, file))


def reconcile(warehouse: Warehouse, now: datetime) -> list[str]:
    """Bring directories, link and rows into agreement after a run that was stopped; say what was done.

    A complete directory with a candidate row is published; a directory without a row, or half built, is deleted; a
    candidate without a directory is dropped.

    Raises
    ------
    ServingError
        The folder cannot be written, or `current` shows a version this warehouse never made; nothing is deleted then.
    """
    folder = warehouse.params.serving
    serving.prepare(folder)
    known = {
        row["version_id"]: row["status"] for row in warehouse.select("SELECT version_id, status FROM segments.versions")
    }
    _refuse_foreign(folder, known)
    done = []
    for left in serving.unfinished(folder):
        serving.remove(left)
        done.append(f"removed the unfinished {left.name}")
    for version_id, found in serving.finished(folder).items():
        done += _settle(warehouse, version_id, found, known.get(version_id), now)
    done += [f"dropped the unchecked version {number}" for number in versions.drop_candidates(warehouse)]
    return done + point_current(warehouse)


def summary(warehouse: Warehouse, version_id: int) -> dict[str, Any]:
    """A published version for a person: its row, where its file is, and its segments, the most valuable first."""
    row = versions.version(warehouse, version_id)
    shown = ("version_id", "as_of", "status", "customers", "not_segmented", "moved", "silhouette", "silhouette_sample")
    file = version_file(warehouse.params.serving, version_id)
    names, rows = reading.query_file(file, "FROM segment_profiles ORDER BY revenue DESC, segment_key")
    segments = [dict(zip(names, values, strict=True)) for values in rows]
    model = warehouse.select("SELECT action FROM models.models WHERE model_id = $id", {"id": row["model_id"]})
    facts = {"file": str(file), "action": model[0]["action"], "segments": segments}
    return {name: row[name] for name in shown} | facts


def point_current(warehouse: Warehouse) -> list[str]:
    """Let `current` show the version it should: the pinned one, else the published one with the greatest date."""
    folder = warehouse.params.serving
    should = versions.current(warehouse)
    if should is None or serving.linked_version(folder) == should["version_id"]:
        return []
    if not version_file(folder, should["version_id"]).exists():
        return []
    facts = {"as_of": should["as_of"], "published_at": should["published_at"]}
    serving.point_current(folder, should["version_id"], facts)
    return [f"pointed current at version {should['version_id']}"]


@cache
def contract() -> dict[str, dict[str, Any]]:
    """The public tables: comment and columns [name, type, meaning] of each."""
    return tomllib.loads((ROOM / "contract.toml").read_text())


def _refuse_foreign(folder: Path, known: dict[int, str]) -> None:
    """A new or restored warehouse must not take away what readers of another one look at."""
    linked = serving.linked_version(folder)
    if linked is not None and linked not in known and version_file(folder, linked).exists():
        raise ServingError(
            f"{folder / 'current'} shows version {linked}, which this warehouse never made: the folder belongs to "
            "another warehouse, or this one was restored from an older copy. Nothing was changed. Set [warehouse] "
            "serving to another folder; or remove that link to have the versions this warehouse does not know deleted."
        )


def _settle(warehouse: Warehouse, version_id: int, found: Path, status: str | None, now: datetime) -> list[str]:
    if status is None:
        serving.remove(found)
        return [f"removed {found.name}, which no version belongs to"]
    done = [f"removed {stray} beside version {version_id}" for stray in serving.tidy(found)]
    if status == "candidate" and version_file(warehouse.params.serving, version_id).exists():
        publish(warehouse, version_id, now)
        done.append(f"finished publishing version {version_id}")
    elif status == "candidate":
        serving.remove(found)
    elif status == "held":  # a promotion was stopped; the link tells whether readers have it already
        done += _settle_held(warehouse, version_id, found, now)
    return done


def _settle_held(warehouse: Warehouse, version_id: int, found: Path, now: datetime) -> list[str]:
    if serving.linked_version(warehouse.params.serving) == version_id:
        publish(warehouse, version_id, now)
        return [f"finished promoting version {version_id}"]
    serving.remove(found)
    return [f"version {version_id} is still held: its promotion was stopped; run it again"]


def _make_visible(warehouse: Warehouse, version_id: int, now: datetime) -> bool:
    row = versions.version(warehouse, version_id)
    newer = versions.published_after(warehouse, row["as_of"])
    visible = newer is None and versions.pinned(warehouse) is None
    if visible:
        facts = {"as_of": row["as_of"], "published_at": now}
        serving.point_current(warehouse.params.serving, version_id, facts)
    newest = warehouse.value("SELECT arg_max(version_id, as_of) FROM segments.versions WHERE status = 'published'")
    versions.commit_published(warehouse, version_id, version_id if newer is None else newest, now)
    return visible


def _write_tables(warehouse: Warehouse, version_id: int, file: Path) -> None:
    parameters = _parameters(warehouse, version_id)
    warehouse.run("sales/prepare_totals", **parameters)
    warehouse.execute(f"ATTACH {literal(str(file))} AS publication (STORAGE_VERSION '{_STORAGE_VERSION}')")
    try:
        with warehouse.transaction():
            for table, description in contract().items():
                if "view" not in description:
                    _write_table(warehouse, table, description, parameters)
            _write_views(warehouse, version_id)
        warehouse.execute("CHECKPOINT publication")
    except BaseException:
        with suppress(WarehouseError):  # what went wrong before is what counts
            warehouse.execute("DETACH publication")
        raise
    warehouse.execute("DETACH publication")


def _write_table(warehouse: Warehouse, table: str, description: dict[str, Any], parameters: dict[str, Any]) -> None:
    name = f"publication.main.{quoted(table)}"
    columns = description["columns"]
    warehouse.execute(f"CREATE TABLE {name} ({', '.join(f'{quoted(column)} {kind}' for column, kind, _ in columns)})")
    if table == "data_dictionary":
        warehouse.insert_rows(name, _dictionary())
    else:
        select = (ROOM / "queries" / "publish" / f"{table}.sql").read_text()
        used = {parameter: value for parameter, value in parameters.items() if f"${parameter}" in select}
        warehouse.execute(f"INSERT INTO {name} BY NAME {select}", used)
    warehouse.execute(f"COMMENT ON TABLE {name} IS {literal(description['comment'])}")
    for column, _, meaning in columns:
        warehouse.execute(f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(meaning)}")


def _parameters(warehouse: Warehouse, version_id: int) -> dict[str, Any]:
    tables = warehouse.params.tables
    return {
        "version_id": version_id,
        "as_of": versions.version(warehouse, version_id)["as_of"],
        "service_products": list(tables.service_products),
        "top_products": tables.top_products,
        "min_buyers": tables.affinity_min_buyers,
        "smoothing": tables.affinity_smoothing,
    }


def _write_views(warehouse: Warehouse, version_id: int) -> None:
    """Views name no catalogue, so that the file may have any name; words for the reason codes come from the model."""
    words = warehouse.value(
        "SELECT reason_words_sql FROM models.models JOIN segments.versions USING (model_id) WHERE version_id = $id",
        {"id": version_id},
    )
    home = warehouse.value("SELECT current_database()")
    warehouse.execute("USE publication.main")
    try:
        for name, description in contract().items():
            if "view" in description:
                warehouse.execute(f"CREATE VIEW {quoted(name)} AS {description['view'].replace('{words}', words)}")
                warehouse.execute(f"COMMENT ON VIEW {quoted(name)} IS {literal(description['comment'])}")
    finally:
        warehouse.execute(f"USE {quoted(home)}.main")


def _dictionary() -> list[tuple[str, str | None, str | None, str]]:
    rows: list[tuple[str, str | None, str | None, str]] = []
    for table, description in contract().items():
        rows.append((table, None, None, description["comment"]))
        rows += [(table, column, kind, meaning) for column, kind, meaning in description["columns"]]
    return rows
