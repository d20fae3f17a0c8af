"""A year of a real shop, to the row and the penny."""

from decimal import Decimal
from pathlib import Path

import pytest
from support_landing import take_in, warehouse_in

from warehouse.params import SourceParams
from warehouse.verify import verify

#: Lines and money of each outcome.
DROPPED = {
    "delivered": (541_909, "9747747.934"),
    "purchase": (392_692, "8887208.894"),
    "return": (8_872, "-608689.470"),
    "unattributed": (132_565, "1469611.650"),
    "quarantined": (2_512, "-22124.120"),
    "duplicate": (5_268, "21740.980"),
}
KEPT = {
    "delivered": (541_909, "9747747.934"),
    "purchase": (397_884, "8911407.904"),
    "return": (8_905, "-611342.090"),
    "unattributed": (132_603, "1469806.240"),
    "quarantined": (2_517, "-22124.120"),
    "duplicate": (0, "0"),
}


@pytest.mark.parametrize(("duplicates", "expected"), [("drop", DROPPED), ("keep", KEPT)])
def test_a_year_adds_up(real_data: Path, tmp_path: Path, duplicates: str, expected: dict[str, tuple[int, str]]) -> None:
    source = SourceParams.model_validate({"path": str(real_data / "*.csv"), "duplicates": duplicates})
    with warehouse_in(tmp_path) as warehouse:
        staged = take_in(warehouse, source)
        sums = ", ".join(f"sum({kind}_lines), sum({kind}_amount)" for kind in expected)
        found = warehouse.execute(f"SELECT {sums} FROM landing.loads").fetchone()
        purchases = warehouse.execute(
            "SELECT count(*), count(DISTINCT customer_id), sum(gross) FROM sales.invoices WHERE purchase_lines > 0"
        ).fetchone()
        again = take_in(warehouse, source)
        differing = [pair for pair in verify(warehouse, source)[:2] if pair.differing_rows]
    assert (staged.files, staged.lines) == (305, 541_909)
    assert found == tuple(value for count, money in expected.values() for value in (count, Decimal(money)))
    assert purchases == (18_532, 4_338, Decimal(expected["purchase"][1]))
    assert (again.files, again.unchanged_files) == (0, 305)
    assert differing == []
