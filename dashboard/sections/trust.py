"""Why to believe it: the number of segments, what customers did later, and the data underneath."""

from typing import TYPE_CHECKING

from dashboard.charts import model as charts
from dashboard.page import Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.sections.lacking import older
from dashboard.wording import MISSING, Money, clean, count, counted, day, moment, number, share

if TYPE_CHECKING:
    import polars as pl

_OUTCOMES = (
    ("purchase", "Purchases of known customers"),
    ("return", "Returns of known customers"),
    ("unattributed", "Sound, but without a customer: count for sales, not for segments"),
    ("quarantined", "Something missing or impossible: kept aside"),
    ("duplicate", "Equal to a line that counts already"),
    ("erased", "Of customers who were erased"),
)
_GROUPINGS = {"segments": "these segments", "scored_rfm": "the scored RFM", "classic": "the notebook recipe"}
_FAILED = 12


def choice(published: Published) -> Section:
    """How many segments there are and why; how well earlier ones told what came."""
    import polars as pl

    search = published.tables["k_search"]
    own = search.filter(pl.col("model_id") == published.version["model_id"]).sort("k")
    if own.is_empty() and not search.is_empty():  # an updated model keeps the k of the refit before it
        own = search.filter(pl.col("model_id") == search["model_id"].max()).sort("k")
    parts: list[Chart | Words] = []
    if own["chosen"].sum() == 1 and len(own) > 1:
        parts.append(_search(published, own))
    else:
        parts.append(Words("The number of segments is set in the configuration; no other was tried for this model."))
    return Section("choice", "How good the segments are", [*parts, *_later(published)])


def _search(published: Published, own: "pl.DataFrame") -> Chart:
    chosen = own.filter(own["chosen"]).row(0, named=True)
    rows = [
        (
            f"{row['k']}{' (chosen)' if row['chosen'] else ''}{' (elbow)' if row['is_elbow'] else ''}",
            number(row["inertia"], 0), number(row["silhouette"], 3), number(row["stability"], 3),
            number(row["calinski_harabasz"], 0), number(row["davies_bouldin"], 3), share(row["smallest_share"]),
        )
        for row in own.iter_rows(named=True)
    ]  # fmt: skip
    columns = (
        "Segments",
        "Inertia",
        "Silhouette",
        "Stability",
        "Calinski-Harabasz",
        "Davies-Bouldin",
        "Smallest segment",
    )
    why = published.parameter("why this number of segments")
    finding = f"{counted(chosen['k'], 'segment')}: silhouette {number(chosen['silhouette'], 2)}"
    if chosen["stability"] is not None:
        finding += f", and {share(chosen['stability'], 0)} agreement when customers are drawn anew"
    reading = f"{clean(why, 400).rstrip('.')}. " if why else ""
    return Chart(
        "search", finding, charts.choice_of_k(own), f"{reading}The large dot is the number in use.",
        Table(columns, rows, texts=("Segments",)),
    )  # fmt: skip


def _later(published: Published) -> list[Chart | Words]:
    quality = published.tables["version_quality"]
    if quality.is_empty():
        return [Words("What customers did after a version is measured once 90 later days are known.")]
    newest = quality.filter(quality["as_of"] == quality["as_of"].max()).sort(
        quality["grouping"] != "segments", "spend_explained", descending=[False, True]
    )
    own = newest.filter(newest["grouping"] == "segments").rows(named=True)
    when, days = day(newest["as_of"][0]), newest["horizon_days"][0]
    finding = f"How well groups of {when} told what customers spent in the {days} days after"
    if own:
        top = own[0]
        finding = (
            f"Of the segments of {when}, {clean(top['top_group'])}, {share(top['top_customer_share'])} of customers, "
            f"brought {share(top['top_spend_share'])} of the sales of the {days} days after"
        )
    rows = [
        (
            _GROUPINGS.get(row["grouping"], clean(row["grouping"])), count(row["groups"]),
            share(row["spend_explained"]), share(row["active_explained"]),
            clean(row["top_group"]), share(row["top_spend_share"]),
        )
        for row in newest.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Grouping", "Groups", "Spending explained", "Buying at all explained", "Top group", "Its share of sales")
    reading = (
        "Share of the differences in later spending (its logarithm) that lies between the groups; more groups explain "
        "more by themselves."
    )
    return [
        Chart("later", finding, charts.later(newest), reading, Table(columns, rows, texts=("Grouping", "Top group")))
    ]


def quality(published: Published, money: Money) -> Section:
    """What was delivered and what became of it, and the checks that failed."""
    loads = published.tables["data_quality"]
    if loads.is_empty():
        return Section("quality", "Data quality", [Words("No delivery has been accepted.")])
    total = int(loads["delivered_lines"].sum())
    kinds = [(kind, words) for kind, words in _OUTCOMES if f"{kind}_lines" in loads.columns]
    sums = {kind: int(loads[f"{kind}_lines"].sum()) for kind, _ in kinds}
    amounts = {kind: float(loads[f"{kind}_amount"].sum()) for kind, _ in kinds}
    rows = [
        (kind, count(sums[kind]), share(sums[kind] / total), money.short(amounts[kind]), words) for kind, words in kinds
    ]
    used = (sums["purchase"] + sums["return"]) / total
    known = amounts["purchase"] + amounts["return"]
    unknown = amounts["unattributed"] / (known + amounts["unattributed"]) if known + amounts["unattributed"] else None
    told = (
        f"{counted(total, 'line')} were accepted in {counted(len(loads), 'delivery', 'deliveries')}, the last on "
        f"{moment(max(loads['received_at']))}. {share(used)} of them are of known customers and make the segments. "
        f"Sales without a customer are {share(unknown)} of all sales; without them customers look worth that much less."
    )
    columns = ("Outcome", "Lines", "Share", "Money", "What it means")
    table = Table(
        columns, rows, texts=("Outcome", "What it means"), caption="Every delivered line has exactly one outcome"
    )
    parts = [Words(told), table, *_sensitivity(published, money), *_reasons(published, money), *_checks(published)]
    return Section("quality", "Data quality", parts)


def _sensitivity(published: Published, money: Money) -> list[Table | Words]:
    """What a customer is worth if sales without a customer are dropped, and if they were of the known ones."""
    months, values = published.table("sales_monthly"), published.table("segment_profiles", "average_customer_value")
    if months is None or values is None:
        return [older("value of a customer")]
    customers = int(values["customers"].sum())
    dropped = float((values["average_customer_value"] * values["customers"]).sum())
    kept = dropped + float(months["unattributed"].sum())
    if not customers or dropped <= 0:
        return []
    rows = [
        (words, money.short(sales), count(customers), money.short(sales / customers), share(sales / dropped))
        for words, sales in (("Dropped, as in the segments", dropped), ("Kept, as sales to the known customers", kept))
    ]
    columns = ("Lines without a customer", "Sales", "Customers", "Sales for each customer", "Of what is published")
    caption = "What dropping lines without a customer does to the value of a customer: it lies between the two"
    return [Table(columns, rows, texts=columns[:1], caption=caption)]


def _reasons(published: Published, money: Money) -> list[Table | Words]:
    import polars as pl

    reasons = published.table("quarantine_reasons")
    if reasons is None:
        return [older("reasons of the quarantine")]
    if reasons.is_empty():
        return [Words("No line was quarantined.")]
    sums = reasons.group_by("reason").agg(pl.col("lines").sum(), pl.col("amount").sum()).sort("lines", descending=True)
    rows = [
        (clean(row["reason"]).replace("_", " "), count(row["lines"]), money.short(row["amount"]))
        for row in sums.iter_rows(named=True)
    ]
    return [Table(("Reason", "Lines", "Money"), rows, texts=("Reason",), caption="Why lines were quarantined")]


def _checks(published: Published) -> list[Table | Words]:
    checks = published.table("check_results")
    if checks is None:
        return [older("results of checks")]
    failed = checks.filter(~checks["success"]).sort("checked_at", descending=True)
    if failed.is_empty():
        return [Words(f"All {counted(len(checks), 'check')} passed.")]
    rows = [
        (
            clean(row["meaning"]), clean(row["severity"]), clean(row["observed"]) or MISSING,
            clean(row["expected"]) or MISSING, day(row["as_of"]),
        )
        for row in failed.head(_FAILED).iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Expected", "Severity", "Found", "Limit", "In the run for")
    caption = f"Checks that failed, the latest first ({min(len(failed), _FAILED)} of {len(failed)})"
    return [Table(columns, rows, texts=columns, caption=caption)]
