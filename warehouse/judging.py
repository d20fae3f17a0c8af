"""What a candidate is judged by, beside the published version before it: who moved, how sizes changed, what drifted."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from warehouse.store import Warehouse

#: After so many held versions in a row somebody has to be told louder.
ESCALATE_AFTER = 3


@dataclass(frozen=True)
class Comparison:
    """A candidate beside the version before it; `sizes` are (name, customers before, customers after) by segment."""

    days: int
    comparable: bool
    sizes: tuple[tuple[str, int, int], ...]
    drift: dict[str, float]


def prepare_comparison(warehouse: Warehouse, version_id: int) -> Comparison | None:
    """Make the temporary views `members_before`, `members_after` and `transacted`; None without a version before.

    Versions are comparable if the same parameters made their models: after a change of parameters, everybody may move.
    """
    found = warehouse.select(
        "SELECT own.as_of, own.model_id, before.as_of AS previous_as_of, before.model_id AS previous_model_id "
        "FROM segments.versions AS own JOIN segments.versions AS before ON before.version_id = own.previous_version_id "
        "WHERE own.version_id = $id",
        {"id": version_id},
    )
    if not found:
        return None
    (row,) = found
    warehouse.run("judging/prepare", version_id=version_id, as_of=row["as_of"], previous_as_of=row["previous_as_of"])
    sizes = warehouse.rows("judging/sizes")
    drift = warehouse.select(
        "SELECT measure, psi_previous FROM segments.drift WHERE version_id = $id AND psi_previous IS NOT NULL",
        {"id": version_id},
    )
    models = "SELECT count(DISTINCT params_fingerprint) FROM models.models WHERE model_id IN ($one, $other)"
    one, other = row["model_id"], row["previous_model_id"]
    same = one == other or warehouse.value(models, {"one": one, "other": other}) == 1
    return Comparison(
        days=(row["as_of"] - row["previous_as_of"]).days,
        comparable=same,
        sizes=tuple((one["segment"], one["before"], one["after"]) for one in sizes),
        drift={one["measure"]: one["psi_previous"] for one in drift},
    )


def record_membership_change(
    warehouse: Warehouse, version_id: int, moved_share: float, idle_share: float, segments_psi: float | None
) -> None:
    """Keep the share of customers that moved, the share of those without a transaction, and the drift of the sizes."""
    with warehouse.transaction():
        warehouse.execute(
            "UPDATE segments.versions SET moved_share = $moved, moved_idle_share = $idle WHERE version_id = $id",
            {"moved": moved_share, "idle": idle_share, "id": version_id},
        )
        if segments_psi is not None:
            warehouse.execute(
                "INSERT INTO segments.drift VALUES ($id, 'segment shares', $psi, $psi)",
                {"id": version_id, "psi": segments_psi},
            )


def hold(warehouse: Warehouse, version_id: int, reasons: list[str]) -> int:
    """Hold a candidate back with its reasons; return how many versions in a row are held now.

    Another held version of the same date is withdrawn: its reasons are answered by this one.
    """
    with warehouse.transaction():
        warehouse.run("judging/hold", version_id=version_id, reasons=[reason.strip() for reason in reasons])
    return int(warehouse.value("SELECT count(*) FROM segments.held_in_a_row"))


def unmeasured(warehouse: Warehouse, as_of: date, horizon_days: int) -> dict[str, Any] | None:
    """The newest published version with so many later days known by `as_of` whose quality is not measured yet."""
    rows = warehouse.rows("judging/unmeasured", as_of=as_of, horizon_days=horizon_days)
    return rows[0] if rows else None


def record_quality(
    warehouse: Warehouse, version_id: int, horizon_days: int, measured: dict[str, dict[str, Any]]
) -> None:
    """Keep how well each grouping of a version separated what its customers did in the days after it."""
    with warehouse.transaction():
        own = {"version_id": version_id, "horizon_days": horizon_days}
        rows = [own | {"grouping_name": grouping} | values for grouping, values in measured.items()]
        warehouse.insert("segments.quality", rows)
