"""Small pictures as text, for pages that run no script: horizontal bars as an SVG inside its own address."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_ROW, _LABEL, _BARS, _VALUE = 26, 230, 330, 110
_GREY = "#64748b"


@dataclass(frozen=True)
class Bar:
    """A name and its value, not negative; `note` stands beside the value's number, or for it if it is no count."""

    name: str
    value: float
    note: str = ""
    colour: str = _GREY


def bars(rows: Sequence[Bar]) -> str:
    """A `data:` address of a picture with one bar a row."""
    longest = max((row.value for row in rows), default=0) or 1
    width, height = _LABEL + _BARS + _VALUE, _ROW * len(rows)
    drawn = "".join(_drawn(number, row, longest) for number, row in enumerate(rows))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="system-ui, sans-serif" font-size="13"><rect width="100%" height="100%" fill="#ffffff"/>'
        f"{drawn}</svg>"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _drawn(number: int, row: Bar, longest: float) -> str:
    top, length = number * _ROW, max(1.0, row.value / longest * _BARS)
    name = row.name if len(row.name) <= 34 else f"{row.name[:33]}…"
    told = f"{row.value:,} ({row.note})" if isinstance(row.value, int) and row.note else row.note or f"{row.value:,}"
    colour = escape(row.colour)
    return (
        f'<text x="{_LABEL - 8}" y="{top + 17}" text-anchor="end" fill="#1e293b">{escape(name)}</text>'
        f'<rect x="{_LABEL}" y="{top + 4}" width="{length:.1f}" height="{_ROW - 8}" rx="2" fill="{colour}"/>'
        f'<text x="{_LABEL + length + 6:.1f}" y="{top + 17}" fill="#1e293b">{escape(told)}</text>'
    )
