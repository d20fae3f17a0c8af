"""A backup: one folder with what cannot be made again, consistent, with a manifest, there whole or not at all.

FOLDER/warehouse-20111210T030000Z/
    manifest.json           what this is, each file's size, SHA-256 and where it came from
    SHA256SUMS              the same sums for `sha256sum --check`
    warehouse.duckdb        the private warehouse, copied table by table and compared
    erasure-key             only if there is one
    configuration/          resegment.toml and the files it names, the customers' merges as well
    serving/                the version readers see, or every published one; `current` and current.json
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from warehouse import serving
from warehouse.durable import fsync
from warehouse.erased import key_file
from warehouse.errors import WarehouseError
from warehouse.failures import explaining, explaining_files
from warehouse.params import WarehouseParams
from warehouse.private_file import options
from warehouse.rewriting import copy_file

MANIFEST, WAREHOUSE, KEY = "manifest.json", "warehouse.duckdb", "erasure-key"
#: The record of this backup itself: restored, it would be taken for that of one that was killed.
_WITHOUT_ITSELF = {"ops.runs": "as_of IS NOT NULL OR status <> 'running'"}


def back_up(
    params: WarehouseParams, folder: Path, now: datetime, configuration: Mapping[str, Path], *, every_version: bool
) -> dict[str, Any]:
    """Make a backup in `folder`; return its manifest with its `path`. Runs inside `warehouse.store.holding`.

    `now` is UTC without a zone; `configuration` are the files to keep by their names in the backup.

    Raises
    ------
    DiskFullError
        There is no room; nothing is left of the backup.
    WarehouseError
        A file cannot be read or written, the warehouse is damaged, or there is a backup of this very second.
    """
    final = folder / f"{params.path.stem}-{now:%Y%m%dT%H%M%SZ}"
    building = folder / f".{final.name}.partial-{_owner(params)}"
    with explaining_files("The backup cannot be written", folder):
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f".*.partial-{_owner(params)}"):  # of a backup that was killed
            _remove(left)
        if final.exists():
            raise WarehouseError(f"{final} is there already; nothing was changed.")
        try:
            building.mkdir()
            manifest = _fill(params, building, now, configuration, every_version=every_version)
            building.rename(final)
            fsync(folder)
        except BaseException:
            _remove(building)
            raise
    return manifest | {"path": str(final)}


def _fill(
    params: WarehouseParams, building: Path, now: datetime, configuration: Mapping[str, Path], *, every_version: bool
) -> dict[str, Any]:
    copy_file(params, params.path, building / WAREHOUSE, _WITHOUT_ITSELF)
    facts = _facts(params, building / WAREHOUSE)
    linked = serving.linked_version(params.serving)
    origins = {WAREHOUSE: params.path}
    origins |= {f"configuration/{name}": path for name, path in configuration.items()}
    if key_file(params).exists():
        origins[KEY] = key_file(params)
    for row in facts["versions"]:
        file = serving.version_file(params.serving, row["version_id"])
        wanted = row["version_id"] == linked or (every_version and row["status"] == "published")
        row["included"] = wanted and file.exists()
        if row["included"]:
            origins |= {f"serving/{one.relative_to(params.serving)}": one for one in sorted(file.parent.iterdir())}
    if linked is not None and serving.current_pointer(params.serving):
        origins["serving/current.json"] = params.serving / "current.json"
    for name, path in origins.items():
        if name != WAREHOUSE:
            _copy(path, building / name)
    _copy_modes(params.serving, building / "serving")
    _copy_link(params.serving, building / "serving")
    manifest = {
        "resegment": version("resegment"),
        "created_at": now.isoformat(),
        **facts,
        "current": linked,
        "erasure_key": KEY in origins,
        "files": {name: _described(building / name, path) for name, path in origins.items()},
    }
    _write_text(building / MANIFEST, json.dumps(manifest, indent=2, default=str) + "\n")
    sums = "".join(f"{file['sha256']}  {name}\n" for name, file in manifest["files"].items())
    _write_text(building / "SHA256SUMS", sums)
    fsync(building)
    return manifest


def _facts(params: WarehouseParams, copy: Path) -> dict[str, Any]:
    with explaining(copy, "reading"), duckdb.connect(copy, read_only=True, config=options(params)) as connection:
        schema = connection.execute("SELECT max(version) FROM schema_migrations").fetchall()[0][0]
        revision = connection.execute("SELECT max(ledger_revision) FROM features.state").fetchall()[0][0]
        rows = connection.execute("SELECT version_id, as_of, status FROM segments.versions ORDER BY version_id")
        versions = [{"version_id": number, "as_of": day, "status": status} for number, day, status in rows.fetchall()]
    return {"schema": schema, "ledger_revision": revision, "versions": versions}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copystat(source, target)
    fsync(target)


def _copy_modes(source: Path, target: Path) -> None:
    """Published folders may be read by others; the backup as a whole may not, and restored they should be again."""
    for folder in sorted((one for one in target.rglob("*") if one.is_dir()), reverse=True):
        shutil.copymode(source / folder.relative_to(target), folder)
    if target.exists():
        shutil.copymode(source, target)


def _copy_link(source: Path, target: Path) -> None:
    if (source / "current").is_symlink() and target.exists():
        (target / "current").symlink_to(os.readlink(source / "current"), target_is_directory=True)  # noqa: PTH115


def _described(copy: Path, origin: Path) -> dict[str, Any]:
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": copy.stat().st_size, "sha256": digest, "restore_to": str(origin)}


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    fsync(path)


def _owner(params: WarehouseParams) -> str:
    """Tells the unfinished backups of this warehouse from those of others in the same folder."""
    return hashlib.sha256(str(params.path.absolute()).encode()).hexdigest()[:12]


def _remove(building: Path) -> None:
    for folder in [one for one in building.rglob("*") if one.is_dir() and not one.is_symlink()]:
        folder.chmod(0o700)
    shutil.rmtree(building, ignore_errors=True)
