"""Small deliveries into a warehouse of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse import landing, store
from warehouse.params import SourceParams, WarehouseParams
from warehouse.store import Warehouse

NOW = datetime.fromisoformat("2011-12-10T03:00:00")
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
#: A purchase, a return, a line without a customer, and one with two faults.
PURCHASE = "536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"
RETURN = "C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom"
UNATTRIBUTED = "536414,22139,,56,2010-12-01 11:52:00,1.5,,France"
FAULTY = "536415,22139,LAMP,0,2010-12-01 12:00:00,-1,17850.0,France"
USUAL = [PURCHASE, RETURN, UNATTRIBUTED, FAULTY]


def csv_text(*lines: str) -> str:
    return "\n".join([HEADER, *lines]) + "\n"


def deliver(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_text(*lines))
    return path


@contextmanager
def warehouse_in(folder: Path) -> Iterator[Warehouse]:
    with store.writing(WarehouseParams(path=folder / "w.duckdb"), "test") as warehouse:
        yield warehouse


def stage(warehouse: Warehouse, source: SourceParams, now: datetime = NOW, zone: str = "Europe/London") -> Any:
    return landing.stage(warehouse, source, zone, now, lambda done, files: None)


def take_in(warehouse: Warehouse, source: SourceParams, now: datetime = NOW, zone: str = "Europe/London") -> Any:
    """Stage and accept, and hold the ledger to what was delivered."""
    staged = stage(warehouse, source, now, zone)
    with warehouse.transaction():
        landing.accept(warehouse, source, now)
    assert warehouse.value(f"SELECT count(*) FROM landing.loads WHERE status = 'accepted' AND NOT ({_ADDS_UP})") == 0
    return staged


def lines(warehouse: Warehouse, columns: str) -> list[tuple[Any, ...]]:
    """Columns of all well-formed lines, in the order of their delivery."""
    query = f"SELECT {columns} FROM sales.transaction_lines ORDER BY load_id, line_number"
    return warehouse.execute(query).fetchall()


def outcomes(warehouse: Warehouse) -> list[tuple[int, int, str]]:
    return warehouse.execute(
        "SELECT load_id, line_number, outcome FROM sales.transaction_lines "
        "UNION ALL SELECT load_id, line_number, outcome FROM landing.quarantine ORDER BY ALL"
    ).fetchall()


def reasons(warehouse: Warehouse) -> list[tuple[int, list[str]]]:
    return warehouse.execute(
        "SELECT line_number, reasons FROM landing.quarantine ORDER BY load_id, line_number"
    ).fetchall()


_KINDS = ("purchase", "return", "unattributed", "quarantined", "duplicate", "replayed", "erased", "closed")
_ADDS_UP = " AND ".join(
    f"delivered_{what} = " + " + ".join(f"{kind}_{what}" for kind in _KINDS) for what in ("lines", "amount")
)
