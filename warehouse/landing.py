"""Landing: deliveries are staged, looked at by the checks, then accepted all together or rejected all together."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from warehouse.deliveries import Offer, Unit, offered, touched
from warehouse.errors import DeliveryError, WarehouseError
from warehouse.formats import (
    ENCODING_ADVICE,
    Shape,
    UnreadableFileError,
    explain,
    in_utf8,
    read_xlsx,
    relation_sql,
    shape_of,
)
from warehouse.params import Duplicates, FileFormat, SourceParams
from warehouse.parsing import MALFORMED, lines_sql
from warehouse.store import Warehouse

Progress = Callable[[int, int], None]
_CHUNK_BYTES, _CHUNK_FILES = 256 << 20, 50


@dataclass(frozen=True)
class Staged:
    """What lies staged: files and lines of this night's deliveries."""

    files: int
    lines: int
    unchanged_files: int
    unsettled_files: tuple[str, ...]


@dataclass(frozen=True)
class Delivered:
    """A file with its number in the ledger and its shape."""

    load_id: int
    unit: Unit
    shape: Shape


def stage(warehouse: Warehouse, source: SourceParams, shop_zone: str, now: datetime, progress: Progress) -> Staged:
    """Read what is new into `landing.staged_lines`; `now` is UTC without a zone, `progress(files done, files)`.

    Raises
    ------
    DeliveryError
        Some files cannot be read: each is named with its reason. They are in the ledger as rejected, nothing is staged.
    """
    discard_staged(warehouse)
    offer = offered(warehouse, source, now)
    problems: dict[Unit, str] = {}
    done = 0
    with tempfile.TemporaryDirectory(dir=warehouse.params.path.parent, prefix=".reading-") as folder:
        reader = _Reader(warehouse, source, shop_zone, now, Path(folder))
        for chunk in _chunks(_look_at(warehouse, offer, source, problems)):
            problems.update(reader.read(chunk))
            done += len(chunk)
            progress(done, len(offer.new))
    if problems:
        reject(warehouse, source, problems, now)
        raise DeliveryError(_listed(problems))
    warehouse.run("landing/count_staged")
    lines = warehouse.value("SELECT count(*) FROM landing.staged_lines")
    return Staged(len(offer.new), lines, offer.unchanged, offer.unsettled)


def accept(warehouse: Warehouse, source: SourceParams, now: datetime) -> None:
    """Move what is staged into lines, invoices and the ledger.

    Runs inside the caller's transaction and leaves the temporary table `touched_customers` for the features.
    """
    for step in ("touch_before", "move_lines"):
        warehouse.run(f"landing/{step}", source=source.name)
    warehouse.run("landing/judge_duplicates", keep=source.duplicates is Duplicates.KEEP)
    warehouse.run("landing/rebuild_invoices")
    warehouse.run("landing/close_loads", now=now)


def anything_new(warehouse: Warehouse, source: SourceParams) -> bool:
    """Whether a file is new or was touched since it was taken in; looks at names, sizes and times only."""
    return bool(touched(warehouse, source))


def discard_staged(warehouse: Warehouse) -> None:
    """Forget what a run that was stopped left staged; its files are offered again."""
    if warehouse.value("SELECT count(*) FROM landing.loads WHERE status = 'staged'"):
        with warehouse.transaction():
            warehouse.run("landing/discard_staged")


def reject(warehouse: Warehouse, source: SourceParams, problems: dict[Unit, str], now: datetime) -> None:
    """Leave a ledger row for each unreadable file and drop everything staged with it."""
    discard_staged(warehouse)
    with warehouse.transaction():
        for unit, problem in problems.items():
            file = Delivered(_next_load_id(warehouse), unit, Shape(FileFormat.AUTO, ()))
            _insert_load(warehouse, file, source, now, "rejected", problem)


def reject_staged(warehouse: Warehouse, reason: str) -> None:
    """Refuse what is staged because a check stopped the run; the ledger keeps a row with the reason."""
    with warehouse.transaction():
        warehouse.run("landing/reject_staged", reason=reason)


class _Reader:
    """Reads chunks of files of one shape; a file that fails is found by reading its chunk again file by file."""

    def __init__(self, warehouse: Warehouse, source: SourceParams, zone: str, now: datetime, folder: Path) -> None:
        self.warehouse, self.source, self.zone, self.now, self.folder = warehouse, source, zone, now, folder
        self.received_local = now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    def read(self, chunk: list[Delivered]) -> dict[Unit, str]:
        try:
            with self.warehouse.transaction():
                self._insert(chunk)
        except (duckdb.Error, UnreadableFileError, WarehouseError, OSError) as error:
            if len(chunk) == 1:
                return {chunk[0].unit: self._reason(error)}
            return {unit: why for file in chunk for unit, why in self.read([file]).items()}
        changed = [file.unit for file in chunk if _changed_meanwhile(file.unit)]
        return dict.fromkeys(
            changed, "it changed while it was read, so it is still being written; run this again later"
        )

    def _reason(self, error: Exception) -> str:
        if isinstance(error, UnreadableFileError):
            return str(error)
        if isinstance(error, WarehouseError) and not isinstance(
            error.__cause__, duckdb.InvalidInputException | duckdb.IOException
        ):
            raise error
        if isinstance(error, WarehouseError) and "disk" in str(error) and "full" in str(error):
            raise error
        return explain(error.__cause__ if isinstance(error.__cause__, Exception) else error, self.source)

    def _insert(self, chunk: list[Delivered]) -> None:
        shape = chunk[0].shape
        paths = [self._readable(file) for file in chunk]
        for file in chunk:
            _insert_load(self.warehouse, file, self.source, self.now, "staged", None)
        run = self.warehouse.connection.execute
        run("CREATE OR REPLACE TEMP TABLE delivered_files (filename VARCHAR, load_id INTEGER)")
        named = [(str(path), file.load_id) for path, file in zip(paths, chunk, strict=True)]
        self.warehouse.connection.executemany("INSERT INTO delivered_files VALUES (?, ?)", named)
        relation = self._relation(shape, paths)
        select = lines_sql(shape, relation, self.source, self.zone)
        run(f"INSERT INTO landing.staged_lines BY NAME {select}", {"received_local": self.received_local})
        if shape.format is FileFormat.CSV:
            self._keep_malformed()

    def _relation(self, shape: Shape, paths: list[Path]) -> str:
        if shape.format is not FileFormat.XLSX:
            return relation_sql(shape, paths, self.source)
        self.warehouse.connection.register("delivered_sheet", read_xlsx(paths[0]))
        return "delivered_sheet"

    def _readable(self, file: Delivered) -> Path:
        return (
            in_utf8(file.unit.path, self.source, self.folder) if file.shape.format is FileFormat.CSV else file.unit.path
        )

    def _keep_malformed(self) -> None:
        """Lines the CSV reader could not split go to the quarantine; what endangers other lines stops the file."""
        broken = self.warehouse.rows("landing/unreadable_lines")
        if broken:
            raise UnreadableFileError(_broken_line(broken[0], self.source))
        header = int(self.source.header)
        self.warehouse.run("landing/keep_malformed", header=header, reason=MALFORMED, source=self.source.name)


def _look_at(
    warehouse: Warehouse, offer: Offer, source: SourceParams, problems: dict[Unit, str]
) -> Iterator[Delivered]:
    first = _next_load_id(warehouse)
    for number, unit in enumerate(offer.new):
        try:
            yield Delivered(first + number, unit, shape_of(warehouse.connection, unit, source))
        except UnreadableFileError as error:
            problems[unit] = str(error)


def _chunks(files: Iterator[Delivered]) -> Iterator[list[Delivered]]:
    """Neighbouring files of one shape, so many that reading them pays and so few that memory stays bounded."""
    for shape, alike in groupby(files, key=lambda file: file.shape):
        chunk: list[Delivered] = []
        size = 0
        for file in alike:
            full = chunk and (size + file.unit.size_bytes > _CHUNK_BYTES or len(chunk) >= _CHUNK_FILES)
            if full or (chunk and shape.format is FileFormat.XLSX):
                yield chunk
                chunk, size = [], 0
            chunk.append(file)
            size += file.unit.size_bytes
        yield chunk


def _next_load_id(warehouse: Warehouse) -> int:
    return int(warehouse.value("SELECT coalesce(max(load_id), 0) + 1 FROM landing.loads"))


def _insert_load(
    warehouse: Warehouse, file: Delivered, source: SourceParams, now: datetime, status: str, error: str | None
) -> None:
    unit = file.unit
    warehouse.run(
        "landing/insert_load", load_id=file.load_id, source=source.name, unit=unit.name, fingerprint=unit.fingerprint,
        size_bytes=unit.size_bytes, modified_ns=unit.modified_ns, status=status, error=error, received_at=now,
        replaces_load_id=unit.replaces_load_id,
    )  # fmt: skip


def _changed_meanwhile(unit: Unit) -> bool:
    try:
        status = unit.path.stat()
    except OSError:
        return True
    return (status.st_size, status.st_mtime_ns) != (unit.size_bytes, unit.modified_ns)


def _broken_line(row: dict[str, object], source: SourceParams) -> str:
    if row["error_type"] == "INVALID ENCODING":
        return f"line {row['line']} is not {source.encoding}; {ENCODING_ADVICE}"
    if row["error_type"] == "LINE SIZE OVER MAXIMUM":
        return f"line {row['line']} is longer than 2 MB; a quote may be left open there, or it is no CSV file"
    return f"a quote opened in line {row['line']} is never closed, so what follows cannot be told apart; mend that line"


def _listed(problems: dict[Unit, str]) -> str:
    lines = [f"  {unit.path}: {problem}." for unit, problem in list(problems.items())[:20]]
    more = [f"  ... and {len(problems) - 20} more"] if len(problems) > 20 else []
    files = "1 file" if len(problems) == 1 else f"{len(problems)} files"
    return "\n".join([f"{files} cannot be read; nothing of this delivery was accepted:", *lines, *more])
