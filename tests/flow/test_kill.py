"""A night killed at any moment and run again ends where an undisturbed one does, and readers never notice."""

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from conftest import NIGHTS
from support_runs import Place, differences, driven, readers, state

KILLS = 20
#: Function at whose start or end the process dies.
MOMENTS = [
    "warehouse.landing.stage end", "warehouse.landing.accept end", "warehouse.features.advance end",
    "tasks.landing.accept_batch end", "warehouse.versions.write_candidates end",
    "tasks.segments.segment_customers end", "warehouse.published_file.write start", "warehouse.serving._fill start",
    "warehouse.serving._fill end", "warehouse.publish.build end", "warehouse.serving.replace_text start",
    "warehouse.serving.point_current end", "warehouse.versions.commit_published end", "warehouse.ops.end_run end",
]  # fmt: skip


def killed_after(place: Place, night: date, seconds: list[float]) -> float:
    """Runs of a night, each killed after some time, and one to its end; returns how long that one took."""
    found = driven(night=str(night), config=str(place.config), after=sorted(seconds))
    *killed, last = found["codes"]
    assert last == 0
    assert set(killed[:1]) <= {-9}
    assert set(killed) <= {-9, 0}  # what was done before is not done again, so that one may be over sooner
    return float(found["seconds"])


@pytest.fixture(scope="module")
def undisturbed(small_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Place], float]:
    """The place after each night when all run to their end, and how long a night took on average."""
    folder = tmp_path_factory.mktemp("undisturbed")
    place, after, seconds = Place(folder / "place", small_shop).set_up(), [], 0.0
    for night in NIGHTS:
        place.deliver(night)
        seconds += killed_after(place, night, [])
        after.append(place.copied_to(folder / str(night)))
    return after, seconds / len(NIGHTS)


def test_kills_at_random_moments(undisturbed: tuple[list[Place], float], new_place: Callable[[str], Place]) -> None:
    after, seconds = undisturbed
    place, moments = new_place("killed"), random.Random(7)
    with readers(place) as seen:
        for night in NIGHTS:
            place.deliver(night)
            killed_after(place, night, [moments.uniform(0, seconds) for _ in range(KILLS // len(NIGHTS))])
    assert differences(state(place), state(after[-1])) == {}
    assert (seen["failures"], seen["versions"]) == ([], [1, 2])
    assert min(seen["reads"], seen["kept"]) > 20


def test_kills_at_every_boundary(undisturbed: tuple[list[Place], float], tmp_path: Path) -> None:
    (before, after), _ = undisturbed
    places = {moment: before.copied_to(tmp_path / moment.replace(" ", "-")) for moment in MOMENTS}
    for place in places.values():
        place.deliver(NIGHTS[1])
    configs = {moment: str(place.config) for moment, place in places.items()}
    assert driven(night=str(NIGHTS[1]), configs=configs) == {moment: [-9, 0] for moment in MOMENTS}
    expected = state(after)
    for moment, place in places.items():
        assert (moment, differences(state(place), expected)) == (moment, {})
