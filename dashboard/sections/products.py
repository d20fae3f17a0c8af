"""What sells, and what each segment likes more than others do."""

from typing import TYPE_CHECKING, Any

from dashboard.charts import sales as charts
from dashboard.charts.style import colours
from dashboard.page import Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.sections.lacking import older
from dashboard.wording import Money, clean, count, counted, listed, number, share

if TYPE_CHECKING:
    import polars as pl

_TOP, _EACH = 15, 5
#: A product stands for a segment if so many of its customers bought it, and this much more likely than others.
_LEAST_SHARE, _LEAST_BUYERS, _LEAST_LIFT = 0.03, 10, 1.1


def products(published: Published, money: Money) -> Section:
    """Best sellers and affinity."""
    best, liked = published.table("top_products"), published.table("product_affinity")
    parts: list[Chart | Words] = [older("best sellers")] if best is None else [_best(best, money)]
    parts += [older("affinity of segments and products")] if liked is None else _liked(published, liked)
    return Section("products", "Products", parts)


def telling(liked: "pl.DataFrame") -> "pl.DataFrame":
    """The few rows of product_affinity that tell what a segment likes: never a lift of 1 or less."""
    import polars as pl

    least = pl.max_horizontal(pl.lit(_LEAST_BUYERS), pl.col("segment_customers") * _LEAST_SHARE)
    return (
        liked.filter((pl.col("lift") >= _LEAST_LIFT) & (pl.col("buyers") >= least))
        .sort("segment_key", "lift", descending=[False, True])
        .group_by("segment_key", maintain_order=True)
        .head(_EACH)
    )


def _best(best: "pl.DataFrame", money: Money) -> Chart | Words:
    if best.is_empty():
        return Words("The deliveries name no products.")
    drawn = best.sort("rank").head(_TOP)
    together = float(drawn["sales_share"].sum())
    rows = [
        (f"{clean(row['description'])} ({clean(row['product'])})", money.short(row["sales"]), share(row["sales_share"]),
         count(row["items"]), count(row["buyers"]))
        for row in best.sort("rank").head(50).iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Product", "Sales", "Share", "Items", "Customers")
    return Chart(
        "bestsellers",
        f"The {counted(len(drawn), 'best seller')} bring {share(together)} of the sales of goods",
        charts.top_products(drawn, money),
        "Sales minus returns. Postage, fees and other codes that are no goods are left out.",
        Table(columns, rows, texts=("Product",), caption=f"The {len(rows)} best sellers"),
    )


def _liked(published: Published, liked: "pl.DataFrame") -> list[Chart | Words]:
    drawn = telling(liked)
    missing = [clean(name) for key, name in _segments(published) if key not in set(drawn["segment_key"])]
    quiet = Words(f"Nothing is bought much more often by {listed(missing)} than by others.")
    if drawn.is_empty():
        return [Words("No product is bought much more often by one segment than by others.")]
    first = drawn.sort("lift", descending=True).row(0, named=True)
    chart = Chart(
        "affinity",
        f"{clean(first['segment'])} are {number(first['lift'])} times as likely as the average customer to buy "
        f"{clean(first['description'] or first['product'])}",
        charts.affinity(drawn, colours(published.profiles)),
        f"Up to {_EACH} products for each segment that at least {share(_LEAST_SHARE)} of its customers bought. In "
        "brackets: the share of the segment that bought it, instead of the share of all customers; small segments are "
        "drawn towards all.",
        _table(drawn),
    )
    return [chart, quiet] if missing else [chart]


def _segments(published: Published) -> list[tuple[Any, ...]]:
    return published.profiles.select("segment_key", "segment").rows()


def _table(drawn: "pl.DataFrame") -> Table:
    rows = [
        (
            clean(row["segment"]), f"{clean(row['description'])} ({clean(row['product'])})", number(row["lift"]),
            share(row["purchase_probability"]), share(row["overall_probability"]), count(row["buyers"]),
        )
        for row in drawn.iter_rows(named=True)
    ]  # fmt: skip
    columns = ("Segment", "Product", "Times as likely", "In the segment", "Of all customers", "Buyers in the segment")
    return Table(columns, rows, texts=columns[:2])
