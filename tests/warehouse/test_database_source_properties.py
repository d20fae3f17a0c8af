"""Whatever is inserted, changed, deleted or comes late inside the window: after each pull what counts is the table."""

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support_database import COLUMNS, counted, pull
from support_landing import warehouse_in

from warehouse.params import SourceParams

LOOK_BACK = 4
#: What happens before a pull, each to the row of a number: rows from 10 on do not exist at first.
NUMBERS = st.integers(0, 14)
EVENTS = st.lists(st.tuples(st.sampled_from(["change", "change", "late", "delete", "unmark"]), NUMBERS), max_size=6)


@dataclass
class Table:
    """Rows by id as (watermark, quantity), and the watermark each had when it was last pulled."""

    rows: dict[int, tuple[int | None, int]] = field(default_factory=dict)
    pulled: dict[int, int | None] = field(default_factory=dict)
    clock: int = 0
    newest: int = 0

    def happen(self, event: str, number: int) -> None:
        quantity = self.rows.get(number, (0, 0))[1] + 1
        if event == "change":
            self.clock += 1
            self.rows[number] = (self.clock, quantity)
        elif event == "late" and number not in self.rows and number not in self.pulled:
            self.rows[number] = (max(1, self.newest - LOOK_BACK + 1), quantity)
        elif event == "unmark" and number in self.rows:
            self.rows[number] = (None, quantity)
        elif event == "delete" and self._in_window(number):
            self.rows.pop(number, None)

    def _in_window(self, number: int) -> bool:
        seen = self.pulled.get(number)
        return number not in self.pulled or seen is None or seen > self.newest - LOOK_BACK

    def was_pulled(self) -> None:
        self.pulled = {number: watermark for number, (watermark, _) in self.rows.items()}
        self.newest = max([self.newest, *(mark for mark in self.pulled.values() if mark is not None)])

    def write(self, file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DROP TABLE IF EXISTS lines")
            connection.execute(
                "CREATE TABLE lines (id INT, invoice TEXT, product TEXT, quantity INT, price REAL, customer INT, "
                "sold_at TEXT, updated_at INT)"
            )
            rows = [
                (number, f"I{number}", "P", quantity, 1.25, number % 3, "2011-01-01 10:00", watermark)
                for number, (watermark, quantity) in self.rows.items()
            ]
            connection.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def lines(self) -> list[tuple[str, str]]:
        return [(str(number), f"{1.25 * quantity:.4f}") for number, (_, quantity) in sorted(self.rows.items())]


@settings(max_examples=12)
@given(nights=st.lists(EVENTS, min_size=1, max_size=5), slice_rows=st.integers(1, 4))
def test_what_counts_is_the_table(nights: list[list[tuple[str, int]]], slice_rows: int) -> None:
    table = Table()
    for number in range(10):
        table.happen("change", number)
    with tempfile.TemporaryDirectory() as folder, warehouse_in(Path(folder)) as warehouse:
        file = Path(folder) / "shop.sqlite"
        database = {"uri": f"sqlite://{file}", "table": "lines", "watermark": "updated_at", "slice_rows": slice_rows,
                    "look_back": str(LOOK_BACK)}  # fmt: skip
        source = SourceParams.model_validate({"kind": "database", "columns": COLUMNS, "database": database})
        for night, events in enumerate([[], *nights]):
            for event, number in events:
                table.happen(event, number)
            table.write(file)
            pull(warehouse, source, night, None)
            assert counted(warehouse) == table.lines()
            table.was_pulled()
