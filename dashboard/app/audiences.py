"""Customers to write to: pick, look at, take away."""

from importlib.metadata import version

import polars as pl
import streamlit as st

from dashboard.app.parts import plain
from dashboard.app.view import View
from dashboard.wording import counted, day
from warehouse import audience as audiences
from warehouse.audience import COLUMNS, Audience, AudienceError
from warehouse.frame_files import FileKind

_SHOWN = 200
_KINDS: dict[FileKind, str] = {"csv": "CSV", "parquet": "Parquet"}


def page(view: View) -> None:
    """Build an audience; the files are the very ones of `resegment export`."""
    st.title("Audiences")
    profiles = view.published.profiles
    known = view.rows("SELECT column_name FROM (DESCRIBE customer_segments)")["column_name"].to_list()
    names = dict(profiles.select("segment_key", "segment").iter_rows())
    segments = st.multiselect("Segments", list(names), format_func=lambda key: names[key], placeholder="all")
    where = st.text_input(
        "Condition", placeholder="country = 'France' AND recency_days < 90",
        help="SQL over the columns of customer_segments; nothing else can be reached.",
    )  # fmt: skip
    columns = st.multiselect("Columns", known, default=[name for name in COLUMNS if name in known])
    earlier = [row["version_id"] for row in view.versions if row["version_id"] != view.version_id]
    dates = {row["version_id"]: row["as_of"] for row in view.versions}
    since = st.selectbox(
        "Only who entered or left since", [None, *earlier],
        format_func=lambda number: "everybody in it" if number is None else f"{day(dates[number])} · version {number}",
    )  # fmt: skip
    if not columns:
        st.info("Choose at least one column.")
        return
    asked = Audience(tuple(map(str, segments)), where, tuple(columns), view.version_id, since)
    try:
        picked = audiences.pick(view.serving, asked)
    except AudienceError as error:
        st.error(plain(str(error)))
        return
    shown = f", the first {_SHOWN} shown" if picked.rows.height > _SHOWN else ""
    st.write(f"**{counted(picked.rows.height, 'customer')}**{shown}")
    days = {name: st.column_config.DateColumn(name) for name, kind in picked.rows.schema.items() if kind == pl.Date}
    st.dataframe(picked.rows.head(_SHOWN), hide_index=True, column_config=days)
    _downloads(picked, asked)


def _downloads(picked: audiences.Picked, asked: Audience) -> None:
    name = f"audience-{picked.as_of}-version-{picked.version_id}"
    made_by = f"resegment {version('resegment')}"
    for column, (kind, called) in zip(st.columns(4), _KINDS.items(), strict=False):
        content, manifest = audiences.render(picked, asked, f"{name}.{kind}", kind, made_by=made_by)
        with column:
            st.download_button(f"Download {called}", content, f"{name}.{kind}", on_click="ignore")
            st.download_button(
                "and its manifest", audiences.manifest_text(manifest), f"{name}.{kind}.manifest.json",
                on_click="ignore", type="tertiary", key=f"manifest-{kind}",
            )  # fmt: skip
