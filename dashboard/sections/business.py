"""How the shop does: months, seasons, orders, countries, who comes back."""

from calendar import month_name
from typing import TYPE_CHECKING, Any

from dashboard.charts import cohorts, history
from dashboard.charts import sales as charts
from dashboard.charts.style import colours
from dashboard.page import Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.sections.lacking import older
from dashboard.wording import MISSING, Money, clean, count, counted, listed, month, number, share

if TYPE_CHECKING:
    import polars as pl

_COUNTRIES, _COHORTS = 10, 24


def business(published: Published, money: Money) -> Section:
    """Sales by month and season, what an order and a customer bring, and countries."""
    months = published.table("sales_monthly")
    parts: list[Chart | Words] = [older("sales by month")] if months is None else _months(months, money)
    by_country = published.table("sales_by_country")
    parts += [older("sales by country")] if by_country is None else _countries(by_country, money)
    return Section("business", "Sales by month and country", parts)


def returning(published: Published, money: Money) -> Section:
    """Cohorts, and each segment's months."""
    table, kpis = published.table("cohort_retention"), published.table("segment_kpis_monthly")
    parts: list[Chart | Words] = [older("cohorts")] if table is None else _cohorts(table)
    parts += [older("monthly figures of the segments")] if kpis is None else _kpis(published, kpis, money)
    return Section("returning", "Who comes back", parts)


def _months(months: "pl.DataFrame", money: Money) -> list[Chart | Words]:
    whole = months.filter(~months["is_partial"]).rows(named=True)
    if months.is_empty():
        return [Words("There are no sales yet.")]
    drawn = Chart(
        "months",
        _best_month(whole, money),
        charts.monthly_sales(months, money),
        "All sales minus returns, with and without a known customer. "
        + ("A hatched month is only partly known: it is no fall." if len(whole) < len(months) else ""),
        _months_table(months, money),
    )
    if len(whole) < 2:
        return [drawn, Words("There are too few whole months to speak of seasons or of a trend.")]
    years = {row["month"].year for row in whole}
    repeated = {
        row["month"].month for row in whole if sum(one["month"].month == row["month"].month for one in whole) > 1
    }
    seasons = Chart(
        "seasons",
        _season(whole, money),
        charts.seasons(months, money),
        "Whole months only, a line for each year."
        if repeated
        else "Whole months only. No month is known in two years yet, so a season cannot be told from a trend.",
        _seasons_table(whole, money),
    )
    first, last = whole[0], whole[-1]
    figures = Chart(
        "orders",
        f"An order brings {money.long(last['average_order_value'])} and a customer who buys places "
        f"{number(last['orders_per_customer'], 2)} orders a month ({month(last['month'])})",
        charts.per_customer(months, money),
        "Whole months only; customers are known ones. "
        f"In {month(first['month'])} an order brought {money.long(first['average_order_value'])}.",
    )
    return [drawn, *([seasons] if len(years) else []), figures]


def _best_month(whole: list[dict[str, Any]], money: Money) -> str:
    if not whole:
        return "No whole month is known yet"
    best, last = max(whole, key=lambda row: row["sales"]), whole[-1]
    if best is last:
        return f"{month(last['month'])}, the last whole month, is the best so far: {money.long(last['sales'])}"
    return (
        f"{month(last['month'])}, the last whole month, brought {money.long(last['sales'])}; the best was "
        f"{month(best['month'])} with {money.long(best['sales'])}"
    )


def _season(whole: list[dict[str, Any]], money: Money) -> str:
    best, worst = max(whole, key=lambda row: row["sales"]), min(whole, key=lambda row: row["sales"])
    if worst["sales"] <= 0:
        return f"Sales were highest in {month(best['month'])} and lowest in {month(worst['month'])}"
    times = number(best["sales"] / worst["sales"])
    return f"{month(best['month'])}, the strongest month, sold {times} times as much as {month(worst['month'])}"


def _seasons_table(whole: list[dict[str, Any]], money: Money) -> Table:
    """Each calendar month's mean sales and its share of a year made of them."""
    sums: dict[int, list[float]] = {}
    for row in sorted(whole, key=lambda row: row["month"].month):
        sums.setdefault(row["month"].month, []).append(row["sales"])
    means = {number: sum(sales) / len(sales) for number, sales in sums.items()}
    total = sum(means.values())
    rows = [
        (month_name[number], count(len(sums[number])), money.short(mean), share(mean / total if total > 0 else None))
        for number, mean in means.items()
    ]
    columns = ("Month of the year", "Years known", "Mean sales", "Seasonal share")
    caption = "Seasonal share: of the mean sales of the months of the year that are known whole"
    return Table(columns, rows, texts=columns[:1], caption=caption)


def _months_table(months: "pl.DataFrame", money: Money) -> Table:
    rows = [
        (
            month(row["month"]) + (" (part)" if row["is_partial"] else ""), money.short(row["sales"]),
            count(row["orders"]), count(row["customers"]), count(row["new_customers"]),
            money.short(row["average_order_value"]), number(row["items_per_order"], 0),
            share(row["unattributed_share"]),
        )
        for row in months.iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        "Month",
        "Sales",
        "Orders",
        "Customers",
        "New customers",
        "Order value",
        "Items per order",
        "Without a customer",
    )
    return Table(columns, rows, texts=("Month",))


def _countries(rows: "pl.DataFrame", money: Money) -> list[Chart | Words]:
    known = rows.filter(rows["country"].is_not_null()).sort("sales", descending=True)
    if known.is_empty():
        return [Words("The deliveries name no country.")]
    top = known.row(0, named=True)
    if len(known) == 1:
        return [Words(f"All sales with a country are from {clean(top['country'])}.")]
    leads = (top["sales_share"] or 0) > 0.5
    drawn = known.slice(1 if leads else 0, _COUNTRIES)
    finding = f"{clean(top['country'])} brings {share(top['sales_share'])} of the sales"
    finding += f", {clean(drawn['country'][0])} the most of the others" if leads else ""
    reading = (
        f"The {counted(len(drawn), 'country', 'countries')} with most sales"
        + (f" after {clean(top['country'])}, which would dwarf them" if leads else "")
        + "; shares are of all sales."
    )
    table = Table(
        ("Country", "Sales", "Share", "Orders", "Customers", "Order value"),
        [
            (
                clean(row["country"]) or MISSING, money.short(row["sales"]), share(row["sales_share"]),
                count(row["orders"]), count(row["customers"]), money.short(row["average_order_value"]),
            )
            for row in rows.head(40).iter_rows(named=True)
        ],
        texts=("Country",),
    )  # fmt: skip
    return [Chart("countries", finding, charts.countries(drawn, money), reading, table)]


def _cohorts(table: "pl.DataFrame") -> list[Chart | Words]:
    import polars as pl

    recent = sorted(set(table["cohort"]))[-_COHORTS:]
    kept = table.filter(pl.col("cohort").is_in(recent))
    later = kept.filter(~pl.col("is_partial") & (pl.col("months_since") > 0))
    if later.is_empty():
        return [Words("Nobody has been a customer for a whole month after the month of the first order yet.")]
    first = later.filter(pl.col("months_since") == 1)
    average = float(first["customers"].sum()) / max(1.0, float(first["cohort_customers"].sum()))
    best = later.sort("retention", descending=True).row(0, named=True)
    finding = (
        f"{share(average, 0)} of new customers order again in the month after their first; the most loyal were those "
        f"of {month(best['cohort'])} after {counted(best['months_since'], 'month')} ({share(best['retention'], 0)})"
    )
    rows = [
        (month(row["cohort"]), count(row["months_since"]), count(row["cohort_customers"]), count(row["customers"]),
         share(row["retention"]))
        for row in later.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("First order in", "Months later", "New customers", "Ordered again", "Share")
    newest = f" The newest {_COHORTS} cohorts are shown." if table["cohort"].n_unique() > _COHORTS else ""
    return [
        Chart(
            "cohorts",
            finding,
            cohorts.retention(kept),
            "Percent of the customers with a first order in a month (their number in brackets) who ordered in a later "
            f"one. Months that are not over are left out.{newest}",
            Table(columns, rows, texts=("First order in",)),
        )
    ]


def _kpis(published: Published, kpis: "pl.DataFrame", money: Money) -> list[Chart | Words]:
    import polars as pl

    whole = kpis.filter(~pl.col("is_partial"))
    if whole["month"].n_unique() < 2:
        return [
            Words("Sales and retention of the segments by month are drawn once versions of two whole months exist.")
        ]
    last = whole.filter(pl.col("month") == whole["month"].max())
    kept = last.filter(pl.col("retention").is_not_null()).sort("retention", descending=True)
    told = [f"{clean(row['segment'])} {share(row['retention'], 0)}" for row in kept.iter_rows(named=True)]
    when = month(last["month"][0])
    finding = f"Ordered the month before and again in {when}: {listed(told)}" if told else f"The segments in {when}"
    rows = [
        (
            clean(row["segment"]), month(row["month"]), count(row["customers"]), money.short(row["sales"]),
            count(row["orders"]), money.short(row["average_order_value"]), share(row["retention"]),
        )
        for row in whole.sort("month", "segment_key").iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Segment", "Month", "Customers", "Sales", "Orders", "Order value", "Ordered again")
    return [
        Chart(
            "kpis",
            finding,
            history.monthly(whole, colours(published.profiles), money),
            "Members are those of the last version of each month, so the last orders also made them members: "
            "read it as what the segments stand for, not as a forecast. Months without a version are missing.",
            Table(columns, rows, texts=columns[:2]),
        )
    ]
