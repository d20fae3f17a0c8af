import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.assign import assign_sql
from segmentation.errors import SegmentationError
from segmentation.kmeans import fit_kmeans
from segmentation.params import FeatureParams, ModelParams, Transform
from segmentation.quality import Separation, eta_squared, group_sums_sql, separation
from segmentation.stability import MembershipChange, centroid_shift, membership_change, membership_change_sql
from segmentation.summary import summary_from_columns
from segmentation.transforms import moments_sql, scaler_from_moments, summary_sql


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def separated(connection: duckdb.DuckDBPyConnection, groups, spend, active) -> Separation:
    connection.execute(
        "CREATE OR REPLACE TABLE later "
        '(customer_id VARCHAR, "grouping" VARCHAR, later_spend DOUBLE, later_active INTEGER)'
    )
    rows = [(str(number), *row) for number, row in enumerate(zip(groups, spend, active, strict=True))]
    if rows:
        connection.executemany("INSERT INTO later VALUES (?, ?, ?, ?)", rows)
    return separation(connection.execute(group_sums_sql("later")).fetchnumpy())


def explained(values: np.ndarray, groups: np.ndarray) -> float:
    """Share of variance between groups: one minus the variance within, as numpy sees it."""
    within = sum(((values[groups == one] - values[groups == one].mean()) ** 2).sum() for one in np.unique(groups))
    return 1 - within / ((values - values.mean()) ** 2).sum()


def test_shares_agree_with_numpy(connection) -> None:
    random = np.random.default_rng(4)
    groups = random.choice(["a", "b", "c"], 300)
    active = random.binomial(1, np.select([groups == "a", groups == "b"], [0.8, 0.4], 0.1))
    spend = np.round(active * random.lognormal(4, 1, 300) * np.where(groups == "a", 3, 1), 2)
    found = separated(connection, groups.tolist(), spend.tolist(), active.tolist())
    assert (found.customers, found.groups, found.top_group) == (300, 3, "a")
    assert found.spend_explained == pytest.approx(explained(np.log1p(spend), groups), abs=1e-4)
    assert found.active_explained == pytest.approx(explained(active, groups))
    assert found.top_customer_share == pytest.approx((groups == "a").mean())
    assert found.top_spend_share == pytest.approx(spend[groups == "a"].sum() / spend.sum())


def test_groups_that_say_it_all_and_groups_that_say_nothing(connection) -> None:
    perfect = separated(connection, ["x", "x", "y", "y"], [10.0, 10.0, 0.0, 0.0], [1, 1, 0, 0])
    assert (perfect.spend_explained, perfect.active_explained) == (1.0, 1.0)
    assert (perfect.top_group, perfect.top_customer_share, perfect.top_spend_share) == ("x", 0.5, 1.0)
    useless = separated(connection, ["x", "y", "x", "y"], [10.0, 10.0, 0.0, 0.0], [1, 1, 0, 0])
    assert (useless.spend_explained, useless.active_explained) == (0.0, 0.0)


def test_one_group_explains_nothing(connection) -> None:
    found = separated(connection, ["x", "x"], [10.0, 0.0], [1, 0])
    assert (found.spend_explained, found.active_explained, found.top_spend_share) == (0.0, 0.0, 1.0)


def test_without_later_behaviour_there_is_nothing_to_explain(connection) -> None:
    assert separated(connection, ["x", "y"], [0.0, 0.0], [0, 0]) == Separation(2, 2, None, None, None, None, None)
    assert separated(connection, [], [], []) == Separation(0, 0, None, None, None, None, None)


def test_returns_and_gaps_are_no_spend_and_the_ungrouped_are_left_out(connection) -> None:
    found = separated(connection, ["x", "y", "y", None], [20.0, -5.0, None, 900.0], [1, 0, None, 1])
    assert found == Separation(3, 2, 1.0, 1.0, "x", 1 / 3, 1.0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 9)), min_size=1, max_size=30))
def test_the_share_of_variance_lies_between_0_and_1(rows) -> None:
    groups, values = np.array(rows).T
    sizes = [int((groups == one).sum()) for one in np.unique(groups)]
    sums = [int(values[groups == one].sum()) for one in np.unique(groups)]
    found = eta_squared(sizes, sums, int((values**2).sum()))
    if len(np.unique(values)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(explained(values, groups), abs=1e-9)
        assert 0 <= found <= 1


def test_sums_do_not_depend_on_threads_or_order(connection) -> None:
    connection.execute(
        'CREATE TABLE later AS SELECT i AS customer_id, hash(i) % 5 AS "grouping", (hash(i + 1) % 99991) / 7e0 AS '
        "later_spend, hash(i) % 2 = 0 AS later_active FROM range(300_000) AS numbers(i)"
    )
    seen = set()
    for threads in (1, 2, 2):
        connection.execute(f"SET threads = {threads}")
        found = connection.execute(group_sums_sql("(FROM later ORDER BY hash(customer_id + 2))")).fetchall()
        seen.add(tuple(found))
    assert len(seen) == 1


def test_segments_of_online_retail_tell_the_next_90_days_apart(connection, real_data) -> None:
    connection.execute(
        "CREATE TABLE invoices AS SELECT customer_id, CAST(CAST(moment AS TIMESTAMP) AS DATE) AS day, invoice_no, "
        "CAST(quantity AS BIGINT) * CAST(price AS DECIMAL(18, 4)) AS amount, amount > 0 AS bought FROM ("
        "SELECT DISTINCT CustomerID AS customer_id, InvoiceDate AS moment, InvoiceNo AS invoice_no, StockCode, "
        "Description, Country, Quantity AS quantity, UnitPrice AS price FROM read_csv($files, all_varchar = true)) "
        "WHERE customer_id IS NOT NULL",
        {"files": str(real_data / "*.csv")},
    )
    connection.execute(
        "CREATE TABLE features AS SELECT customer_id, "
        "CAST(DATE '2011-09-01' - max(day) FILTER (bought) AS DOUBLE) AS recency_days, "
        "CAST(count(DISTINCT invoice_no) FILTER (bought) AS DOUBLE) AS frequency, "
        "CAST(greatest(sum(amount), 0) AS DOUBLE) AS monetary "
        "FROM invoices WHERE day < DATE '2011-09-01' GROUP BY customer_id HAVING bool_or(bought)"
    )
    features, model = FeatureParams(), ModelParams(transform=Transform.LOG1P, k=4)
    moments = connection.execute(moments_sql(features, model, None, "features")).fetchnumpy()
    scaler = scaler_from_moments(features, model, None, {name: column[0] for name, column in moments.items()})
    cells = connection.execute(summary_sql(scaler, 0.1, "features", exact=True)).fetchnumpy()
    fit = fit_kmeans(summary_from_columns(cells, scaler), 4, seed=42, n_init=10)
    connection.execute(
        f'CREATE TABLE later AS SELECT customer_id, cluster AS "grouping", CAST(coalesce(spend, 0) AS DOUBLE) AS '
        f"later_spend, spend IS NOT NULL AS later_active FROM ({assign_sql(scaler, fit.centroids, 'features')}) "
        "LEFT JOIN (SELECT customer_id, sum(amount) AS spend FROM invoices WHERE bought AND day >= DATE '2011-09-01' "
        "AND day < DATE '2011-11-30' GROUP BY customer_id) USING (customer_id)"
    )
    found = separation(connection.execute(group_sums_sql("later")).fetchnumpy())
    assert found.customers == 3317
    assert found.spend_explained == pytest.approx(0.220, abs=0.005)
    assert found.top_spend_share > 2 * found.top_customer_share


def test_a_shift_is_measured_in_standard_deviations() -> None:
    before = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    after = np.array([[3.0, 4.0], [1.0, 1.0], [2.0, 1.0]])
    found = centroid_shift(before, after, np.array([10, 60, 30]))
    assert found.per_segment == (5.0, 0.0, 1.0)
    assert found.mean == pytest.approx((10 * 5 + 30 * 1) / 100)


def test_no_matched_segment_has_no_shift_and_other_segments_are_an_error() -> None:
    empty = centroid_shift(np.empty((0, 3)), np.empty((0, 3)), np.empty(0, dtype=np.int64))
    assert (empty.per_segment, empty.mean) == ((), 0.0)
    with pytest.raises(SegmentationError, match="one row for each matched segment"):
        centroid_shift(np.zeros((2, 3)), np.zeros((3, 3)), np.array([1, 1]))


def test_movers_are_counted_once_and_idle_ones_apart(connection) -> None:
    before = "(VALUES ('a', 1), ('b', 1), ('c', 2), ('d', 2), ('gone', 2)) AS t(customer_id, segment_key)"
    after = "(VALUES ('a', 1), ('b', 2), ('c', 1), ('d', 1), ('new', 1)) AS t(customer_id, segment_key)"
    bought = "(VALUES ('b'), ('b'), ('a'), ('new')) AS t(customer_id)"
    found = membership_change(connection.execute(membership_change_sql(before, after, bought)).fetchnumpy())
    assert found == MembershipChange(compared=4, moved=3, moved_idle=2, entered=1, left=1)
    assert found.moved_share == 0.75
    assert found.idle_share == pytest.approx(2 / 3)


def test_two_empty_assignments_have_no_movers(connection) -> None:
    empty = "(SELECT '' AS customer_id, 1 AS segment_key WHERE false)"
    found = membership_change(connection.execute(membership_change_sql(empty, empty, empty)).fetchnumpy())
    assert (found.compared, found.moved, found.moved_share, found.idle_share) == (0, 0, 0.0, 0.0)
