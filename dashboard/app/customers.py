"""One customer: which segment, why, since when, and when it moves on."""

from typing import Any

import streamlit as st

from dashboard.app.parts import plain
from dashboard.app.view import View, chart, table
from dashboard.charts.lives import stays
from dashboard.wording import clean, day, number, share


def page(view: View) -> None:
    """Look a customer up by id."""
    st.title("Customers")
    asked = st.text_input("Customer id", placeholder="the beginning is enough").strip()
    if not asked:
        st.caption("Type an id to see its segment, the reasons for it and how it came there.")
        return
    found = view.rows(
        "SELECT customer_id, segment, monetary FROM customer_segments WHERE starts_with(customer_id, $asked) "
        "ORDER BY customer_id <> $asked, length(customer_id), customer_id LIMIT 20",
        asked=asked,
    )
    if found.is_empty():
        left = view.rows(
            "SELECT count(*) AS stays FROM customer_segments_history WHERE customer_id = $asked", asked=asked
        )
        if left["stays"][0]:
            st.info("This customer is in no segment of this version any more.")
            _history(view, asked)
        else:
            st.info("No customer of this version has an id that begins so.")
        return
    ids = found["customer_id"].to_list()
    chosen = ids[0] if len(ids) == 1 or ids[0] == asked else st.selectbox("Which one", ids)
    _one(view, chosen)


def _one(view: View, customer_id: str) -> None:
    row = view.rows("FROM customer_segments WHERE customer_id = $id", id=customer_id).row(0, named=True)
    words = view.rows("SELECT why FROM customer_segments_in_words WHERE customer_id = $id", id=customer_id)
    st.subheader(f"{plain(clean(customer_id))}: {plain(clean(row['segment']))}")
    why = plain(clean(words["why"][0]))
    st.write(f"**Why:** {why}." if why else "**Why:** no feature sets the two nearest segments apart.")
    st.write(_closeness(row))
    figures = (
        ("Days since last order", number(row["recency_days"], 0)),
        ("Orders", number(row["frequency"], 0)),
        ("Net sales", view.money.short(row["monetary"])),
        ("Average order", view.money.short(row["average"])),
        ("Returned", share(row["return_rate"])),
        ("RFM score", row["rfm_score"]),
    )
    for row_of_figures in (figures[:3], figures[3:]):
        for column, (name, value) in zip(st.columns(3), row_of_figures, strict=True):
            column.metric(name, value, border=True)
    st.caption(
        f"First order {day(row['first_purchase_day'])}, latest {day(row['last_purchase_day'])}; "
        f"country {plain(clean(row['country'])) or 'unknown'}; {plain(clean(row['rfm_segment']))} by the scored RFM."
    )
    _history(view, customer_id)


def _closeness(row: dict[str, Any]) -> str:
    told = f"In this segment since {day(row['segment_since'])}."
    if row["second_segment"]:
        near = "It is on the border to" if row["borderline"] else "The next nearest is"
        told += f" {near} {plain(clean(row['second_segment']))}"
        told += f" (margin {number(row['margin'], 2)}: 0 on the border, 1 at the segment's centre)."
    if row["moves_on"]:
        told += (
            f" If nothing is bought it moves on to {plain(clean(row['moves_on_segment']))} on {day(row['moves_on'])}."
        )
    return told


def _history(view: View, customer_id: str) -> None:
    st.subheader("How it came there")
    rows = view.rows(
        "SELECT segment_key, segment, valid_from, valid_to FROM customer_segments_history "
        "WHERE customer_id = $id ORDER BY valid_from",
        id=customer_id,
    )
    until = view.published.version["as_of"]
    chart(
        stays(rows, view.published.profiles, until),
        "Segments of the customer over time; the table below has the dates.",
    )
    dates = {"valid_from": st.column_config.DateColumn("From"), "valid_to": st.column_config.DateColumn("Until")}
    table(rows, {"segment": "Segment"} | dates)
