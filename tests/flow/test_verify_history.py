"""`verify` holds the history of segments to the files of the published versions."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from support_small import AS_OF, Bought, SmallShop, varied

from flows.verification import run_verification

HISTORY = ("segments.membership", "segments.movements", "segments.profiles")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """Three dates, the middle one published last; somebody comes, moves and goes."""
    shop = SmallShop(tmp_path_factory.mktemp("shop")).configure('merges = "merges.csv"\n')
    (shop.folder / "merges.csv").write_text("old,new\n")
    shop.deliver("first", varied(30))
    shop.night()
    (shop.folder / "merges.csv").write_text("old,new\nc1,c2\n")
    shop.deliver("late", [Bought("new", price=500.0) for _ in range(9)])
    shop.night(AS_OF + timedelta(days=2))
    shop.night(AS_OF + timedelta(days=1))
    return shop


def found(shop: SmallShop) -> dict[str, tuple[int, int]]:
    rows = {row["table"]: (row["rows"], row["differing_rows"]) for row in run_verification(shop.config)}
    return {table: rows[table] for table in HISTORY}


def test_what_nights_leave_equals_the_files(shop: SmallShop) -> None:
    history = found(shop)
    customers = sum(row["customers"] for row in shop.private("SELECT customers FROM segments.versions"))
    assert history["segments.membership"] == (customers, 0)
    assert history["segments.movements"][0] >= 2  # c1 left, new came
    assert history["segments.movements"][1] == 0
    assert history["segments.profiles"] == (len(shop.private("FROM segments.profiles WHERE customers > 0")), 0)


@pytest.mark.parametrize(
    ("damage", "differing"),
    [
        ("DELETE FROM segments.membership WHERE customer_id = 'c2'", (3, 0, 0)),
        ("UPDATE segments.membership SET segment_key = 99 WHERE customer_id = 'c2' AND valid_to IS NULL", None),
        ("UPDATE segments.membership SET valid_to = NULL WHERE customer_id = 'c1'", (2, 0, 0)),
        ("DELETE FROM segments.movements WHERE customer_id = 'new' AND version_id = 3", (0, 1, 0)),
        ("UPDATE segments.movements SET to_segment_key = 99 WHERE customer_id = 'new' AND version_id = 3", (0, 2, 0)),
        ("UPDATE segments.profiles SET customers = 1 + customers WHERE version_id = 1", None),
    ],
)
def test_damage_is_counted(shop: SmallShop, tmp_path: Path, damage: str, differing: tuple[int, ...] | None) -> None:
    keep = tmp_path / "kept.duckdb"
    keep.write_bytes(shop.warehouse.read_bytes())
    try:
        with duckdb.connect(shop.warehouse) as connection:
            connection.execute(damage)
        counted = tuple(rows[1] for rows in found(shop).values())
        assert counted == differing if differing else sum(counted) >= 2
    finally:
        shop.warehouse.write_bytes(keep.read_bytes())
