"""Every expectation of the project's suites can fail: one planted violation each, on real DuckDB and real GX."""

from pathlib import Path

import duckdb
import pytest

from expectations.params import CheckParams
from expectations.run import CheckResult, preload, run_suite, worst_failure
from expectations.suites import FOLDER

ROOT = Path(__file__).parents[2]
SUITES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))

CLEAN = """
CREATE TABLE IF NOT EXISTS ops.run_context (run_id VARCHAR, as_of DATE);
DELETE FROM ops.run_context;
INSERT INTO ops.run_context VALUES ('run', DATE '2011-01-11');

INSERT INTO landing.loads BY NAME
SELECT * FROM (VALUES
    (1, 'shop', 'a', 'accepted', NULL, DATE '2011-01-03', DATE '2011-01-05', 12),
    (2, 'shop', 'b', 'accepted', NULL, DATE '2011-01-06', DATE '2011-01-06', 10),
    (3, 'shop', 'c', 'staged', NULL, DATE '2011-01-10', DATE '2011-01-10', 10),
    (4, 'shop', 'b', 'staged', 2, DATE '2011-01-06', DATE '2011-01-06', 10)
) AS delivery (load_id, source, unit, status, replaces_load_id, first_shop_day, last_shop_day, delivered_lines),
    (SELECT TIMESTAMP '2011-01-11 03:00:00' AS received_at);

INSERT INTO sales.transaction_lines BY NAME
SELECT 1 AS load_id, range AS line_number, 'shop' AS source, 'A' || range AS invoice_no, 1 AS quantity,
    2.5 AS unit_price, 2.5 AS amount, DATE '2011-01-03' + (range // 4)::INTEGER AS shop_day, shop_day AS invoiced_at,
    'ann' AS customer_id, range AS content_key, 'purchase' AS outcome, false AS rounded
FROM range(12);

INSERT INTO landing.staged_lines BY NAME
SELECT load_id, range AS line_number, 'B' || range AS invoice_no, 1 AS quantity, 2.5 AS unit_price, 2.5 AS amount,
    last_shop_day AS invoiced_at, last_shop_day AS shop_day, 'bob' AS customer_id, range AS content_key,
    'purchase' AS outcome, false AS rounded
FROM range(10), landing.loads
WHERE status = 'staged';

INSERT INTO features.state VALUES (DATE '2011-01-11', NULL, 1);
INSERT INTO features.customer_activity BY NAME
SELECT * FROM (VALUES
    ('ann', DATE '2011-01-03', DATE '2011-01-05', 2, 30.0, 0.0, 30.0, 12, 0, 12, 1, 'UK'),
    ('bob', DATE '2011-01-10', DATE '2011-01-10', 1, 25.0, -5.0, 20.0, 10, 2, 10, 1, 'UK'),
    ('cid', NULL, NULL, 0, 0.0, -2.5, -2.5, 0, 1, 0, 1, 'UK')
) AS customer (customer_id, first_purchase_day, last_purchase_day, frequency, gross, returned, net, purchase_lines,
    return_lines, items, active_months, country);

INSERT INTO models.clusters BY NAME
SELECT 1 AS model_id, range AS cluster, range + 10 AS segment_key, 'segment ' || range AS segment_name,
    '#000000' AS colour, [0.0] AS centroid, 1 AS training_customers, 'average' AS profile, [] AS actions
FROM range(2);
INSERT INTO segments.versions BY NAME
SELECT 1 AS version_id, DATE '2011-01-11' AS as_of, 'candidate' AS status, 1 AS model_id, 'test' AS trigger,
    TIMESTAMP '2011-01-11 03:00:00' AS created_at, 1 AS ledger_revision, 'x' AS params_fingerprint, 2 AS customers,
    1 AS not_segmented, 0.5 AS silhouette, 3.0 AS inertia;
INSERT INTO segments.assignments BY NAME
SELECT 1 AS version_id, customer_id, 9 + row_number() OVER (ORDER BY customer_id) AS segment_key, 0.5 AS distance,
    10 AS second_segment_key, 1.5 AS second_distance, DATE '2011-01-11' - last_purchase_day AS recency_days, frequency,
    net AS monetary, net / frequency AS average, gross, returned, first_purchase_day, last_purchase_day, country,
    false AS borderline, 1 AS r_score, 1 AS f_score, 1 AS m_score, '111' AS rfm_score, 'Lost' AS rfm_segment,
    1 AS tenure_days, 1.0 AS items_per_order, 1 AS active_months
FROM features.customer_activity
WHERE frequency > 0;

-- What the schema forbids is planted all the same: the checks do not rest on it.
ALTER TABLE features.customer_activity ALTER customer_id DROP NOT NULL;
ALTER TABLE segments.assignments ALTER customer_id DROP NOT NULL;
ALTER TABLE segments.assignments ALTER segment_key DROP NOT NULL;
ALTER TABLE segments.assignments ALTER distance DROP NOT NULL;
"""


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    preload()


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        for path in sorted((ROOT / "warehouse/migrations").glob("*.sql")):
            connection.execute(path.read_text())
        connection.execute(CLEAN.split(";", maxsplit=1)[0])
        for path in sorted((ROOT / "warehouse/views").glob("*.sql")):
            connection.execute(path.read_text())
        connection.execute(CLEAN)
        yield connection


def judge(connection: duckdb.DuckDBPyConnection, suite: str, **parameters: object) -> list[CheckResult]:
    return run_suite(connection, suite, CheckParams.model_validate(parameters).model_dump())


def failures(results: list[CheckResult]) -> list[str]:
    return [f"{one.expectation} {one.column_name} {one.severity}" for one in results if not one.success]


@pytest.mark.parametrize("suite", SUITES)
def test_clean_data_passes_and_every_check_says_what_it_means(warehouse, suite):
    results = judge(warehouse, suite)
    assert failures(results) == []
    assert worst_failure(results) is None
    assert all(one.meaning and one.expected and one.observed for one in results)


BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
MAX = "expect_column_max_to_be_between"
MIN = "expect_column_min_to_be_between"
UNIQUE = "expect_column_proportion_of_unique_values_to_be_between"
EQUAL = "expect_column_pair_values_to_be_equal"
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"

LINE = "UPDATE landing.staged_lines SET {} WHERE load_id = 3 AND line_number = 0"
ACTIVITY = "UPDATE features.customer_activity SET {} WHERE customer_id = 'bob'"
ASSIGNED = "UPDATE segments.assignments SET {} WHERE customer_id = 'bob'"
VERSION = "UPDATE segments.versions SET {}"
CONTEXT = "UPDATE ops.run_context SET as_of = DATE '{}'"

VIOLATIONS = [
    (
        "batch",
        "CREATE OR REPLACE VIEW checks.batch AS SELECT * EXCLUDE (country) FROM landing.staged_lines",
        ["expect_table_columns_to_match_set None critical"],
    ),
    ("batch", LINE.format("invoice_no = NULL"), [f"{NOT_NULL} invoice_no critical"]),
    ("batch", LINE.format("shop_day = NULL"), [f"{NOT_NULL} shop_day critical"]),
    ("batch", LINE.format("amount = NULL"), [f"{NOT_NULL} amount critical"]),
    ("batch", LINE.format("outcome = 'unknown'"), ["expect_column_values_to_be_in_set outcome critical"]),
    ("batch", LINE.format("unit_price = 100001"), [f"{BETWEEN} unit_price warning"]),
    ("batch", LINE.format("quantity = 1000001"), [f"{BETWEEN} quantity warning"]),
    ("batch", LINE.format("quantity = -1000001"), [f"{BETWEEN} quantity warning"]),
    ("batch_summary", "DELETE FROM landing.staged_lines", [f"{MIN} lines critical"]),
    (
        "batch_summary",
        "UPDATE landing.staged_lines SET outcome = 'quarantined' WHERE line_number = 0",
        [f"{MAX} quarantined_share warning"],
    ),
    (
        "batch_summary",
        "UPDATE landing.staged_lines SET outcome = 'quarantined' WHERE line_number < 3",
        [f"{MAX} quarantined_share warning", f"{MAX} quarantined_share critical"],
    ),
    (
        "batch_summary",
        "UPDATE landing.staged_lines SET customer_id = NULL WHERE line_number < 7",
        [f"{MAX} missing_customer_share warning"],
    ),
    (
        "batch_summary",
        "INSERT INTO landing.staged_lines SELECT s.* FROM landing.staged_lines AS s, range(9) WHERE load_id = 3",
        [f"{BETWEEN} day_growth warning"],
    ),
    ("batch_loads", "DELETE FROM landing.staged_lines WHERE load_id = 3", [f"{BETWEEN} lines warning"]),
    (
        "batch_loads",
        "DELETE FROM landing.staged_lines WHERE load_id = 4 AND line_number < 3",
        [f"{BETWEEN} lost_share critical"],
    ),
    (
        "batch_loads",
        "UPDATE landing.staged_lines SET outcome = 'quarantined' WHERE load_id = 4 AND line_number < 3",
        [f"{BETWEEN} lost_share critical"],
    ),
    (
        "freshness",
        CONTEXT.format("2011-01-03"),
        [f"{NOT_NULL} newest_day critical", f"{MAX} days_stale warning", f"{MAX} days_stale critical"],
    ),
    ("freshness", CONTEXT.format("2011-01-15"), [f"{MAX} days_stale warning"]),
    ("freshness", CONTEXT.format("2011-02-11"), [f"{MAX} days_stale warning", f"{MAX} days_stale critical"]),
    (
        "customer_activity",
        "DELETE FROM features.customer_activity",
        ["expect_table_row_count_to_be_between None critical", f"{UNIQUE} customer_id critical"],
    ),
    ("customer_activity", ACTIVITY.format("customer_id = NULL"), [f"{NOT_NULL} customer_id critical"]),
    ("customer_activity", ACTIVITY.format("customer_id = 'ann'"), [f"{UNIQUE} customer_id critical"]),
    ("customer_activity", ACTIVITY.format("frequency = -1"), [f"{BETWEEN} frequency critical"]),
    ("customer_activity", ACTIVITY.format("gross = -1, net = -6"), [f"{BETWEEN} gross critical"]),
    ("customer_activity", ACTIVITY.format("returned = 1, net = 26"), [f"{BETWEEN} returned critical"]),
    ("customer_activity", ACTIVITY.format("net = 21"), [f"{EQUAL} net, gross_plus_returned critical"]),
    ("customer_activity", ACTIVITY.format("items = -1"), [f"{BETWEEN} items critical"]),
    ("customer_activity", ACTIVITY.format("last_purchase_day = NULL"), [f"{BETWEEN} undated_purchases critical"]),
    (
        "customer_activity",
        ACTIVITY.format("last_purchase_day = DATE '2011-01-09'"),
        [f"{GREATER} last_purchase_day, first_purchase_day critical"],
    ),
    (
        "customer_activity",
        ACTIVITY.format("last_purchase_day = DATE '2011-01-11'"),
        [f"{GREATER} as_of, last_purchase_day critical"],
    ),
    (
        "segment_version",
        "DELETE FROM segments.assignments",
        ["expect_table_row_count_to_be_between None critical", f"{UNIQUE} customer_id critical"],
    ),
    ("segment_version", ASSIGNED.format("customer_id = NULL"), [f"{NOT_NULL} customer_id critical"]),
    ("segment_version", ASSIGNED.format("customer_id = 'ann'"), [f"{UNIQUE} customer_id critical"]),
    ("segment_version", ASSIGNED.format("segment_key = NULL"), [f"{NOT_NULL} segment_key critical"]),
    ("segment_version", ASSIGNED.format("distance = NULL"), [f"{NOT_NULL} distance critical"]),
    ("segment_version", ASSIGNED.format("distance = -0.1"), [f"{BETWEEN} distance critical"]),
    (
        "segment_version",
        ASSIGNED.format("distance = 'nan', second_distance = NULL"),
        [f"{BETWEEN} distance critical"],
    ),
    ("segment_version", ASSIGNED.format("second_distance = 0.4"), [f"{GREATER} second_distance, distance critical"]),
    ("segment_version", ASSIGNED.format("second_distance = 'inf'"), [f"{BETWEEN} second_distance critical"]),
    ("segment_version", ASSIGNED.format("recency_days = 0"), [f"{BETWEEN} recency_days critical"]),
    ("segment_version", ASSIGNED.format("frequency = 0"), [f"{BETWEEN} frequency critical"]),
    (
        "segment_version_segments",
        "INSERT INTO segments.assignments SELECT * REPLACE (99 AS segment_key) FROM segments.assignments",
        [f"{NOT_NULL} segment_name critical"],
    ),
    ("segment_version_segments", ASSIGNED.format("segment_key = 10"), [f"{BETWEEN} customers warning"]),
    (
        "segment_version_summary",
        VERSION.format("status = 'held'"),
        ["expect_table_row_count_to_equal None critical"],
    ),
    (
        "segment_version_summary",
        VERSION.format("customers = 3"),
        [f"{EQUAL} assigned_customers, customers critical"],
    ),
    (
        "segment_version_summary",
        "DELETE FROM segments.assignments WHERE customer_id = 'bob'; UPDATE segments.versions SET customers = 1",
        [f"{EQUAL} assigned_customers, active_customers critical"],
    ),
    (
        "segment_version_summary",
        VERSION.format("not_segmented = 0"),
        [f"{EQUAL} not_segmented, inactive_customers critical"],
    ),
    ("segment_version_summary", VERSION.format("silhouette = 1.1"), [f"{BETWEEN} silhouette critical"]),
    ("segment_version_summary", VERSION.format("inertia = 'inf'"), [f"{BETWEEN} inertia critical"]),
]


@pytest.mark.parametrize(("suite", "planted", "expected"), VIOLATIONS)
def test_violation_fails_its_check_and_no_other(warehouse, suite, planted, expected):
    warehouse.execute(planted)
    results = judge(warehouse, suite)
    assert failures(results) == expected, results
    assert worst_failure(results) == ("critical" if any("critical" in one for one in expected) else "warning")
    assert not [one for one in results if one.observed.startswith("error")]


def test_small_segment_warns_once_a_smallest_share_is_set(warehouse):
    results = judge(warehouse, "segment_version_segments", min_segment_share=0.51)
    assert failures(results) == [f"{BETWEEN} share warning"]


def test_every_expectation_of_every_suite_has_a_violation(warehouse):
    planted = {(suite, failure) for suite, _, expected in VIOLATIONS for failure in expected}
    planted.add(("segment_version_segments", f"{BETWEEN} share warning"))
    written = {
        (suite, f"{one.expectation} {one.column_name} {one.severity}")
        for suite in SUITES
        for one in judge(warehouse, suite)
    }
    assert written == planted


@pytest.mark.parametrize(
    ("suite", "parameters", "expected"),
    [
        ("batch_summary", {"min_batch_lines": 21}, f"{MIN} lines critical"),
        ("batch_summary", {"max_batch_growth": 2}, f"{BETWEEN} day_growth warning"),
        ("batch", {"max_unit_price": 2.4}, f"{BETWEEN} unit_price warning"),
        ("freshness", {"stale_days_warn": 0}, f"{MAX} days_stale warning"),
    ],
)
def test_parameters_change_the_outcome(warehouse, suite, parameters, expected):
    assert failures(judge(warehouse, suite, **parameters)) == [expected]


def test_counts_of_another_date_are_not_compared_with_the_features(warehouse):
    warehouse.execute("UPDATE features.state SET as_of = DATE '2011-01-12'; DELETE FROM features.customer_activity")
    assert failures(judge(warehouse, "segment_version_summary")) == []


def test_lines_of_accepted_days_after_as_of_do_not_make_it_fresh(warehouse):
    warehouse.execute("DELETE FROM landing.staged_lines; UPDATE ops.run_context SET as_of = DATE '2011-01-06'")
    assert {one.observed for one in judge(warehouse, "freshness") if one.column_name == "days_stale"} == {"1"}


def test_a_night_without_deliveries_is_judged_by_freshness_alone(warehouse):
    warehouse.execute("DELETE FROM landing.staged_lines; DELETE FROM landing.loads WHERE status = 'staged'")
    assert failures(judge(warehouse, "batch")) == []
    assert failures(judge(warehouse, "batch_loads")) == []
    assert failures(judge(warehouse, "freshness")) == [f"{MAX} days_stale warning"]


def test_real_lines_pass(warehouse, real_data):
    warehouse.execute(
        f"""
        DELETE FROM landing.staged_lines;
        UPDATE ops.run_context SET as_of = DATE '2011-12-10';
        DELETE FROM landing.loads WHERE load_id > 2;
        INSERT INTO landing.loads BY NAME
        SELECT 3 AS load_id, 'shop' AS source, 'all' AS unit, 'staged' AS status, now()::TIMESTAMP AS received_at;
        INSERT INTO landing.staged_lines BY NAME
        SELECT 3 AS load_id, row_number() OVER () AS line_number, InvoiceNo AS invoice_no, Quantity AS quantity,
            UnitPrice AS unit_price, Quantity * UnitPrice AS amount, InvoiceDate AS invoiced_at,
            InvoiceDate AS shop_day, CustomerID AS customer_id, 0 AS content_key, false AS rounded,
            CASE
                WHEN CustomerID IS NULL THEN 'unattributed' WHEN Quantity < 0 THEN 'return' ELSE 'purchase'
            END AS outcome
        FROM read_csv('{real_data}/2011-12-*.csv', types = {{'InvoiceNo': 'VARCHAR', 'CustomerID': 'VARCHAR'}})
        """
    )
    results = [
        one for suite in ("batch", "batch_summary", "batch_loads", "freshness") for one in judge(warehouse, suite)
    ]
    assert failures(results) == []
