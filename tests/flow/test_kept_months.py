"""What is kept of months that are over gives the tables that months made anew give, whatever changes afterwards."""

from collections.abc import Callable
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support_small import AS_OF, Bought, SmallShop, varied

from flows.verification import run_verification

TABLES = ("segment_kpis_monthly", "cohort_retention", "sales_monthly", "sales_by_country")
KEPT = ("sales.month_cohorts", "sales.month_countries", "segments.month_sums")
#: Nights, and what came before each: months pass, then lines of months that are over come, change and go.
NIGHTS: dict[date, dict[str, list[Bought]]] = {
    date(2011, 1, 20): {"first": varied(24)},
    date(2011, 2, 1): {"late january": [Bought(f"c{number}", days=30) for number in range(6)]},
    date(2011, 2, 20): {"february": [Bought(f"c{number}", days=12, price=30) for number in range(0, 24, 2)]},
    AS_OF: {"returned": [Bought(f"c{number}", days=5, quantity=-1) for number in range(4)]},
    date(2011, 3, 20): {"march": [Bought(f"c{number}", days=-9, price=80) for number in range(0, 24, 3)]},
    date(2011, 4, 2): {},
    date(2011, 4, 3): {"forgotten": [Bought("c5", days=20), Bought("new", days=25), Bought("new", days=-20)]},
    date(2011, 4, 4): {
        "february": [Bought(f"c{number}", days=12, price=35 if number else 30) for number in range(0, 22, 2)]
    },
    date(2011, 4, 5): {},
}


@pytest.fixture(autouse=True)
def without_an_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")


def forget_months(shop: SmallShop) -> None:
    if shop.warehouse.exists():
        with duckdb.connect(shop.warehouse) as connection:
            for table in KEPT:
                connection.execute(f"DELETE FROM {table}")


def leave(shop: SmallShop) -> None:
    """What is kept stays."""


def played(folder: Path, before_each: Callable[[SmallShop], None]) -> list[dict[str, list[dict[str, Any]]]]:
    """The published tables after each night."""
    shop = SmallShop(folder, count(1)).configure("[model]\nk = 3\n")
    published = []
    for as_of, files in NIGHTS.items():
        for name, lines in files.items():
            shop.deliver(name, lines)
        before_each(shop)
        assert shop.night(as_of)["status"] in ("done", "held")
        published.append({table: shop.published(f"FROM {table} ORDER BY ALL") for table in TABLES})
    return published


def test_kept_months_publish_what_new_ones_do(tmp_path: Path) -> None:
    kept = played(tmp_path / "kept", leave)
    assert kept == played(tmp_path / "anew", forget_months)
    months = {row["month"] for row in kept[-1]["segment_kpis_monthly"]}
    assert len(months) >= 3


def test_a_month_is_kept_until_a_day_of_it_or_before_changes(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path / "shop").configure("[model]\nk = 3\n")
    found = []
    for as_of, files in NIGHTS.items():
        for name, lines in files.items():
            shop.deliver(name, lines)
        if as_of == date(2011, 4, 3):
            with duckdb.connect(shop.warehouse) as connection:  # whatever is made again tells by these that it was
                connection.execute("UPDATE sales.month_cohorts SET customers = customers + 1000")
        shop.night(as_of)
        rows = shop.private(
            "SELECT month, max(customers) > 1000 AS older FROM sales.month_cohorts GROUP BY ALL ORDER BY ALL"
        )
        found.append([(row["month"].month, row["older"]) for row in rows])
    assert found[-4] == [(1, False), (2, False), (3, False)]
    assert found[-3] == [(1, True), (2, False), (3, False)]


def test_verify_holds_kept_months_to_the_lines(tmp_path: Path) -> None:
    played(tmp_path / "shop", leave)
    shop = SmallShop(tmp_path / "shop")
    compared = {one["table"]: one for one in run_verification(shop.config)}
    assert [(compared[table]["rows"] > 0, compared[table]["differing_rows"]) for table in KEPT] == [(True, 0)] * 3
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute("UPDATE segments.month_sums SET retained = retained + 1 WHERE month = DATE '2011-02-01'")
    compared = {one["table"]: one for one in run_verification(shop.config)}
    assert compared["segments.month_sums"]["differing_rows"] == 6
