"""A backup put back: the warehouse, its erasure key, published versions and what readers see.

Everything is copied beside its place and checked first. Then a note is written beside the warehouse, the copies take
their places, and the note goes. Killed before the note, nothing was changed; killed after it, every writer refuses
until the same restore is run again and finishes.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse import backup, serving
from warehouse.durable import fsync, write_whole
from warehouse.erased import key_file
from warehouse.errors import DiskFullError, WarehouseError
from warehouse.failures import explaining, explaining_files
from warehouse.migrating import check_ours
from warehouse.params import WarehouseParams
from warehouse.private_file import copy_name, options, restoring_note
from warehouse.rewriting import discard
from warehouse.store import Warehouse

_CONFIGURATION = "configuration/"


@dataclass(frozen=True)
class Backup:
    """A backup whose files are there, with their sums; `manifest` as `backup.back_up` wrote it."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def current(self) -> dict[str, Any] | None:
        """What its `current.json` says; None if nothing was published."""
        return serving.current_pointer(self.folder / "serving")

    @property
    def versions(self) -> list[Path]:
        """Folders of the published versions in it."""
        there = self.folder / "serving" / "versions"
        return sorted(serving.finished(there.parent).values()) if there.exists() else []


def check_backup(folder: Path) -> Backup:
    """Read a backup and hold every file to its sum; changes nothing.

    Raises
    ------
    WarehouseError
        It is no backup, or a file of it is missing or not what it was.
    """
    with explaining_files("The backup cannot be read", folder):
        try:
            manifest = json.loads((folder / backup.MANIFEST).read_text(encoding="utf-8"))
            files = {name: (file["bytes"], file["sha256"]) for name, file in manifest["files"].items()}
        except (FileNotFoundError, NotADirectoryError):
            raise WarehouseError(f"{folder} is no backup: it has no {backup.MANIFEST}. {_which(folder)}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise WarehouseError(f"{folder} is no backup: its {backup.MANIFEST} cannot be understood.") from error
        wrong = [name for name, told in files.items() if _sum(folder / name) != told]
    if wrong or backup.WAREHOUSE not in files:
        raise WarehouseError(
            f"The backup {folder} is damaged: {', '.join(wrong) or backup.WAREHOUSE} is missing or not what was backed "
            "up. Nothing was changed; take another one."
        )
    return Backup(folder, manifest)


def _which(folder: Path) -> str:
    """Backups go into folders of their own inside the one that was named when they were made."""
    inside = sorted(one.parent for one in folder.glob(f"*/{backup.MANIFEST}"))
    if not inside:
        return "Name a folder that `resegment backup` made."
    return f"Name a folder in it; the newest is {inside[-1]}."


def put_configuration(found: Backup, folder: Path) -> list[Path]:
    """Put the configuration of a backup into a folder, where no file of that name is; return what was written."""
    written = []
    for name in found.manifest["files"]:
        if not name.startswith(_CONFIGURATION):
            continue
        target = folder / name.removeprefix(_CONFIGURATION)
        with explaining_files("The configuration cannot be written", target):
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(found.folder / name, target)
                shutil.copymode(found.folder / name, target)
                written.append(target)
    return written


def restore(params: WarehouseParams, found: Backup, *, force: bool) -> None:
    """Put a backup in the place of what is there. Runs inside `warehouse.store.holding(..., restoring=True)`.

    Without `force` only where there is neither a warehouse nor a published version, or a restore was stopped. What is
    there goes for good; readers keep what they have open.

    Raises
    ------
    WarehouseError
        Something is there already, or the backup cannot be used. Nothing was changed.
    DiskFullError
        There is no room beside what is there. Nothing was changed.
    """
    note = restoring_note(params.path)
    if not force and not note.exists():
        _refuse_to_overwrite(params)
    _check_room(params, found)
    key = found.folder / backup.KEY
    with explaining_files("The backup cannot be put back", params.path):
        copy = copy_name(params.path)
        try:
            _copy(found.folder / backup.WAREHOUSE, copy, 0o600)
            _check_opens(params, copy)
            _stage_versions(params, found)
            write_whole(note, f"{found.folder.absolute()}\n".encode(), 0o600)
            fsync(note.parent)
            for staged in serving.unfinished(params.serving):
                serving.put_in_place(staged)
            if key.exists():
                write_whole(key_file(params), key.read_bytes(), 0o600)
            discard(params.path)  # with its write-ahead log, which would be played into the other file
            copy.replace(params.path)
            fsync(params.path.parent)
            _point(params, found)
            note.unlink()
            fsync(note.parent)
        finally:
            discard(copy)


def _refuse_to_overwrite(params: WarehouseParams) -> None:
    versions = params.serving / "versions"
    for there in (params.path, params.serving / "current", *sorted(versions.glob("[0-9]*"))):
        if there.exists() or there.is_symlink():
            raise WarehouseError(
                f"{there} is there already. Nothing was changed; restore elsewhere, or with --force to replace for "
                "good the warehouse and all that is published."
            )


def _check_room(params: WarehouseParams, found: Backup) -> None:
    sizes = {name: file["bytes"] for name, file in found.manifest["files"].items()}
    published = sum(size for name, size in sizes.items() if name.startswith("serving/"))
    needed = {params.path.parent: sizes[backup.WAREHOUSE], params.serving: published}
    places = [next(one for one in (folder, *folder.parents) if one.exists()) for folder in needed]
    if places[0].stat().st_dev == places[1].stat().st_dev:
        needed = {params.path.parent: sum(needed.values())}
    for place, (folder, size) in zip(places, needed.items(), strict=False):
        free = shutil.disk_usage(place).free
        if free < size:
            raise DiskFullError(
                f"There is no room for the backup: it needs {size:,} bytes, and {folder} has {free:,} free. Nothing "
                "was changed; free some space and run this again."
            )


def _check_opens(params: WarehouseParams, copy: Path) -> None:
    """It is whole, a warehouse of ours, and of a release that this one knows."""
    with explaining(copy, "opening"), duckdb.connect(copy, read_only=True, config=options(params)) as connection:
        check_ours(Warehouse(connection, params))


def _stage_versions(params: WarehouseParams, found: Backup) -> None:
    """Copy the versions that are not there as they are in the backup."""
    serving.prepare(params.serving)
    for left in serving.unfinished(params.serving):
        serving.remove(left)
    for folder in found.versions:
        target = serving.building_folder(params.serving, folder.name)
        if _sums(params.serving / "versions" / folder.name) == _sums(folder):
            continue
        target.mkdir()
        for file in sorted(folder.iterdir()):
            _copy(file, target / file.name, file.stat().st_mode & 0o777)
        target.chmod(0o555)
        fsync(target)


def _point(params: WarehouseParams, found: Backup) -> None:
    """Let readers see what they saw then; then other versions go, revisions of later erasures as well."""
    folder, current = params.serving, found.current
    kept = {one.name for one in found.versions}
    if current:
        facts = {name: value for name, value in current.items() if name not in ("version_id", "revision", "path")}
        serving.point_current(folder, current["version_id"], facts, (folder / current["path"]).parent)
    else:
        for one in (folder / "current", folder / "current.json"):
            one.unlink(missing_ok=True)
    for version in [*serving.finished(folder).values(), *serving.former_revisions(folder)]:
        if version.name not in kept:
            serving.remove(version)


def _copy(source: Path, target: Path, mode: int) -> None:
    """Copy a file to disk and hold the copy to the original."""
    discard(target)
    shutil.copyfile(source, target)
    target.chmod(mode)
    fsync(target)
    if _sum(target) != _sum(source):
        raise WarehouseError(
            f"{target} is not what was copied from {source}. Nothing was changed; look after the disk."
        )


def _sums(folder: Path) -> dict[str, tuple[int, str] | None]:
    return {file.name: _sum(file) for file in folder.iterdir()} if folder.exists() else {}


def _sum(path: Path) -> tuple[int, str] | None:
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
