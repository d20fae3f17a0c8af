"""What sets the segments apart, and one of them from near: who is in it and what it buys."""

from typing import Any

import polars as pl
import streamlit as st

from dashboard.app.parts import plain, show
from dashboard.app.view import View, chart, nothing, table
from dashboard.charts.distributions import distribution
from dashboard.sections.likeness import likeness
from dashboard.wording import clean, count, number, share

_FEATURES = {
    "recency_days": "days since the last order",
    "frequency": "orders",
    "monetary": "net sales",
    "average": "average order value",
}
#: Bins of about equal shares of all customers, so that a few large ones do not flatten everybody else.
_BINS = """
WITH cuts AS (
    SELECT list_distinct(quantile_disc({feature}, [0.1, 0.25, 0.5, 0.75, 0.9])) AS cut FROM customer_segments
)
SELECT len(list_filter(cut, lambda one: {feature} > one)) AS bin,
    CAST(min({feature}) AS DOUBLE) AS low, CAST(max({feature}) AS DOUBLE) AS high,
    count(*) FILTER (segment_key = $segment) / sum(count(*) FILTER (segment_key = $segment)) OVER () AS own,
    count(*) / sum(count(*)) OVER () AS everybody
FROM customer_segments, cuts GROUP BY bin ORDER BY bin
"""


def page(view: View) -> None:
    """One segment of those the filters leave, then all side by side."""
    st.title("Segments")
    if nothing(view):
        return
    profiles = view.profiles
    names = dict(profiles.select("segment_key", "segment").iter_rows())
    key = st.selectbox("Segment", list(names), format_func=lambda one: names[one])
    _one(view, profiles.filter(pl.col("segment_key") == key).row(0, named=True))
    show(likeness, view)


def _one(view: View, segment: dict[str, Any]) -> None:
    st.subheader(plain(clean(segment["segment"])))
    st.write(plain(clean(segment["profile"])))
    if segment["actions"]:
        st.markdown("\n".join(f"- {plain(clean(action))}" for action in segment["actions"].split("; ")))
    figures = (
        ("Customers", count(segment["customers"])),
        ("Net sales", view.money.short(segment["revenue"])),
        ("Ordered again", share(segment["repeat_rate"])),
        ("Days since the last order (median)", number(segment["median_recency_days"], 0)),
        ("Orders (median)", number(segment["median_frequency"], 0)),
        ("Average order (median)", view.money.short(segment["median_average"])),
    )
    for row in (figures[:3], figures[3:]):
        for column, (name, value) in zip(st.columns(3), row, strict=True):
            column.metric(name, value, border=True)
    _spread(view, segment)
    _some(view, segment["segment_key"])
    _products(view, segment["segment_key"])


def _spread(view: View, segment: dict[str, Any]) -> None:
    st.markdown("**How its customers are spread**")
    st.caption("Coloured: customers of this segment; grey: all customers.")
    for column, (feature, title) in zip(st.columns(len(_FEATURES)), _FEATURES.items(), strict=True):
        bins = view.rows(_BINS.replace("{feature}", feature), segment=segment["segment_key"])
        with column:
            drawn = distribution(bins, title, segment["colour"])
            chart(drawn, f"Share of the segment's customers by {title}, beside all customers'.", key=feature)


def _some(view: View, key: int) -> None:
    """Customers nearest to the centre: the most typical ones, to look at or look up."""
    rows = view.rows(
        "SELECT customer_id, recency_days, frequency, CAST(monetary AS DOUBLE) AS monetary, country "
        "FROM customer_segments WHERE segment_key = $segment ORDER BY distance, customer_id LIMIT 10",
        segment=key,
    )
    st.markdown("**Some of its customers**")
    st.caption("The ten nearest to the centre of the segment.")
    table(
        rows,
        {
            "customer_id": "Customer",
            "recency_days": st.column_config.NumberColumn("Days since the last order", format="localized"),
            "frequency": st.column_config.NumberColumn("Orders", format="localized"),
            "monetary": st.column_config.NumberColumn("Net sales", format="localized"),
            "country": "Country",
        },
    )


def _products(view: View, key: int) -> None:
    """Products bought more often here than elsewhere; a lift below one is no affinity."""
    if not view.has("product_affinity"):
        return
    rows = view.rows(
        "SELECT product, description, buyers, purchase_probability, lift FROM product_affinity "
        "WHERE segment_key = $segment AND lift > 1 ORDER BY lift DESC, product LIMIT 15",
        segment=key,
    )
    st.markdown("**Bought more often here than elsewhere**")
    if rows.is_empty():
        st.write("No product stands out.")
        return
    table(
        rows,
        {
            "product": "Product",
            "description": "Description",
            "buyers": st.column_config.NumberColumn("Buyers", format="localized"),
            "purchase_probability": st.column_config.NumberColumn("Probability", format="percent"),
            "lift": st.column_config.NumberColumn("Lift", format="%.1f", help="1: as often as everybody"),
        },
    )
