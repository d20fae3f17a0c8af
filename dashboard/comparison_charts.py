"""Recipes side by side as one page that needs no network: a table, bars of the figures, and who is in which group."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

#: Okabe and Ito (2008), colours that stay apart for colour-blind readers; grey is kept for noise.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", "#000000")
_SYMBOLS = ("circle", "diamond", "cross", "triangle-up", "square", "star")
_NOISE = "noise"
#: Figures drawn as bars: key, title, and whether it is a share.
_BARS = (
    ("silhouette", "Silhouette", False),
    ("stability", "Stability (adjusted Rand index)", False),
    ("smallest_share", "Smallest group, of the customers", True),
    ("spend_explained", "Variance of later log spend explained", True),
    ("active_explained", "Variance of later activity explained", True),
    ("top_spend_share", "Later revenue of the top group", True),
    ("groups", "Groups", False),
    ("seconds", "Seconds of one fit", False),
)
_POLICY = "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem}"
    "body{color:#222;background:#fff}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #ddd}"
    "th:first-child,td:first-child{text-align:left}tbody tr:first-child{font-weight:600}"
    ".wide{overflow-x:auto}"
)
_COLUMNS = (
    ("recipe", "recipe", ""),
    ("groups", "groups", "d"),
    ("noise_share", "noise", ".1%"),
    ("smallest_share", "smallest", ".1%"),
    ("silhouette", "silhouette", ".3f"),
    ("stability", "stability", ".2f"),
    ("seconds", "seconds", ".2f"),
    ("spend_explained", "log spend explained", ".1%"),
    ("active_explained", "activity explained", ".1%"),
    ("top_group", "top group", ""),
    ("top_customer_share", "its customers", ".1%"),
    ("top_spend_share", "its revenue", ".1%"),
)


def comparison_page(found: Mapping[str, Any], scatter: Mapping[str, Any]) -> str:
    """HTML text of one self-contained page, from plain rows.

    `found` has as_of, customers, sample, horizon_days, later_known and `recipes`, rows of figures. `scatter` has the
    coordinates `x` and `y` of customers, `variance_shown`, and `groups`: recipe -> name of each customer's group.
    """
    from plotly.io import to_html

    rows = found["recipes"]
    options = {"full_html": False, "config": {"displayModeBar": False, "responsive": True}}
    title = f"Recipes compared as of {found['as_of']}"
    shown = f"{len(scatter['x']):,} customers along the first two principal components"
    return "\n".join(
        [
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head><body>',
            f"<h1>{escape(title)}</h1>{_introduction(found)}",
            f'<div class="wide">{_table(rows)}</div>',
            "<h2>Figures</h2>",
            to_html(figures_chart(rows), include_plotlyjs=True, div_id="figures", **options),
            f"<h2>Groups</h2><p>{shown} ({scatter['variance_shown']:.0%} of the variance of the features). Groups that "
            "share most customers with one of the recipe in use have its colour (scored RFM has its own); "
            "noise is grey.</p>",
            to_html(groups_chart(rows, scatter), include_plotlyjs=False, div_id="groups", **options),
            "</body></html>",
        ]
    )


def figures_chart(rows: Sequence[Mapping[str, Any]]) -> "Figure":
    """A panel for each figure and a bar for each recipe; the one in use, which comes first, stands out."""
    from plotly.graph_objects import Bar
    from plotly.subplots import make_subplots

    drawn = [bar for bar in _BARS if any(row[bar[0]] is not None for row in rows)]
    height = (len(drawn) + 1) // 2
    chart = make_subplots(
        rows=height, cols=2, shared_yaxes=True, subplot_titles=[title for _, title, _ in drawn],
        vertical_spacing=0.24 / height, horizontal_spacing=0.04,
    )  # fmt: skip
    recipes = [row["recipe"] for row in rows]
    for number, (key, _, is_share) in enumerate(drawn):
        values = [row[key] for row in rows]
        told = ["" if value is None else _told(value, key, is_share) for value in values]
        bars = Bar(
            x=values, y=recipes, orientation="h", text=told, textposition="auto", textangle=0, cliponaxis=False,
            marker_color=[COLOURS[0]] + ["#9aa5ae"] * (len(rows) - 1), hoverinfo="skip",
        )  # fmt: skip
        place = {"row": number // 2 + 1, "col": number % 2 + 1}
        chart.add_trace(bars, **place)
        chart.update_xaxes(tickformat=".0%" if is_share else None, rangemode="tozero", **place)
    chart.update_yaxes(autorange="reversed")
    return _plain(chart, height * 260)


def groups_chart(rows: Sequence[Mapping[str, Any]], scatter: Mapping[str, Any]) -> "Figure":
    """Customers in the plane, one panel a recipe, by group in colour and shape; no customer is named."""
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    height = (len(rows) + 1) // 2
    chart = make_subplots(
        rows=height, cols=2, shared_xaxes="all", shared_yaxes="all", vertical_spacing=0.24 / height,
        horizontal_spacing=0.04, subplot_titles=[_panel_title(row) for row in rows],
    )  # fmt: skip
    for number, row in enumerate(rows):
        names = scatter["groups"][row["recipe"]]
        for name, marker in _markers(names).items():
            inside = [place for place, one in enumerate(names) if one == name]
            points = Scatter(
                x=[scatter["x"][place] for place in inside], y=[scatter["y"][place] for place in inside],
                mode="markers", marker=marker, name=escape(name), hoverinfo="name",
            )  # fmt: skip
            chart.add_trace(points, row=number // 2 + 1, col=number % 2 + 1)
    return _plain(chart, height * 380)


def _panel_title(row: Mapping[str, Any]) -> str:
    told = f"{escape(row['recipe'])}: {row['groups']} group{'' if row['groups'] == 1 else 's'}"
    return f"{told}, {row['noise_share']:.0%} noise" if row["noise_share"] else told


def _markers(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Look of each group: a number has its own colour in every panel, other names take theirs in order."""
    found = {}
    for place, name in enumerate(sorted(set(names) - {_NOISE}, key=lambda name: (len(name), name))):
        number = int(name) - 1 if name.isdecimal() else place
        found[name] = {
            "color": COLOURS[number % len(COLOURS)],
            "symbol": _SYMBOLS[number // len(COLOURS) % len(_SYMBOLS)],
            "size": 5,
            "opacity": 0.7,
        }
    noise = {"color": "#8c8c8c", "symbol": "x-thin", "size": 5, "line": {"width": 1, "color": "#8c8c8c"}}
    return found | ({_NOISE: noise} if _NOISE in names else {})


def _told(value: float, key: str, is_share: bool) -> str:
    return f"{value:.1%}" if is_share else str(value) if key == "groups" else f"{round(value, 2) + 0.0:.2f}"


def _plain(chart: "Figure", height: int) -> "Figure":
    return chart.update_layout(
        template="plotly_white", height=height, showlegend=False, margin={"l": 10, "r": 30, "t": 40, "b": 20}
    )


def _introduction(found: Mapping[str, Any]) -> str:
    days = found["horizon_days"]
    later = (
        f"Log spend, activity and revenue are those of the {days} days after."
        if found["later_known"]
        else f"What customers did in the {days} days after is not known yet."
    )
    return (
        f"<p>{found['sample']:,} of {found['customers']:,} customers, the same for every recipe. {later} "
        "The recipe in use is the first. More groups explain more by themselves.</p>"
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{title}</th>" for _, title, _ in _COLUMNS)
    body = "".join("<tr>" + "".join(_cell(row[key], how) for key, _, how in _COLUMNS) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any, how: str) -> str:
    return f"<td>{'' if value is None else escape(format(value, how))}</td>"
