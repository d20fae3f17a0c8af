"""The folder readers look at: version folders, the link `current`, and two small JSON files.

serving/versions/NNNNNN/segments.duckdb   built under a temporary name, fsynced, read-only, renamed
serving/versions/NNNNNN.r2/...            the same version written again without customers who were erased, in its place
serving/current                           directory symlink, replaced atomically
serving/current.json                      the same for clients that cannot follow links
serving/status.json                       how the last run ended

Whatever the umask, what is made here may be read by other users; folders that are there already keep their modes.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from warehouse.durable import fsync, make_folder, temporary_name, write_whole
from warehouse.errors import ServingError
from warehouse.failures import explaining_files

_BUILDING = ".building-"
_FILE = "segments.duckdb"
_REPORT = "report.html"
_FOLDER = re.compile(r"(\d{6,9})(?:\.r(\d{1,6}))?", re.ASCII)


def version_folder(serving: Path, version_id: int) -> Path:
    """Where a version is, once it is published, in its newest revision."""
    return max(_revisions(serving, version_id), key=revision_of, default=_first_folder(serving, version_id))


def number_of(folder: Path) -> int:
    """Number of the version whose folder this is."""
    number = _number(folder)
    if number is None:
        raise ValueError(f"{folder} is no version's folder")
    return number


def revision_of(folder: Path) -> int:
    """1 for a version as it was published, 2 and more for one that was written again."""
    found = _FOLDER.fullmatch(folder.name)
    return int(found[2]) if found and found[2] else 1


def version_file(serving: Path, version_id: int) -> Path:
    """Where the DuckDB file of a version is, once it is published."""
    return version_folder(serving, version_id) / _FILE


def report_file(serving: Path, version_id: int) -> Path:
    """Where the report of a version is, once one was written."""
    return version_folder(serving, version_id) / _REPORT


def linked_version(serving: Path) -> int | None:
    """Number of the version `current` points at; None if there is no link, or not to a version."""
    link = serving / "current"
    return _number(Path(os.readlink(link))) if link.is_symlink() else None  # noqa: PTH115 - Path resolves nothing less


def current_pointer(serving: Path) -> dict[str, Any] | None:
    """What `serving/current.json` says, or None before the first publication; raises ServingError if it is damaged."""
    file = serving / "current.json"
    try:
        return dict(json.loads(file.read_text())) if file.exists() else None
    except (ValueError, TypeError) as error:
        raise ServingError(f"{file} is damaged. Remove it; the next `resegment nightly` writes it anew.") from error


def prepare(serving: Path) -> None:
    """Make the folders of a first publication; raise ServingError if nothing can be written there."""
    with _changing(serving):
        for folder in (serving, serving / "versions"):
            make_folder(folder)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise ServingError(f"The published versions cannot be written: no right to write in {folder}.")


def make_version(serving: Path, version_id: int, write: Callable[[Path], None]) -> None:
    """Let `write` make a version's file under a temporary name; the folder appears when it is whole and on disk."""
    _make(serving, _first_folder(serving, version_id), write)


def revise_version(serving: Path, version_id: int, revision: int, write: Callable[[Path], None]) -> None:
    """Like `make_version` for a further revision of a version; the former one stays until it is removed."""
    folder = _first_folder(serving, version_id)
    _make(serving, folder.with_name(f"{folder.name}.r{revision}"), write)


def former_revisions(serving: Path) -> list[Path]:
    """Folders of versions that have a newer revision."""
    newest = finished(serving)
    return [entry for number, entry in _entries(serving) if entry != newest[number]]


def _make(serving: Path, folder: Path, write: Callable[[Path], None]) -> None:
    temporary = building_folder(serving, folder.name)
    with _changing(serving):
        prepare(serving)
        remove(temporary)
        temporary.mkdir()
        try:
            _fill(temporary, write)
            remove(folder)  # of readers' interest only if it had its file
            temporary.rename(folder)
            fsync(folder.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def shows(serving: Path, version_id: int) -> bool:
    """Whether link and pointer both lead to the newest revision of a version."""
    link, pointer = serving / "current", current_pointer(serving) or {}
    return link.is_symlink() and (str(link.readlink()), pointer.get("path")) == _target(serving, version_id)


def point_current(serving: Path, version_id: int, facts: dict[str, Any], revision: Path | None = None) -> None:
    """Swap `current` to a version, and `current.json` with it; `facts` go into that file.

    `revision` is the folder of the version to show, if it is not the newest.
    """
    folder, path = _target(serving, version_id, revision)
    link = serving / ".current.next"
    pointer = {"version_id": version_id, "revision": revision_of(Path(folder)), "path": path} | facts
    with _changing(serving):
        link.unlink(missing_ok=True)
        link.symlink_to(folder, target_is_directory=True)
        link.replace(serving / "current")
        replace_text(serving / "current.json", json.dumps(pointer, indent=2, default=str) + "\n")
        fsync(serving)


def write_status(serving: Path, status: dict[str, Any]) -> None:
    """Replace `serving/status.json`, which tells readers how the last run ended."""
    with _changing(serving):
        make_folder(serving)
        replace_text(serving / "status.json", json.dumps(status, indent=2, default=str) + "\n")


def put_report(serving: Path, version_id: int, text: str) -> Path:
    """Put the report beside a published version's file; readers see the one before or this one, never a part."""
    file = report_file(serving, version_id)
    with _changing(serving), _opened_for_change(file.parent):
        replace_text(file, text)
    return file


def replace_text(path: Path, text: str) -> None:
    """Write a file that everybody may read under a temporary name, to disk, and rename it."""
    write_whole(path, text.encode(), 0o644)


def unfinished(serving: Path) -> list[Path]:
    """Folders of versions that were being built when a run was stopped."""
    return sorted((serving / "versions").glob(f"{_BUILDING}*"))


def building_folder(serving: Path, name: str) -> Path:
    """Where the folder `name` of a version is filled before it is renamed."""
    return serving / "versions" / f"{_BUILDING}{name}"


def put_in_place(building: Path) -> None:
    """Rename a filled folder to its version's; what was there goes after that."""
    place = building.with_name(building.name.removeprefix(_BUILDING))
    former = building.with_name(f"{_BUILDING}former")
    with _changing(building.parent.parent):
        _delete(former)
        if place.exists():
            place.rename(former)
        building.rename(place)
        fsync(place.parent)
        _delete(former)


def finished(serving: Path) -> dict[int, Path]:
    """Folders of versions in their newest revision, by the version's number."""
    return dict(sorted(_entries(serving), key=lambda one: (one[0], revision_of(one[1]))))


def tidy(folder: Path) -> list[str]:
    """Remove from a version what is not published, as the write-ahead log of somebody who opened it for writing."""
    strays = sorted([*folder.glob(f"{_FILE}.*"), *folder.glob(temporary_name(folder / _REPORT).name)])
    if strays or folder.stat().st_mode & 0o222:
        with _changing(folder.parent.parent), _opened_for_change(folder):
            for stray in strays:
                _delete(stray)
    return [stray.name for stray in strays]


def remove(folder: Path) -> None:
    """Delete a version's folder, if it is there, read-only as it is."""
    with _changing(folder.parent.parent):
        _delete(folder)


def _fill(folder: Path, write: Callable[[Path], None]) -> None:
    file = folder / _FILE
    write(file)
    strays = [entry.name for entry in folder.iterdir() if entry != file]
    if strays:
        raise ServingError(f"{file} was not written completely: {', '.join(strays)} is left beside it.")
    file.chmod(0o444)
    fsync(file)
    folder.chmod(0o555)
    fsync(folder)


def _entries(serving: Path) -> list[tuple[int, Path]]:
    """Version folders with their numbers. What else lies there, as `lost+found`, is none of our business."""
    entries = [entry for entry in (serving / "versions").iterdir() if entry.is_dir() and not entry.is_symlink()]
    return [(number, entry) for entry in sorted(entries) if (number := _number(entry)) is not None]


def _first_folder(serving: Path, version_id: int) -> Path:
    return serving / "versions" / f"{version_id:06d}"


def _revisions(serving: Path, version_id: int) -> Iterator[Path]:
    first = _first_folder(serving, version_id)
    return (one for one in first.parent.glob(f"{first.name}*") if _number(one) == version_id and one.is_dir())


def _target(serving: Path, version_id: int, revision: Path | None = None) -> tuple[str, str]:
    """Folder and file of a version's newest revision, or of that one, relative to the serving folder."""
    folder = (revision or version_folder(serving, version_id)).relative_to(serving)
    return str(folder), str(folder / _FILE)


def _number(folder: Path) -> int | None:
    found = _FOLDER.fullmatch(folder.name)
    return int(found[1]) if found else None


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.chmod(0o755)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _opened_for_change(folder: Path) -> Iterator[None]:
    """A version's folder while something is put in or taken out, by one process at a time; read-only again after."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        folder.chmod(0o755)
        try:
            yield
        finally:
            os.fsync(descriptor)
            folder.chmod(0o555)
    finally:
        os.close(descriptor)


@contextmanager
def _changing(serving: Path) -> Iterator[None]:
    with explaining_files("The published versions cannot be written", serving, ServingError):
        yield
