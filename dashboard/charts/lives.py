"""One customer's way through the segments."""

from datetime import date
from typing import TYPE_CHECKING

from dashboard.charts.style import QUIET, colours, styled
from dashboard.wording import day, label

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure


def stays(rows: "pl.DataFrame", profiles: "pl.DataFrame", until: date) -> "Figure":
    """A bar for each stay, from left to right in time: rows of segment_key, segment, valid_from, valid_to.

    A stay that lasts ends at `until`, a day after it began at the earliest.
    """
    from plotly.graph_objects import Figure

    colour = colours(profiles)
    figure = Figure()
    for row in rows.iter_rows(named=True):
        end = row["valid_to"] or max(until, row["valid_from"])
        days = max(1, (end - row["valid_from"]).days)
        figure.add_bar(
            y=[label(row["segment"])], x=[days * 86_400_000], base=[row["valid_from"]], orientation="h", width=0.6,
            marker_color=colour.get(row["segment_key"], QUIET), hovertemplate=(
                f"{day(row['valid_from'])} to {day(row['valid_to']) if row['valid_to'] else 'now'}<extra></extra>"
            ),
        )  # fmt: skip
    figure.update_xaxes(type="date", tickformat="%d %b\n%Y", nticks=8)
    figure.update_yaxes(ticks="", showgrid=False)
    return styled(figure, 90 + 40 * rows["segment"].n_unique(), barmode="overlay")
