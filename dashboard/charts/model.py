"""How the number of segments was chosen, and how well the segments told what customers did next."""

from typing import TYPE_CHECKING, Any

from dashboard.charts.style import ACCENT, INK, QUIET, styled
from dashboard.wording import number, share

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure

#: Figures of k_search: column, title.
MEASURES = (
    ("inertia", "Inertia: where it bends"),
    ("silhouette", "Silhouette: higher is better"),
    ("stability", "Stability: 1 is always the same"),
)
_GROUPINGS = {"segments": "These segments", "scored_rfm": "Scored RFM", "classic": "Notebook recipe"}


def choice_of_k(search: "pl.DataFrame") -> "Figure":
    """Inertia, silhouette and stability of each number of segments tried; the chosen one stands out."""
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    rows = search.sort("k")
    chosen = rows["chosen"].to_list()
    titles = [title for _, title in MEASURES]
    figure = make_subplots(cols=len(MEASURES), subplot_titles=titles, horizontal_spacing=0.07)
    for place, (column, _) in enumerate(MEASURES, start=1):
        digits = 0 if column == "inertia" else 2
        line = Scatter(
            x=rows["k"].to_list(), y=rows[column].to_list(), mode="lines+markers", line={"color": QUIET},
            marker={
                "color": [ACCENT if one else QUIET for one in chosen], "size": [14 if one else 8 for one in chosen],
            },
            customdata=[f"{k} segments: {number(value, digits)}" for k, value in rows.select("k", column).iter_rows()],
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
        figure.add_trace(line, row=1, col=place)
    figure.update_xaxes(title="Segments", dtick=1, showgrid=False)
    figure.update_yaxes(nticks=5)
    figure.update_annotations(font={"size": 13, "color": INK})
    return styled(figure, 320, meta={"least_width": 680})


def later(quality: "pl.DataFrame") -> "Figure":
    """Share of the differences in later spending that lies between groups, for each grouping; rows of one version."""
    from plotly.graph_objects import Bar, Figure

    rows: list[dict[str, Any]] = quality.rows(named=True)
    values = [row["spend_explained"] for row in rows]
    bars = Bar(
        x=values, y=[f"{_GROUPINGS.get(row['grouping'], row['grouping'])} ({row['groups']} groups)" for row in rows],
        orientation="h", marker_color=[ACCENT if row["grouping"] == "segments" else QUIET for row in rows],
        text=[share(value) for value in values], textposition="outside", cliponaxis=False, hoverinfo="skip",
    )  # fmt: skip
    figure = Figure(bars)
    figure.update_xaxes(range=[0, max(0.01, *(value or 0 for value in values)) * 1.3], visible=False)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return styled(figure, 50 + 40 * len(rows), bargap=0.35)
