"""A small world of lines and merged customers for tests that generate deliveries."""

from datetime import timedelta

from hypothesis import strategies as st
from support_nights import FIRST_DAY
from support_oracle import Line

DAYS = [FIRST_DAY + timedelta(days=number) for number in range(12)]


def usually(common: list[str], rare: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(common * (16 * len(rare) // len(common)) + rare)


#: Stands for an invoice whose number rises with its day.
_RISING = "rising"


def _numbered(line: Line) -> Line:
    number = f"1{line.invoiced_at[5:10].replace('-', '')}"
    return line._replace(invoice_no=number) if line.invoice_no == _RISING else line


#: A small world of mostly sound lines: they repeat, invoices span days, ids are delivered again with other content.
LINES = st.builds(
    Line,
    invoice_no=usually(["1", _RISING], ["2", "C3", "3", ""]),
    product=st.sampled_from(["p", "q"]),
    quantity=usually(["1", "2", "-1"], ["1.0", "0.3333", "1.00005", "0", "x", ""]),
    invoiced_at=usually([f"{day} 10:00:00" for day in DAYS], ["", "soon"]),
    unit_price=usually(["2.50", "0.01"], ["0.0005", "1.00005", "0", "-1"]),
    customer_id=usually(["7", "8", "9"], ["7.0", "", "NULL"]),
    country=usually(["UK"], ["FR", ""]),
    line_id=st.sampled_from(["a", "b", ""]),
).map(_numbered)


#: Files of merged customers: chains, targets nobody has bought as, and rows that come and go.
MERGES = [(), (("7", "8"),), (("8", "9"), ("7", "8")), (("9", "7"), ("8", "7")), (("7", "new"),), (("new", "8"),)]
