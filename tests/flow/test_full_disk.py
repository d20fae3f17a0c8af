"""A night on a disk that fills up: nothing published changes, and with room the next night goes on from there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import NIGHTS
from support_disk import fill, mounted
from support_runs import Place, differences, state

from flows.nightly import nightly
from tasks import drafts, landing, night, segments
from warehouse.errors import DiskFullError


@pytest.fixture
def place(small_shop: Path, tmp_path: Path) -> Iterator[Place]:
    """One night done; warehouse and published versions are on a small disk, deliveries are not."""
    with mounted(tmp_path / "disk", 40) as disk:
        place = Place(tmp_path / "place", small_shop).set_up()
        for name in ("private", "serving"):
            (disk / name).mkdir()
            (place.folder / name).symlink_to(disk / name)
        place.deliver(NIGHTS[0])
        nightly(as_of=NIGHTS[0], config=place.config)
        yield place


@pytest.fixture
def undisturbed(small_shop: Path, tmp_path: Path) -> Place:
    place = Place(tmp_path / "undisturbed", small_shop).set_up()
    for one in NIGHTS:
        place.deliver(one)
        nightly(as_of=one, config=place.config)
    return place


STEPS = [
    (landing.landing, "stage"), (landing.landing, "accept"), (drafts.versions, "write_candidates"),
    (segments.publish, "publish"), (night.ops, "end_run"),
]  # fmt: skip


def test_a_disk_that_fills_up_in_any_step(place: Place, undisturbed: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = place.serving.resolve().parent
    place.deliver(NIGHTS[1])
    for module, name in STEPS:
        step = getattr(module, name)

        def starved(*args, step=step, **kwargs):
            fill(disk)
            return step(*args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(module, name, starved)
            with pytest.raises(DiskFullError, match="The disk is full: no space left to write") as caught:
                nightly(as_of=NIGHTS[1], config=place.config)
        assert len(str(caught.value).splitlines()) == 1
        current = 2 if name == "end_run" else 1
        assert state(place)["current"] == [(current,)], name
        (disk / ".full").unlink()
    assert nightly(as_of=NIGHTS[1], config=place.config)["status"] == "unchanged"
    assert differences(state(place), state(undisturbed)) == {}
