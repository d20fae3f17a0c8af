"""Money by month, by country and by product; months that are not over are marked and never drawn as a fall."""

from typing import TYPE_CHECKING, Any

from dashboard.charts.style import ACCENT, INK, QUIET, styled
from dashboard.wording import Money, label, month, number, share

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure

_CALENDAR = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
#: Figures of a customer or an order by month: column, title, whether it is money.
PER_CUSTOMER = (
    ("average_order_value", "Order value", True),
    ("items_per_order", "Items in an order", False),
    ("sales_per_customer", "Spent by an active customer", True),
    ("orders_per_customer", "Orders of an active customer", False),
)


def monthly_sales(months: "pl.DataFrame", money: Money) -> "Figure":
    """A bar for each month of sales_monthly; hatched and pale if the month is only partly known."""
    from plotly.graph_objects import Bar, Figure

    partial = months["is_partial"].to_list()
    told = [
        f"{month(row['month'])}{' (part of the month)' if row['is_partial'] else ''}: {money.short(row['sales'])}"
        for row in months.iter_rows(named=True)
    ]
    bars = Bar(
        x=months["month"].to_list(), y=months["sales"].to_list(), customdata=told,
        hovertemplate="%{customdata}<extra></extra>",
        marker={
            "color": [QUIET if one else ACCENT for one in partial],
            "pattern": {"shape": ["/" if one else "" for one in partial], "size": 7, "solidity": 0.35},
        },
        text=["part" if one else "" for one in partial], textposition="outside", cliponaxis=False, textangle=0,
    )  # fmt: skip
    figure = Figure(bars)
    figure.update_xaxes(**_month_axis(months), showgrid=False)
    figure.update_yaxes(**money_axis(money))
    return styled(figure, 330, bargap=0.25, meta={"least_width": 560})


def seasons(months: "pl.DataFrame", money: Money) -> "Figure":
    """Whole months by calendar month, a line for each year."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    whole = months.filter(~months["is_partial"])
    years = sorted({one.year for one in whole["month"]})
    for place, year in enumerate(years):
        rows = [row for row in whole.iter_rows(named=True) if row["month"].year == year]
        line = Scatter(
            x=[_CALENDAR[row["month"].month - 1] for row in rows], y=[row["sales"] for row in rows], name=str(year),
            mode="lines+markers", customdata=[f"{month(row['month'])}: {money.short(row['sales'])}" for row in rows],
            hovertemplate="%{customdata}<extra></extra>",
            line={"color": ACCENT if year == years[-1] else QUIET, "dash": _DASHES[(len(years) - 1 - place) % 5]},
        )  # fmt: skip
        figure.add_trace(line)
    figure.update_xaxes(categoryorder="array", categoryarray=_CALENDAR, range=[-0.5, 11.5], showgrid=False)
    figure.update_yaxes(**money_axis(money))
    return styled(figure, 320, showlegend=len(years) > 1, meta={"least_width": 480})


def per_customer(months: "pl.DataFrame", money: Money) -> "Figure":
    """Order value, basket, spending and frequency by whole month, a panel each."""
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    whole = months.filter(~months["is_partial"])
    titles = [title for _, title, _ in PER_CUSTOMER]
    figure = make_subplots(rows=2, cols=2, subplot_titles=titles, horizontal_spacing=0.1, vertical_spacing=0.2)
    for place, (column, _, is_money) in enumerate(PER_CUSTOMER):
        values = whole[column].to_list()
        told = [
            f"{month(when)}: {money.short(value) if is_money else number(value)}"
            for when, value in zip(whole["month"], values, strict=True)
        ]
        line = Scatter(
            x=whole["month"].to_list(), y=values, mode="lines+markers", line_color=ACCENT, customdata=told,
            hovertemplate="%{customdata}<extra></extra>",
        )  # fmt: skip
        spot = {"row": place // 2 + 1, "col": place % 2 + 1}
        figure.add_trace(line, **spot)
        figure.update_xaxes(**_month_axis(whole, 4), **spot)
        figure.update_yaxes(**(money_axis(money) if is_money else {"rangemode": "tozero", "nticks": 5}), **spot)
    figure.update_annotations(font={"size": 13, "color": INK})
    return styled(figure, 480, meta={"least_width": 600})


def countries(rows: "pl.DataFrame", money: Money) -> "Figure":
    """A bar of sales for each country, in the order given."""
    from plotly.graph_objects import Bar, Figure

    values = rows["sales"].to_list()
    bars = Bar(
        x=values, y=[label(name) for name in rows["country"]], orientation="h", marker_color=ACCENT, hoverinfo="skip",
        text=[
            f"{money.short(row['sales'])} ({share(row['sales_share'])})" for row in rows.iter_rows(named=True)
        ], textposition="outside", cliponaxis=False,
    )  # fmt: skip
    return _lying(Figure(bars), values, 30)


def top_products(rows: "pl.DataFrame", money: Money) -> "Figure":
    """A bar of sales for each product, in the order given."""
    from plotly.graph_objects import Bar, Figure

    values = rows["sales"].to_list()
    bars = Bar(
        x=values, y=[_product(row) for row in rows.iter_rows(named=True)], orientation="h", marker_color=ACCENT,
        text=[money.short(value) for value in values], textposition="outside", cliponaxis=False, hoverinfo="skip",
    )  # fmt: skip
    return _lying(Figure(bars), values, 28)


def affinity(rows: "pl.DataFrame", colours: dict[int | None, str]) -> "Figure":
    """How many times as likely as the average customer a segment's customers are to buy a product.

    A panel for each segment of the given rows of product_affinity, which are all above 1; bars begin at 1.
    """
    from plotly.graph_objects import Bar
    from plotly.subplots import make_subplots

    groups = rows.partition_by("segment_key", maintain_order=True)
    sizes = [len(group) for group in groups]
    pixels = 28 * sum(sizes) + 62 * len(groups)
    figure = make_subplots(
        rows=len(groups), row_heights=sizes, vertical_spacing=min(46 / pixels, 0.9 / max(1, len(groups) - 1)),
        shared_xaxes="all", subplot_titles=[label(group["segment"][0]) for group in groups],
    )  # fmt: skip
    longest = max(rows["lift"].to_list())
    for place, group in enumerate(groups, start=1):
        lifts = group["lift"].to_list()
        told = [
            f"{number(row['lift'])} times ({share(row['purchase_probability'])} "
            f"instead of {share(row['overall_probability'])})"
            for row in group.iter_rows(named=True)
        ]
        bars = Bar(
            x=[lift - 1 for lift in lifts], base=1, y=[_product(row) for row in group.iter_rows(named=True)],
            orientation="h", marker_color=colours.get(group["segment_key"][0], QUIET), text=told,
            textposition="outside", cliponaxis=False, hoverinfo="skip",
        )  # fmt: skip
        figure.add_trace(bars, row=place, col=1)
    figure.update_xaxes(range=[1, 1 + (longest - 1) * 2.1], showgrid=False, showticklabels=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    figure.update_annotations(font={"size": 14, "color": INK}, xanchor="left", x=0)
    return styled(figure, pixels + 20, bargap=0.3, meta={"least_width": 800})


def money_axis(money: Money) -> dict[str, Any]:
    """Settings of an axis of money that begins at zero."""
    sign = money.currency if len(money.currency) == 1 else ""
    return {"tickprefix": sign, "tickformat": "~s", "rangemode": "tozero", "nticks": 6}


def _month_axis(months: "pl.DataFrame", labels: int = 13) -> dict[str, Any]:
    """An axis of months with a label on every month, or on every so many that there is room."""
    step = max(1, -(-len(months) // labels))
    return {"tickformat": "%b\n%Y", "dtick": f"M{step}", "tick0": months["month"][0] if len(months) else None}


def _product(row: dict[str, Any]) -> str:
    """Description and code, since several products may share a description."""
    code = label(row["product"], 14)
    return f"{label(row['description'], 34)} · {code}" if row["description"] else code


def _lying(figure: "Figure", values: list[float], step: int) -> "Figure":
    figure.update_xaxes(range=[min(0, *values, 0), max(0.01, *values, 0) * 1.3], visible=False)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return styled(figure, 30 + step * len(values), bargap=0.3, meta={"least_width": 620})
