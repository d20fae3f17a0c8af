"""How long version directories stay: daily ones for a time, the last of each month for ever, none of what readers see.

A version that is to go is marked as pruned first and its directory is removed after a period of grace, so that whoever
reads it by its number has time to move on. Membership, movements and profiles of all dates stay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse import serving
from warehouse.params import RetentionParams
from warehouse.store import Warehouse


@dataclass(frozen=True)
class Retired:
    """Versions marked as pruned, and those whose directory was removed."""

    pruned: list[int]
    removed: list[int]


def retire(warehouse: Warehouse, params: RetentionParams, now: datetime) -> Retired:
    """Mark versions that are old enough, or superseded, and remove directories whose grace is over.

    Raises ServingError if a directory cannot be removed; it is tried again the next time.
    """
    folder = warehouse.params.serving
    with warehouse.transaction():
        linked = serving.linked_version(folder)
        rows = warehouse.rows("retention/mark", daily_days=params.daily_days, now=now, linked=linked)
    there = serving.finished(folder)
    removed = []
    for row in warehouse.select(
        "SELECT version_id FROM segments.versions WHERE status = 'pruned' AND pruned_at <= $until ORDER BY version_id",
        {"until": now - timedelta(days=params.grace_days)},
    ):
        if row["version_id"] in there:
            serving.remove(there[row["version_id"]])
            removed.append(row["version_id"])
    return Retired([row["version_id"] for row in rows], removed)
