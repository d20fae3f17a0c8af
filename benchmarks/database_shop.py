"""A made-up shop as a table of PostgreSQL that goes on selling, changing and deleting while it is read."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from segmentation.generator import ShopParams, sized_for_lines
from tasks.generate import write_shop

#: ours = "theirs"
COLUMNS = {
    "invoice_no": "invoice", "product": "product", "description": "", "quantity": "quantity", "invoiced_at": "sold_at",
    "unit_price": "price", "customer_id": "customer", "country": "country", "line_id": "id",
}  # fmt: skip
_NEW = """
INSERT INTO {table} (invoice, product, quantity, price, customer, country, sold_at, updated_at)
SELECT 'N' || nextval('{table}_new'), product, 1 + (random() * 9)::int, price, customer, country, {now}, {now}
FROM {table} WHERE id IN (SELECT (random() * {lines})::bigint FROM generate_series(1, {rows}))
"""
#: Sound rows stay sound: what counts is then what the table holds.
_CHANGED = """
UPDATE {table}
SET quantity = 1 + (random() * 9)::int, price = round((0.01 + random() * 100)::numeric, 2), updated_at = {now}
WHERE id IN (SELECT (random() * {lines})::bigint FROM generate_series(1, {rows})) AND quantity > 0 AND price > 0
"""
#: Of what was sold a moment ago: a row deleted when its last known state is behind the look-back window would stay.
_DELETED = """
DELETE FROM {table}
WHERE id IN (SELECT id FROM {table} WHERE id > {lines} ORDER BY updated_at DESC OFFSET 50 LIMIT {rows})
"""


@dataclass
class DatabaseShop:
    """The table and what happens to it; `uri` belongs to a user who may create schemas."""

    uri: str
    lines: int
    schema: str = "resegment_benchmark"
    changes: dict[str, int] = field(default_factory=lambda: {"inserted": 0, "updated": 0, "deleted": 0})

    @property
    def table(self) -> str:
        return f"{self.schema}.lines"

    def connect(self) -> Any:
        from adbc_driver_postgresql import dbapi

        return dbapi.connect(self.uri, autocommit=True)

    def create(self, folder: Path) -> None:
        """About `lines` generated lines, the last of them sold the day before yesterday."""
        import pyarrow.parquet as pq

        write_shop(sized_for_lines(ShopParams(), self.lines), folder, "parquet", "month")
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in (f"DROP SCHEMA IF EXISTS {self.schema} CASCADE", f"CREATE SCHEMA {self.schema}"):
                cursor.execute(statement)
            for number, file in enumerate(sorted(folder.glob("*.parquet"))):
                delivered = pq.read_table(file)
                mode = "append" if number else "create"
                cursor.adbc_ingest("delivered", delivered, mode=mode, db_schema_name=self.schema)
            for statement in self._fill():
                cursor.execute(statement)
            cursor.execute(f"SELECT count(*) FROM {self.table}")
            self.lines = cursor.fetchone()[0]

    def _fill(self) -> Iterator[str]:
        yield (
            f"CREATE TABLE {self.table} (id bigserial PRIMARY KEY, invoice text, product text, quantity integer, "
            "price numeric(12, 2), customer bigint, country text, sold_at timestamptz, updated_at timestamptz)"
        )
        yield f"CREATE SEQUENCE {self.table}_new"
        later = f"""(SELECT now() - interval '2 days' - max("InvoiceDate") FROM {self.schema}.delivered)"""
        yield (
            f"INSERT INTO {self.table} (invoice, product, quantity, price, customer, country, sold_at, updated_at) "
            'SELECT "InvoiceNo", "StockCode", "Quantity", "UnitPrice", "CustomerID", "Country", at, at FROM '
            f'(SELECT *, "InvoiceDate" + {later} AS at FROM {self.schema}.delivered '
            'ORDER BY "InvoiceDate") AS shifted'
        )
        yield f"DROP TABLE {self.schema}.delivered"
        yield f"CREATE INDEX ON {self.table} (updated_at)"
        yield f"ANALYZE {self.table}"

    def drop(self) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {self.schema} CASCADE")

    def totals(self) -> tuple[int, Decimal, dict[str, Decimal]]:
        """Rows, money, and money by customer ('' for none)."""
        with self.connect() as connection, connection.cursor() as cursor:
            money = "count(*), sum(quantity * price)::text"
            cursor.execute(f"SELECT coalesce(customer::text, ''), {money} FROM {self.table} GROUP BY 1")
            found = cursor.fetchall()
        money = {customer: Decimal(amount) for customer, _, amount in found}
        return sum(rows for _, rows, _ in found), sum(money.values(), Decimal(0)), money

    @contextmanager
    def selling(self, rows: int = 20) -> Iterator[None]:
        """Until the block ends rows come, change and go; some are committed seconds after their watermark."""
        ended = threading.Event()
        threads = [threading.Thread(target=self._sell, args=(ended, rows, pause)) for pause in (0.0, 1.5)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _sell(self, ended: threading.Event, rows: int, pause: float) -> None:
        values = {"table": self.table, "rows": rows, "lines": self.lines, "now": "now()"}
        with self.connect() as connection, connection.cursor() as cursor:
            while not ended.is_set():
                cursor.execute("BEGIN")
                for kind, statement in (("inserted", _NEW), ("updated", _CHANGED), ("deleted", _DELETED)):
                    if kind == "deleted" and pause:
                        continue  # two transactions would wait for each other's rows
                    self.changes[kind] += max(0, cursor.execute(statement.format(**values)).rowcount)
                time.sleep(pause)
                cursor.execute("COMMIT")
                ended.wait(0.05)
