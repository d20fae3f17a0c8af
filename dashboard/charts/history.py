"""Segments over time: their shares from version to version, their orders from month to month."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dashboard.charts.sales import money_axis
from dashboard.charts.style import INK, styled
from dashboard.wording import Money, day, label, month, share

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure

#: Figures of segment_kpis_monthly: column, title, whether it is a share.
MONTHLY = (
    ("sales", "Sales", False),
    ("average_order_value", "Order value", False),
    ("retention", "Ordered again", True),
)


def shares(history: "pl.DataFrame") -> "Figure":
    """Share of the customers in each segment, a line each, by as_of; rows of segment_profiles_history."""
    from plotly.graph_objects import Figure, Scatter

    figure, named = Figure(), set[str]()
    for part in history.sort("segment_key", "as_of").partition_by("segment_key", maintain_order=True):
        told = [
            f"{label(row['segment'])}, {day(row['as_of'])}: {share(row['share'])}" for row in part.iter_rows(named=True)
        ]
        name = label(part["segment"][-1], 22)
        line = Scatter(
            x=part["as_of"].to_list(), y=part["share"].to_list(), mode="lines+markers",
            name=name, legendgroup=name, showlegend=name not in named, line_color=part["colour"][-1], customdata=told,
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
        figure.add_trace(line)
        named.add(name)  # one that came anew after a refit has a key of its own, and the same name
    figure.update_xaxes(type="date", tickformat="%d %b\n%Y", nticks=8, showgrid=False)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=6)
    return styled(figure, 340, showlegend=True, meta={"least_width": 520})


def monthly(kpis: "pl.DataFrame", colours: dict[int | None, str], money: Money) -> "Figure":
    """Sales, order value and retention of each segment by whole month, a panel each."""
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    titles: Sequence[str] = [title for _, title, _ in MONTHLY]
    figure = make_subplots(cols=len(MONTHLY), subplot_titles=titles, horizontal_spacing=0.08)
    for part in kpis.sort("segment_key", "month").partition_by("segment_key", maintain_order=True):
        for place, (column, _, is_share) in enumerate(MONTHLY, start=1):
            values = part[column].to_list()
            told = [
                f"{label(row['segment'])}, {month(row['month'])}: {(share if is_share else money.short)(row[column])}"
                for row in part.iter_rows(named=True)
            ]
            line = Scatter(
                x=part["month"].to_list(), y=values, mode="lines+markers", name=label(part["segment"][-1], 22),
                line_color=colours.get(part["segment_key"][0]), showlegend=place == 1, customdata=told,
                legendgroup=str(part["segment_key"][0]), hovertemplate="%{customdata}<extra></extra>",
            )  # fmt: skip
            figure.add_trace(line, row=1, col=place)
            axis = {"tickformat": ".0%", "rangemode": "tozero", "nticks": 5} if is_share else money_axis(money)
            figure.update_yaxes(**axis, row=1, col=place)
    figure.update_xaxes(tickformat="%b\n%Y", nticks=5, showgrid=False)
    figure.update_annotations(font={"size": 13, "color": INK})
    return styled(
        figure,
        360,
        showlegend=True,
        legend_y=1.12,
        margin={"t": 64, "l": 8, "r": 16, "b": 8},
        meta={"least_width": 720},
    )
