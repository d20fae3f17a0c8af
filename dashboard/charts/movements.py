"""Who went where since the version before, and how many did from version to version."""

from typing import TYPE_CHECKING, Any

from dashboard.charts.style import ACCENT, LOSS, QUIET, colours, styled, translucent
from dashboard.wording import Money, counted, day, label

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure

ENTERING, LEAVING = "Not segmented before", "No longer segmented"
_PADDING, _MARGIN = 18, 34
#: About the width of a letter in pixels.
_LETTER = 8


def sankey(moves: "pl.DataFrame", profiles: "pl.DataFrame", money: Money) -> "Figure":
    """Movers from their segment before to their segment now; segments keep their place from version to version.

    `moves` are the rows of segment_movements of one version. Customers who stayed are not drawn: they are nearly all
    of them and would leave the movers as hairlines.
    """
    from plotly.graph_objects import Figure, Sankey

    keys = _keys(moves, profiles)
    names = _names(moves, profiles)
    colour = colours(profiles)
    left, right = _totals(moves, "from_segment_key", keys), _totals(moves, "to_segment_key", keys)
    height = 120 + 64 * max(len(left), len(right))
    places = [_places(column, height) for column in (left, right)]
    number = {("from", key): place for place, key in enumerate(left)}
    number |= {("to", key): len(left) + place for place, key in enumerate(right)}
    ends = moves.select("from_segment_key", "to_segment_key").rows()
    drawn = Sankey(
        arrangement="fixed",
        node={
            "label": [""] * (len(left) + len(right)), "x": [0.001] * len(left) + [0.999] * len(right),
            "y": places[0] + places[1],
            "color": [colour.get(key, QUIET) for key in [*left, *right]], "pad": _PADDING, "thickness": 16,
            "line": {"width": 0}, "hoverinfo": "none",
        },
        link={
            "source": [number["from", start] for start, _ in ends], "target": [number["to", end] for _, end in ends],
            "value": moves["customers"].to_list(),
            "color": [translucent(colour.get(start, QUIET), 0.45) for start, _ in ends],
            "customdata": [_told(row, names, money) for row in moves.iter_rows(named=True)],
            "hovertemplate": "%{customdata}<extra></extra>",
        },
    )  # fmt: skip
    figure = Figure(drawn)
    beside = [
        _write_beside(figure, column, spots, names, is_left)
        for column, spots, is_left in ((left, places[0], True), (right, places[1], False))
    ]
    margin = {"l": beside[0], "r": beside[1], "t": _MARGIN / 2, "b": _MARGIN / 2}
    return styled(figure, height, margin=margin, meta={"least_width": 640})


def _write_beside(
    figure: "Figure", column: dict[int | None, int], places: list[float], names: dict[int | None, str], is_left: bool
) -> int:
    """Put names beside the nodes, where no link runs through them; return the room they take in pixels."""
    empty = ENTERING if is_left else LEAVING
    told = [f"{label(names.get(key, empty), 24)} <b>{total:,}</b>" for key, total in column.items()]
    for text, place in zip(told, places, strict=True):
        figure.add_annotation(
            text=text, x=0 if is_left else 1, y=1 - place, xref="paper", yref="paper", showarrow=False,
            xanchor="right" if is_left else "left", xshift=-9 if is_left else 9, yanchor="middle",
        )  # fmt: skip
    return max((len(text) for text in told), default=0) * _LETTER - 7 * _LETTER + 16


def over_time(directions: "pl.DataFrame") -> "Figure":
    """Customers that moved to higher value above the line and to lower value below it, by published date.

    `directions` has as_of, `higher` and `lower`, numbers of customers, a row for each published date.
    """
    from plotly.graph_objects import Bar, Figure

    dates = [day(when) for when in directions["as_of"]]
    figure = Figure()
    for column, sign, colour, words in (
        ("higher", 1, ACCENT, "to higher value"),
        ("lower", -1, LOSS, "to lower value"),
    ):
        values = directions[column].to_list()
        bars = Bar(
            x=directions["as_of"].cast(str).to_list(), y=[sign * value for value in values], marker_color=colour,
            name=words.capitalize(), hovertemplate="%{customdata}<extra></extra>",
            customdata=[
                f"{when}: {counted(value, 'customer')} {words}" for when, value in zip(dates, values, strict=True)
            ],
        )  # fmt: skip
        figure.add_trace(bars)
    figure.update_xaxes(type="category", nticks=8, showgrid=False)
    figure.update_yaxes(tickformat="~s", nticks=6)
    return styled(figure, 320, barmode="relative", bargap=0.3, showlegend=True, meta={"least_width": 480})


def _keys(moves: "pl.DataFrame", profiles: "pl.DataFrame") -> list[int | None]:
    """Keys of the segments in the order of their birth, which never changes; at the end, no segment."""
    present = {*moves["from_segment_key"], *moves["to_segment_key"], *profiles["segment_key"]} - {None}
    return [*sorted(present), None]


def _names(moves: "pl.DataFrame", profiles: "pl.DataFrame") -> dict[int | None, str]:
    """Names of segments that are and that were."""
    found: dict[int | None, str] = {}
    for frame, key, name in (
        (moves, "from_segment_key", "from_segment"),
        (moves, "to_segment_key", "to_segment"),
        (profiles, "segment_key", "segment"),
    ):
        found |= {key: name for key, name in frame.select(key, name).iter_rows() if key is not None}
    return found


def _totals(moves: "pl.DataFrame", end: str, keys: list[int | None]) -> dict[int | None, int]:
    counts: dict[int | None, int] = {}
    for key, customers in moves.select(end, "customers").iter_rows():
        counts[key] = counts.get(key, 0) + customers
    return {key: counts[key] for key in keys if key in counts}


def _places(column: dict[int | None, int], height: int) -> list[float]:
    """Centres of nodes one under the other, as shares of the height."""
    total, gap = sum(column.values()), _PADDING / (height - _MARGIN)
    room = 1 - gap * (len(column) - 1)
    tops = [sum(list(column.values())[:place]) / total * room + gap * place for place in range(len(column))]
    return [
        min(0.999, max(0.001, top + customers / total * room / 2))
        for top, customers in zip(tops, column.values(), strict=True)
    ]


def _told(row: dict[str, Any], names: dict[int | None, str], money: Money) -> str:
    start = label(names[row["from_segment_key"]]) if row["from_segment_key"] is not None else ENTERING
    end = label(names[row["to_segment_key"]]) if row["to_segment_key"] is not None else LEAVING
    worth = money.short(row["net_365_days"])
    return f"{start} → {end}<br>{counted(row['customers'], 'customer')}, {worth} in the last 365 days"
