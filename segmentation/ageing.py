"""When a customer moves to another segment if nothing is bought from now on, as SQL text.

Where recency is the only input that ages, everything else about the customer stands still and the standardised recency
z only grows. The squared distances to the centroids are then parabolas in z of equal curvature, so that the distance to
a centroid j longer away gains on the own centroid c in a straight line and draws level after
(d_j - d_c) / (2 (a_j - a_c)) of z, where a is the centroids' recency. The nearest such point, turned back into days, is
right but for rounding; the very expressions of `assign_sql` decide on that day and on the one before or after.
"""

from collections.abc import Sequence

from segmentation.assign import Steps, least_sql, nearest_sql, ranked_steps, squared_distance_sql, steps_sql
from segmentation.explaining import EXPLAINED, Floats, explained_steps, own_sql
from segmentation.params import ExplainingParams, Transform
from segmentation.transforms import FeatureScaling, Scaler, literal_sql, transform_sql

_RECENCY = "recency_days"
#: Inputs that stay as they are while nothing is bought (without a trailing window).
_LASTING = {"frequency", "monetary", "average"}
#: What `moves_on_sql` adds to customer_id.
MOVES_ON = "moves_on, moves_on_cluster"


def ages_in_closed_form(features: Sequence[str], window_days: int | None) -> bool:
    """Whether recency is the only input that changes while nothing is bought, so that `moves_on` can be foretold.

    With a trailing window every input changes, as purchases leave the window; so do inputs such as tenure.
    """
    return window_days is None and set(features) <= _LASTING | {_RECENCY}


def not_foretold(features: Sequence[str], window_days: int | None) -> str | None:
    """Why `moves_on` is NULL for everybody; None where it is foretold."""
    if ages_in_closed_form(features, window_days):
        return None
    if window_days is not None:
        return f"not applicable: purchases leave the window of {window_days} days, so more than recency ages"
    ageing = ", ".join(sorted(set(features) - _LASTING - {_RECENCY}))
    return f"not applicable: {ageing} may change while nothing is bought, not only recency"


def moves_on_sql(
    scaler: Scaler,
    centroids: Floats,
    relation: str,
    params: ExplainingParams | None = None,
    *,
    window_days: int | None,
    as_of: str = "$as_of",
) -> str:
    """Query of customer_id, moves_on and moves_on_cluster.

    moves_on (DATE) is the first as_of at which the customer is assigned to another cluster by the same model if nothing
    is bought; NULL if that is not within `params.horizon_days`, or not foretold at all (`not_foretold` says why).
    `as_of` is the SQL expression of the relation's date. Raises SegmentationError as `assign_sql` does.
    """
    steps = ranked_steps(scaler, centroids, relation, _kept(scaler, window_days))
    steps += aged_steps(scaler, centroids, params, window_days=window_days, as_of=as_of, after="ranked")
    return steps_sql(steps, f"customer_id, {MOVES_ON}")


def explain_and_age_sql(
    scaler: Scaler,
    centroids: Floats,
    relation: str,
    params: ExplainingParams | None = None,
    *,
    window_days: int | None,
    as_of: str = "$as_of",
) -> str:
    """Query of the columns of `explain_sql` and `moves_on_sql` in one pass; joining the two takes longer."""
    steps = ranked_steps(scaler, centroids, relation, _kept(scaler, window_days))
    steps += explained_steps(scaler, centroids, params)
    steps += aged_steps(scaler, centroids, params, window_days=window_days, as_of=as_of, after="explained")
    return steps_sql(steps, f"{EXPLAINED}, {MOVES_ON}")


def aged_steps(
    scaler: Scaler,
    centroids: Floats,
    params: ExplainingParams | None,
    *,
    window_days: int | None,
    as_of: str,
    after: str,
) -> Steps:
    """Steps after the step `after` to `aged`, which has moves_on and moves_on_cluster as well; z and d are lost."""
    if not _ages(scaler, window_days):
        # $as_of stands in the query in any case: DuckDB refuses to bind a parameter that does not.
        unknown = (
            f"CASE WHEN false THEN CAST({as_of} AS DATE) END AS moves_on, CAST(NULL AS INTEGER) AS moves_on_cluster"
        )
        return [("aged", f"SELECT *, {unknown} FROM {after}")]
    horizon = (params or ExplainingParams()).horizon_days
    place = scaler.names.index(_RECENCY)
    steps = [
        ("placed", f"SELECT *, {own_sql(centroids[:, place], 'cluster')} AS own_recency FROM {after}"),
        ("levelled", f"SELECT *, {_gain_sql(centroids[:, place])} AS gain FROM placed"),
        ("dated", f"SELECT *, {_days_sql(scaler.features[place], f'z{place}', horizon)} AS days_then FROM levelled"),
    ]
    steps += _nearest_after_steps(scaler, centroids, "then", "days_then", "dated")
    beside = (
        "SELECT *, days_then + CASE WHEN cluster_then <> cluster THEN -1 ELSE 1 END AS days_beside FROM nearest_then"
    )
    steps += [("checked", beside), *_nearest_after_steps(scaler, centroids, "beside", "days_beside", "checked")]
    whens = "CASE WHEN cluster_beside <> cluster THEN {0}_beside WHEN cluster_then <> cluster THEN {0}_then END"
    moved = f"{whens.format('days')} AS days_moved, {whens.format('cluster')} AS cluster_moved"
    aged = (
        f"CASE WHEN days_moved <= {horizon} THEN CAST({as_of} AS DATE) + CAST(days_moved AS INTEGER) END AS moves_on, "
        f"CASE WHEN days_moved <= {horizon} THEN cluster_moved END AS moves_on_cluster"
    )
    return [
        *steps,
        ("moved", f"SELECT *, {moved} FROM nearest_beside"),
        ("aged", f"SELECT *, {aged} FROM moved"),
    ]


def _ages(scaler: Scaler, window_days: int | None) -> bool:
    return _RECENCY in scaler.names and ages_in_closed_form(scaler.names, window_days)


def _kept(scaler: Scaler, window_days: int | None) -> str:
    return f"customer_id, {_RECENCY}" if _ages(scaler, window_days) else "customer_id"


def _gain_sql(recencies: Floats) -> str:
    """How far z has to grow until the first other centroid is as near as the own; NULL if none ever is."""
    gains = [
        f"CASE WHEN {recency} > own_recency THEN (d{index} - d) / (2 * ({recency} - own_recency)) END"
        for index, recency in enumerate(map(literal_sql, recencies))
    ]
    return least_sql(gains)


def _days_sql(scaling: FeatureScaling, z: str, horizon: int) -> str:
    """Whole days until z has grown by `gain`, 1 to horizon + 1; NULL without a gain (least and greatest skip NULL).

    A limit that recency is clipped to needs no care: beyond it the assignment on the day found shows that nobody moves.
    """
    reached = f"(({z} + gain) * {literal_sql(scaling.scale)} + {literal_sql(scaling.mean)})"
    latest = f"({_RECENCY} + {horizon + 1})"
    if scaling.transform is Transform.LOG1P:
        reached = f"exp(least({reached}, ln(1 + {latest}))) - 1"
    return f"CASE WHEN gain IS NOT NULL THEN greatest(ceil(least({reached}, {latest}) - {_RECENCY}), 1) END"


def _nearest_after_steps(scaler: Scaler, centroids: Floats, name: str, days: str, before: str) -> Steps:
    """Steps to `nearest_<name>`, which has the cluster that `assign_sql` finds so many `days` later."""
    place, k = scaler.names.index(_RECENCY), len(centroids)
    later = scaler.features[place].model_copy(update={"feature": f"({_RECENCY} + {days})"})
    (z,) = transform_sql(Scaler(features=(later,))).values()
    distances = ", ".join(f"{squared_distance_sql(centroid)} AS d{index}" for index, centroid in enumerate(centroids))
    squared = [f"d{index}" for index in range(k)]
    return [
        (f"standardised_{name}", f"SELECT * REPLACE ({z} AS z{place}) FROM {before}"),
        (f"measured_{name}", f"SELECT * REPLACE ({distances}) FROM standardised_{name}"),
        (f"smallest_{name}", f"SELECT * REPLACE ({least_sql(squared)} AS d) FROM measured_{name}"),
        (f"nearest_{name}", f"SELECT *, {nearest_sql(squared)} AS cluster_{name} FROM smallest_{name}"),
    ]
