"""What the segments are: how many customers, how much money, what they are like."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dashboard.charts.style import INK, styled
from dashboard.wording import label, share

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure


def customers_and_revenue(profiles: "pl.DataFrame") -> "Figure":
    """Share of the customers beside share of the revenue, a row for each segment in the order given."""
    from plotly.graph_objects import Bar
    from plotly.subplots import make_subplots

    titles = ("Share of customers", "Share of revenue")
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=titles)
    names = [label(name) for name in profiles["segment"]]
    for column, key in enumerate(("share", "revenue_share"), start=1):
        values = profiles[key].to_list()
        bars = Bar(
            x=values, y=names, orientation="h", marker_color=profiles["colour"].to_list(), hoverinfo="skip",
            text=[share(value) for value in values], textposition="outside", cliponaxis=False,
        )  # fmt: skip
        figure.add_trace(bars, row=1, col=column)
        low, high = min(0, *(value or 0 for value in values)), max(0.01, *(value or 0 for value in values))
        figure.update_xaxes(range=[low * 1.25, high * 1.25], visible=False, row=1, col=column)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    figure.update_annotations(font={"size": 13, "color": INK})
    return styled(figure, 60 + 44 * len(names), bargap=0.35, meta={"least_width": 520})


def centres(profiles: "pl.DataFrame", features: Sequence[str]) -> "Figure":
    """The centre of each segment in standard deviations from the average customer, one panel a feature."""
    from plotly.graph_objects import Bar
    from plotly.subplots import make_subplots

    titles = [label(feature) for feature in features]
    figure = make_subplots(cols=len(features), shared_yaxes=True, horizontal_spacing=0.05, subplot_titles=titles)
    names = [label(name) for name in profiles["segment"]]
    centroids = profiles["centroid"].to_list()
    widest = max((abs(value) for centroid in centroids for value in centroid), default=1) * 1.35
    for place in range(len(features)):
        values = [round(centroid[place], 3) for centroid in centroids]
        bars = Bar(
            x=values, y=names, orientation="h", marker_color=profiles["colour"].to_list(), hoverinfo="skip",
            text=[f"{value:+.1f}".replace("-", "−") for value in values], textposition="outside", cliponaxis=False,
        )  # fmt: skip
        figure.add_trace(bars, row=1, col=place + 1)
    figure.update_xaxes(range=[-widest, widest], zeroline=True, zerolinewidth=2, showgrid=False, showticklabels=False)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    figure.update_annotations(font={"size": 13, "color": INK})
    return styled(figure, 60 + 44 * len(names), bargap=0.35, meta={"least_width": 120 + 170 * len(features)})
