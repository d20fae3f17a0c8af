"""Merged customers from the file to what is published."""

from datetime import date, timedelta
from pathlib import Path

from support_small import AS_OF, SmallShop, varied

from flows.verification import run_verification


def test_a_merge_is_published_and_can_be_taken_back(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path / "shop").configure('merges = "merges.csv"\n')
    merges = shop.folder / "merges.csv"
    merges.write_text("old,new\n")
    shop.deliver("first", varied(40))
    shop.night()
    assert shop.night()["status"] == "unchanged"
    merges.write_text("old,new\nc3,c4\n")
    second = shop.night()
    assert second["status"] == "done"
    assert second["deliveries"]["files"] == 0
    both = "SELECT customer_id, frequency FROM customer_segments WHERE customer_id IN ('c3', 'c4') ORDER BY ALL"
    assert shop.published(both) == [{"customer_id": "c4", "frequency": 4 + 1}]
    assert shop.published("FROM customer_segments_history WHERE customer_id = 'c3'") == []

    merges.write_text("old,new\n")
    shop.night(AS_OF + timedelta(days=1))
    assert shop.published(both) == [
        {"customer_id": "c3", "frequency": 4},
        {"customer_id": "c4", "frequency": 1},
    ]
    merges.write_text("old,new\nc3,c4\n")
    shop.night(AS_OF + timedelta(days=2))
    membership = shop.published("SELECT valid_from, valid_to FROM customer_segments_history WHERE customer_id = 'c3'")
    assert membership == [{"valid_from": date(2011, 3, 2), "valid_to": date(2011, 3, 3)}]
    left = shop.private(
        "SELECT to_segment_key, net_365_days FROM segments.movements WHERE customer_id = 'c3' AND version_id = 4"
    )
    assert left == [{"to_segment_key": None, "net_365_days": 0}]
    assert not any(row["differing_rows"] for row in run_verification(shop.config))
