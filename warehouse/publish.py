"""Publication: each version is an immutable directory, and `current` is swapped to it in one step.

The order is: candidate committed, directory built and renamed, `current` swapped, version committed as published. A
reader opens a file that never changes, so it blocks nobody and is blocked by nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from warehouse import published_file, reading, serving, versions
from warehouse.beside import Beside, beside
from warehouse.errors import ServingError
from warehouse.published_file import Begun
from warehouse.serving import current_pointer, version_file, write_status
from warehouse.store import Warehouse

__all__ = [
    "Together",
    "build",
    "current_pointer",
    "prepare",
    "publish",
    "reconcile",
    "summary",
    "version_file",
    "write_status",
]


@dataclass(frozen=True)
class Together:
    """What publications have in common: a second connection, and what is the same in their files, if anything is."""

    other: Beside
    begun: Begun | None = None

    def expect(self, candidates: Mapping[date, int | None]) -> None:
        """Candidates of some dates, published in their turn, are stored; None where there is none."""
        self.other.expect({as_of: version_id for as_of, version_id in candidates.items() if version_id is not None})


@contextmanager
def publishing(warehouse: Warehouse, dates: Sequence[date] = (), *, one_model: bool = False) -> Iterator[Together]:
    """For versions of these dates, in that order; with `one_model`, they have the same one most of the time."""
    with beside(warehouse, dates) as other:
        yield Together(other, Begun() if one_model else None)


def publish(warehouse: Warehouse, version_id: int, now: datetime, together: Together | None = None) -> bool:
    """Publish a checked candidate; return whether it became `current`.

    Killed at any moment, readers have a whole version, and `reconcile` finishes or undoes the rest. Versions that are
    published one after the other may share what they have in common (`together`).
    """
    row = versions.version(warehouse, version_id)
    with nullcontext(together) if together else publishing(warehouse) as shared:
        prepare(warehouse, row, shared)
        if not version_file(warehouse.params.serving, version_id).exists():
            build(warehouse, row, shared)
        return _make_visible(warehouse, row, now)


def prepare(warehouse: Warehouse, row: dict[str, Any], together: Together) -> None:
    """Work out what publishing the version of this row changes, and what its file is filled from; nothing is stored."""
    other, parameters = together.other, published_file.parameters_of(warehouse, row)
    profiles, totals, told = other.prepare_profiles(row), other.prepare(parameters), other.prepare_candidate(parameters)
    versions.prepare_history(warehouse, row)
    profiles.result()
    warehouse.run("segments/next_profiles")
    totals.result()
    told.result()


def build(warehouse: Warehouse, row: dict[str, Any], together: Together) -> None:
    """Write the directory of a prepared version under a temporary name and rename it when it is whole and on disk."""
    write = partial(published_file.write, warehouse, row, other=together.other, begun=together.begun)
    serving.make_version(warehouse.params.serving, row["version_id"], write)


def reconcile(warehouse: Warehouse, now: datetime) -> list[str]:
    """Bring directories, link and rows into agreement after a run that was stopped; say what was done.

    A complete directory with a candidate row is published; a directory without a row, or half built, is deleted; a
    candidate without a directory is dropped.

    Raises
    ------
    ServingError
        The folder cannot be written, or `current` shows a version this warehouse never made; nothing is deleted then.
    """
    folder = warehouse.params.serving
    serving.prepare(folder)
    known = {
        row["version_id"]: row["status"] for row in warehouse.select("SELECT version_id, status FROM segments.versions")
    }
    _refuse_foreign(folder, known)
    done = []
    for left in serving.unfinished(folder):
        serving.remove(left)
        done.append(f"removed the unfinished {left.name}")
    for version_id, found in serving.finished(folder).items():
        done += _settle(warehouse, version_id, found, known.get(version_id), now)
    done += _dropped(versions.drop_candidates(warehouse))
    done += point_current(warehouse)
    for former in serving.former_revisions(folder):  # after the link has left it
        serving.remove(former)
        done.append(f"removed {former.name}, of which there is a newer revision")
    return done


def summary(warehouse: Warehouse, version_id: int) -> dict[str, Any]:
    """A published version for a person: its row, where its file is, and its segments, the most valuable first."""
    row = versions.version(warehouse, version_id)
    shown = ("version_id", "as_of", "status", "customers", "not_segmented", "moved", "silhouette", "silhouette_sample")
    file = version_file(warehouse.params.serving, version_id)
    names, rows = reading.query_file(file, "FROM segment_profiles ORDER BY revenue DESC, segment_key")
    segments = [dict(zip(names, values, strict=True)) for values in rows]
    model = warehouse.select("SELECT action FROM models.models WHERE model_id = $id", {"id": row["model_id"]})
    facts = {"file": str(file), "action": model[0]["action"], "segments": segments}
    return {name: row[name] for name in shown} | facts


def point_current(warehouse: Warehouse) -> list[str]:
    """Let `current` show the version it should: the pinned one, else the published one with the greatest date."""
    folder = warehouse.params.serving
    should = versions.current(warehouse)
    if should is None or not version_file(folder, should["version_id"]).exists():
        return []
    if serving.shows(folder, should["version_id"]):
        return []
    facts = {"as_of": should["as_of"], "published_at": should["published_at"]}
    serving.point_current(folder, should["version_id"], facts)
    return [f"pointed current at version {should['version_id']}"]


def _refuse_foreign(folder: Path, known: dict[int, str]) -> None:
    """A new or restored warehouse must not take away what readers of another one look at."""
    linked = serving.linked_version(folder)
    if linked is not None and linked not in known and version_file(folder, linked).exists():
        raise ServingError(
            f"{folder / 'current'} shows version {linked}, which this warehouse never made: the folder belongs to "
            "another warehouse, or this one was restored from an older copy. Nothing was changed. Set [warehouse] "
            "serving to another folder; or remove that link to have the versions this warehouse does not know deleted."
        )


def _settle(warehouse: Warehouse, version_id: int, found: Path, status: str | None, now: datetime) -> list[str]:
    if status is None:
        serving.remove(found)
        return [f"removed {found.name}, which no version belongs to"]
    done = [f"removed {stray} beside version {version_id}" for stray in serving.tidy(found)]
    if status == "candidate" and version_file(warehouse.params.serving, version_id).exists():
        publish(warehouse, version_id, now)
        done.append(f"finished publishing version {version_id}")
    elif status == "candidate":
        serving.remove(found)
    elif status == "held":  # a promotion was stopped; the link tells whether readers have it already
        done += _settle_held(warehouse, version_id, found, now)
    return done


def _settle_held(warehouse: Warehouse, version_id: int, found: Path, now: datetime) -> list[str]:
    if serving.linked_version(warehouse.params.serving) == version_id:
        publish(warehouse, version_id, now)
        return [f"finished promoting version {version_id}"]
    serving.remove(found)
    return [f"version {version_id} is still held: its promotion was stopped; run it again"]


def _dropped(version_ids: list[int]) -> list[str]:
    """One line, however many dates were stored ahead."""
    if not version_ids:
        return []
    several = f"s {min(version_ids)} to {max(version_ids)}" if len(version_ids) > 1 else f" {version_ids[0]}"
    return [f"dropped the unchecked version{several}"]


def _make_visible(warehouse: Warehouse, row: dict[str, Any], now: datetime) -> bool:
    version_id, newest = row["version_id"], versions.newest(warehouse)
    newer = newest[0] if newest and newest[1] > row["as_of"] else None
    visible = newer is None and versions.pinned(warehouse) is None
    if visible:
        facts = {"as_of": row["as_of"], "published_at": now}
        serving.point_current(warehouse.params.serving, version_id, facts)
    versions.commit_published(warehouse, row, newer or version_id, now)
    return visible
