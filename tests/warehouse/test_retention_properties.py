"""Whatever nights, pins and gaps there were, and however often retention ran, the same versions go, none in use."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_nights import new_warehouse

from warehouse import serving
from warehouse.params import RetentionParams
from warehouse.retention import Retired, retire
from warehouse.store import Warehouse

FIRST = date(2011, 1, 20)


@dataclass(frozen=True)
class Morning:
    """Days since the morning before; whether the date's version is made twice; what happens to the pin; retention."""

    days: int
    twice: bool
    pin: int | None  # a version so many before the newest; 0: readers are let go
    retires: bool


@dataclass
class World:
    """Versions as rows and folders; files have nothing in them, as retention reads none."""

    warehouse: Warehouse
    day: date = FIRST
    made: dict[int, tuple[date, datetime, bool]] = field(default_factory=dict)  # as_of, created, superseded

    @property
    def folder(self) -> Path:
        return self.warehouse.params.serving

    @property
    def now(self) -> datetime:
        return datetime.combine(self.day, time(3))

    @property
    def newest(self) -> int:
        return max((number for number, row in self.made.items() if not row[2]), key=lambda number: self.made[number][0])

    @property
    def pinned(self) -> int | None:
        return self.warehouse.value("SELECT version_id FROM segments.pin")

    def publish(self) -> None:
        for number, (as_of, created, superseded) in self.made.items():
            if as_of == self.day and not superseded:
                self.made[number] = (as_of, created, True)
                self.warehouse.execute(
                    "UPDATE segments.versions SET status = 'superseded', superseded_at = $now WHERE version_id = $id",
                    {"now": self.now, "id": number},
                )
        number = len(self.made) + 1
        self.made[number] = (self.day, self.now, False)
        self.warehouse.execute(
            "INSERT INTO segments.versions BY NAME SELECT $id AS version_id, $day AS as_of, 'published' AS status, "
            "1 AS model_id, 'test' AS trigger, $now AS created_at, 0 AS ledger_revision, '' AS params_fingerprint, "
            "0 AS customers, 0 AS not_segmented",
            {"id": number, "day": self.day, "now": self.now},
        )
        serving.version_folder(self.folder, number).mkdir(parents=True)
        self.point()

    def pin(self, back: int) -> None:
        self.warehouse.execute("DELETE FROM segments.pin")
        there = [one for one in serving.finished(self.folder) if self.status(one) == "published"]
        if back and there:
            target = {"id": there[max(-back - 1, -len(there))], "now": self.now}
            self.warehouse.execute("INSERT INTO segments.pin VALUES ($id, $now)", target)
        self.point()

    def status(self, number: int) -> str:
        return str(self.warehouse.value("SELECT status FROM segments.versions WHERE version_id = $id", {"id": number}))

    def point(self) -> None:
        serving.point_current(self.folder, self.pinned or self.newest, {})

    def stays(self, params: RetentionParams) -> set[int]:
        """Told again in other words: what is in use, young, or the last that knows a month."""
        last = {(as_of - timedelta(days=1)).strftime("%Y-%m"): 0 for as_of, _, _ in self.made.values()}
        for number, (as_of, _, superseded) in sorted(self.made.items(), key=lambda one: one[1][0]):
            if not superseded:
                last[(as_of - timedelta(days=1)).strftime("%Y-%m")] = number
        young = {
            number
            for number, (_, created, superseded) in self.made.items()
            if not superseded and (params.daily_days is None or created >= self.now - timedelta(days=params.daily_days))
        }
        return {*last.values(), *young, self.newest, self.pinned or self.newest}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with new_warehouse(tmp_path_factory.mktemp("retention")) as made:
        yield made


def lived(warehouse: Warehouse, mornings: list[Morning], params: RetentionParams, *, often: bool) -> World:
    """A new world after these mornings; retention ran on those that say so, or on none."""
    warehouse.execute("DELETE FROM segments.versions")
    warehouse.execute("DELETE FROM segments.pin")
    for folder in serving.finished(warehouse.params.serving).values() if warehouse.params.serving.exists() else ():
        shutil.rmtree(folder)
    serving.prepare(warehouse.params.serving)
    world = World(warehouse)
    for morning in mornings:
        world.day += timedelta(days=morning.days)
        for _ in range(1 + morning.twice):
            world.publish()
        if morning.pin is not None:
            world.pin(morning.pin)
        if often and morning.retires:
            in_use = {world.newest, world.pinned or world.newest}
            retired = retire(warehouse, params, world.now)
            assert in_use.isdisjoint({*retired.pruned, *retired.removed})
            assert retire(warehouse, params, world.now) == Retired([], [])
            assert world.stays(params) <= set(serving.finished(world.folder))
    return world


MORNINGS = st.lists(
    st.builds(
        Morning,
        days=st.integers(0, 3) | st.integers(10, 40),
        twice=st.booleans(),
        pin=st.none() | st.none() | st.integers(0, 4),
        retires=st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mornings=MORNINGS,
    params=st.builds(RetentionParams, daily_days=st.none() | st.integers(1, 40), grace_days=st.integers(0, 10)),
)
def test_the_same_versions_stay_however_often_it_ran(
    warehouse: Warehouse, mornings: list[Morning], params: RetentionParams
) -> None:
    left = []
    for often in (True, False):
        world = lived(warehouse, mornings, params, often=often)
        world.pin(0)  # which versions could be pinned depends on what had gone
        retire(warehouse, params, world.now)
        stays = world.stays(params)
        warehouse.execute("UPDATE segments.versions SET pruned_at = '2000-01-01' WHERE status = 'pruned'")
        retire(warehouse, params, world.now)
        assert set(serving.finished(world.folder)) == stays
        left.append(stays)
    assert left[0] == left[1]
