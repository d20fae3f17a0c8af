"""Statements for databases there is none of here, and the borders of slices."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.database_slices import Axis, Slice, border_before, latest_sensible, span, unit_name, written
from warehouse.database_sql import DatabaseSql
from warehouse.errors import DeliveryError
from warehouse.params import DatabaseParams

SLICE = Slice(1_322_697_600_000_000, 1_322_784_000_000_001)


def sql_of(scheme: str, **settings: object) -> DatabaseSql:
    given_ = {"uri": f"{scheme}://db/shop", "table": "shop.lines", "watermark": "changed", "slice_rows": 5} | settings
    return DatabaseSql(DatabaseParams.model_validate(given_))


def test_a_slice_of_mysql() -> None:
    assert sql_of("mysql").slice_sql(SLICE, Axis.LOCAL_TIME, {"id": False, "price": True}) == (
        "SELECT `id`, CAST(`price` AS CHAR) AS `price` FROM `shop`.`lines` delivered WHERE `changed` > "
        "'2011-12-01 00:00:00' AND `changed` <= '2011-12-02 00:00:00.000001' ORDER BY `changed`"
    )


@pytest.mark.parametrize(
    ("scheme", "end"),
    [("mssql", "OFFSET 4 ROWS FETCH NEXT 1 ROWS ONLY"), ("oracle", "OFFSET 4 ROWS FETCH NEXT 1 ROWS ONLY"),
     ("snowflake", "LIMIT 1 OFFSET 4")],
)  # fmt: skip
def test_a_border(scheme: str, end: str) -> None:
    assert sql_of(scheme).border_sql(3, 9, Axis.NUMBER) == (
        'SELECT "changed" AS border FROM "shop"."lines" delivered WHERE "changed" > 3 AND "changed" <= 9 '
        f'ORDER BY "changed" {end}'
    )


def test_names_with_quotes_and_queries_with_comments_are_whole() -> None:
    odd = sql_of("postgresql", watermark='a"b')
    assert '"a""b" IS NULL' in odd.without_sql()
    query = sql_of("postgresql", table="", query="SELECT 1 -- all of it;")
    assert query.described_sql() == "SELECT * FROM (\nSELECT 1 -- all of it\n) delivered WHERE 1 = 0"


def test_watermarks_are_written_as_databases_write_them() -> None:
    values = [written(SLICE.after or 0, axis) for axis in (Axis.MOMENT, Axis.LOCAL_TIME, Axis.DAY, Axis.NUMBER)]
    assert values == ["2011-12-01 00:00:00+00:00", "2011-12-01 00:00:00", "2011-12-01", "1322697600000000"]
    assert written(-62_135_596_800_000_000, Axis.DAY) == "0001-01-01"
    assert unit_name("changed", Slice(None, 7), Axis.NUMBER) == "changed <= 7"


@pytest.mark.parametrize(
    ("text", "axis", "microseconds"),
    [("90s", Axis.MOMENT, 90_000_000), ("15min", Axis.LOCAL_TIME, 900_000_000), ("1 h", Axis.DAY, 86_400_000_000),
     ("2d", Axis.DAY, 172_800_000_000), ("5000", Axis.NUMBER, 5000)],
)  # fmt: skip
def test_look_back_windows(text: str, axis: Axis, microseconds: int) -> None:
    assert span(text, axis) == microseconds
    other = Axis.MOMENT if axis is Axis.NUMBER else Axis.NUMBER
    with pytest.raises(DeliveryError, match="look_back must be"):
        span(text, other)


def test_the_present_on_a_local_watermark_is_the_zones() -> None:
    now = datetime.fromisoformat("2011-06-30T23:30:00")
    local = latest_sensible(now, Axis.LOCAL_TIME, "Europe/London")
    assert local is not None
    assert written(local, Axis.LOCAL_TIME) == "2011-07-01 00:30:00"
    assert latest_sensible(now, Axis.NUMBER, "UTC") is None


@given(
    cuts=st.lists(st.integers(0, 100), min_size=1, unique=True).map(sorted),
    look_back=st.integers(0, 40),
    latest=st.none() | st.integers(0, 120),
)
def test_a_pull_begins_at_a_border_at_or_before_the_window(cuts: list[int], look_back: int, latest: int | None) -> None:
    slices = [Slice(before, upto) for before, upto in zip([None, *cuts], cuts, strict=False)]
    border = border_before(slices, look_back, latest)
    reached = (cuts[-1] if latest is None else min(cuts[-1], latest)) - look_back
    assert border in [None, *cuts]
    assert border is None or border < reached
    later = [cut for cut in cuts if border is None or cut > border]
    assert later[0] >= reached  # the next border would be too late
