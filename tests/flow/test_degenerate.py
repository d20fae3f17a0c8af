"""Inputs at the edge of what can be segmented: a sound result or a message that says what to do, never a NaN."""

from datetime import timedelta
from pathlib import Path

import pytest
from support_small import AS_OF, Bought, SmallShop, varied

from segmentation.errors import SegmentationError
from tasks.night import CheckFailedError

ALIKE = [Bought(f"c{number}") for number in range(10)]
RETURNED = [Bought("r", price=5), Bought("r", price=500, quantity=-1)]
INPUTS = '[features]\ninputs = ["recency_days", "frequency", "average"]\n[scoring]\nmoney = "average"\n'
#: Lines, configuration, sizes of the segments (None: any that add up).
SOUND: dict[str, tuple[list[Bought], str, list[int] | None]] = {
    "fewer customers than k": (varied(3), "[model]\nk = 8\n", [1, 1, 1]),
    "all customers alike": (ALIKE, "", [10]),
    "all alike and k given": (ALIKE, "[model]\nk = 4\n", [10]),
    "a constant feature": ([Bought(f"c{n}", days=1 + n % 9, price=5 + n) for n in range(20)], "[model]\nk = 3\n", None),
    "one customer has it all": ([*varied(20), Bought("whale", price=900_000)], "", None),
    "more returned than bought": ([*varied(20), *RETURNED], "", None),
    "one segment": (varied(10), "[model]\nk = 1\n", [10]),
    "two customers": (varied(2), "", [1, 1]),
    "one customer": (varied(1), "", [1]),
    "average instead of money": (varied(20), INPUTS, None),
    "a window that few are in": (varied(20), "[features]\nwindow_days = 10\n", None),
    **{
        f"transform {name}": ([*varied(20), *RETURNED], f'[model]\ntransform = "{name}"\n', None)
        for name in ("none", "log1p", "iqr")
    },
}


def shop_of(folder: Path, lines: list[Bought], configuration: str = "") -> SmallShop:
    shop = SmallShop(folder / "shop").configure(configuration)
    shop.deliver("a", lines)
    return shop


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_version(tmp_path: Path, name: str) -> None:
    lines, configuration, sizes = SOUND[name]
    shop = shop_of(tmp_path, lines, configuration)
    published = shop.night()["published"]
    found = sorted(one["customers"] for one in published["segments"])
    assert sizes is None or found == sizes
    assert sum(found) == published["customers"] == len(shop.published("FROM customer_segments"))
    assert shop.not_finite() == []


#: Lines, configuration, the error, what it says.
REFUSED: dict[str, tuple[list[Bought], str, type[Exception], str]] = {
    "only returns": ([Bought("a", quantity=-1)], "", SegmentationError, "load transactions or widen window_days"),
    "only lines without a customer": ([Bought(""), Bought("")], "", CheckFailedError, "there is at least one customer"),
    "no usable line": ([Bought("a", price=float("nan"))], "", CheckFailedError, "nothing of this delivery"),
    "everybody outside the window": (
        [Bought(f"c{n}", days=25 + n) for n in range(9)], "[features]\nwindow_days = 10\n", CheckFailedError,
        "there is at least one customer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_to_segment(tmp_path: Path, name: str) -> None:
    lines, configuration, error, told = REFUSED[name]
    shop = shop_of(tmp_path, lines, configuration)
    with pytest.raises(error, match=told):
        shop.night()
    assert not (shop.serving / "current").exists()
    shop.configure()
    shop.deliver("b", varied(5))
    assert shop.night()["published"]["customers"] >= 5


def test_a_segment_that_nobody_is_in_any_more(tmp_path: Path) -> None:
    """Between refits it stays, empty and with a warning; at the next refit with one segment less it dies."""
    few = [Bought(f"few{number}", days=60 + number) for number in range(4)]
    many = [Bought(f"many{number}", days=1 + number % 5) for number in range(40)]
    shop = shop_of(tmp_path, few + many, '[model]\nk = 2\ntransform = "none"\n[refit]\ndrift = 1000.0\n')
    before = {row["customers"]: row["segment_key"] for row in shop.night()["published"]["segments"]}
    assert set(before) == {4, 40}
    shop.deliver("b", [Bought(f"few{number}", days=0) for number in range(4)])
    tomorrow = AS_OF + timedelta(days=1)
    emptied = {row["segment_key"]: row for row in shop.night(tomorrow)["published"]["segments"]}
    assert emptied[before[4]]["customers"] == 0
    assert emptied[before[40]]["customers"] == 44
    warned = shop.private("FROM ops.checks WHERE NOT success AND suite = 'segment_version_segments'")
    assert [row["severity"] for row in warned] == ["warning"]
    assert shop.not_finite() == []

    shop.configure('[model]\nk = 1\ntransform = "none"\n')
    assert [row["segment_key"] for row in shop.night(tomorrow)["published"]["segments"]] == [before[40]]
    events = {(row["event"], row["segment_key"]) for row in shop.published("FROM segment_lineage")}
    assert {("continued", before[40]), ("death", before[4])} <= events


def test_two_segments_that_become_one(tmp_path: Path) -> None:
    lines = [Bought(f"c{number}", days=1 + 50 * (number % 2), price=10 + number) for number in range(40)]
    shop = shop_of(tmp_path, lines, "[model]\nk = 2\n")
    keys = {row["segment_key"] for row in shop.night()["published"]["segments"]}
    shop.configure("[model]\nk = 1\n")
    (left,) = shop.night(AS_OF + timedelta(days=1))["published"]["segments"]
    events = {(row["event"], row["segment_key"], row["related_segment_key"])
              for row in shop.published("FROM segment_lineage WHERE event IN ('death', 'merge')")}  # fmt: skip
    (gone,) = keys - {left["segment_key"]}
    assert events == {("death", gone, None), ("merge", gone, left["segment_key"])}
