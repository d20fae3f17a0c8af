"""The segments: how large, worth how much, what they are like and what to do about them."""

from typing import Any

from dashboard.charts import history as charts_over_time
from dashboard.charts import segments as charts
from dashboard.page import Card, Cards, Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.sections.lacking import older
from dashboard.wording import MISSING, Money, clean, count, counted, day, number, share

_LEAST_DATES, _TABLE_DATES = 3, 24


#: Facts of a card that files of older releases lack.
_SHARES = (
    ("repeat_rate", "Ordered more than once"),
    ("active_90_days", "Bought in the last 90 days"),
    ("return_rate", "Money returned"),
)


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
    return Section("segments", "The segments", [*parts, *_over_time(published)])


def _over_time(published: Published) -> list[Chart | Words]:
    """Shares of the segments from version to version, if there are enough for a line."""
    history = published.table("segment_profiles_history")
    if history is None:
        return [older("history of the segments")]
    dates = sorted(set(history["as_of"]))
    if len(dates) < _LEAST_DATES:
        return [Words(f"How the segments grow and shrink is drawn from {_LEAST_DATES} versions on.")]
    shares = {
        (row["as_of"], row["segment_key"]): (row["share"] or 0, clean(row["segment"]))
        for row in history.rows(named=True)
    }
    changed = [
        (now - before[0], name)
        for (when, key), (now, name) in shares.items()
        if when == dates[-1] and (before := shares.get((dates[0], key)))
    ]
    if not changed:
        finding = f"No segment of {day(dates[0])} exists any more"
    else:
        most, name = max(changed, key=lambda change: abs(change[0]))
        how = "grew" if most > 0 else "shrank"
        finding = f"{name} {how} most since {day(dates[0])}: by {number(abs(most) * 100)} percentage points"
    names = dict(published.profiles.select("segment_key", "segment").iter_rows())
    rows = [
        (day(when), *(share(shares[when, key][0]) if (when, key) in shares else MISSING for key in names))
        for when in dates[-_TABLE_DATES:]
    ]
    table = Table(("As of", *map(clean, names.values())), rows, texts=("As of",))
    reading = "Share of all segmented customers by the date of each published version."
    return [Chart("shares", finding, charts_over_time.shares(history), reading, table)]


def _finding(published: Published) -> str:
    """About the segment that brings most more than its share of the customers."""
    rows = published.profiles.rows(named=True)
    row = max(rows, key=lambda row: (row["revenue_share"] or 0) - (row["share"] or 0))
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
        "Spent in all", "Order value",
    )  # fmt: skip
    caption = "Days, orders, spent and order value are medians: half of the customers are below, half above."
    return Table(columns, rows, texts=("Segment",), colours=profiles["colour"].to_list(), caption=caption)


def _card(row: dict[str, Any], money: Money) -> Card:
    facts = [
        ("Customers", f"{count(row['customers'])} ({share(row['share'])})"),
        ("Revenue", f"{money.short(row['revenue'])} ({share(row['revenue_share'])})"),
        ("Days since last order", number(row["median_recency_days"], 0)),
        ("Orders", number(row["median_frequency"], 0)),
        ("Spent in all", money.short(row["median_monetary"])),
        ("Order value", money.short(row["median_average"])),
        *((title, share(row[column])) for column, title in _SHARES if column in row),
    ]
    if row.get("top_countries"):
        facts.append(("Mostly from", clean(row["top_countries"].split(";")[0])))
    words = clean(row["profile"]) or MISSING
    actions = [clean(action) for action in (row["actions"] or "").split(";") if action.strip()]
    return Card(clean(row["segment"]), row["colour"], f"{words[:1].upper()}{words[1:]}.", facts, actions)
