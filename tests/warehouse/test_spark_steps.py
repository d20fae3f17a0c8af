"""The steps on Spark give what they give in DuckDB, whatever stands in the rows."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pytest
from support_spark import OPTIONS, need_spark

from segmentation.ageing import explain_and_age_sql
from segmentation.transforms import FeatureScaling, Scaler, Transform
from warehouse import store
from warehouse.errors import SparkError
from warehouse.params import SparkParams, StepEngine, WarehouseParams
from warehouse.store import Warehouse

AS_OF = date(2011, 12, 10)
#: In a batch of lines: no country, an empty one, other scripts, quotes, the greatest money there can be.
LINES = """
    SELECT 's' AS source, 'c' || i % 40 AS customer_id, 'N' || i // 3 AS invoice_no,
        DATE '2011-11-20' + CAST(i // 11 % 30 AS INTEGER) AS shop_day,
        ['UK', 'Côte d''Ivoire', '', NULL, '日本', 'a "b" \\ c'][i % 6 + 1] AS country,
        ['purchase', 'return', 'duplicate', 'unattributed', 'purchase'][i % 5 + 1] AS outcome,
        CAST((i % 13 - 4) * 0.3333 AS DECIMAL(18, 4)) AS quantity,
        CAST(CASE i WHEN 5 THEN 99999999999999.9999 WHEN 10 THEN 0.0001 ELSE (i % 5 - 1) * 12345.6789 END
            AS DECIMAL(18, 4)) AS amount,
        CAST(hash(i) AS UBIGINT) AS content_key, [i] AS reasons
    FROM range(900) AS numbers (i)
"""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """On the machine itself and one thread; a cluster of processes is for Online Retail."""
    need_spark()
    folder = tmp_path_factory.mktemp("with space")
    spark = SparkParams(master="local[1]", from_rows=2, options=OPTIONS)
    params = WarehouseParams(path=folder / "w.duckdb", engine=StepEngine.SPARK, spark=spark)
    with store.writing(params, "test") as opened:
        yield opened


def by_both(warehouse: Warehouse, sql: str, parameters: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """The rows a statement gives as it is, and as it is carried to Spark; it has to be."""
    assert warehouse.spark is not None
    with warehouse.spark.carried(warehouse.connection, sql, parameters) as carried:
        assert carried != sql
        on_spark = warehouse.execute(f"{carried} ORDER BY ALL").fetchall()
    return warehouse.execute(f"{sql} ORDER BY ALL", parameters).fetchall(), on_spark


def test_invoices_of_all_kinds_of_lines(warehouse: Warehouse) -> None:
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE kinds AS {LINES}")
    here, there = by_both(warehouse, "FROM sales.invoices_of('kinds')", {})
    assert len(here) > 200
    assert there == here


@pytest.mark.parametrize("window_days", [None, 7])
def test_activity_of_all_kinds_of_invoices(warehouse: Warehouse, window_days: int | None) -> None:
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE kinds AS {LINES}")
    warehouse.execute("CREATE OR REPLACE TEMP TABLE invoices AS FROM sales.invoices_of('kinds')")
    parameters = {"as_of": AS_OF, "window_days": window_days}
    here, there = by_both(warehouse, "FROM features.activity_of('invoices', $as_of, $window_days)", parameters)
    assert len(here) == 24
    assert there == here


def test_money_that_does_not_fit_is_an_error_and_not_null(warehouse: Warehouse) -> None:
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE kinds AS SELECT lines.* FROM ({LINES}) AS lines, range(2)")
    sql = "FROM sales.invoices_of('kinds')"
    with pytest.raises(SparkError, match=r"sales\.invoices_of failed on Spark"):
        by_both(warehouse, sql, {})


@pytest.mark.parametrize(
    ("clusters", "transform"), [(1, Transform.NONE), (2, Transform.WINSORIZE), (5, Transform.LOG1P)]
)
def test_assignment_digit_by_digit(warehouse: Warehouse, clusters: int, transform: Transform) -> None:
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE features AS SELECT 'c' || i AS customer_id, CAST(1 + i % 700 AS DOUBLE) AS "
        "recency_days, CAST(1 + hash(i) % 40 AS DOUBLE) AS frequency, CAST(hash(i + 1) % 1000000 AS DOUBLE) / 100 AS "
        "monetary FROM range(4000) AS numbers (i)"
    )
    scaler = Scaler(features=tuple(
        FeatureScaling(feature=name, transform=transform, lower=2.0, upper=limit, mean=mean, scale=scale)
        for name, limit, mean, scale in
        (("recency_days", 500.0, 4.2, 1.1), ("frequency", 30.0, 1.3, 0.7), ("monetary", 9000.0, 5.0, 2.1))
    ))  # fmt: skip
    centroids = np.random.default_rng(1).normal(size=(clusters, 3))
    sql = explain_and_age_sql(scaler, centroids, "features", window_days=None)
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE here AS {sql}", {"as_of": AS_OF})
    warehouse.create_computed("there", sql, "features", {"as_of": AS_OF})
    names = "customer_id, cluster, distance, second_cluster, second_distance, margin, borderline, reasons, moves_on"
    found = [warehouse.execute(f"SELECT {names} FROM {table} ORDER BY ALL").fetchall() for table in ("here", "there")]
    assert len(found[0]) == 4000
    assert found[1] == found[0]


def test_a_small_step_stays_in_duckdb(warehouse: Warehouse) -> None:
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE kinds AS SELECT * FROM ({LINES}) LIMIT 1")
    assert warehouse.spark is not None
    sql = "FROM sales.invoices_of('kinds')"
    with warehouse.spark.carried(warehouse.connection, sql, {}) as carried:
        assert carried == sql
