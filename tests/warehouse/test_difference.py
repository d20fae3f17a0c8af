from datetime import date
from pathlib import Path

import pytest
from support_nights import new_warehouse
from support_versions import NOW, write_candidate

from warehouse import publish, reading
from warehouse.errors import NothingPublishedError


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("versions")
    with new_warehouse(folder) as warehouse:
        warehouse.execute("INSERT INTO features.state VALUES ('2011-01-01', NULL, 1)")
        snapshots = [{"a": 1, "b": 1, "c": 2, "gone": 3}, {"a": 1, "b": 2, "c": 2, "new": 4}]
        for number, snapshot in enumerate(snapshots):
            publish.publish(warehouse, write_candidate(warehouse, date(2011, 1, 2 + number), snapshot), NOW)
    return folder / "serving"


def test_totals_tell_who_stayed_moved_entered_and_left(serving: Path) -> None:
    found = reading.difference(serving, 1, 2)
    assert (found["former"]["version_id"], found["later"]["as_of"]) == (1, date(2011, 1, 3))
    totals = {name: found["totals"][name] for name in ("stayed", "moved", "entered", "left", "changed_figures")}
    assert totals == {"stayed": 2, "moved": 1, "entered": 1, "left": 1, "changed_figures": 2}


def test_segments_and_movements_add_up_to_the_totals(serving: Path) -> None:
    found = reading.difference(serving, 1, None)
    sizes = {row["segment_key"]: (row["customers_before"], row["customers_after"]) for row in found["segments"]}
    assert sizes == {1: (2, 1), 2: (1, 2), 3: (1, 0), 4: (0, 1)}
    moves = {(row["from_segment_key"], row["to_segment_key"]): row["customers"] for row in found["movements"]}
    assert moves == {(1, 2): 1, (3, None): 1, (None, 4): 1}
    for what in ("customers", "revenue"):
        for end in ("before", "after"):
            name = f"{what}_{end}"
            assert sum(row[name] for row in found["segments"]) == found["totals"][name]


def test_turned_round_it_says_the_opposite(serving: Path) -> None:
    one, other = reading.difference(serving, 1, 2)["totals"], reading.difference(serving, 2, 1)["totals"]
    assert (one["entered"], one["left"], one["revenue_after"]) == (
        other["left"],
        other["entered"],
        other["revenue_before"],
    )


def test_a_version_that_is_not_there_is_told(serving: Path) -> None:
    with pytest.raises(NothingPublishedError, match="Version 9 is not in"):
        reading.difference(serving, 9, None)
