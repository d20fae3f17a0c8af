"""What a backfill is asked for: which dates, and which model assigns the customers of each; and dates in words."""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from warehouse.errors import ResegmentError


class BackfillError(ResegmentError):
    """The dates or the model that were asked for cannot be used; nothing was changed."""


class Every(StrEnum):
    """How far the dates of a range are apart."""

    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"


class Mode(StrEnum):
    """Where a version's model comes from: one that was named, or one of the backfill's own chain."""

    GIVEN = "given"
    REPLAY = "replay"


@dataclass(frozen=True)
class Asked:
    """A backfill as it was asked for; `model` is current, replay or the number of a model."""

    start: date | None
    end: date | None
    every: Every = Every.DAY
    model: str = "current"
    force: bool = False
    affected: bool = False

    @property
    def mode(self) -> Mode:
        """Whether a model is named or made."""
        return Mode.REPLAY if self.model == "replay" else Mode.GIVEN

    def dates(self) -> list[date]:
        """The dates of the range, both ends included where a step meets them; none for `affected`."""
        return [] if self.start is None or self.end is None else list(_steps(self.start, self.end, self.every))


def check(asked: Asked) -> Asked:
    """Returns what was asked for; raises BackfillError if it is no range or no model."""
    if asked.affected:
        if asked.start or asked.end:
            raise BackfillError("--affected finds its dates itself; leave --from and --to out.")
        if replace(asked, affected=False) != Asked(None, None):
            raise BackfillError("--affected makes each version as it was made; leave --every, --model and --force out.")
        return asked
    if asked.start is None or asked.end is None:
        raise BackfillError("A backfill needs both ends of its range, --from and --to, or --affected.")
    if asked.start > asked.end:
        raise BackfillError(f"The range is reversed: {asked.start} is after {asked.end}; swap --from and --to.")
    if asked.model not in ("current", "replay") and not asked.model.isdecimal():
        raise BackfillError(f"--model {asked.model!r} is not known; use current, replay or the number of a model.")
    return asked


def _steps(start: date, end: date, every: Every) -> Iterator[date]:
    """Steps are counted, not tried: after the last date there may be none, as there is no year 10000."""
    if every is Every.MONTH:
        months = (end.year - start.year) * 12 + end.month - start.month
        days = (_months_after(start, number) for number in range(months + 1))
        yield from (day for day in days if day <= end)
    else:
        apart = 7 if every is Every.WEEK else 1
        for number in range(0, (end - start).days + 1, apart):
            yield start + timedelta(days=number)


def _months_after(start: date, steps: int) -> date:
    """The day of the month is kept, or the last there is taken."""
    months = start.year * 12 + start.month - 1 + steps
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def dated(noun: str, dates: Sequence[date]) -> str:
    """How many there are and as of when, for people; the dates are in their order."""
    if len(dates) == 1:
        return f"1 {noun}, as of {dates[0]}"
    return f"{len(dates):,} {noun}s, as of {dates[0]} to {dates[-1]}"
