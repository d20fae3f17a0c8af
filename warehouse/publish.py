"""Publication: each version is an immutable directory, and `current` is swapped to it in one step.

serving/versions/NNNNNN/segments.duckdb   built under a temporary name, fsynced, read-only, renamed
serving/current                           directory symlink, replaced atomically
serving/current.json                      the same for clients that cannot follow links
serving/status.json                       how the last run ended

A reader opens a file that never changes, so it blocks nobody and is blocked by nobody.
"""

import json
import os
import shutil
import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from warehouse import versions
from warehouse.store import ROOM, Warehouse
from warehouse.text import literal, quoted

_BUILDING = ".building-"
#: Every client since DuckDB 1.0 can read this format; the default of 2.0 is unreadable by the clients BI tools ship.
_STORAGE_VERSION = "v1.0.0"


def publish(warehouse: Warehouse, version_id: int, now: datetime) -> bool:
    """Publish a checked candidate; return whether it became `current`.

    Killed at any moment, readers have a whole version, and `reconcile` finishes or undoes the rest.
    """
    serving = warehouse.params.serving
    versions.prepare_history(warehouse, version_id)
    if not version_file(serving, version_id).exists():
        build(warehouse, version_id)
    return _make_visible(warehouse, version_id, now)


def build(warehouse: Warehouse, version_id: int) -> None:
    """Write the version's directory under a temporary name and rename it when it is whole and on disk."""
    folder = _folder(warehouse.params.serving, version_id)
    temporary = folder.with_name(_BUILDING + folder.name)
    temporary.mkdir(parents=True)
    for made in (temporary.parent, temporary.parent.parent):
        made.chmod(0o755)  # readers are other users, whatever the umask
    file = temporary / "segments.duckdb"
    _write_tables(warehouse, version_id, file)
    file.chmod(0o444)
    _fsync(file)
    temporary.chmod(0o555)
    _fsync(temporary)
    temporary.rename(folder)
    _fsync(folder.parent)


def reconcile(warehouse: Warehouse, now: datetime) -> list[str]:
    """Bring directories, link and rows into agreement after a run that was stopped; say what was done.

    A complete directory with a candidate row is published; a directory without a row, or half built, is deleted; a
    candidate without a directory is dropped.
    """
    done = []
    folder = warehouse.params.serving / "versions"
    known = {
        row["version_id"]: row["status"] for row in warehouse.select("SELECT version_id, status FROM segments.versions")
    }
    for entry in sorted(folder.iterdir()) if folder.exists() else []:
        if entry.name.startswith(_BUILDING) or int(entry.name) not in known:
            _remove(entry)
            done.append(f"removed the unfinished {entry.name}")
        elif known[int(entry.name)] == "candidate":
            publish(warehouse, int(entry.name), now)
            done.append(f"finished publishing version {int(entry.name)}")
    done += [f"dropped the unchecked version {number}" for number in versions.drop_candidates(warehouse)]
    return done


def summary(warehouse: Warehouse, version_id: int) -> dict[str, Any]:
    """A published version for a person: its row, where its file is, and its segments, the most valuable first."""
    row = versions.version(warehouse, version_id)
    shown = ("version_id", "as_of", "status", "customers", "not_segmented", "moved", "silhouette", "silhouette_sample")
    select = (ROOM / "queries" / "publish" / "segment_profiles.sql").read_text()
    segments = warehouse.select(select, {"version_id": version_id})
    model = warehouse.select("SELECT action FROM models.models WHERE model_id = $id", {"id": row["model_id"]})
    file = str(version_file(warehouse.params.serving, version_id))
    return {name: row[name] for name in shown} | {"file": file, "action": model[0]["action"], "segments": segments}


def write_status(serving: Path, status: dict[str, Any]) -> None:
    """Replace `serving/status.json`, which tells readers how the last run ended."""
    serving.mkdir(parents=True, exist_ok=True)
    _replace_text(serving / "status.json", json.dumps(status, indent=2, default=str) + "\n")


def version_file(serving: Path, version_id: int) -> Path:
    """Where the DuckDB file of a version is, once it is published."""
    return _folder(serving, version_id) / "segments.duckdb"


@cache
def contract() -> dict[str, dict[str, Any]]:
    """The public tables: comment and columns [name, type, meaning] of each."""
    return tomllib.loads((ROOM / "contract.toml").read_text())


def _make_visible(warehouse: Warehouse, version_id: int, now: datetime) -> bool:
    row = versions.version(warehouse, version_id)
    newer = versions.published_after(warehouse, row["as_of"])
    if newer is None:
        _swap_current(warehouse.params.serving, version_id, row, now)
    newest = warehouse.value("SELECT arg_max(version_id, as_of) FROM segments.versions WHERE status = 'published'")
    versions.commit_published(warehouse, version_id, version_id if newer is None else newest, now)
    return newer is None


def _swap_current(serving: Path, version_id: int, row: dict[str, Any], now: datetime) -> None:
    folder = _folder(serving, version_id)
    link = serving / ".current.next"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.relative_to(serving), target_is_directory=True)
    link.replace(serving / "current")
    pointer = {
        "version_id": version_id,
        "as_of": row["as_of"],
        "path": str(version_file(serving, version_id).relative_to(serving)),
        "published_at": now,
    }
    _replace_text(serving / "current.json", json.dumps(pointer, indent=2, default=str) + "\n")
    _fsync(serving)


def _write_tables(warehouse: Warehouse, version_id: int, file: Path) -> None:
    warehouse.execute(f"ATTACH {literal(str(file))} AS publication (STORAGE_VERSION '{_STORAGE_VERSION}')")
    try:
        with warehouse.transaction():
            for table, description in contract().items():
                _write_table(warehouse, table, description, version_id)
        warehouse.execute("CHECKPOINT publication")
    finally:
        warehouse.execute("DETACH publication")


def _write_table(warehouse: Warehouse, table: str, description: dict[str, Any], version_id: int) -> None:
    name = f"publication.main.{quoted(table)}"
    columns = description["columns"]
    warehouse.execute(f"CREATE TABLE {name} ({', '.join(f'{quoted(column)} {kind}' for column, kind, _ in columns)})")
    if table == "data_dictionary":
        warehouse.connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?)", _dictionary())
    else:
        select = (ROOM / "queries" / "publish" / f"{table}.sql").read_text()
        used = {"version_id": version_id} if "$version_id" in select else {}
        warehouse.execute(f"INSERT INTO {name} BY NAME {select}", used)
    warehouse.execute(f"COMMENT ON TABLE {name} IS {literal(description['comment'])}")
    for column, _, meaning in columns:
        warehouse.execute(f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(meaning)}")


def _dictionary() -> list[tuple[str, str | None, str | None, str]]:
    rows: list[tuple[str, str | None, str | None, str]] = []
    for table, description in contract().items():
        rows.append((table, None, None, description["comment"]))
        rows += [(table, column, kind, meaning) for column, kind, meaning in description["columns"]]
    return rows


def _folder(serving: Path, version_id: int) -> Path:
    return serving / "versions" / f"{version_id:06d}"


def _remove(folder: Path) -> None:
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _replace_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.next")
    with temporary.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(0o644)
    temporary.replace(path)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def current_pointer(serving: Path) -> dict[str, Any] | None:
    """What `serving/current.json` says, or None before the first publication."""
    file = serving / "current.json"
    return json.loads(file.read_text()) if file.exists() else None
