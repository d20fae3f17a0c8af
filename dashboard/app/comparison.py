"""Two versions side by side: sizes, worth, and who is elsewhere."""

import polars as pl
import streamlit as st

from dashboard.app.view import View, chart, table
from dashboard.charts.movements import sankey
from dashboard.wording import count, day, share
from warehouse import reading


def page(view: View) -> None:
    """Compare the chosen version with any other whose file is there."""
    st.title("Compare versions")
    others = [row for row in view.versions if row["version_id"] != view.version_id]
    if not others:
        st.info("There is only one version. Come back after the next night.")
        return
    dates = {row["version_id"]: row["as_of"] for row in view.versions}
    default = next((place for place, row in enumerate(others) if row["as_of"] < dates[view.version_id]), 0)
    other = st.selectbox(
        f"Version to compare with {day(dates[view.version_id])}", [row["version_id"] for row in others], index=default,
        format_func=lambda number: f"{day(dates[number])} · version {number}",
    )  # fmt: skip
    first, second = sorted((other, view.version_id), key=lambda number: (dates[number], number))
    moves = _moves(view, first, second)
    _sizes(view, first, second)
    st.subheader("Who is elsewhere")
    elsewhere = moves.filter(pl.col("from_segment_key").ne_missing(pl.col("to_segment_key")))
    ends = ["from_segment_key", "to_segment_key"]
    both, changed = (int(rows.drop_nulls(ends)["customers"].sum()) for rows in (moves, elsewhere))
    part = share(changed / max(both, 1))
    st.write(f"{count(changed)} of the {count(both)} customers in both versions ({part}) are in another segment.")
    if not elsewhere.is_empty():
        chart(
            sankey(elsewhere, view.published.profiles, view.money),
            "Customers by segment in the earlier and in the later version.",
        )
        table(
            elsewhere.sort("customers", descending=True),
            {
                "from_segment": "Earlier", "to_segment": "Later",
                "customers": st.column_config.NumberColumn("Customers", format="localized"),
                "net_365_days": st.column_config.NumberColumn("Their net sales to date", format="localized"),
            },
        )  # fmt: skip


def _sizes(view: View, first: int, second: int) -> None:
    earlier, later = (reading.version_file_of(view.serving, number) for number in (first, second))
    sql = "SELECT segment_key, segment, customers, CAST(round(revenue) AS BIGINT) AS revenue FROM segment_profiles"
    joined = reading.frame(earlier, sql).join(
        reading.frame(later, sql), on="segment_key", how="full", coalesce=True, suffix="_later"
    )
    st.subheader("Sizes and worth")
    table(
        joined.with_columns(
            pl.coalesce("segment_later", "segment").alias("segment"),
            (pl.col("customers_later").fill_null(0) - pl.col("customers").fill_null(0)).alias("change"),
        ).sort("segment_key"),
        {
            "segment": "Segment",
            "customers": st.column_config.NumberColumn("Earlier", format="localized"),
            "customers_later": st.column_config.NumberColumn("Later", format="localized"),
            "change": st.column_config.NumberColumn("Change", format="localized"),
            "revenue": st.column_config.NumberColumn("Net sales, earlier", format="localized"),
            "revenue_later": st.column_config.NumberColumn("Net sales, later", format="localized"),
        },
    )


def _moves(view: View, first: int, second: int) -> pl.DataFrame:
    """Customers by segment in two versions, whether or not they changed, shaped as segment_movements."""
    return reading.compare(reading.version_file_of(view.serving, first), reading.version_file_of(view.serving, second))
