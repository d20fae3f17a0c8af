"""Slices of a database: intervals of its watermark, and where a pull begins.

A watermark is a whole number here: microseconds since 1970 for times and dates (UTC for times with a zone), the value
itself for a number. A slice holds the rows with `after < watermark <= upto`, so rows that share a watermark are never
parted, and a pull begins at the border of a slice, so that what it reads again takes the place of whole slices.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from warehouse.errors import DeliveryError

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is the watermark's
_DAY = 86_400_000_000
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Axis(StrEnum):
    """What kind of value a watermark is: a whole number, a day, a local time, or a moment (a time with a zone)."""

    NUMBER = "number"
    DAY = "day"
    LOCAL_TIME = "local time"
    MOMENT = "moment"


@dataclass(frozen=True)
class Slice:
    """Rows with a watermark over `after` (None: from the first) up to `upto`; both None: the rows without one."""

    after: int | None
    upto: int | None

    def overlaps(self, other: "Slice") -> bool:
        """Whether a row could be in both."""
        if self.upto is None or other.upto is None:
            return self.upto is other.upto
        return (self.after is None or self.after < other.upto) and (other.after is None or other.after < self.upto)


#: The rows without a watermark.
WITHOUT = Slice(None, None)


def written(value: int, axis: Axis) -> str:
    """A watermark as databases write it: 2011-12-09 12:50:00.123456+00:00, 2011-12-09 or 4711."""
    if axis is Axis.NUMBER:
        return str(value)
    moment = _EPOCH + timedelta(microseconds=value)
    if axis is Axis.DAY:
        return moment.date().isoformat()
    return moment.isoformat(sep=" ") + ("+00:00" if axis is Axis.MOMENT else "")


def unit_name(watermark: str, one: Slice, axis: Axis) -> str:
    """How the ledger calls a slice."""
    if one.upto is None:
        return f"{watermark} is null"
    lower = "" if one.after is None else f"{written(one.after, axis)} < "
    return f"{lower}{watermark} <= {written(one.upto, axis)}"


def span(look_back: str, axis: Axis) -> int:
    """A look-back window in the watermark's own measure; raises DeliveryError if it does not fit it."""
    number, unit = re.fullmatch(r"(\d+) ?(\w*)", look_back).groups()  # type: ignore[union-attr]
    if bool(unit) == (axis is Axis.NUMBER):
        wanted = 'a number, as "5000"' if axis is Axis.NUMBER else 'a time, as "1d"'
        raise DeliveryError(f"The watermark is a {axis}, so [source.database] look_back must be {wanted}.")
    measured = int(number) * (_SECONDS[unit] * 1_000_000 if unit else 1)
    return -(-measured // _DAY) * _DAY if axis is Axis.DAY else measured


def latest_sensible(now: datetime, axis: Axis, zone: str) -> int | None:
    """The watermark of the moment `now` (UTC without a zone); None for numbers.

    A row dated in the future must not make the following nights look only behind it.
    """
    if axis is Axis.NUMBER:
        return None
    local = now if axis is Axis.MOMENT else now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return (local - _EPOCH) // timedelta(microseconds=1)


def border_before(slices: Sequence[Slice], look_back: int, latest: int | None) -> int | None:
    """Where to read on after `slices`: the lower border of the slice that the look-back window reaches into.

    None: from the first row.
    """
    ends = [one.upto for one in slices if one.upto is not None]
    if not ends:
        return None
    newest = max(ends) if latest is None else min(max(ends), latest)
    reached = [one for one in slices if one.upto is not None and one.upto >= newest - look_back]
    return min(reached, key=lambda one: one.upto or 0).after
