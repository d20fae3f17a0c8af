"""Numbers, dates and names as people write them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from math import floor, isfinite, log10

#: What a number shows where there is none.
MISSING = "–"
#: From where on, of how many, and the unit in a sentence and in a table; 999,999 is a million.
_UNITS = (
    (999_500_000, 1_000_000_000, " billion", " bn"),
    (999_500, 1_000_000, " million", " M"),
    (10_000, 1_000, " thousand", " k"),
)
_ENDS = ("Cc", "Cf", "Co", "Cs")
_LONGEST = 120


@dataclass(frozen=True)
class Money:
    """Writes sums of money, in the shop's currency if it is known."""

    currency: str = ""

    def long(self, value: float | None) -> str:
        """For a sentence: £3.35 million."""
        return self._told(value, 2)

    def short(self, value: float | None) -> str:
        """For a table or an axis: £3.35 M."""
        return self._told(value, 3)

    def _told(self, value: float | None, place: int) -> str:
        if value is None or not isfinite(value):
            return MISSING
        for unit in _UNITS:
            if abs(value) >= unit[0]:
                return self._signed(value, f"{_three_digits(abs(value) / unit[1])}{unit[place]}")
        return self._signed(value, f"{abs(value):,.0f}")

    def _signed(self, value: float, text: str) -> str:
        sign = "−" if value < 0 and any(digit in "123456789" for digit in text) else ""
        if not self.currency:
            return f"{sign}{text}"
        return f"{sign}{self.currency}{text}" if len(self.currency) == 1 else f"{sign}{text} {self.currency}"


def count(value: float | None) -> str:
    """1,234."""
    return MISSING if value is None else f"{value:,.0f}".replace("-", "−")


def share(value: float | None, digits: int | None = None) -> str:
    """12 %, and 1.2 % below a tenth."""
    if value is None or not isfinite(value):
        return MISSING
    percent = value * 100
    shown = digits if digits is not None else 1 if 0 < abs(percent) < 10 else 0
    least = 10**-shown
    if 0 < abs(percent) < least / 2:
        return f"<{least:g} %" if percent > 0 else "0 %"
    return f"{percent:.{shown}f} %".replace("-", "−")


def number(value: float | None, digits: int = 1) -> str:
    """3.5, with a true minus sign."""
    return MISSING if value is None or not isfinite(value) else f"{value:,.{digits}f}".replace("-", "−")


def counted(value: int, one: str, many: str | None = None) -> str:
    """1 customer, 1,234 customers."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def day(value: date | None) -> str:
    """1 December 2011."""
    return MISSING if value is None else f"{value.day} {value:%B %Y}"


def month(value: date) -> str:
    """Dec 2011."""
    return f"{value:%b %Y}"


def moment(value: datetime | None) -> str:
    """1 December 2011, 03:30 UTC."""
    return MISSING if value is None else f"{day(value)}, {value:%H:%M} UTC"


def listed(parts: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def clean(text: str | None, longest: int = _LONGEST) -> str:
    """A text from outside on one line, without characters that control a screen or turn its direction."""
    kept = "".join(one if unicodedata.category(one) not in _ENDS else " " for one in text or "")
    words = " ".join(kept.split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def label(text: str | None, longest: int = 32) -> str:
    """A text from outside for a chart, where Plotly would read tags as markup."""
    words = clean(text) or MISSING
    return escape(words if len(words) <= longest else words[: longest - 1].rstrip() + "…", quote=False)


def _three_digits(value: float) -> str:
    digits = min(2, max(0, 2 - floor(log10(value))))
    return f"{value:,.{digits}f}"
