"""The report's sections on a page of the dashboard: the same charts, tables and sentences."""

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import streamlit as st

from dashboard.app.view import View, chart, whole
from dashboard.page import Cards, Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.wording import Money

#: Streamlit makes links of addresses after it has read the escapes; a word joiner, which is not seen, is in the way.
_ADDRESS = re.compile(r"(?<=//)|(?<=www)(?=\.)|(?<=[-.+\w]@)", re.IGNORECASE)


def show(make: Callable[[Published, Money], Section], view: View) -> None:
    """A section with its heading; each chart's table folds away below it."""
    section = _made(make.__name__, view.file, make, view.published, view.money)
    st.subheader(section.title)
    for part in section.parts:
        if isinstance(part, Chart):
            show_chart(part)
        elif isinstance(part, Table):
            _table(part)
        elif isinstance(part, Cards):
            _cards(part)
        elif isinstance(part, Words):
            st.write(plain(part.text))


@st.cache_resource(max_entries=64, show_spinner="Drawing")
def _made(
    name: str, file: Path, _make: Callable[[Published, Money], Section], _published: Published, _money: Money
) -> Section:
    """Made once for each file, which never changes; a map of thousands of customers takes seconds."""
    return _make(_published, _money)


def plain(text: str) -> str:
    """A text that Streamlit shows as it is instead of reading it as Markdown."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#$|~:&" else letter for letter in text)
    return _ADDRESS.sub("\u2060", escaped)


def show_chart(part: Chart) -> None:
    """A picture under its finding; its table folds away below it."""
    st.markdown(f"**{plain(part.finding)}**")
    if part.reading:
        st.caption(plain(part.reading))
    chart(part.figure, part.finding, key=part.key)
    if part.table is not None:
        with st.expander("As a table"):
            _table(part.table)


def _table(part: Table) -> None:
    if part.caption:
        st.caption(plain(part.caption))
    rows = pl.DataFrame([list(row) for row in part.rows], schema=[str(name) for name in part.columns], orient="row")
    st.dataframe(rows, hide_index=True, height=whole(rows))


def _cards(part: Cards) -> None:
    for card, column in zip(part.cards, st.columns(max(1, len(part.cards))), strict=False):
        with column.container(border=True):
            st.markdown(f"**{plain(card.name)}**")
            st.caption(plain(card.words))
            for word, figure in card.facts:
                st.write(f"{plain(word)}: {plain(figure)}")
            st.markdown("\n".join(f"- {plain(action)}" for action in card.actions))
