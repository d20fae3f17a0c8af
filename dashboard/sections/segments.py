"""The segments: how large, worth how much, what they are like and what to do about them."""

from typing import Any

from dashboard.charts import segments as charts
from dashboard.page import Card, Cards, Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.wording import MISSING, Money, clean, count, counted, number, share


def segments(published: Published, money: Money) -> Section:
    """Size and value, and a card for each segment with what the playbook suggests."""
    profiles = published.profiles
    drawn = Chart(
        "sizes",
        _finding(published),
        charts.customers_and_revenue(profiles),
        "Revenue: purchases minus returns of all customers in the segment.",
        _table(published, money),
    )
    parts: list[Any] = [drawn, Cards([_card(row, money) for row in profiles.iter_rows(named=True)])]
    if len(profiles) == 1:
        parts.insert(0, Words("There is one segment only, so nothing tells customers apart yet."))
    return Section("segments", "The segments", parts)


def _finding(published: Published) -> str:
    row = published.profiles.sort("revenue", descending=True).row(0, named=True)
    customers = counted(row["customers"], "customer")
    if row["revenue_share"] is None:
        return f"{clean(row['segment'])} has {customers}"
    return (
        f"{clean(row['segment'])}, {share(row['share'])} of the customers, bring {share(row['revenue_share'])} "
        "of the revenue"
    )


def _table(published: Published, money: Money) -> Table:
    profiles = published.profiles
    rows = [
        (
            clean(row["segment"]), count(row["customers"]), share(row["share"]), money.short(row["revenue"]),
            share(row["revenue_share"]), number(row["median_recency_days"], 0), number(row["median_frequency"], 0),
            money.short(row["median_monetary"]), money.short(row["median_average"]),
        )
        for row in profiles.iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        "Segment", "Customers", "Share", "Revenue", "Share of revenue", "Days since last order", "Orders",
        "Spent by a customer", "Order value",
    )  # fmt: skip
    caption = "Days, orders, spent and order value are medians: half of the customers are below, half above."
    return Table(columns, rows, texts=("Segment",), colours=profiles["colour"].to_list(), caption=caption)


def _card(row: dict[str, Any], money: Money) -> Card:
    facts = [
        ("Customers", f"{count(row['customers'])} ({share(row['share'])})"),
        ("Revenue", f"{money.short(row['revenue'])} ({share(row['revenue_share'])})"),
        ("Days since last order", number(row["median_recency_days"], 0)),
        ("Orders", number(row["median_frequency"], 0)),
        ("Spent by a customer", money.short(row["median_monetary"])),
        ("Order value", money.short(row["median_average"])),
    ]
    words = clean(row["profile"]) or MISSING
    actions = [clean(action) for action in (row["actions"] or "").split(";") if action.strip()]
    return Card(clean(row["segment"]), row["colour"], f"{words[:1].upper()}{words[1:]}.", facts, actions)
