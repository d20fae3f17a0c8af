"""What the customers of a segment are like: profiles, the scored RFM beside them, and maps."""

import json
from typing import TYPE_CHECKING, Any

from dashboard.charts import cohorts, maps
from dashboard.charts import segments as charts
from dashboard.neighbours import kinship, neighbours
from dashboard.page import Chart, Section, Table, Words
from dashboard.published import Published
from dashboard.sections.lacking import older
from dashboard.wording import MISSING, Money, clean, count, counted, listed, number, share

if TYPE_CHECKING:
    import polars as pl

#: Scored segments of customers who bought often or much and then stopped.
_AT_RISK = ("At Risk", "Cannot Lose Them")
_COUNTRIES = 10
_FEATURES = {
    "recency_days": "Days since last order",
    "frequency": "Orders",
    "monetary": "Money spent",
    "average": "Order value",
    "tenure_days": "Days since first order",
    "days_between_orders": "Days between orders",
    "return_rate": "Share returned",
    "distinct_products": "Different products",
    "items_per_order": "Items per order",
    "active_months": "Active months",
}


def likeness(published: Published, money: Money) -> Section:
    """Centres, the scored RFM, countries and the maps of customers."""
    parts = [_centres(published), *_rfm(published, money), *_origins(published), *_maps(published)]
    return Section("likeness", "What the customers are like", parts)


def _features(published: Published) -> list[str]:
    """Names of the model's inputs in the order of the centroids."""
    inputs = json.loads(published.parameter("features.inputs") or "[]")
    size = len(published.profiles["centroid"][0])
    names = inputs if len(inputs) == size else [f"input {place + 1}" for place in range(size)]
    return [_FEATURES.get(name, clean(name).replace("_", " ")) for name in names]


def _centres(published: Published) -> Chart:
    features, profiles = _features(published), published.profiles
    rows = [
        (clean(row["segment"]), *(f"{value:+.2f}".replace("-", "−") for value in row["centroid"]))
        for row in profiles.iter_rows(named=True)
    ]
    return Chart(
        "centres",
        _furthest(profiles, features),
        charts.centres(profiles, features),
        "Centre of each segment: 0 is the average customer, 1 is one standard deviation above it.",
        Table(("Segment", *features), rows, texts=("Segment",), colours=profiles["colour"].to_list()),
    )


def _furthest(profiles: "pl.DataFrame", features: list[str]) -> str:
    found = [
        (abs(value), value, row["segment"], features[place])
        for row in profiles.iter_rows(named=True)
        for place, value in enumerate(row["centroid"])
    ]
    size, value, segment, feature = max(found)
    if not size:
        return "The segments do not differ in any feature"
    where = "above" if value > 0 else "below"
    deviations = f"{number(size)} standard deviations {where} the average"
    return f"{clean(segment)} stand out most: in “{feature}” they are {deviations}"


def _rfm(published: Published, money: Money) -> list[Chart | Table | Words]:
    cells, crosstab = published.table("rfm_heatmap"), published.table("rfm_crosstab")
    parts: list[Chart | Table | Words] = []
    if cells is None:
        parts.append(older("heat map of the RFM scores"))
    elif cells["customers"].sum():
        parts.append(_heatmap(cells, money))
    if crosstab is not None and not crosstab.is_empty():
        top = crosstab.sort("customers", descending=True).row(0, named=True)
        finding = (
            f"The largest overlap with the scored RFM: {counted(top['customers'], 'customer')} are "
            f"{clean(top['segment'])} here and {clean(top['rfm_segment'])} there"
        )
        reading = "The scored RFM names customers by quintiles, the segments by likeness. Each column adds up to 100 %."
        rows = [
            (clean(row["segment"]), clean(row["rfm_segment"]), count(row["customers"]), share(row["share"]))
            for row in crosstab.iter_rows(named=True)
        ]
        columns = ("Segment", "Scored RFM", "Customers", "Share of the segment")
        table = Table(columns, rows, texts=columns[:2])
        drawn = cohorts.by_segment(crosstab, "rfm_segment", published.profiles)
        parts += [Chart("scored", finding, drawn, reading, table), *_at_risk(crosstab)]
    return parts


def _at_risk(crosstab: "pl.DataFrame") -> list[Table | Words]:
    """How many are about to be lost, by the scored RFM: its names mean the same in every version."""
    import polars as pl

    sums = crosstab.group_by("rfm_segment").agg(pl.col("customers").sum()).sort("customers", descending=True)
    total = int(sums["customers"].sum())
    there = int(sums.filter(pl.col("rfm_segment").is_in(_AT_RISK))["customers"].sum())
    told = (
        f"At risk: {counted(there, 'customer')}, {share(there / total)}, bought often or much and have not for long "
        f"({listed(_AT_RISK)} of the scored RFM)."
    )
    rows = [(clean(name), count(customers), share(customers / total)) for name, customers in sums.iter_rows()]
    columns = ("Scored RFM", "Customers", "Share of all")
    return [Words(told), Table(columns, rows, texts=columns[:1], caption="Customers by scored RFM segment")]


def _origins(published: Published) -> list[Chart | Words]:
    """Share of each segment's customers by country; one that most are from would leave the others pale."""
    import polars as pl

    rows = published.table("segment_countries")
    if rows is None:
        return [older("countries of the segments")]
    known = rows.filter(pl.col("country").is_not_null())
    sums = (
        known.group_by("country").agg(pl.col("customers").sum()).sort("customers", "country", descending=[True, False])
    )
    if len(sums) < 2:
        return [Words("The customers are of one country, or the deliveries name none.")]
    top, customers = sums.row(0)
    part = customers / int(rows["customers"].sum())
    leads = part > 0.5
    drawn = known.filter(pl.col("country").is_in(sums["country"].slice(1 if leads else 0, _COUNTRIES).to_list()))
    least, most = (known.filter(pl.col("country") == top).sort("share").row(place, named=True) for place in (0, -1))
    finding = f"{share(part)} of the customers are from {clean(top)}"
    if least["segment"] != most["segment"]:
        of_most, of_least = (f"{share(row['share'])} of {clean(row['segment'])}" for row in (most, least))
        finding += f": {of_most}, {of_least}"
    reading = (
        "Share of each segment's customers from the countries with most customers"
        + (f" after {clean(top)}, which would leave the others pale" if leads else "")
        + ". Country is a profile only: it never decides the segment."
    )
    names = sums["country"].to_list()
    table = Table(
        ("Segment", "Country", "Customers", "Share of the segment"),
        [
            (clean(row["segment"]), clean(row["country"]) or MISSING, count(row["customers"]), share(row["share"]))
            for row in known.filter(pl.col("country").is_in(names[: _COUNTRIES + 1]))
            .sort("segment_key", "customers", descending=[False, True])
            .iter_rows(named=True)
        ],
        texts=("Segment", "Country"),
    )
    figure = cohorts.by_segment(drawn, "country", published.profiles, most=max(drawn["share"].to_list()))
    return [Chart("origins", finding, figure, reading, table)]


def _heatmap(cells: "pl.DataFrame", money: Money) -> Chart:
    best = cells.filter((cells["r_score"] >= 4) & (cells["f_score"] >= 4))
    customers, revenue, total = (
        int(best["customers"].sum()),
        float(best["revenue"].sum()),
        float(cells["revenue"].sum()),
    )
    finding = (
        f"{counted(customers, 'customer')} who bought lately and often brought "
        f"{share(revenue / total if total else None)} of the revenue"
    )
    rows = [
        (
            f"R {row['r_score']}, F {row['f_score']}", count(row["customers"]), money.short(row["median_monetary"]),
            number(row["median_recency_days"], 0), number(row["median_frequency"], 0),
        )
        for row in cells.iter_rows(named=True) if row["customers"]
    ]  # fmt: skip
    columns = ("Scores", "Customers", "Median spent", "Median days since last order", "Median orders")
    return Chart(
        "rfm",
        finding,
        cohorts.rfm(cells, money),
        "Each cell: the median spent by its customers, and how many they are. Bought lately and often: scores 4 and 5. "
        "Medians, since a few very large customers pull means up.",
        Table(columns, rows, texts=("Scores",)),
    )


def _maps(published: Published) -> list[Chart | Words]:
    points, axes = published.table("segment_map"), published.table("segment_map_axes")
    if points is None or axes is None:
        return [older("map of the customers")]
    if points.is_empty() or axes.is_empty():
        return [Words("There are too few customers for a map.")]
    sampled, customers = axes.row(0, named=True)["sampled_customers"], axes.row(0, named=True)["customers"]
    sample = (
        f"{counted(sampled, 'customer')}"
        if sampled == customers
        else f"A sample of {sampled:,} of {counted(customers, 'customer')}"
    )
    shown = dict(axes.select("axis", "variance_share").unique().iter_rows())
    parts: list[Chart | Words] = []
    if not points["z"].null_count():
        parts.append(_space(points, published, sample))
    if not points["y"].null_count():
        parts.append(_components(points, published, axes, shown, sample))
    placed = neighbours(points)
    if placed is not None:
        reading = (
            f"t-SNE of {counted(len(placed), 'customer')}: neighbours on the map are alike in all inputs of the model. "
            "Distances between groups and their sizes mean little."
        )
        alike = f"{share(kinship(placed), 0)} of a customer's ten nearest neighbours are in the same segment"
        parts.append(Chart("neighbours", alike, maps.plane(placed, published.profiles, ("", "")), reading))
    return parts or [Words("The model has a single input, so there is no map.")]


def _space(points: "pl.DataFrame", published: Published, sample: str) -> Chart:
    import polars as pl

    features = _features(published)
    if len(features) == 3:
        places = points.select(
            "segment_key", *(pl.col("standardised").list.get(place).alias(axis) for place, axis in enumerate("xyz"))
        )
        titles, what = features, "The inputs of the model, in standard deviations from the average customer"
    else:
        places, titles = points, ["1st axis", "2nd axis", "3rd axis"]
        what = "The three directions in which customers differ most (principal components)"
    drawn = maps.space(places, published.profiles, (titles[0], titles[1], titles[2]))
    finding = f"The segments in space: {listed([title.lower() for title in titles])}"
    return Chart("space", finding, drawn, f"{sample}. {what}. Drag to turn.", kind="scene")


def _components(
    points: "pl.DataFrame", published: Published, axes: "pl.DataFrame", shown: dict[str, float], sample: str
) -> Chart:
    both = shown["x"] + shown["y"]
    titles = tuple(
        f"{'1st' if axis == 'x' else '2nd'} axis ({share(shown[axis], 0)}): {_made_of(axes, axis)}" for axis in "xy"
    )
    finding = f"Two directions show {share(both, 0)} of the differences between customers"
    drawn = maps.plane(points, published.profiles, (titles[0], titles[1]))
    rows = [
        (_name(row["input"]), *(number(one, 2) for one in row["loadings"]))
        for row in axes.sort("axis")
        .group_by("input", maintain_order=True)
        .agg(loadings="loading")
        .iter_rows(named=True)
    ]
    named = tuple(f"Weight on axis {place + 1}" for place in range(len(shown)))
    table = Table(("Input", *named), rows, texts=("Input",))
    return Chart("components", finding, drawn, f"{sample} on the first two principal components.", table)


def _made_of(axes: "pl.DataFrame", axis: str) -> str:
    """The inputs an axis is mostly made of."""
    rows = axes.filter(axes["axis"] == axis).sort("loading", descending=True).rows(named=True)
    strong: list[dict[str, Any]] = [row for row in rows if abs(row["loading"]) >= 0.4]
    return (
        listed([f"{'more' if row['loading'] > 0 else 'fewer'} {_name(row['input']).lower()}" for row in strong])
        or MISSING
    )


def _name(feature: str) -> str:
    return _FEATURES.get(feature, clean(feature).replace("_", " "))
