"""Heat maps: who comes back month after month, the cells of the scored RFM, and shares of each segment."""

from typing import TYPE_CHECKING, Any

from dashboard.charts.style import CELL_INK, SEQUENTIAL, styled
from dashboard.wording import Money, count, counted, label, month, share

if TYPE_CHECKING:
    import polars as pl
    from plotly.graph_objects import Figure


def retention(cohorts: "pl.DataFrame") -> "Figure":
    """Share of each month's new customers that ordered again, by months since; months that are not over are left out.

    `cohorts` are rows of cohort_retention.
    """
    from plotly.graph_objects import Figure, Heatmap

    whole = cohorts.filter(~cohorts["is_partial"] & (cohorts["months_since"] > 0))
    starts = sorted(set(whole["cohort"]))
    columns = sorted(set(whole["months_since"]))
    cells = {(row["cohort"], row["months_since"]): row for row in whole.iter_rows(named=True)}
    size = {row["cohort"]: row["cohort_customers"] for row in whole.iter_rows(named=True)}
    values = [[_of(cells.get((start, column)), "retention") for column in columns] for start in starts]
    drawn = Heatmap(
        colorscale=SEQUENTIAL, textfont_color=CELL_INK, showscale=False,
        z=values, x=[str(column) for column in columns], y=[f"{month(one)} ({count(size[one])})" for one in starts],
        text=[["" if value is None else share(value, 0).removesuffix(" %") for value in row] for row in values],
        texttemplate="%{text}" if len(columns) <= 16 else None, zmin=0,
        xgap=2, ygap=2, hoverongaps=False,
        customdata=[
            [_told_cohort(cells.get((start, column)), month(start), column) for column in columns] for start in starts
        ],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
    figure = Figure(drawn)
    figure.update_xaxes(title="Months after the first order", type="category", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return styled(figure, 90 + 26 * len(starts), meta={"least_width": 620})


def rfm(cells: "pl.DataFrame", money: Money) -> "Figure":
    """The 25 cells of recency and frequency scores: colour is the median spent, the text that and the customers."""
    from plotly.graph_objects import Figure, Heatmap

    found = {(row["r_score"], row["f_score"]): row for row in cells.iter_rows(named=True)}
    scores = range(1, 6)
    values = [[_of(found.get((r, f)), "median_monetary") for f in scores] for r in scores]
    drawn = Heatmap(
        colorscale=SEQUENTIAL, textfont_color=CELL_INK, showscale=False,
        z=values, x=[f"F {f}" for f in scores], y=[f"R {r}" for r in scores],
        text=[[_told_cell(found.get((r, f)), money) for f in scores] for r in scores], texttemplate="%{text}",
        xgap=3, ygap=3, hoverinfo="skip",
    )  # fmt: skip
    figure = Figure(drawn)
    figure.update_xaxes(title="Frequency score: 5 orders most often", type="category", showgrid=False)
    figure.update_yaxes(title="Recency score: 5 bought last", type="category", showgrid=False)
    return styled(figure, 430, meta={"least_width": 560})


def by_segment(rows: "pl.DataFrame", down: str, profiles: "pl.DataFrame", *, most: float = 1.0) -> "Figure":
    """Share of each segment's customers by the column `down`, the one with most customers first; segments across.

    `rows` are rows of rfm_crosstab or segment_countries; a cell of the share `most` has the full colour.
    """
    from plotly.graph_objects import Figure, Heatmap

    keys = profiles["segment_key"].to_list()
    cells = {(row[down], row["segment_key"]): row for row in rows.iter_rows(named=True)}
    totals: dict[str, int] = {}
    for row in rows.iter_rows(named=True):
        totals[row[down]] = totals.get(row[down], 0) + row["customers"]
    names = sorted(totals, key=lambda name: -totals[name])
    values = [[_of(cells.get((name, key)), "share") for key in keys] for name in names]
    digits = 0 if most == 1 else None
    drawn = Heatmap(
        colorscale=SEQUENTIAL, textfont_color=CELL_INK, showscale=False,
        z=[[value or 0 for value in row] for row in values], x=[label(name, 20) for name in profiles["segment"]],
        y=[label(name, 24) for name in names], zmin=0, zmax=most, xgap=2, ygap=2,
        text=[["" if not value else share(value, digits) for value in row] for row in values], texttemplate="%{text}",
        hoverinfo="skip",
    )  # fmt: skip
    figure = Figure(drawn)
    figure.update_xaxes(side="top", type="category", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return styled(
        figure,
        60 + 30 * len(names),
        margin={"l": 8, "r": 16, "t": 44, "b": 8},
        meta={"least_width": 200 + 90 * len(keys)},
    )


def _of(row: dict[str, Any] | None, name: str) -> float | None:
    return None if row is None else row[name]


def _told_cohort(row: dict[str, Any] | None, cohort: str, months: int) -> str:
    if row is None:
        return ""
    return (
        f"First order in {cohort}: {row['customers']:,} of {counted(row['cohort_customers'], 'customer')}"
        f"<br>ordered {counted(months, 'month')} later ({share(row['retention'])})"
    )


def _told_cell(row: dict[str, Any] | None, money: Money) -> str:
    if row is None or not row["customers"]:
        return ""
    return f"<b>{money.short(row['median_monetary'])}</b><br>{counted(row['customers'], 'customer')}"
