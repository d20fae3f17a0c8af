"""A table of PostgreSQL that sells, changes and deletes while it is pulled: at rest the totals are the table's."""

from pathlib import Path

from support_postgres import Postgres

from benchmarks import database
from benchmarks.database_shop import DatabaseShop


def test_totals_equal_the_databases_to_the_penny(postgres: Postgres, tmp_path: Path) -> None:
    shop = DatabaseShop(f"postgresql://owner@127.0.0.1:{postgres.port}/shop", 50_000)
    shop.create(tmp_path / "shop")
    try:
        nights, rows, money, customers = database.pull_while_selling(shop, tmp_path, nights=3, slice_rows=10_000)
    finally:
        shop.drop()
    assert all(number > 100 for number in shop.changes.values())
    assert nights[0].slices >= 5
    assert nights[-1].lines < 25_000
    assert rows > 45_000
    measured = database.Measured(rows, money, customers, shop.changes, nights, {})
    facts = {"cores": 2, "memory_gib": 1, "load": 0, "python": "3"}
    assert f"has {rows:,} rows worth {money:,}" in database.markdown(measured, facts)
