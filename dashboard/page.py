"""What a page is made of, and its HTML text: everything in one file that asks nobody for anything."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Table:
    """Rows of texts; columns whose title is in `texts` stand to the left, others are numbers.

    `colours`, if given, has the colour of each row's first cell.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: Sequence[str] = ()
    colours: Sequence[str] = ()
    caption: str = ""


@dataclass(frozen=True)
class Chart:
    """A picture under the sentence it proves; `table` tells the same to those who do not see it."""

    key: str
    finding: str
    figure: "Figure"
    reading: str = ""
    table: Table | None = None
    kind: str = "chart"


@dataclass(frozen=True)
class Card:
    """A segment: its name and colour, facts as (word, figure), and what to do."""

    name: str
    colour: str
    words: str
    facts: Sequence[tuple[str, str]]
    actions: Sequence[str]


@dataclass(frozen=True)
class Cards:
    """Cards side by side."""

    cards: Sequence[Card]


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    key: str
    title: str
    parts: Sequence[Chart | Table | Cards | Words]


@dataclass(frozen=True)
class Page:
    """A whole report: its title, a line under it, tiles of (word, figure, change), notices and sections."""

    title: str
    subtitle: str
    tiles: Sequence[tuple[str, str, str]]
    notices: Sequence[str]
    sections: Sequence[Section]


def html(page: Page) -> str:
    """Text of the page; whatever came from outside is shown as the text it is."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=FunctionLoader(_file), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["kind"] = lambda part: type(part).__name__
    environment.filters["figure"] = _figure_text
    return environment.get_template("report.html").render(
        page=page, style=_file("report.css"), script=_file("report.js"), plotly=get_plotlyjs()
    )


def _file(name: str) -> str:
    return files("dashboard").joinpath("templates", name).read_text(encoding="utf-8")


def _figure_text(figure: "Figure") -> str:
    """JSON that can stand inside a script element."""
    content: Mapping[str, Any] = figure.to_plotly_json()
    from plotly.utils import PlotlyJSONEncoder

    text = json.dumps(content, cls=PlotlyJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
