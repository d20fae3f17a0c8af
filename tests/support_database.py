"""A shop whose lines are rows of a database, and the sources that pull them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from support_landing import NOW
from support_postgres import PASSWORD, Postgres

from warehouse import landing
from warehouse.landing import Staged
from warehouse.params import SourceParams
from warehouse.store import Warehouse
from warehouse.verify import verify

COLUMNS = {
    "invoice_no": "invoice", "product": "product", "description": "", "quantity": "quantity", "invoiced_at": "sold_at",
    "unit_price": "price", "customer_id": "customer", "country": "", "line_id": "id",
}  # fmt: skip
_TABLE = (
    "id bigint, invoice text, product text, quantity integer, price numeric(14, 4), customer integer, "
    "sold_at timestamptz, updated_at timestamptz"
)
_NUMBERS = count(1)


@dataclass
class Shop:
    """A table of lines in a schema of its own. Minute m is 2011-12-01 00:00 UTC and m minutes."""

    server: Postgres
    schema: str = field(default_factory=lambda: f"shop{next(_NUMBERS)}")

    @property
    def table(self) -> str:
        return f"{self.schema}.lines"

    def create(self, columns: str = _TABLE) -> "Shop":
        self.server.run(
            f"CREATE SCHEMA {self.schema}; CREATE TABLE {self.table} ({columns}); GRANT USAGE ON SCHEMA {self.schema} "
            f"TO reader; GRANT SELECT ON {self.table} TO reader"
        )
        return self

    def insert(self, *ids: int, minute: int | None = None, quantity: int = 1) -> None:
        """Rows whose number is their id: minute (if not given), price and customer follow from it."""
        for number in ids:
            at = _minute(number if minute is None else minute)
            self.server.run(
                f"INSERT INTO {self.table} VALUES ({number}, 'I{number // 2}', 'P{number % 3}', {quantity}, "
                f"{number}.25, {number % 4}, {at}, {at})"
            )

    def fill(self, first: int, last: int) -> None:
        """Rows of many ids at once, one a minute."""
        self.server.run(
            f"INSERT INTO {self.table} SELECT i, 'I' || i / 2, 'P' || i % 3, 1, i + 0.25, i % 4, at, at FROM "
            f"(SELECT i, {_minute(0)} + i * interval '1 minute' AS at FROM generate_series({first}, {last}) i) AS rows"
        )

    def update(self, number: int, minute: int | None, quantity: int = 2) -> None:
        at = "NULL" if minute is None else _minute(minute)
        self.server.run(f"UPDATE {self.table} SET quantity = {quantity}, updated_at = {at} WHERE id = {number}")

    def delete(self, *ids: int) -> None:
        self.server.run(f"DELETE FROM {self.table} WHERE id IN ({', '.join(str(number) for number in ids)})")

    def source(self, columns: dict[str, str] | None = None, **settings: Any) -> SourceParams:
        """`settings` of [source.database]; those of [source] begin with an underscore."""
        database = {"uri": self.server.uri, "watermark": "updated_at", "slice_rows": 10, "look_back": "5min"}
        database |= {name: value for name, value in settings.items() if not name.startswith("_")}
        if "query" not in database:
            database = {"table": self.table} | database
        others = {name[1:]: value for name, value in settings.items() if name.startswith("_")}
        return SourceParams.model_validate(
            {"kind": "database", "columns": COLUMNS | (columns or {}), "database": database} | others
        )

    def lines(self) -> list[tuple[str, Any]]:
        """Id and amount of every row."""
        return [
            (str(number), amount)
            for number, amount in self.server.run(f"SELECT id, (quantity * price)::text FROM {self.table} ORDER BY id")
        ]


@contextmanager
def shop_in(server: Postgres) -> Iterator[Shop]:
    shop = Shop(server).create()
    try:
        yield shop
    finally:
        server.run(f"DROP SCHEMA {shop.schema} CASCADE")


def pull(
    warehouse: Warehouse,
    source: SourceParams,
    night: int = 0,
    password: str | None = PASSWORD,
    *,
    reread: bool | None = None,
) -> Staged:
    """Stage and accept as of a night; hold what is stored to a rebuild and the ledger to what was delivered."""
    now: datetime = NOW + timedelta(days=night)
    staged = landing.stage(warehouse, source, "Europe/London", now, lambda done, total: None, password, reread)
    with warehouse.transaction():
        landing.accept(warehouse, source, now)
    assert [found for found in verify(warehouse, source) if found.differing_rows] == []
    return staged


def counted(warehouse: Warehouse) -> list[tuple[str, str]]:
    """Id and amount of the lines that count, faulty ones included."""
    stored = " UNION ALL ".join(
        f"SELECT line_id, amount FROM {table} WHERE outcome <> 'duplicate'"
        for table in ("sales.transaction_lines", "landing.quarantine")
    ).replace("'duplicate'", "ALL (['duplicate', 'replayed'])")
    text = f"SELECT line_id, CAST(amount AS VARCHAR) FROM ({stored}) ORDER BY CAST(line_id AS INTEGER)"
    return warehouse.execute(text).fetchall()


def units(warehouse: Warehouse, status: str = "accepted") -> list[str]:
    """Names of the loads of a status, in the order they came."""
    rows = warehouse.select(
        f"SELECT unit FROM landing.loads WHERE status = '{status}' AND delivered_lines > 0 ORDER BY load_id"
    )
    return [row["unit"] for row in rows]


def folder_of(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def _minute(number: int) -> str:
    return f"(timestamptz '2011-12-01 00:00+00' + {number} * interval '1 minute')"
