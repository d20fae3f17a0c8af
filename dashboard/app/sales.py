"""What the shop sells, to whom, and who comes back."""

import streamlit as st

from dashboard.app.parts import show
from dashboard.app.view import View
from dashboard.sections.business import business, returning
from dashboard.sections.products import products


def page(view: View) -> None:
    """The report's sections on sales, of the chosen version."""
    st.title("Sales")
    if view.is_narrowed:
        st.caption("The filters do not apply here: these are the sales of the whole shop.")
    for section in (business, returning, products):
        show(section, view)
