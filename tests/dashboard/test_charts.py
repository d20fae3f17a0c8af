"""Figures hold the rows they were given, in the segments' own colours; nothing is read and nothing is drawn here."""

from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from dashboard.charts import cohorts, history, maps, model, movements, sales, segments
from dashboard.charts.style import CELL_INK, SEQUENTIAL
from dashboard.neighbours import MOST, kinship, neighbours
from dashboard.sections.products import telling
from dashboard.wording import Money

POUNDS = Money("£")
GREEN, BLUE, GREY = "#009e73", "#0072b2", "#888888"


@pytest.fixture
def profiles() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "segment_key": [1, 2, 7],
            "segment": ["Champions", "Loyal", "<b>Lost</b>"],
            "colour": [GREEN, BLUE, GREY],
            "share": [0.1, 0.3, 0.6],
            "revenue_share": [0.7, 0.4, -0.1],
            "centroid": [[-1.0, 2.0], [-0.5, 0.25], [1.5, -0.75]],
        }
    )


@pytest.fixture
def moves() -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = [
        (1, "Champions", 2, "Loyal", 30, 900.0),
        (2, "Loyal", 7, "<b>Lost</b>", 50, 400.0),
        (None, None, 2, "Loyal", 20, 100.0),
        (3, "Gone", None, None, 5, 0.0),
    ]
    names = ["from_segment_key", "from_segment", "to_segment_key", "to_segment", "customers", "net_365_days"]
    return pl.DataFrame(rows, schema=names, orient="row")


def months(*partial: int) -> pl.DataFrame:
    """Fourteen months from January 2010; those of the given places are known in part."""
    days = [date(2010 + place // 12, place % 12 + 1, 1) for place in range(14)]
    figures = {name: [float(place + 1) for place in range(14)] for name, _, _ in sales.PER_CUSTOMER}
    known = {"is_partial": [place in partial for place in range(14)], "sales": [100.0 * place for place in range(14)]}
    return pl.DataFrame({"month": days} | figures | known)


def test_the_sankey_has_every_mover_and_nobody_else(moves: pl.DataFrame, profiles: pl.DataFrame) -> None:
    figure = movements.sankey(moves, profiles, POUNDS)
    (drawn,) = figure.data
    assert sum(drawn.link.value) == moves["customers"].sum()
    assert drawn.link.customdata[0] == "Champions → Loyal<br>30 customers, £900 in the last 365 days"
    assert drawn.link.customdata[2].startswith(movements.ENTERING)
    assert drawn.link.customdata[3].startswith(f"Gone → {movements.LEAVING}<br>5 customers")
    told = [annotation.text for annotation in figure.layout.annotations]
    assert "&lt;b&gt;Lost&lt;/b&gt; <b>50</b>" in told


def test_segments_keep_their_order_in_the_sankey_whoever_moves(moves: pl.DataFrame, profiles: pl.DataFrame) -> None:
    for order in (moves, moves.reverse(), moves.sort("customers")):
        (drawn,) = movements.sankey(order, profiles, POUNDS).data
        assert list(drawn.node.color) == [GREEN, BLUE, "#9aa5b1", "#9aa5b1", BLUE, GREY, "#9aa5b1"]
        left, right = drawn.node.y[:4], drawn.node.y[4:]
        assert list(left) == sorted(left)
        assert list(right) == sorted(right)
        assert drawn.arrangement == "fixed"


def test_nodes_of_the_sankey_do_not_overlap(moves: pl.DataFrame, profiles: pl.DataFrame) -> None:
    (drawn,) = movements.sankey(moves, profiles, POUNDS).data
    total = sum(drawn.link.value)
    heights = [30, 50, 5, 20]
    for (upper, height), (lower, below) in pairwise(zip(drawn.node.y[:4], heights, strict=True)):
        assert lower - upper > (height + below) / 2 / total * 0.8


def test_customers_and_revenue_are_side_by_side_in_the_segments_colours(profiles: pl.DataFrame) -> None:
    customers, revenue = segments.customers_and_revenue(profiles).data
    assert (list(customers.x), list(revenue.x)) == ([0.1, 0.3, 0.6], [0.7, 0.4, -0.1])
    assert list(customers.marker.color) == list(revenue.marker.color) == [GREEN, BLUE, GREY]
    assert list(revenue.text) == ["70 %", "40 %", "−10 %"]
    assert customers.y[2] == "&lt;b&gt;Lost&lt;/b&gt;"


def test_centres_have_a_panel_for_each_feature(profiles: pl.DataFrame) -> None:
    figure = segments.centres(profiles, ["Days", "Orders"])
    assert [list(panel.x) for panel in figure.data] == [[-1.0, -0.5, 1.5], [2.0, 0.25, -0.75]]
    assert [annotation.text for annotation in figure.layout.annotations] == ["Days", "Orders"]


def test_a_part_of_a_month_is_hatched_and_no_point_of_any_line() -> None:
    table = months(0, 13)
    (bars,) = sales.monthly_sales(table, POUNDS).data
    assert list(bars.marker.pattern.shape) == ["/", *[""] * 12, "/"]
    assert bars.customdata[13] == "Feb 2011 (part of the month): £1,300"
    earlier, later = sales.seasons(table, POUNDS).data
    assert (len(earlier.x), list(later.x)) == (11, ["Jan"])
    assert {len(line.x) for line in sales.per_customer(table, POUNDS).data} == {12}


def test_cohorts_leave_out_the_first_month_and_months_that_are_not_over() -> None:
    rows = [
        (date(2011, start, 1), since, 10, 10 - since, (10 - since) / 10, start + since == 4)
        for start in (1, 2, 3)
        for since in range(5 - start)
    ]
    names = ["cohort", "months_since", "cohort_customers", "customers", "retention", "is_partial"]
    (drawn,) = cohorts.retention(pl.DataFrame(rows, schema=names, orient="row")).data
    assert [list(row) for row in drawn.z] == [[0.9, 0.8], [0.9, None]]
    assert list(drawn.y) == ["Jan 2011 (10)", "Feb 2011 (10)"]
    assert drawn.customdata[0][1].endswith("ordered 2 months later (80 %)")


def test_cells_of_the_rfm_heat_map_show_medians_and_empty_ones_nothing() -> None:
    cells = pl.DataFrame(
        {"r_score": [1, 5], "f_score": [1, 5], "customers": [0, 3], "median_monetary": [None, 1234.0]},
        schema_overrides={"median_monetary": pl.Float64},
    )
    (drawn,) = cohorts.rfm(cells, POUNDS).data
    assert drawn.z[4][4] == 1234.0
    assert drawn.text[4][4] == "<b>£1,234</b><br>3 customers"
    assert drawn.text[0][0] == ""


def test_numbers_in_cells_can_be_read_on_every_shade() -> None:
    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert all((light(shade) + 0.05) / (light(CELL_INK) + 0.05) > 4.5 for _, shade in SEQUENTIAL)


def test_affinity_begins_at_one_and_shows_no_lift_below() -> None:
    rows = [
        (1, "Champions", "A", "Lamp", 40, 100, 0.4, 0.1, 4.0),
        (1, "Champions", "B", None, 30, 100, 0.3, 0.2, 1.5),
        (1, "Champions", "C", "Few bought it", 3, 100, 0.03, 0.01, 3.0),
        (2, "Loyal", "A", "Lamp", 50, 500, 0.1, 0.1, 1.0),
        (2, "Loyal", "B", None, 50, 500, 0.1, 0.2, 0.5),
    ]
    names = [
        "segment_key", "segment", "product", "description", "buyers", "segment_customers", "purchase_probability",
        "overall_probability", "lift",
    ]  # fmt: skip
    drawn = telling(pl.DataFrame(rows, schema=names, orient="row"))
    assert drawn.select("segment_key", "product").rows() == [(1, "A"), (1, "B")]
    figure = sales.affinity(drawn, {1: GREEN})
    (bars,) = figure.data
    assert (bars.base, list(bars.x), bars.marker.color) == (1, [3.0, 0.5], GREEN)
    assert list(bars.y) == ["Lamp · A", "B"]
    assert bars.text[0] == "4.0 times (40 % instead of 10 %)"


def test_maps_show_every_point_in_its_segments_colour_and_name_nobody(profiles: pl.DataFrame) -> None:
    points = pl.DataFrame({"segment_key": [1, 7, 7], "x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 2.0], "z": [3.0, 4.0, 5.0]})
    for figure in (maps.plane(points, profiles, ("a", "b")), maps.space(points, profiles, ("a", "b", "c"))):
        assert [(trace.name, trace.marker.color, len(trace.x)) for trace in figure.data] == [
            ("Champions", GREEN, 1),
            ("&lt;b&gt;Lost&lt;/b&gt;", GREY, 2),
        ]
        assert len({trace.marker.symbol for trace in figure.data}) == 2
        assert {trace.hoverinfo for trace in figure.data} == {"name"}


def test_segments_over_time_have_a_line_each(profiles: pl.DataFrame) -> None:
    days = [date(2011, 1, day) for day in (3, 1, 2)]
    rows = pl.concat(profiles.with_columns(as_of=pl.lit(day)) for day in days)
    lines = history.shares(rows).data
    assert [(line.line.color, list(line.x)) for line in lines] == [(one, sorted(days)) for one in (GREEN, BLUE, GREY)]


def test_the_number_in_use_stands_out() -> None:
    measures = {name: [3.0, 2.0, 1.0] for name, _ in model.MEASURES}
    table = pl.DataFrame({"k": [3, 4, 5], "chosen": [False, True, False]} | measures)
    assert [list(panel.marker.size) for panel in model.choice_of_k(table).data] == [[8, 14, 8]] * 3


def test_the_map_of_neighbours_is_the_same_each_time_and_of_a_stated_size() -> None:
    points = pl.DataFrame(
        {
            "segment_key": [place % 2 for place in range(90)],
            "standardised": [[place % 2 * 9.0, place / 90.0] for place in range(90)],
        }
    )
    one, other = neighbours(points), neighbours(points)
    assert one is not None
    assert other is not None
    assert one.equals(other)
    assert len(one) == 90 <= MOST
    assert kinship(one) > 0.95
    assert neighbours(points.head(20)) is None
    assert neighbours(points.with_columns(pl.lit([1.0, 1.0]).alias("standardised"))) is None


@pytest.mark.parametrize(
    ("value", "long", "short"),
    [
        (0.0, "£0", "£0"),
        (-0.2, "£0", "£0"),
        (9_999.4, "£9,999", "£9,999"),
        (12_345.0, "£12.3 thousand", "£12.3 k"),
        (999_999.0, "£1.00 million", "£1.00 M"),
        (-3_349_148.4, "−£3.35 million", "−£3.35 M"),
        (2.5e9, "£2.50 billion", "£2.50 bn"),
        (None, "–", "–"),
        (float("nan"), "–", "–"),
    ],
)
def test_money_is_written_for_people(value: float | None, long: str, short: str) -> None:
    assert (POUNDS.long(value), POUNDS.short(value)) == (long, short)
