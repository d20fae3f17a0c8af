"""Nights on a warehouse of their own: files are written, taken in, and what is stored is read back as plain values."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from support_oracle import Line, Oracle

from warehouse import features, landing, months, store
from warehouse.beside import beside
from warehouse.params import ColumnMapping, DeliveryMode, Duplicates, SourceParams, WarehouseParams
from warehouse.store import Warehouse
from warehouse.verify import verify

HEADER = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country", "LineID")
FIRST_DAY = date(2011, 1, 24)
#: When the first night begins; lines of later days are in its future.
BEGAN = datetime.fromisoformat("2011-02-02 03:00")
KINDS = ("purchase", "return", "unattributed", "quarantined", "duplicate", "replayed")


@dataclass(frozen=True)
class Night:
    """Files that are written before it; `step`: days from the night before's as_of, which may go back.

    `merges`: what the file of merged customers, old and new, says that night.
    """

    files: dict[str, tuple[Line, ...]]
    step: int = 1
    window_days: int | None = None
    other_as_of: date = FIRST_DAY
    other_window: int | None = None
    merges: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class History:
    """Nights under one configuration; the first is of the fourth day."""

    append: bool
    keep: bool
    by_id: bool
    nights: list[Night]

    @property
    def rules(self) -> dict[str, bool]:
        """How deliveries are read."""
        return {"append": self.append, "keep": self.keep, "by_id": self.by_id}


@dataclass(frozen=True)
class Played:
    """A night that was taken in, at `now` for `as_of`; `files` are all that came by then."""

    number: int
    night: Night
    now: datetime
    as_of: date
    files: dict[str, tuple[Line, ...]]


def played(warehouse: Warehouse, source: SourceParams, folder: Path, history: History) -> Iterator[Played]:
    """Write the files of each night and take them in, then let the caller look."""
    files: dict[str, tuple[Line, ...]] = {"first.csv": (Line(),)}
    as_of = FIRST_DAY + timedelta(days=3)
    for number, night in enumerate(history.nights):
        files |= night.files
        write_files(folder / "files", night.files if number else files)
        write_merges(folder / "merges.csv", night.merges)
        now, as_of = BEGAN + timedelta(days=number), as_of + timedelta(days=night.step)
        take_in(warehouse, source, as_of, now, night.window_days)
        keep_months(warehouse, as_of)
        yield Played(number, night, now, as_of, files)


def keep_months(warehouse: Warehouse, as_of: date) -> None:
    """Have the months that are over by a date kept, as its publication does."""
    with beside(warehouse):
        months.prepare_sales(warehouse, {"as_of": as_of, "service_products": []})


def play(folder: Path, history: History) -> Oracle:
    """Take nights in and hold what is stored after each to an oracle and to a rebuild; return the oracle."""
    oracle, source = Oracle(**history.rules), source_of_history(folder, history)
    with new_warehouse(folder) as warehouse:
        for one in played(warehouse, source, folder, history):
            oracle.night(one.files, one.as_of, one.now, one.night.merges)
            _hold_to_the_oracle(warehouse, oracle, one.night)
            assert differing_rows(warehouse, source) == {}
    return oracle


def source_of_history(folder: Path, history: History) -> SourceParams:
    """The source `played` writes."""
    return source_of(folder / "files", **history.rules, merges=folder / "merges.csv")


def _hold_to_the_oracle(warehouse: Warehouse, oracle: Oracle, night: Night) -> None:
    assert outcomes(warehouse) == oracle.outcomes()
    assert ledger(warehouse) == oracle.ledger()
    activity = by_customer(warehouse, "features.customer_activity")
    assert activity == oracle.activity(oracle.as_of, night.window_days)
    rfm = f"features.rfm(DATE '{night.other_as_of}', window_days := {night.other_window or 'NULL'})"
    columns = ("recency_days", "frequency", "monetary", "average", "gross")
    assert by_customer(warehouse, rfm, columns) == oracle.rfm(night.other_as_of, night.other_window)


@contextmanager
def new_warehouse(folder: Path) -> Iterator[Warehouse]:
    """An empty warehouse in `folder`, open as one step of a run has it."""
    params = WarehouseParams(path=folder / "warehouse.duckdb", serving=folder / "serving", threads=1)
    with store.writing(params, "test"), store.opened(params) as warehouse:
        yield warehouse


def source_of(
    folder: Path, *, append: bool = False, keep: bool = False, by_id: bool = False, merges: Path | None = None
) -> SourceParams:
    """The files `write_files` writes, as the configuration would tell them."""
    return SourceParams(
        path=str(folder / "*.csv"),
        mode=DeliveryMode.APPEND if append else DeliveryMode.REPLACE,
        duplicates=Duplicates.KEEP if keep else Duplicates.DROP,
        columns=ColumnMapping(description="", line_id="LineID" if by_id else ""),
        merges=str(merges or ""),
    )


def write_files(folder: Path, files: Mapping[str, Sequence[Line]]) -> None:
    """Write or overwrite files by name."""
    folder.mkdir(exist_ok=True)
    for name, lines in files.items():
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([HEADER, *lines])


def write_merges(path: Path, pairs: Iterable[tuple[str, str]]) -> Path:
    """Write or overwrite a file of merged customers."""
    path.write_text("".join(f"{old},{new}\n" for old, new in [("old", "new"), *pairs]))
    return path


def take_in(
    warehouse: Warehouse, source: SourceParams, as_of: date, now: datetime, window_days: int | None = None
) -> int:
    """Landing and features of a night, without its checks; return how many files were new."""
    staged = landing.stage(warehouse, source, "UTC", now, lambda done, files: None)
    with warehouse.transaction():
        accepted = landing.accept(warehouse, source, now)
        features.advance(warehouse, as_of, window_days, accepted=accepted)
    return staged.files


def differing_rows(warehouse: Warehouse, source: SourceParams) -> dict[str, int]:
    """What `verify` finds, by table; empty if everything equals its rebuild."""
    return {found.table: found.differing_rows for found in verify(warehouse, source) if found.differing_rows}


def outcomes(warehouse: Warehouse) -> dict[tuple[int, int], str]:
    """Outcome of every stored line by (load, line number)."""
    stored = warehouse.execute(
        "SELECT load_id, line_number, outcome FROM sales.transaction_lines "
        "UNION ALL SELECT load_id, line_number, outcome FROM landing.quarantine"
    ).fetchall()
    found = {(load, line): outcome for load, line, outcome in stored}
    assert len(found) == len(stored)
    return found


def by_customer(warehouse: Warehouse, relation: str, columns: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Rows of a relation of customers, by customer."""
    rows = warehouse.select(f"FROM {relation}")
    found = {row.pop("customer_id"): {name: row[name] for name in columns or row} for row in rows}
    assert len(found) == len(rows)
    return found


def ledger(warehouse: Warehouse) -> dict[int, dict[str, tuple[int, Any]]]:
    """Lines and money of the accepted loads by outcome, which add up to what was delivered."""
    rows = warehouse.select("FROM landing.loads WHERE status = 'accepted'")
    for row in rows:
        assert row["delivered_lines"] == sum(row[f"{kind}_lines"] for kind in KINDS)
        assert row["delivered_amount"] == sum(row[f"{kind}_amount"] for kind in KINDS)
    return {row["load_id"]: {kind: (row[f"{kind}_lines"], row[f"{kind}_amount"]) for kind in KINDS} for row in rows}
