"""Segment versions: candidates, which version came before, what changed since, and how they end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from warehouse import features
from warehouse.errors import VersionError
from warehouse.store import Warehouse


@dataclass(frozen=True)
class Candidate:
    """What is known of a version when it is made."""

    as_of: date
    model_id: int
    trigger: str
    created_at: datetime
    params_fingerprint: str
    silhouette: float | None
    silhouette_sample: int | None
    inertia: float | None
    meaning_shift: float | None
    drift: float | None
    feature_counts: str
    rfm_thresholds: str
    model_mode: str | None = None
    chain_from: date | None = None
    restates_version_id: int | None = None


@dataclass(frozen=True)
class Measures:
    """How far the centroid of each segment moved, by key; drift of each measure since the training and since before."""

    shifts: Mapping[int, float]
    drift: Mapping[str, tuple[float, float | None]]


@dataclass(frozen=True)
class Map:
    """Where a sample of so many customers lies.

    `points_sql` selects customer_id, x, y, z and standardised; `axes` are rows of axis, input, loading, variance_share.
    """

    points_sql: str
    axes: Sequence[Mapping[str, Any]]
    customers: int


@dataclass(frozen=True)
class Neighbours:
    """The versions with the next smaller and the next greater date, though their directories may be gone.

    What happened since one of them is told from it. Of each there are the columns `_OF_NEIGHBOURS`.
    """

    before: dict[str, Any] | None
    after: dict[str, Any] | None


_OF_NEIGHBOURS = ("version_id", "as_of", "model_id", "params_fingerprint", "feature_counts", "rfm_thresholds")


def published_on(warehouse: Warehouse, as_of: date) -> dict[str, Any] | None:
    """The published version of exactly this date."""
    return _first(warehouse, "FROM segments.versions WHERE status = 'published' AND as_of = $as_of", as_of=as_of)


def published_before(warehouse: Warehouse, as_of: date) -> dict[str, Any] | None:
    """The published version with the next smaller date."""
    return _first(
        warehouse,
        "FROM segments.versions WHERE status = 'published' AND as_of < $as_of ORDER BY as_of DESC LIMIT 1",
        as_of=as_of,
    )


def neighbours(warehouse: Warehouse, as_of: date) -> Neighbours:
    """The versions next to a date; to sort whole rows for them takes twice as long."""
    columns = ", ".join(f"{name} := {name}" for name in _OF_NEIGHBOURS)
    (found,) = warehouse.select(
        f"SELECT arg_max(known, as_of) FILTER (as_of < $as_of) AS before, "
        f"arg_min(known, as_of) FILTER (as_of > $as_of) AS after "
        f"FROM (SELECT as_of, struct_pack({columns}) AS known FROM segments.history)",
        {"as_of": as_of},
    )
    return Neighbours(**found)


def dates_between(warehouse: Warehouse, first: date, last: date) -> list[date]:
    """Dates after `first` and before `last` that have a version."""
    between = "SELECT DISTINCT as_of FROM segments.history WHERE as_of > $first AND as_of < $last"
    return [row["as_of"] for row in warehouse.select(between, {"first": first, "last": last})]


def newest(warehouse: Warehouse) -> tuple[int, date] | None:
    """Number and date of the published version with the greatest date."""
    found: tuple[int, date] | None = warehouse.execute(
        "SELECT arg_max(version_id, as_of), max(as_of) FROM segments.versions WHERE status = 'published' "
        "HAVING count(*) > 0"
    ).fetchone()
    return found


def model_before(warehouse: Warehouse, as_of: date) -> int | None:
    """The model of the latest version before a date whose model has seen no line of that date or later."""
    found = warehouse.value(
        "SELECT model_id FROM segments.history AS v JOIN models.models AS m USING (model_id) "
        "WHERE v.as_of < $as_of AND m.as_of <= $as_of ORDER BY v.as_of DESC LIMIT 1",
        {"as_of": as_of},
    )
    return None if found is None else int(found)


def pinned(warehouse: Warehouse) -> int | None:
    """The version readers are kept on by hand, if they are."""
    found = warehouse.value("SELECT version_id FROM segments.pin")
    return None if found is None else int(found)


def current(warehouse: Warehouse) -> dict[str, Any] | None:
    """The version readers should see: the pinned one, else the published one with the greatest date."""
    pin = pinned(warehouse)
    if pin is not None:
        return version(warehouse, pin)
    return _first(warehouse, "FROM segments.versions WHERE status = 'published' ORDER BY as_of DESC LIMIT 1")


def version(warehouse: Warehouse, version_id: int) -> dict[str, Any]:
    """One version's row."""
    rows = warehouse.select("FROM segments.versions WHERE version_id = $id", {"id": version_id})
    if not rows:
        raise VersionError(f'There is no version {version_id}; see `resegment sql "FROM segment_versions"`.')
    return rows[0]


def is_up_to_date(
    warehouse: Warehouse, as_of: date, params_fingerprint: str, *, refit: bool = False
) -> dict[str, Any] | None:
    """The published version of this date if it was made from the same lines with the same parameters.

    With `refit`, only if its model was fitted anew as well.
    """
    published = published_on(warehouse, as_of)
    revision = warehouse.value("SELECT ledger_revision FROM features.state")
    if not published or published["ledger_revision"] != revision:
        return None
    action = warehouse.value("SELECT action FROM models.models WHERE model_id = $id", {"id": published["model_id"]})
    same = published["params_fingerprint"] == params_fingerprint and (not refit or action == "refit")
    return published if same else None


def assign(warehouse: Warehouse, as_of: date, assign_sql: str, scored_sql: str) -> None:
    """Make the temporary view `snapshot`: every customer of `features` and `rfm`, assigned and scored, with the date.

    `assign_sql` selects customer_id, cluster, distance, second_cluster, second_distance, margin, borderline, reasons,
    moves_on and moves_on_cluster, with `$as_of` bound; `scored_sql` customer_id, r_score, f_score, m_score, a_score,
    rfm_score and rfm_name.
    """
    warehouse.create_computed("assigned", assign_sql, "features", {"as_of": as_of})
    warehouse.execute(
        f"CREATE OR REPLACE TEMP VIEW snapshot AS SELECT DATE '{as_of.isoformat()}' AS as_of, * "
        f"FROM assigned JOIN rfm USING (customer_id) JOIN ({scored_sql}) USING (customer_id)"
    )


def write_assignments(warehouse: Warehouse, model_id: int, dates: Sequence[date]) -> list[int]:
    """Store the customers of `snapshot` as those of new versions, one a date, and return their ids in order.

    Runs inside the caller's transaction; `write_candidates` describes the versions.
    """
    first = int(warehouse.value("SELECT coalesce(max(version_id), 0) + 1 FROM segments.versions"))
    version_ids = list(range(first, first + len(dates)))
    warehouse.run("segments/insert_assignments", dates=list(dates), version_ids=version_ids, model_id=model_id)
    return version_ids


def write_candidates(warehouse: Warehouse, candidates: Mapping[int, Candidate]) -> None:
    """Store the versions whose customers were stored, by id, as candidates; runs inside the caller's transaction."""
    known = _known_customers(warehouse, [one.as_of for one in candidates.values()])
    rows = [{"version_id": key, "known": known[one.as_of], **one.__dict__} for key, one in candidates.items()]
    warehouse.run("segments/insert_candidates", candidates=rows)


def write_measures(warehouse: Warehouse, measures: Mapping[int, Measures]) -> None:
    """Keep the sizes of the segments of versions, by id, with what was measured of them."""
    shifts = [
        {"version_id": version_id, "segment_key": key, "shift": shift}
        for version_id, measured in measures.items()
        for key, shift in measured.shifts.items()
    ]
    warehouse.run("segments/insert_sizes", version_ids=list(measures), shifts=shifts)
    warehouse.insert(
        "segments.drift",
        [
            {"version_id": version_id, "measure": measure, "psi_training": training, "psi_previous": previous}
            for version_id, measured in measures.items()
            for measure, (training, previous) in measured.drift.items()
        ],
    )


def write_maps(warehouse: Warehouse, maps: Mapping[int, Map]) -> None:
    """Keep where a sample of the customers of versions, by id, lies; whose point is whose is not kept."""
    points = " UNION ALL ".join(f"SELECT {key} AS version_id, * FROM ({one.points_sql})" for key, one in maps.items())
    warehouse.execute(
        "INSERT INTO segments.map_points BY NAME "
        f"SELECT version_id, segment_key, x, y, z, standardised FROM ({points}) "
        "JOIN segments.assignments USING (version_id, customer_id) ORDER BY ALL"
    )
    counted = warehouse.select("SELECT version_id, count(*) AS points FROM segments.map_points GROUP BY version_id")
    sampled = {row["version_id"]: row["points"] for row in counted}
    warehouse.insert(
        "segments.map_axes",
        [
            {"version_id": key, "sampled_customers": sampled.get(key, 0), "customers": one.customers, **row}
            for key, one in maps.items()
            for row in one.axes
        ],
    )


def drop_candidates(warehouse: Warehouse) -> list[int]:
    """Forget candidates that a stopped run left, with models nothing else uses; return their ids."""
    ids = [row["version_id"] for row in warehouse.select("FROM segments.versions WHERE status = 'candidate'")]
    if ids:
        with warehouse.transaction():
            warehouse.run("segments/drop_candidates")
    return ids


def prepare_history(warehouse: Warehouse, row: Mapping[str, Any]) -> None:
    """Work out what publishing the version of this row changes: nothing is stored yet.

    Leaves the temporary tables `membership_gone`, `membership_come`, `moves` (this version's and its successor's) and
    `next_membership`; for both connections of a publication, in its database `shared`, `shown_versions`,
    `movements_come` and `moved_counts`.
    """
    near, version_id = neighbours(warehouse, row["as_of"]), row["version_id"]
    dates = {
        "as_of": row["as_of"],
        "next_as_of": near.after and near.after["as_of"],
        "previous_as_of": near.before and near.before["as_of"],
    }
    warehouse.run("segments/prepare_membership", version_id=version_id, **dates)
    warehouse.run(
        "segments/prepare_movements", version_id=version_id, next_version_id=near.after and near.after["version_id"],
        previous_version_id=near.before and near.before["version_id"], **dates,
    )  # fmt: skip


def prepare_profiles(warehouse: Warehouse, row: Mapping[str, Any]) -> None:
    """Make `profiles_come` in the database `shared`: the profile of each segment of the version of this row."""
    _prepare_value_to_date(warehouse, row["as_of"])
    warehouse.run("segments/prepare_profiles", version_id=row["version_id"])


def commit_published(warehouse: Warehouse, row: Mapping[str, Any], current_id: int, now: datetime) -> None:
    """Make the prepared history the stored one and the version of this row published, in one transaction."""
    with warehouse.transaction():
        warehouse.run("segments/commit_history")
        warehouse.run(
            "segments/commit_published", version_id=row["version_id"], as_of=row["as_of"], now=now,
            current_id=current_id,
        )  # fmt: skip


def _known_customers(warehouse: Warehouse, dates: Sequence[date]) -> dict[date, int]:
    """How many customers are known on each date. Where the stored activity knows it, no invoice is read."""
    if all(features.is_current(warehouse, as_of, None) for as_of in dates):
        return dict.fromkeys(dates, warehouse.value("SELECT count(*) FROM features.customer_activity"))
    return {row["as_of"]: row["known"] for row in warehouse.rows("segments/known_customers", dates=list(dates))}


def _first(warehouse: Warehouse, sql: str, **parameters: Any) -> dict[str, Any] | None:
    rows = warehouse.select(sql, parameters)
    return rows[0] if rows else None


def _prepare_value_to_date(warehouse: Warehouse, as_of: date) -> None:
    """Make the temporary view `value_to_date`: the net money of every known customer, which knows no window.

    Where the stored activity knows it, no invoice is read.
    """
    stored = "SELECT customer_id, net FROM features.customer_activity"
    computed = (
        "SELECT customer_id, sum(gross + returned) AS net FROM sales.invoices "
        f"WHERE shop_day < DATE '{as_of.isoformat()}' GROUP BY customer_id"
    )
    known = stored if features.is_current(warehouse, as_of, None) else computed
    warehouse.execute(f"CREATE OR REPLACE TEMP VIEW value_to_date AS {known}")
