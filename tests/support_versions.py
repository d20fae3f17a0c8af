"""Segment versions made directly, without a model, and the history their snapshots imply, in plain Python."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from warehouse import versions
from warehouse.store import Warehouse

#: Customer -> segment key.
Snapshot = Mapping[str, int]
NOW = datetime.fromisoformat("2011-06-01 03:00")


def write_candidate(warehouse: Warehouse, as_of: date, snapshot: Snapshot, keys: int = 4) -> int:
    """A candidate in which each customer is where `snapshot` says, with a model of its own that has `keys` segments."""
    model_id = int(warehouse.value("SELECT coalesce(max(model_id), 0) + 1 FROM models.models"))
    warehouse.execute(
        "INSERT INTO models.models BY NAME SELECT $id AS model_id, 1 AS epoch, 'refit' AS action, $as_of AS as_of, "
        "$as_of AS refitted, $now AS created_at, '{}' AS params, '' AS params_fingerprint, '{}' AS scaler, "
        "'' AS training_fingerprint, 0 AS training_customers, 0 AS training_cells, 0 AS inertia, '' AS k_reason, "
        "'{}' AS training_bins, 'reasons' AS reason_words_sql, 0 AS seed, '{}' AS library_versions",
        {"id": model_id, "as_of": as_of, "now": NOW},
    )
    warehouse.execute(
        "INSERT INTO models.clusters SELECT $id, key - 1, key, 'segment ' || key || ' of ' || $id, '#000000', [key], "
        "0, NULL, NULL, 'average', [] FROM range(1, $keys + 1) AS r(key)",
        {"id": model_id, "keys": keys},
    )
    warehouse.execute("CREATE OR REPLACE TEMP TABLE rows (customer_id VARCHAR, cluster INTEGER)")
    if snapshot:
        rows = [(customer, key - 1) for customer, key in snapshot.items()]
        warehouse.connection.executemany("INSERT INTO rows VALUES (?, ?)", rows)
    warehouse.execute(
        "CREATE OR REPLACE TEMP TABLE rfm AS SELECT customer_id, 1::BIGINT AS recency_days, 1::BIGINT AS frequency, "
        "1::DECIMAL(18, 4) AS monetary, 1::DECIMAL(18, 4) AS average, 1::DECIMAL(18, 4) AS gross, "
        "0::DECIMAL(18, 4) AS returned, DATE '2011-01-01' AS first_purchase_day, "
        "DATE '2011-01-01' AS last_purchase_day, 1 AS tenure_days, NULL::DOUBLE AS days_between_orders, "
        "0.0 AS return_rate, 1.0 AS items_per_order, 1 AS active_months, 'UK' AS country FROM rows"
    )
    if warehouse.value("SELECT count(*) FROM features.state") == 0:
        warehouse.execute("INSERT INTO features.state VALUES (DATE '2012-01-01', NULL, 1)")
    candidate = versions.Candidate(
        as_of=as_of, model_id=model_id, trigger="test", created_at=NOW, params_fingerprint="", silhouette=None,
        silhouette_sample=None, inertia=None, meaning_shift=None, drift=None, feature_counts="{}", rfm_thresholds="{}",
    )  # fmt: skip
    assigned = (
        "SELECT *, 0.0 AS distance, NULL::INTEGER AS second_cluster, NULL AS second_distance, NULL AS margin, "
        "false AS borderline, NULL AS reasons, NULL::DATE AS moves_on, NULL::INTEGER AS moves_on_cluster FROM rows"
    )
    scored = (
        "SELECT customer_id, 1 AS r_score, 1 AS f_score, 1 AS m_score, '111' AS rfm_score, 'Lost' AS rfm_name FROM rows"
    )
    with warehouse.transaction():
        versions.assign(warehouse, as_of, assigned, scored)
        (version_id,) = versions.write_assignments(warehouse, model_id, [as_of])
        versions.write_candidates(warehouse, {version_id: candidate})
    return version_id


def membership(snapshots: Mapping[date, Snapshot]) -> dict[str, list[tuple[int, date, date | None]]]:
    """Stays in a segment by customer: runs of the same segment over neighbouring published dates."""
    dates = sorted(snapshots)
    found: dict[str, list[tuple[int, date, date | None]]] = {}
    for customer in {customer for snapshot in snapshots.values() for customer in snapshot}:
        stays: list[tuple[int, date, date | None]] = []
        for day, after in zip(dates, [*dates[1:], None], strict=True):
            key = snapshots[day].get(customer)
            if key is None:
                continue
            if stays and stays[-1][0] == key and stays[-1][2] == day:
                stays[-1] = (key, stays[-1][1], after)
            else:
                stays.append((key, day, after))
        found[customer] = stays
    return found


def movements(snapshots: Mapping[date, Snapshot]) -> dict[date, dict[str, tuple[int | None, int | None]]]:
    """Customers whose segment differs from the one at the published date before, by date."""
    dates = sorted(snapshots)
    return {
        day: {
            customer: (snapshots[before].get(customer), snapshots[day].get(customer))
            for customer in snapshots[before].keys() | snapshots[day].keys()
            if snapshots[before].get(customer) != snapshots[day].get(customer)
        }
        for before, day in pairwise(dates)
    } | ({dates[0]: {}} if dates else {})


def net_of(invoices: list[tuple[str, date, Decimal]], customer: str, as_of: date) -> Decimal:
    """Net money of a customer in the 365 days before a date."""
    return sum((net for who, day, net in invoices if who == customer and 0 < (as_of - day).days <= 365), Decimal(0))


def grouped(rows: list[dict[str, Any]], name: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows by the value of one column."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found
