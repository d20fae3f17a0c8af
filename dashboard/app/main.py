"""The dashboard's script: what Streamlit runs for every visitor and after every click.

    streamlit run dashboard/app/main.py -- SERVING [CURRENCY]

Published files never change, so whatever is read from one is kept; only which version is current is looked up anew.
"""

import sys
from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.app import audiences, comparison, customers, overview, quality, sales, segments
from dashboard.app.view import choose, watch_current
from dashboard.wording import Money
from warehouse.errors import ResegmentError

_PAGES = (
    ("Overview", overview.page, "overview"),
    ("Segments", segments.page, "segments"),
    ("Sales", sales.page, "sales"),
    ("Compare versions", comparison.page, "compare"),
    ("Customers", customers.page, "customers"),
    ("Audiences", audiences.page, "audiences"),
    ("Quality", quality.page, "quality"),
)


def main(serving: Path, currency: str) -> None:
    """Show the page that was chosen, of the version that was chosen."""
    st.set_page_config("Customer segments", layout="wide")
    try:
        view = choose(serving, Money(currency))
    except ResegmentError as error:
        st.info(str(error))
        watch_current(serving, None)
        return
    watch_current(serving, view.current_id)
    pages = [
        st.Page(partial(page, view), title=title, url_path=path, default=path == "overview")
        for title, page, path in _PAGES
    ]
    st.navigation(pages, position="top").run()


main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
