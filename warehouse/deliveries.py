"""What a source offers tonight: its units, and which of them are new or have other content than before."""

import glob
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from warehouse.errors import DeliveryError
from warehouse.params import DeliveryMode, SourceParams
from warehouse.store import Warehouse

#: A file changed so shortly before it was read last time may have changed again within the clock's tick.
_TICK_NS = 2_000_000_000


@dataclass(frozen=True)
class Unit:
    """One delivered file: `name` is its path below the glob's fixed part, so that a folder can move."""

    name: str
    path: Path
    size_bytes: int
    modified_ns: int
    fingerprint: str = ""
    replaces_load_id: int | None = None


@dataclass(frozen=True)
class Offer:
    """Units to take in, and how many are left alone."""

    new: tuple[Unit, ...]
    unchanged: int
    unsettled: tuple[str, ...]


def offered(warehouse: Warehouse, source: SourceParams, now: datetime) -> Offer:
    """Compare the files a source offers with the ledger; `now` is UTC without a zone.

    Raises
    ------
    DeliveryError
        The folder does not exist or may not be read, or there has never been a file.
    """
    known = _ledger(warehouse, source)
    units = list_units(source.path)
    if not units and not known:
        raise DeliveryError(f"No file matches {source.path}, and none ever came. Set [source] path.")
    unsettled = tuple(unit.name for unit in units if _is_unsettled(unit, source, now))
    ready = [unit for unit in _touched(units, known) if unit.name not in unsettled]
    new = [taken for unit in ready if (taken := _fingerprinted(unit, known.get(unit.name, []), source)) is not None]
    return Offer(tuple(new), len(units) - len(unsettled) - len(new), unsettled)


def touched(warehouse: Warehouse, source: SourceParams) -> list[Unit]:
    """Files that are new or changed by their size or time; their content is not looked at. Raises as `offered`."""
    return _touched(list_units(source.path), _ledger(warehouse, source))


def _touched(units: list[Unit], known: dict[str, list[dict[str, object]]]) -> list[Unit]:
    return [unit for unit in units if not _is_unchanged(unit, known.get(unit.name, []))]


def list_units(pattern: str) -> list[Unit]:
    """Files matching a glob (`**` reaches into folders), in the order of their names.

    Raises
    ------
    DeliveryError
        The fixed part of the path does not exist or may not be read.
    """
    base = _fixed_part(pattern)
    if not base.exists():
        raise DeliveryError(f"{base} does not exist (from [source] path = {pattern!r}). Create it or correct the path.")
    if base.is_dir() and not os.access(base, os.R_OK | os.X_OK):
        raise DeliveryError(f"{base} may not be read by this user. Give it read and search permission.")
    folder = base if base.is_dir() else base.parent
    found = [Path(name) for name in glob.glob(pattern, recursive=True)]  # noqa: PTH207 - it may be absolute
    files = sorted((path for path in found if not path.is_dir()), key=lambda path: path.relative_to(folder).as_posix())
    return [_unit(path, folder) for path in files]


def _fixed_part(pattern: str) -> Path:
    parts = Path(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:fixed]) if fixed else Path()


def _unit(path: Path, folder: Path) -> Unit:
    status = path.stat()
    return Unit(path.relative_to(folder).as_posix(), path, status.st_size, status.st_mtime_ns)


def _ledger(warehouse: Warehouse, source: SourceParams) -> dict[str, list[dict[str, object]]]:
    known: dict[str, list[dict[str, object]]] = {}
    for row in warehouse.rows("landing/accepted_units", source=source.name):
        known.setdefault(row["unit"], []).append(row)
    return known


def _is_unsettled(unit: Unit, source: SourceParams, now: datetime) -> bool:
    age = (now - datetime(1970, 1, 1)).total_seconds() - unit.modified_ns / 1e9  # noqa: DTZ001 - both are UTC
    return source.settle_seconds > 0 and age < source.settle_seconds


def _is_unchanged(unit: Unit, loads: list[dict[str, object]]) -> bool:
    """Size and time of change are enough, unless the change was too near to the last look to be seen in them."""
    return any(
        load["size_bytes"] == unit.size_bytes
        and load["modified_ns"] == unit.modified_ns
        and unit.modified_ns + _TICK_NS < int(str(load["received_ns"]))
        for load in loads
    )


def _fingerprinted(unit: Unit, loads: list[dict[str, object]], source: SourceParams) -> Unit | None:
    """The unit with its fingerprint and what it replaces, or None if exactly this content is already in."""
    with unit.path.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    if any(load["fingerprint"] == fingerprint for load in loads):
        return None
    replaced = loads[-1]["load_id"] if loads and source.mode is DeliveryMode.REPLACE else None
    return Unit(unit.name, unit.path, unit.size_bytes, unit.modified_ns, fingerprint, replaced)  # type: ignore[arg-type]
