"""Everything late and mutable in any order: deliveries, corrections, merges, replays, changed rules, files read again.

After every step what is stored is held to an oracle and to a rebuild; customers nothing happened to are left alone.
"""

import json
import tempfile
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support_lines import LINES, MERGES
from support_nights import (
    BEGAN,
    FIRST_DAY,
    HEADER,
    by_customer,
    differing_rows,
    ledger,
    new_warehouse,
    outcomes,
    source_of,
    write_files,
    write_merges,
)
from support_oracle import Line, Oracle

from warehouse import features, landing, replaying
from warehouse.params import Duplicates
from warehouse.quarantine import Asked

#: Lines that meet again: faulty, of the future, corrected by their ids.
POOL = [
    Line(*values, customer_id=customer, line_id=line_id)
    for customer, line_id in (("7", ""), ("8", "a"))
    for values in (
        ("1", "p", "2", f"{FIRST_DAY} 10:00:00", "2.50"),
        ("1", "p", "2", f"{FIRST_DAY} 10:00:00", "0"),
        ("2", "q", "1", "2011-02-02 09:00:00", "2.50"),
        ("2", "q", "1", "2011-02-02 12:00:00", "1.00"),
    )
]
AS_OF = FIRST_DAY + timedelta(days=9)
DAY = f"{FIRST_DAY} 10:00:00"
#: What a person makes of a faulty line: sound, still faulty, or somebody else's.
CORRECTIONS: list[dict[str, str]] = [
    {"invoice_no": "1", "quantity": "2", "invoiced_at": DAY, "unit_price": "3.00"},
    {"unit_price": "2.50"},
    {
        "invoice_no": "2",
        "quantity": "1",
        "invoiced_at": f"{FIRST_DAY} 10:00:00",
        "unit_price": "2.50",
        "customer_id": "9",
    },
]


class Shop(RuleBasedStateMachine):
    """A warehouse and what it must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.folder = Path(self.open.enter_context(tempfile.TemporaryDirectory()))
        self.warehouse = self.open.enter_context(new_warehouse(self.folder))
        self.files: dict[str, tuple[Line, ...]] = {}
        self.nights = 0

    @initialize(append=st.booleans(), by_id=st.booleans())
    def begin(self, append: bool, by_id: bool) -> None:
        merges = write_merges(self.folder / "merges.csv", [])
        self.source = source_of(self.folder / "files", append=append, by_id=by_id, merges=merges)
        self.oracle = Oracle(append=append, by_id=by_id)
        self.deliver("a.csv", [Line(customer_id="7"), Line("2", customer_id="8")])

    @rule(name=st.sampled_from(["a.csv", "b.csv"]), lines=st.lists(st.sampled_from(POOL) | LINES, max_size=4))
    def deliver(self, name: str, lines: list[Line]) -> None:
        self.files[name] = tuple(lines)
        write_files(self.folder / "files", {name: self.files[name]})
        self._night()

    @rule(pairs=st.sampled_from(MERGES))
    def merge(self, pairs: tuple[tuple[str, str], ...]) -> None:
        write_merges(self.folder / "merges.csv", pairs)
        self.oracle.merges = dict(pairs)
        self._night()

    @rule()
    def judge_equal_lines_otherwise(self) -> None:
        self.oracle.keep = not self.oracle.keep
        kind = Duplicates.KEEP if self.oracle.keep else Duplicates.DROP
        self.source = self.source.model_copy(update={"duplicates": kind})
        self._night()

    @rule()
    def read_again(self) -> None:
        self._night(reread=True)

    @rule()
    def try_the_quarantine_again(self) -> None:
        now = self._next()
        self._replay(self.oracle.replay(now), now, None)

    @rule(changes=st.sampled_from(CORRECTIONS))
    def correct_the_quarantine(self, changes: dict[str, str]) -> None:
        now = self._next()
        found = self.oracle.outcomes()
        quarantined = [line for line in self.oracle.lines() if found[line.place] == "quarantined"]
        corrected = {line.place: line.line._replace(**changes) for line in quarantined}
        file = self.folder / "corrected.jsonl"
        rows = [
            {"quarantine_load": load, "quarantine_line": number} | dict(zip(HEADER, line, strict=True))
            for (load, number), line in corrected.items()
        ]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        if rows:
            self._replay(self.oracle.replay(now, corrected), now, file)

    @invariant()
    def holds(self) -> None:
        if not self.nights:
            return
        assert outcomes(self.warehouse) == self.oracle.outcomes()
        assert ledger(self.warehouse) == self.oracle.ledger()
        assert self._activity() == self.oracle.activity(AS_OF, None)
        assert differing_rows(self.warehouse, self.source) == {}

    def teardown(self) -> None:
        self.open.close()

    def _next(self) -> datetime:
        self.nights += 1
        return BEGAN + timedelta(hours=2 * self.nights)

    def _night(self, *, reread: bool = False) -> None:
        now = self._next()
        before = self._activity()
        if reread:
            self.oracle.reread(self.files, now)
        self.oracle.night(self.files, AS_OF, now, self.oracle.merges.items())
        landing.stage(self.warehouse, self.source, "UTC", now, lambda done, files: None, reread=reread)
        with self.warehouse.transaction():
            accepted = landing.accept(self.warehouse, self.source, now)
            features.advance(self.warehouse, AS_OF, None, accepted=accepted)
        self._only_the_recomputed_changed(before)

    def _replay(self, expected: int, now: datetime, file: Path | None) -> None:
        before = self._activity()
        planned, _ = replaying.plan(self.warehouse, self.source, "UTC", now, Asked(), file)
        tried = replaying.stage(self.warehouse, self.source, "UTC", now, Asked(), file)
        assert planned == tried
        assert tried.sound == expected
        if tried.sound:
            with self.warehouse.transaction():
                replaying.accept(self.warehouse, self.source, now)
            self._only_the_recomputed_changed(before)

    def _activity(self) -> dict[str, dict[str, Any]]:
        return by_customer(self.warehouse, "features.customer_activity")

    def _only_the_recomputed_changed(self, before: dict[str, dict[str, Any]]) -> None:
        """Whoever's activity changed is among those that were recomputed; the others' rows were not written."""
        after = self._activity()
        changed = {who for who in before.keys() | after.keys() if before.get(who) != after.get(who)}
        recomputed = self.warehouse.execute("SELECT customer_id FROM changed_invoices").fetchall()
        assert changed <= {who for (who,) in recomputed}


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=10, stateful_step_count=8, deadline=None)
