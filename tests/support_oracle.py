"""What the warehouse must hold after some deliveries, worked out again in plain Python from the delivered lines."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NamedTuple

OUTCOMES = ("purchase", "return", "unattributed", "quarantined", "duplicate", "replayed")
ZERO = Decimal("0.0000")
NO_VALUE = ("", "NULL", "null", "None", "NaN", "nan", "N/A")


class Line(NamedTuple):
    """One line as a shop writes it: everything is text."""

    invoice_no: str = "1"
    product: str = "p"
    quantity: str = "1"
    invoiced_at: str = "2011-01-01 10:00:00"
    unit_price: str = "1.00"
    customer_id: str = "7"
    country: str = "UK"
    line_id: str = ""


@dataclass(frozen=True)
class Parsed:
    """A line read by the stated rules; `received_at` is shop-local."""

    place: tuple[int, int]
    line: Line
    received_at: datetime

    @property
    def customer_id(self) -> str | None:
        text = _text(self.line.customer_id)
        return text[:-2] if text and text.endswith(".0") else text

    @property
    def quantity(self) -> Decimal | None:
        return _number(self.line.quantity)

    @property
    def unit_price(self) -> Decimal | None:
        return _number(self.line.unit_price)

    @property
    def amount(self) -> Decimal | None:
        return None if self.quantity is None or self.unit_price is None else _four(self.quantity * self.unit_price)

    @property
    def invoiced_at(self) -> datetime | None:
        text = _text(self.line.invoiced_at)
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            return None

    @property
    def day(self) -> date:
        assert self.invoiced_at is not None
        return self.invoiced_at.date()

    @property
    def faulty(self) -> bool:
        invoice_no, quantity = _text(self.line.invoice_no), self.quantity
        sound = (
            invoice_no is not None
            and quantity is not None
            and quantity != 0
            and self.unit_price is not None
            and self.unit_price > 0
            and self.invoiced_at is not None
            and self.invoiced_at <= self.received_at
            and not (invoice_no.startswith("C") and quantity > 0)
        )
        return not sound

    def content(self, *, by_id: bool) -> tuple[Any, ...]:
        """What makes two lines the same."""
        line = self.line
        if by_id and _text(line.line_id):
            return ("id", line.line_id)
        texts = [_text(line.invoice_no), _text(line.product), self.customer_id, _text(line.country)]
        numbers = [_exact(line.quantity), _exact(line.unit_price)]
        return ("content", *texts, *numbers, line.invoiced_at, None if by_id else line.line_id)


@dataclass(frozen=True)
class Replay:
    """Lines of a load's quarantine that came again, by their numbers in that load."""

    load: int
    of_load: int
    lines: dict[int, Line]
    now: datetime


@dataclass
class Oracle:
    """Deliveries taken in night by night, and what follows from those that stand."""

    append: bool = False
    keep: bool = False
    by_id: bool = False
    loads: list[tuple[int, str, tuple[Line, ...], datetime]] = field(default_factory=list)
    replays: list["Replay"] = field(default_factory=list)
    delivered: int = 0
    as_of: date = date.min
    merges: dict[str, str] = field(default_factory=dict)

    def night(
        self,
        files: dict[str, tuple[Line, ...]],
        as_of: date,
        now: datetime,
        merges: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Look at a folder of files: what is new comes in, and takes the place of its unit's former load."""
        self.as_of = max(self.as_of, as_of)
        self.merges = dict(merges)
        for unit in sorted(files):
            former = [load for load in self.loads if load[1] == unit]
            if any(load[2] == files[unit] for load in former):
                continue
            if former and not self.append:
                self._remove(former[-1])
            self.delivered += 1
            self.loads.append((self.delivered, unit, files[unit], now))

    def _remove(self, load: tuple[int, str, tuple[Line, ...], datetime]) -> None:
        """A load goes with the replays of its quarantine."""
        self.loads.remove(load)
        self.replays = [replay for replay in self.replays if replay.of_load != load[0]]

    def replay(self, now: datetime, corrected: dict[tuple[int, int], Line] | None = None) -> int:
        """Try the quarantine again, or those of its lines that were corrected; return how many lines came in."""
        outcomes = self.outcomes()
        tried: dict[int, dict[int, Line]] = {}
        for line in self.lines():
            load, number = line.place
            if outcomes[line.place] == "quarantined" and (corrected is None or line.place in corrected):
                again = (corrected or {}).get(line.place, line.line)
                sound = not Parsed(line.place, again, now).faulty
                tried.setdefault(load, {}).update({number: again} if sound else {})
        first, came = self.delivered + 1, 0
        for load_id, (load, lines) in enumerate(sorted(tried.items()), start=first):
            if lines:
                self.replays.append(Replay(load_id, load, lines, now))
                self.delivered, came = load_id, came + len(lines)
        return came

    def reread(self, files: dict[str, tuple[Line, ...]], now: datetime) -> None:
        """Read files again that stand as they are, in the order in which they came."""
        standing = {unit: [load for load in self.loads if load[1:3] == (unit, lines)] for unit, lines in files.items()}
        for load in sorted(loads[-1] for loads in standing.values() if loads):
            self._remove(load)
            self.delivered += 1
            self.loads.append((self.delivered, load[1], load[2], now))

    def lines(self) -> list[Parsed]:
        """Every line that stands."""
        delivered = [
            Parsed((load, number), line, now)
            for load, _, lines, now in self.loads
            for number, line in enumerate(lines, start=1)
        ]
        return delivered + [
            Parsed((replay.load, number), line, replay.now)
            for replay in self.replays
            for number, line in replay.lines.items()
        ]

    def outcomes(self) -> dict[tuple[int, int], str]:
        """Outcome by (load, line number)."""
        alike = defaultdict(list)
        replayed = {(replay.of_load, number) for replay in self.replays for number in replay.lines}
        for line in self.lines():
            alike[line.content(by_id=self.by_id)].append(line)
        return {
            line.place: "duplicate" if number and not (self.keep and key[0] == "content") else _outcome(line)
            for key, lines in alike.items()
            for number, line in enumerate(_best_first(lines, replayed, newest=key[0] == "id"))
        } | dict.fromkeys(replayed, "replayed")

    def merged(self, customer_id: str | None) -> str | None:
        """Who a delivered customer is in the end."""
        while customer_id in self.merges:
            customer_id = self.merges[customer_id]
        return customer_id

    def ledger(self) -> dict[int, dict[str, tuple[int, Decimal]]]:
        """Lines and money by load and outcome."""
        outcomes = self.outcomes()
        counts: dict[int, dict[str, tuple[int, Decimal]]] = {
            load: dict.fromkeys(OUTCOMES, (0, ZERO))
            for load in [*(load for load, *_ in self.loads), *(replay.load for replay in self.replays)]
        }
        for line in self.lines():
            of_load, outcome = counts[line.place[0]], outcomes[line.place]
            of_load[outcome] = (of_load[outcome][0] + 1, of_load[outcome][1] + (line.amount or ZERO))
        return counts

    def activity(self, as_of: date, window_days: int | None) -> dict[str, dict[str, Any]]:
        """Rows of `features.customer_activity` by customer."""
        outcomes = self.outcomes()
        of_customer = defaultdict(list)
        for line in self.lines():
            if outcomes[line.place] in ("purchase", "return") and line.day < as_of:
                of_customer[self.merged(line.customer_id)].append((line, outcomes[line.place] == "purchase"))
        start = date.min if window_days is None else as_of - timedelta(days=window_days)
        return {
            str(customer): _activity(lines, start)
            for customer, lines in of_customer.items()
            if any(line.day >= start for line, _ in lines)
        }

    def rfm(self, as_of: date, window_days: int | None) -> dict[str, dict[str, Any]]:
        """Recency, frequency, monetary and average of the segmented customers."""
        return {
            customer: {
                "recency_days": (as_of - row["last_purchase_day"]).days,
                "frequency": row["frequency"],
                "monetary": row["net"],
                "average": _four(row["gross"] / row["frequency"]),
                "gross": row["gross"],
            }
            for customer, row in self.activity(as_of, window_days).items()
            if row["frequency"] > 0
        }


def _activity(lines: list[tuple[Parsed, bool]], start: date) -> dict[str, Any]:
    inside = [(line, bought) for line, bought in lines if line.day >= start]
    purchases = [line for line, bought in inside if bought]
    returns = [line for line, bought in inside if not bought]
    days = defaultdict(list)
    for line in purchases:
        days[line.line.invoice_no].append(line.day)
    gross, returned = sum((_money(line) for line in purchases), ZERO), sum((_money(line) for line in returns), ZERO)
    return {
        "first_purchase_day": min((line.day for line, bought in lines if bought), default=None),
        "last_purchase_day": max((line.day for line in purchases), default=None),
        "frequency": len(days),
        "gross": gross,
        "returned": returned,
        "net": gross + returned,
        "purchase_lines": len(purchases),
        "return_lines": len(returns),
        "items": sum((line.quantity for line in purchases if line.quantity is not None), ZERO),
        "active_months": len({max(booked).replace(day=1) for booked in days.values()}),
        "country": _country([line for line, _ in lines]),
        "greatest_invoice": max((f"{len(number):04}{number}" for number in days), default=None),
    }


def _country(lines: list[Parsed]) -> str | None:
    """Of the last day that tells one, the last invoice by name; of its countries the last by name."""
    told = [(line.day, line.line.invoice_no, line.line.country) for line in lines if _text(line.line.country)]
    return max(told)[2] if told else None


def _best_first(lines: list[Parsed], replayed: set[tuple[int, int]], *, newest: bool) -> Iterator[Parsed]:
    ordered = sorted(lines, key=lambda line: line.place, reverse=newest)
    return iter(sorted(ordered, key=lambda line: (line.faulty, line.place not in replayed)))


def _outcome(line: Parsed) -> str:
    if line.faulty:
        return "quarantined"
    if line.customer_id is None:
        return "unattributed"
    return "return" if line.quantity is not None and line.quantity < 0 else "purchase"


def _money(line: Parsed) -> Decimal:
    assert line.amount is not None
    return line.amount


def _text(text: str) -> str | None:
    return None if text.strip() in NO_VALUE else text.strip()


def _exact(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _number(text: str) -> Decimal | None:
    exact = _exact(text)
    return _four(exact) if isinstance(exact, Decimal) else None


def _four(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)
