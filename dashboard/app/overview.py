"""What is: how many, how much, what changed, and whether the night went well."""

import polars as pl
import streamlit as st

from dashboard.app.parts import plain, show_chart
from dashboard.app.view import View, chart, nothing, table
from dashboard.charts.history import shares
from dashboard.charts.movements import sankey
from dashboard.charts.segments import customers_and_revenue
from dashboard.sections.changes import migration
from dashboard.wording import clean, count, day, share
from warehouse import reading


def page(view: View) -> None:
    """The first page, made to be taken in at a glance."""
    version = view.published.version
    st.title(f"Customer segments as of {day(version['as_of'])}")
    _notices(view)
    if nothing(view):
        return
    profiles = view.profiles
    _tiles(view, profiles)
    st.subheader("How many they are and what they are worth")
    chart(
        customers_and_revenue(profiles),
        "Share of customers and of revenue by segment; the table has the numbers.",
        key="sizes",
    )
    table(
        profiles.sort("revenue", descending=True).with_columns(pl.col("revenue").round()),
        {
            "segment": "Segment",
            "customers": st.column_config.NumberColumn("Customers", format="localized"),
            "revenue": st.column_config.NumberColumn("Net sales", format="localized"),
            "profile": st.column_config.TextColumn("What they are like", width=180),
            "actions": st.column_config.TextColumn("Suggested actions", width=370),
        },
        row_height=68,
    )
    _movements(view)
    for part in migration(view.published):
        show_chart(part)
    _history(view)


def _notices(view: View) -> None:
    version = view.published.version
    if view.version_id != view.current_id:
        st.warning(f"This is not the current version: readers see version {view.current_id}.")
    if version.get("held_reasons"):
        st.warning(f"Held back, then published by a person's decision: {plain(clean(version['held_reasons']))}")
    last = reading.status(view.serving)
    if last.get("status") in ("failed", "held"):
        how = "was held back" if last["status"] == "held" else "failed"
        st.error(f"The last run {how}: {plain(clean(last.get('error')))}")


def _tiles(view: View, profiles: pl.DataFrame) -> None:
    version, previous = view.published.version, view.published.previous
    customers = int(profiles["customers"].sum())
    change = None if previous is None or view.is_narrowed else customers - previous["customers"]
    columns = st.columns(4)
    columns[0].metric(
        "Customers", count(customers), None if change is None else f"{change:+,}", border=True, height="stretch"
    )
    columns[1].metric(
        "Their net sales", view.money.short(float(profiles["revenue"].sum())), border=True, height="stretch"
    )
    moved = version["moved"]
    columns[2].metric(
        "Moved", count(moved), border=True, height="stretch",
        help="Came, left or changed segment, whatever the filters." if previous else "There is no version before.",
    )  # fmt: skip
    borderline = float((profiles["borderline_share"] * profiles["customers"]).sum()) / max(customers, 1)
    columns[3].metric(
        "On a border",
        share(borderline),
        border=True,
        height="stretch",
        help="As near to a second segment as to their own.",
    )


def _movements(view: View) -> None:
    st.subheader("Who moved since the version before")
    moves = view.published.moves
    if view.segments:
        moves = moves.filter(
            pl.col("from_segment_key").is_in(view.segments) | pl.col("to_segment_key").is_in(view.segments)
        )
    if moves.is_empty():
        st.write("Nobody, or there is no version before.")
        return
    chart(
        sankey(moves, view.published.profiles, view.money),
        "Movements between segments; the table below has the numbers.",
        key="movements",
    )
    with st.expander("As a table"):
        table(
            moves,
            {
                "from_segment": "From", "to_segment": "To",
                "customers": st.column_config.NumberColumn("Customers", format="localized"),
                "net_365_days": st.column_config.NumberColumn("Their net sales of 365 days", format="localized"),
            },
        )  # fmt: skip


def _history(view: View) -> None:
    history = view.published.table("segment_profiles_history")
    if history is None or history["as_of"].n_unique() < 2:
        return
    st.subheader("How the segments grew")
    if view.segments:
        history = history.filter(pl.col("segment_key").is_in(view.segments))
    chart(shares(history), "Share of the customers in each segment at each published date.", key="shares")
