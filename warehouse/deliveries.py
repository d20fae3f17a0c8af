"""What a source offers tonight: its units, and which of them are new or have other content than before."""

import glob
import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from warehouse.errors import DeliveryError, SourceUnreachableError
from warehouse.params import DeliveryMode, SourceParams
from warehouse.store import Warehouse
from warehouse.unreadable import REMOVED, printable

#: A file changed so shortly before it was read last time may have changed again within the clock's tick.
_TICK_NS = 2_000_000_000
_Loads = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Unit:
    """One delivered file: `name` is its path below the glob's fixed part, so that a folder can move.

    `ledger` is what its row of the ledger has besides, if it holds a slice of a database.
    """

    name: str
    path: Path
    size_bytes: int
    modified_ns: int
    fingerprint: str = ""
    replaces_load_id: int | None = None
    ledger: dict[str, object] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Offer:
    """Units to take in, how many are left alone, and those nobody can look into, with the reason.

    `times` are rows of the ledger, by `load_id` and `modified_ns`, whose file has another time and the same content.
    """

    new: tuple[Unit, ...]
    unchanged: int
    unsettled: tuple[str, ...]
    unreadable: dict[Unit, str] = field(default_factory=dict)
    times: tuple[dict[str, int], ...] = ()


def offered(warehouse: Warehouse, source: SourceParams, now: datetime, *, reread: bool = False) -> Offer:
    """Compare the files a source offers with the ledger; `now` is UTC without a zone.

    With `reread` files that were taken in are offered again, in the order in which they were, before new ones.

    Raises
    ------
    DeliveryError
        The folder does not exist or may not be read, or there has never been a file.
    """
    known = _ledger(warehouse, source)
    units = _listed(source, known)
    if not units and not known:
        raise DeliveryError(_nothing_there(source.path))
    unsettled = {unit.name for unit in units if _is_unsettled(unit, source, now)}
    again: list[Unit] = []
    new: list[Unit] = []
    unreadable: dict[Unit, str] = {}
    times: list[dict[str, int]] = []
    for unit in units if reread else _touched(units, known):
        if unit.name in unsettled:
            continue
        try:
            fingerprint = _fingerprint(unit.path)
        except OSError as error:
            unreadable[unit] = _why_unreadable(unit.path, error)
            continue
        loads = known.get(unit.name, [])
        same = [load["load_id"] for load in loads if load["fingerprint"] == fingerprint]
        if same and reread:
            again.append(replace(unit, fingerprint=fingerprint, replaces_load_id=same[-1]))
        elif not same:
            replaced = loads[-1]["load_id"] if loads and source.mode is DeliveryMode.REPLACE else None
            new.append(replace(unit, fingerprint=fingerprint, replaces_load_id=replaced))
        elif unit.modified_ns + _TICK_NS < _nanoseconds(now):
            times.append({"load_id": same[-1], "modified_ns": unit.modified_ns})
    new = [*sorted(again, key=lambda unit: unit.replaces_load_id or 0), *new]
    unchanged = len(units) - len(unsettled) - len(new) - len(unreadable)
    return Offer(tuple(new), unchanged, tuple(sorted(unsettled)), unreadable, tuple(times))


def touched(warehouse: Warehouse, source: SourceParams) -> list[Unit]:
    """Files that are new or changed by their size or time; their content is not looked at. Raises as `offered`."""
    known = _ledger(warehouse, source)
    return _touched(_listed(source, known), known)


def _listed(source: SourceParams, known: dict[str, list[dict[str, Any]]]) -> list[Unit]:
    """A folder that has delivered before and is gone now may come back; one that never did is a wrong setting."""
    try:
        return list_units(source.path)
    except DeliveryError as error:
        if known:
            raise SourceUnreachableError(f"{error} It has delivered before; is its disk mounted?") from error
        raise


def list_units(pattern: str) -> list[Unit]:
    """Files matching a glob (`**` reaches into folders), in the order of their names.

    Raises
    ------
    DeliveryError
        The fixed part of the path does not exist, or a folder on the way may not be read.
    """
    if Path(pattern).is_file():  # brackets in the name of one file are no pattern
        return [unit for unit in [_unit(pattern, Path(pattern).parent)] if unit]
    base = _fixed_part(pattern)
    if not base.exists():
        raise DeliveryError(
            f"{base} does not exist (from [source] path = {pattern!r}). Create it or correct the path; "
            "`resegment config` tells where it is set."
        )
    _check_folders(pattern, base)
    folder = base if base.is_dir() else base.parent
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - it may be absolute
    units = [unit for name in found if (unit := _unit(name, folder))]
    return sorted(units, key=lambda unit: unit.name)


def _fixed_part(pattern: str) -> Path:
    parts = Path(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:fixed]) if fixed else Path()


def _check_folders(pattern: str, base: Path) -> None:
    """A glob passes over folders it may not read in silence, and with them over what was delivered."""
    parts = Path(pattern).parts
    folders = [base]
    for number in range(len(base.parts) + 1, len(parts)):
        prefix = str(Path(*parts[:number]))
        folders += [Path(name) for name in glob.glob(prefix, recursive=True)]  # noqa: PTH207 - it may be absolute
    for folder in folders:
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            raise DeliveryError(f"{folder} may not be read by this user. Give it read and search permission.")


def _nothing_there(pattern: str) -> str:
    if Path(pattern).is_dir():
        return f"{pattern} is a folder. Set [source] path to the files in it, for example {pattern.rstrip('/')}/*.csv."
    return f"No file matches {pattern}, and none ever came. Set [source] path."


def _unit(file: str, folder: Path) -> Unit | None:
    """The file as it is now; None if it is a folder or went since. A link that leads nowhere is told of later."""
    try:
        status = os.stat(file)  # noqa: PTH116 - a shop has thousands of files, and paths are slow
    except FileNotFoundError:
        if not Path(file).is_symlink():
            return None
        status = os.lstat(file)
    if stat.S_ISDIR(status.st_mode):
        return None
    within = file.removeprefix(f"{folder}/")
    if within == file or "/." in file or "//" in file:  # not written as a Path would be
        within = Path(file).relative_to(folder).as_posix()
    return Unit(printable(within), Path(file), status.st_size, status.st_mtime_ns)


def _ledger(warehouse: Warehouse, source: SourceParams) -> dict[str, list[dict[str, Any]]]:
    known: dict[str, list[dict[str, Any]]] = {}
    for row in warehouse.rows("landing/accepted_units", source=source.name):
        known.setdefault(row["unit"], []).append(row)
    return known


def _touched(units: list[Unit], known: dict[str, list[dict[str, Any]]]) -> list[Unit]:
    return [unit for unit in units if not _is_unchanged(unit, known.get(unit.name, []))]


def _is_unsettled(unit: Unit, source: SourceParams, now: datetime) -> bool:
    age = (_nanoseconds(now) - unit.modified_ns) / 1e9
    return source.settle_seconds > 0 and age < source.settle_seconds


def _nanoseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1_000  # noqa: DTZ001 - both are UTC


def _is_unchanged(unit: Unit, loads: _Loads) -> bool:
    """Size and time of change are enough, unless the change was too near to the last look to be seen in them."""
    return any(
        load["size_bytes"] == unit.size_bytes
        and load["modified_ns"] == unit.modified_ns
        and unit.modified_ns + _TICK_NS < load["looked_ns"]
        for load in loads
    )


def _fingerprint(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise OSError("it is no regular file but a pipe or a device; remove it")  # opening it could wait for ever
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _why_unreadable(path: Path, error: OSError) -> str:
    if path.is_symlink() and not path.exists():
        return "it is a link that leads nowhere; remove it or deliver what it should lead to"
    if isinstance(error, FileNotFoundError):
        return REMOVED
    if isinstance(error, PermissionError):
        return "it may not be read by this user; give it read permission"
    return error.strerror or str(error)
