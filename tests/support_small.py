"""Shops of a handful of made-up lines: files are written, nights are run in this process, what is published is read."""

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import duckdb
from support_shop import ShopFolder

from flows.nightly import nightly
from warehouse import serving

HEADER = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
AS_OF = date(2011, 3, 1)
_CHANGED = count()


@dataclass(frozen=True)
class Bought:
    """One line; `days` before `AS_OF`, negative for later days. A negative quantity is a return."""

    customer: str
    days: int = 1
    price: float = 10.0
    quantity: int = 1
    product: str = "A"
    invoice: str = ""


@dataclass(frozen=True)
class SmallShop(ShopFolder):
    """A shop whose deliveries are written line by line."""

    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def deliver(self, name: str, lines: Iterable[Bought]) -> None:
        """Write or replace a file, written long enough ago to be taken in."""
        (self.folder / "data").mkdir(exist_ok=True)
        path = self.folder / "data" / f"{name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for line in lines:
                invoice = line.invoice or f"{'C' if line.quantity < 0 else ''}{500000 + next(self.numbers)}"
                moment = datetime.combine(AS_OF, datetime.min.time()) - timedelta(days=line.days, hours=-12)
                writer.writerow(
                    (invoice, line.product, "thing", line.quantity, moment, line.price, line.customer, "United Kingdom")
                )
        moment = 1_300_000_000 + next(_CHANGED)
        os.utime(path, (moment, moment))

    def night(self, as_of: date = AS_OF, *, refit: bool = False) -> dict[str, Any]:
        return nightly(as_of, refit, self.config)

    def published(self, sql: str, version: int | None = None) -> list[dict[str, Any]]:
        """Rows of the current version's file, or of another's."""
        number = version or serving.linked_version(self.serving)
        assert number is not None
        with duckdb.connect(serving.version_file(self.serving, number), read_only=True) as connection:
            return _dicts(connection.execute(sql))

    def private(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the warehouse."""
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            return _dicts(connection.execute(sql))

    def not_finite(self) -> list[str]:
        """Columns of the current file with a NaN or an infinite number, in lists too."""
        number = serving.linked_version(self.serving)
        assert number is not None
        found = []
        with duckdb.connect(serving.version_file(self.serving, number), read_only=True) as connection:
            columns = connection.execute(
                "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE data_type LIKE '%DOUBLE%'"
            ).fetchall()
            for table, column, kind in columns:
                wrong = f"len(list_filter({column}, lambda x: NOT isfinite(x))) > 0" if "[" in kind else (
                    f"NOT isfinite({column})"
                )  # fmt: skip
                if connection.execute(f"SELECT count(*) FROM {table} WHERE {wrong}").fetchone() != (0,):
                    found.append(f"{table}.{column}")
        assert columns
        return found


def _dicts(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def varied(customers: int) -> list[Bought]:
    """Customers c0, c1, ... with 1 to 4 orders each, all different."""
    return [
        Bought(f"c{number}", days=1 + (number * 7 + order * 5) % 50, price=5 + number * 3 + order)
        for number in range(customers)
        for order in range(1 + number % 4)
    ]
