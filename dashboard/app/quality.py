"""Whether it can all be trusted: what came in, what was refused, what the checks said, how the model was chosen."""

import polars as pl
import streamlit as st

from dashboard.app.parts import plain, show
from dashboard.app.view import View, table
from dashboard.page import Section
from dashboard.published import Published
from dashboard.sections.trust import choice, quality
from dashboard.wording import Money, clean, count
from warehouse import reading


def page(view: View) -> None:
    """Counts and reasons only; the lines themselves stay in the warehouse."""
    st.title("Quality")
    _last_run(view)
    show(quality, view)
    _checks(view)
    _deliveries(view.published.tables["data_quality"])
    show(_choice, view)


def _choice(published: Published, money: Money) -> Section:
    """Made of the model's figures; there is no money in it."""
    return choice(published)


def _last_run(view: View) -> None:
    last = reading.status(view.serving)
    if not last:
        return
    when = f"{last['command']} for {last['as_of']}, ended {str(last['ended'])[:16]} UTC"
    st.write(f"Last run: **{last['status']}**, {plain(when)}.")
    if last.get("error"):
        st.error(plain(clean(last["error"])))


def _checks(view: View) -> None:
    if not view.has("check_results"):
        return
    rows = view.rows("FROM check_results ORDER BY success, checked_at DESC, suite, expectation")
    failed = rows.filter(~pl.col("success")).height
    st.subheader("What the checks said")
    st.write(
        f"{count(rows.height)} results, {count(failed)} of them failed. `resegment quarantine` shows refused lines."
    )
    names = ("Severity", "What is expected", "Found", "Limit", "Suite", "Expectation")
    columns = ("severity", "meaning", "observed", "expected", "suite", "expectation")
    when = st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm")
    table(rows, {"success": "Passed"} | dict(zip(columns, names, strict=True)) | {"checked_at": when}, height=320)


def _deliveries(loads: pl.DataFrame) -> None:
    st.subheader("Deliveries")
    lines = [name for name in loads.columns if name.endswith("_lines")]
    counts = {
        name: st.column_config.NumberColumn(name.removesuffix("_lines").capitalize(), format="localized")
        for name in lines
    }
    dates = {
        "received_at": st.column_config.DatetimeColumn("Received (UTC)", format="YYYY-MM-DD HH:mm"),
        "first_shop_day": st.column_config.DateColumn("From"),
        "last_shop_day": st.column_config.DateColumn("To"),
    }
    table(loads.sort("load_id", descending=True), {"unit": "Delivery"} | dates | counts, height=420)
