"""Pulls a database in slices of its watermark and stages each like a delivered file.

A slice is written to a Parquet file beside the warehouse, so that the server waits for nobody, memory holds a batch of
its rows, and the lines are classified by the very code that reads files. Slices that a run has staged are
kept if it is stopped; the next one carries on after them, less the look-back window.
"""

import hashlib
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.database_server import Server
from warehouse.database_slices import (
    WITHOUT,
    Axis,
    Slice,
    border_before,
    latest_sensible,
    span,
    unit_name,
)
from warehouse.database_sql import DatabaseSql
from warehouse.database_types import axis_of, columns_wanted, whole_number
from warehouse.deliveries import Unit
from warehouse.errors import DeliveryError
from warehouse.file_reader import Delivered, FileReader, next_load_id
from warehouse.formats import Shape, shape_of
from warehouse.params import SourceParams
from warehouse.parsing import key_sql
from warehouse.store import Warehouse, scratch_folder
from warehouse.text import literal

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger("resegment")


@dataclass(frozen=True)
class Known:
    """A slice in the ledger, accepted or staged."""

    load_id: int
    fingerprint: str
    received_at: datetime
    slice: Slice


def pull(
    warehouse: Warehouse,
    source: SourceParams,
    shop_zone: str,
    now: datetime,
    progress: Callable[[int, int], None],
    password: str | None,
    *,
    reread: bool = False,
) -> tuple[int, int]:
    """Stage the slices that are new or have other content than before; return their number and that of the others.

    With `reread` that is all of them, from the first row on.

    Raises
    ------
    DeliveryError
        The database cannot be read, or not as configured. What was staged stays staged.
    """
    sql = DatabaseSql(source.database)
    with closing(Server(source.database, password)) as server, scratch_folder(warehouse.params) as folder:
        schema = server.table(sql.described_sql()).schema
        axis, columns = axis_of(schema, source), columns_wanted(schema, source)
        ledger = _Ledger(warehouse, source, axis, shop_zone, reread)
        reader = FileReader(warehouse, source, shop_zone, now, folder)
        staging = _Staging(ledger, reader, lambda one, path: server.copy(sql.slice_sql(one, axis, columns), path))
        todo = _Planned(server, sql, axis)
        try:
            for number, one in enumerate(todo.slices(ledger), start=1):
                staging.take(one)
                progress(number, max(number, todo.expected))
            staging.take_those_behind()
        finally:
            reader.close()
    return ledger.staged_count(), staging.unchanged


class _Ledger:
    """Slices taken in before, and those a stopped run left staged."""

    def __init__(self, warehouse: Warehouse, source: SourceParams, axis: Axis, shop_zone: str, reread: bool) -> None:
        self.warehouse, self.source, self.axis, self.reread = warehouse, source, axis, reread
        self.zone = source.time_zone or shop_zone
        self.watermark = f"{source.database.watermark} ({axis})"
        self.pulled_with = _fingerprint(source, shop_zone)
        self.look_back = span(source.database.look_back, axis)
        rows = warehouse.rows("landing/known_slices", source=source.name, watermark=self.watermark)
        self.accepted = [_known(row) for row in rows if row["status"] == "accepted"]
        self.begin = None if reread else self._border(self.accepted)
        self._keep_staged([_known(row) for row in rows if self._can_be_kept(row)])

    def _can_be_kept(self, row: dict[str, Any]) -> bool:
        return bool(row["status"] == "staged" and row["pulled_with"] == self.pulled_with)

    def _keep_staged(self, staged: list[Known]) -> None:
        """Keep what a stopped run staged and the look-back window does not reach; go on after it."""
        from_first = any(one.slice.after is None and one.slice.upto is not None for one in staged)
        resumed = self._border(staged) if from_first or not self.reread else None
        kept = [one.load_id for one in staged if resumed is not None and (one.slice.upto or math.inf) <= resumed]
        others = self.warehouse.select("SELECT load_id FROM landing.loads WHERE status = 'staged'")
        discarded = [row["load_id"] for row in others if row["load_id"] not in kept]
        if discarded:
            with self.warehouse.transaction():
                self.warehouse.run("landing/discard_slices", loads=discarded)
        if kept:
            self.begin = resumed
            logger.info("%s slices a stopped run had pulled are kept", len(kept))

    def _border(self, known: list[Known]) -> int | None:
        if not known:
            return None
        latest = latest_sensible(max(one.received_at for one in known), self.axis, self.zone)
        return border_before([one.slice for one in known], self.look_back, latest)

    @property
    def newest(self) -> int | None:
        """The greatest watermark taken in so far."""
        return max((one.slice.upto for one in self.accepted if one.slice.upto is not None), default=None)

    def staged_count(self) -> int:
        return int(self.warehouse.value("SELECT count(*) FROM landing.loads WHERE status = 'staged'"))

    def overlapped(self, one: Slice) -> list[Known]:
        """Accepted slices whose place a slice takes."""
        return [known for known in self.accepted if known.slice.overlaps(one)]

    def behind(self) -> list[Slice]:
        rows = self.warehouse.rows("landing/slices_behind", source=self.source.name)
        return [Slice(row["watermark_after"], row["watermark_upto"]) for row in rows]


class _Planned:
    """The slices of a pull, cut while it goes on; `expected` is how many there will be, roughly."""

    def __init__(self, server: Server, sql: DatabaseSql, axis: Axis) -> None:
        self.server, self.sql, self.axis = server, sql, axis
        self.expected = 1

    def slices(self, ledger: _Ledger) -> Iterator[Slice]:
        """Rows without a watermark first: one that gets it meanwhile comes again, and the later delivery counts."""
        bounds = self.server.table(self.sql.bounds_sql(ledger.begin, self.axis))
        found = int(bounds["rows_found"][0].as_py())
        self.expected = max(1, -(-found // self.sql.params.slice_rows))
        without = int(self.server.table(self.sql.without_sql())["rows_found"][0].as_py())
        if without:
            logger.warning(
                "%s rows have no %s and are read every night; a query with coalesce() can give them one",
                f"{without:,}", self.sql.params.watermark,
            )  # fmt: skip
        if without or ledger.overlapped(WITHOUT):
            yield WITHOUT
        ends = [end for end in (self._value(bounds["newest"]), ledger.newest) if end is not None]
        after, newest = ledger.begin, max(ends, default=None)
        while newest is not None and (after is None or after < newest):
            upto = self._value(self.server.table(self.sql.border_sql(after, newest, self.axis))["border"])
            upto = newest if upto is None else upto
            yield Slice(after, upto)
            after = upto

    def _value(self, column: "pa.ChunkedArray") -> int | None:
        return whole_number(column, self.sql.params.watermark) if len(column) and column[0].is_valid else None


class _Staging:
    """Takes slices one by one; from the first that changed on all are staged, so that later rows are later loads."""

    def __init__(self, ledger: _Ledger, reader: FileReader, copy: Callable[[Slice, Path], None]) -> None:
        self.ledger, self.reader, self.copy = ledger, reader, copy
        self.path = reader.folder / "slice.parquet"
        self.unchanged = 0
        self._changed = False

    def take(self, one: Slice) -> None:
        self.copy(one, self.path)
        shape = shape_of(self.reader.warehouse.connection, self._unit(one), self.reader.source)
        fingerprint, rows = self._content(shape)
        replaced = self.ledger.overlapped(one)
        same = [known for known in replaced if (known.slice, known.fingerprint) == (one, fingerprint)]
        if same and not self.ledger.reread and not (self._changed and one.upto is not None):
            self.unchanged += 1
        elif rows or replaced:
            self._stage(one, shape, fingerprint, replaced[0].load_id if replaced else None)
        self.path.unlink(missing_ok=True)  # the reader has removed what it has read

    def take_those_behind(self) -> None:
        """Read slices again that would bring an earlier state of a deleted row back."""
        taken: set[Slice] = set()
        while self.reader.source.columns.line_id and (behind := set(self.ledger.behind()) - taken):
            for one in behind:
                self.take(one)
            taken |= behind

    def _stage(self, one: Slice, shape: Shape, fingerprint: str, replaces: int | None) -> None:
        unit = replace(self._unit(one), fingerprint=fingerprint, replaces_load_id=replaces)
        problems = self.reader.read([Delivered(next_load_id(self.reader.warehouse), unit, shape)])
        for problem in problems.values():
            raise DeliveryError(f"The slice {unit.name} of the database cannot be read: {problem}.")
        self._changed = self._changed or one.upto is not None

    def _unit(self, one: Slice) -> Unit:
        status = self.path.stat()
        ledger = {
            "watermark": self.ledger.watermark,
            "watermark_after": one.after,
            "watermark_upto": one.upto,
            "pulled_with": self.ledger.pulled_with,
        }
        name = unit_name(self.reader.source.database.watermark, one, self.ledger.axis)
        return Unit(name, self.path, status.st_size, status.st_mtime_ns, ledger=dict(ledger))

    def _content(self, shape: Shape) -> tuple[str, int]:
        """A fingerprint of the rows, in whatever order they came, and their number."""
        key = key_sql([f"CAST({name} AS VARCHAR)" for name in (f"c{place}" for place in range(len(shape.columns)))])
        names = ", ".join(f"c{place}" for place in range(len(shape.columns)))
        found = self.reader.warehouse.select(
            f"SELECT count(*) AS lines, coalesce(sum({key}), 0) AS keys "
            f"FROM read_parquet({literal(str(self.path))}) AS slice({names})"
        )[0]
        return f"{found['lines']}:{found['keys']}", found["lines"]


def _fingerprint(source: SourceParams, shop_zone: str) -> str:
    """Of everything that shapes the lines of a slice."""
    others = {"look_back", "slice_rows", "retries", "engine", "password_env", "password_secret"}
    text = source.model_dump_json(exclude={"database": others}) + shop_zone
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _known(row: dict[str, Any]) -> Known:
    return Known(
        row["load_id"], row["fingerprint"], row["received_at"], Slice(row["watermark_after"], row["watermark_upto"])
    )
