"""How customers of one segment are spread."""

from typing import TYPE_CHECKING

from dashboard.charts.style import QUIET, styled
from dashboard.wording import count, share

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure


def distribution(bins: "pl.DataFrame", title: str, colour: str) -> "Figure":
    """Share of a segment's customers in each bin beside everybody's: rows of low, high, own, everybody."""
    from plotly.graph_objects import Figure

    names = [_range(low, high) for low, high in bins.select("low", "high").iter_rows()]
    figure = Figure()
    for values, fill, name in ((bins["own"], colour, "this segment"), (bins["everybody"], QUIET, "everybody")):
        figure.add_bar(
            y=names, x=values.to_list(), orientation="h", marker_color=fill, name=name,
            customdata=[share(value) for value in values],
            hovertemplate="%{y}: %{customdata}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_xaxes(visible=False)
    figure.update_yaxes(type="category", ticks="", showgrid=False)
    heading = {"text": title, "x": 0, "font": {"size": 13}}
    return styled(figure, 90 + 34 * len(names), title=heading, margin={"l": 8, "r": 8, "t": 34, "b": 8}, bargap=0.25)


def _range(low: float, high: float) -> str:
    if low == high:
        return count(low)
    return f"{count(low)} to {count(high)}"
