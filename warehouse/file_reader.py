"""Reads delivered files into `landing.staged_lines`, many of one shape at a time, and finds those it cannot read."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from warehouse.csv_text import count_lines, count_records, is_utf8, utf8_copy
from warehouse.deliveries import Unit
from warehouse.erased import pads, without_erased_sql
from warehouse.errors import DiskFullError, WarehouseError
from warehouse.formats import Shape, relation_sql, sheet
from warehouse.params import FileFormat, SourceParams
from warehouse.parsing import MALFORMED, lines_sql
from warehouse.store import Warehouse
from warehouse.unreadable import (
    LOOKING_FAILS,
    MIXED_LINE_ENDS,
    UnreadableFileError,
    broken_line,
    explained_file_error,
)

#: What DuckDB raises about the content of a file; anything else stops the run as what it is.
_FILE_FAULTS = (
    duckdb.InvalidInputException,
    duckdb.IOException,
    duckdb.DataError,
    duckdb.SerializationException,
    duckdb.NotSupportedError,
)
STILL_WRITTEN = "it changed while it was read, so it is still being written; run this again later"


@dataclass(frozen=True)
class Delivered:
    """A file with its number in the ledger and its shape."""

    load_id: int
    unit: Unit
    shape: Shape


class FileReader:
    """Reads chunks of files of one shape; a chunk that fails is halved until the files at fault are found."""

    def __init__(self, warehouse: Warehouse, source: SourceParams, zone: str, now: datetime, folder: Path) -> None:
        self.warehouse, self.source, self.zone, self.now, self.folder = warehouse, source, zone, now, folder
        self.pads = pads(warehouse)
        self.received_local = now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    def read(self, chunk: list[Delivered], mixed_line_ends: bool = False) -> dict[Unit, str]:
        """Stage the files' lines with their ledger rows; return the files that cannot be read, with the reason.

        Raises
        ------
        WarehouseError
            What went wrong is no fault of a file: DiskFullError above all.
        """
        try:
            with self.warehouse.transaction():
                problems = self._insert(chunk, mixed_line_ends)
        except (UnreadableFileError, WarehouseError) as error:
            if isinstance(error, WarehouseError) and not self._is_about_a_file(error):
                raise
            if len(chunk) > 1:
                half = len(chunk) // 2
                return self.read(chunk[:half]) | self.read(chunk[half:])
            if MIXED_LINE_ENDS in str(error.__cause__) and not mixed_line_ends:
                return self.read(chunk, mixed_line_ends=True)
            problems = {chunk[0].unit: self._reason(error)}
        return problems | {file.unit: STILL_WRITTEN for file in chunk if _changed_meanwhile(file.unit)}

    def close(self) -> None:
        """Drop the temporary tables."""
        self.warehouse.connection.unregister("delivered_sheet")
        self.warehouse.run("landing/end_reading")

    def _is_about_a_file(self, error: WarehouseError) -> bool:
        return (
            not isinstance(error, DiskFullError)
            and (isinstance(error.__cause__, _FILE_FAULTS) or type(error.__cause__) is duckdb.Error)  # damaged Parquet
            and str(self.warehouse.params.path) not in str(error.__cause__)
        )

    def _reason(self, error: Exception) -> str:
        if isinstance(error, UnreadableFileError) or not isinstance(error.__cause__, Exception):
            return str(error)
        return explained_file_error(error.__cause__, self.source)

    def _insert(self, chunk: list[Delivered], mixed_line_ends: bool) -> dict[Unit, str]:
        shape = chunk[0].shape
        paths = [self._readable(file, mixed_line_ends) for file in chunk]
        loads = [load_row(file.load_id, file.unit, self.source, self.now) for file in chunk]
        self.warehouse.run("landing/insert_loads", loads=loads)
        files = [{"file": str(path), "load_id": file.load_id} for path, file in zip(paths, chunk, strict=True)]
        self.warehouse.run("landing/begin_reading", files=files)
        if shape.format is FileFormat.XLSX:
            self.warehouse.connection.register("delivered_sheet", sheet(paths[0]))
        select = lines_sql(shape, relation_sql(shape, paths, self.source), self.source, self.zone)
        parameters: dict[str, object] = {"received_local": self.received_local}
        if self.pads["inner_pad"]:
            select, parameters = without_erased_sql(select), parameters | dict(self.pads)
        self.warehouse.execute(f"INSERT INTO landing.staged_lines BY NAME {select}", parameters)
        problems = self._keep_malformed(chunk, paths) if shape.format is FileFormat.CSV else {}
        for path in paths:
            if path.parent == self.folder:
                path.unlink()
        return problems

    def _readable(self, file: Delivered, mixed_line_ends: bool) -> Path:
        """The file itself, or a copy of it that DuckDB can read."""
        if file.shape.format is not FileFormat.CSV or (is_utf8(self.source) and not mixed_line_ends):
            return file.unit.path
        copy = self.folder / f"{file.load_id}.csv"
        utf8_copy(file.unit.path, self.source, copy, mixed_line_ends)
        return copy

    def _keep_malformed(self, chunk: list[Delivered], paths: list[Path]) -> dict[Unit, str]:
        """Lines the CSV reader could not split go to the quarantine; what endangers other lines stops the file."""
        broken: dict[int, str] = {}
        if self.warehouse.value("SELECT count(*) FROM reject_errors"):
            broken = {
                row["load_id"]: broken_line(row["error_type"], row["line"], self.source)
                for row in self.warehouse.rows("landing/unreadable_lines")
            }
            header = int(self.source.header)
            self.warehouse.run(
                "landing/keep_malformed", header=header, reason=MALFORMED, source=self.source.name,
                delimiter=self.source.delimiter, quote=self.source.quote, **self.pads,
            )  # fmt: skip
        counts = {row["load_id"]: row["lines"] for row in self.warehouse.rows("landing/staged_counts")}
        for file, path in zip(chunk, paths, strict=True):
            lost = file.load_id not in broken and self._lost(path, counts.get(file.load_id, 0))
            if lost:
                broken[file.load_id] = lost
        return {file.unit: broken[file.load_id] for file in chunk if file.load_id in broken}

    def _lost(self, path: Path, records: int) -> str:
        """What is wrong with a file of which DuckDB gave another number of records than it has."""
        try:
            if records == count_lines(path) - self.source.header:
                return ""
            counted = count_records(path, self.source)  # it has blank lines or values of several lines
        except UnreadableFileError as error:
            return str(error)
        except LOOKING_FAILS as error:
            return explained_file_error(error, self.source)
        if records == counted:
            return ""
        return (
            f"{records} of its {counted} lines could be read; a quote or a line end is out of place; deliver it again"
        )


def load_row(
    load_id: int, unit: Unit, source: SourceParams, now: datetime, error: str | None = None
) -> dict[str, object]:
    """A row of the ledger: staged, or rejected with an error."""
    return {
        "load_id": load_id,
        "source": source.name,
        "unit": unit.name,
        "fingerprint": unit.fingerprint,
        "size_bytes": unit.size_bytes,
        "modified_ns": unit.modified_ns,
        "status": "staged" if error is None else "rejected",
        "error": error,
        "received_at": now,
        "replaces_load_id": unit.replaces_load_id,
    } | unit.ledger


def next_load_id(warehouse: Warehouse) -> int:
    """The number of the next delivery."""
    return int(warehouse.value("SELECT coalesce(max(load_id), 0) + 1 FROM landing.loads"))


def _changed_meanwhile(unit: Unit) -> bool:
    try:
        status = unit.path.stat()
    except OSError:
        return False  # gone, which reading it reports; if it was read before that, it was read whole
    return (status.st_size, status.st_mtime_ns) != (unit.size_bytes, unit.modified_ns)
