"""A warehouse of an older release is upgraded after a copy of it, all at once or not at all."""

import os
import signal
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from support_disk import fill, mounted
from support_released import SCHEMAS, as_released, newest_number, released_shop
from support_small import Bought, SmallShop

from flows.verification import run_verification
from warehouse import migrating, store
from warehouse.errors import DiskFullError, WarehouseError
from warehouse.params import WarehouseParams

#: Later migrations, made up here so that these tests hold whatever the next release brings.
LATER = {
    9001: "ALTER TABLE sales.invoices ADD COLUMN channel VARCHAR; UPDATE sales.invoices SET channel = 'shop';",
    9002: "CREATE TABLE sales.channels AS SELECT channel, count(*) AS invoices FROM sales.invoices GROUP BY channel;"
    "ALTER TABLE sales.invoices RENAME COLUMN channel TO sold_by; CREATE SCHEMA sold;"
    "CREATE TABLE sold.invoices AS FROM sales.invoices; DELETE FROM sold.invoices WHERE sold_by IS NULL;",
}
NEXT_NIGHT = date(2011, 3, 3)


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    """A shop whose warehouse has the first released schema."""
    (tmp_path / "shop").mkdir()
    return released_shop(tmp_path / "shop", SCHEMAS[0])


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, Path]:
    """A release whose only new migrations are the made-up ones."""
    return add_migrations(tmp_path, monkeypatch, LATER)


def add_migrations(folder: Path, monkeypatch: pytest.MonkeyPatch, texts: dict[int, str]) -> dict[int, Path]:
    ours = {number: path for number, path in migrating._migrations().items() if number <= SCHEMAS[0]}
    for number, text in texts.items():
        ours[number] = folder / f"{number}_later.sql"
        ours[number].write_text(text)
    monkeypatch.setattr(migrating, "_migrations", lambda: ours)
    monkeypatch.setattr(migrating, "_views", lambda: "CREATE OR REPLACE VIEW sales.everything AS FROM sales.invoices;")
    return ours


def params_of(shop: SmallShop) -> WarehouseParams:
    return WarehouseParams(path=shop.warehouse, serving=shop.serving, threads=1)


def upgrade(shop: SmallShop) -> None:
    with store.writing(params_of(shop), "test"):
        pass


def copies(shop: SmallShop) -> list[Path]:
    return sorted(shop.folder.glob("warehouse.schema-*"))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_released_warehouse_goes_on(tmp_path: Path, schema: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    for name in ("upgraded", "anew"):
        (tmp_path / name).mkdir()
    shop = released_shop(tmp_path / "upgraded", schema)
    lines = [Bought("c1", days=-1, price=80), Bought("c9", days=-1, quantity=-1), Bought("new", days=-1)]
    shop.deliver("fourth", lines)
    outcome = shop.night(NEXT_NIGHT)
    assert outcome["status"] == "done"
    assert (outcome["deliveries"]["files"], outcome["deliveries"]["delivered_lines"]) == (1, 3)
    assert [one["differing_rows"] for one in run_verification(shop.config) if one["differing_rows"]] == []
    anew = SmallShop(tmp_path / "anew").configure()
    (anew.folder / "data").symlink_to(shop.folder / "data")
    anew.night(NEXT_NIGHT)
    facts = "SELECT customer_id, recency_days, frequency, monetary, gross, returned, first_purchase_day, country"
    of_customers = f"{facts} FROM customer_segments ORDER BY customer_id"
    assert shop.published(of_customers) == anew.published(of_customers)
    versions = shop.published("SELECT version_id, as_of, status FROM segment_versions ORDER BY version_id")
    assert [row["version_id"] for row in versions] == [1, 2, 3]
    first_seen = "SELECT min(valid_from) AS first, max(valid_from) AS last FROM customer_segments_history"
    assert shop.published(first_seen) == [{"first": date(2011, 3, 1), "last": NEXT_NIGHT}]
    model = "SELECT parent_model_id, epoch FROM models.models ORDER BY model_id DESC LIMIT 1"
    assert shop.private(model) == [{"parent_model_id": 2, "epoch": 1}]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_rows_of_a_release_are_as_it_left_them(tmp_path: Path, schema: int) -> None:
    (tmp_path / "shop").mkdir()
    assert as_released(released_shop(tmp_path / "shop", schema).warehouse, schema) == []


def test_before_an_upgrade_a_copy_is_kept(shop: SmallShop, later: dict[int, Path]) -> None:
    shop.warehouse.chmod(0o644)
    upgrade(shop)
    assert newest_number(shop.warehouse) == 9002
    assert shop.private("FROM sales.channels") == [{"channel": "shop", "invoices": 120}]
    assert shop.private("SELECT count(*) AS n FROM sales.everything") == [{"n": 120}]
    (copy,) = copies(shop)
    assert copy.name == f"warehouse.schema-1.{datetime.now(UTC):%Y-%m-%d}.duckdb"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert as_released(copy, 1) == []
    upgrade(shop)
    assert copies(shop) == [copy]


def test_views_of_the_release_before_are_gone(shop: SmallShop, later: dict[int, Path]) -> None:
    upgrade(shop)
    assert [row["view_name"] for row in shop.private("FROM duckdb_views() WHERE NOT internal")] == ["everything"]
    assert shop.private("FROM duckdb_functions() WHERE NOT internal") == []


def test_the_copy_made_before_serves_the_release_before(shop: SmallShop, later: dict[int, Path]) -> None:
    upgrade(shop)
    (copy,) = copies(shop)
    copy.replace(shop.warehouse)
    assert as_released(shop.warehouse, 1) == []
    upgrade(shop)
    assert newest_number(shop.warehouse) == 9002


def test_a_new_warehouse_needs_no_copy(tmp_path: Path) -> None:
    with store.writing(WarehouseParams(path=tmp_path / "w.duckdb"), "test"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.duckdb", "w.duckdb.lock"]


#: Function at whose start the upgrade is killed, and the schema the warehouse then has.
MOMENTS = {
    "rewriting._compared": 1, "migrating.run_script 1": 1, "migrating.run_script 2": 1, "migrating.run_script 3": 1,
    "commit": 1, "upgraded": 9002,
}  # fmt: skip


@pytest.mark.parametrize(("moment", "schema"), MOMENTS.items())
def test_killed_at_any_moment_it_has_the_old_schema_or_the_new(
    shop: SmallShop, later: dict[int, Path], moment: str, schema: int
) -> None:
    child = os.fork()
    if not child:
        _die_at(moment)
        with store.writing(params_of(shop), "test"):
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert newest_number(shop.warehouse) == schema
    if schema == 1:
        assert as_released(shop.warehouse, 1) == []
    upgrade(shop)
    assert newest_number(shop.warehouse) == 9002
    assert shop.private("FROM sales.channels") == [{"channel": "shop", "invoices": 120}]
    assert len(copies(shop)) == 1
    assert not list(shop.folder.glob(".warehouse.duckdb.copy*"))


def test_killed_between_the_migrations_of_this_release_it_has_the_released_schema(shop: SmallShop) -> None:
    child = os.fork()
    if not child:
        _die_at("migrating.run_script 4")
        upgrade(shop)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert (newest_number(shop.warehouse), as_released(shop.warehouse, 1)) == (1, [])
    upgrade(shop)
    assert newest_number(shop.warehouse) == max(migrating._migrations())


def _die_at(moment: str) -> None:
    place, _, number = moment.partition(" ")
    calls = [0]

    def dying(function: object, dies: object) -> object:
        def wrapped(*args: object, **kwargs: object) -> object:
            if dies(*args):  # type: ignore[operator]
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)  # type: ignore[operator]

        return wrapped

    def now(*args: object) -> bool:
        calls[0] += 1
        return calls[0] == int(number or 1)

    if "." in place:
        module, name = place.split(".")
        owner = {"rewriting": migrating.rewriting, "migrating": migrating}[module]
        setattr(owner, name, dying(getattr(owner, name), now))
    else:
        execute = store.Warehouse.execute
        store.Warehouse.execute = dying(execute, lambda *args: args[1] == place.upper())  # type: ignore


def test_a_migration_that_fails_leaves_the_old_schema(
    shop: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_migrations(tmp_path, monkeypatch, LATER | {9003: "ALTER TABLE sales.nothing ADD COLUMN a INTEGER;"})
    with pytest.raises(WarehouseError, match="nothing does not exist"):
        upgrade(shop)
    assert as_released(shop.warehouse, 1) == []


def test_without_room_for_the_copy_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = "CREATE TABLE ops.large AS SELECT md5(range::VARCHAR) AS md5 FROM range(200000);"
    add_migrations(tmp_path, monkeypatch, LATER | {9003: large})
    with mounted(tmp_path / "disk", megabytes=48) as folder:
        (folder / "shop").mkdir()
        shop = released_shop(folder / "shop", 1)
        full = fill(folder, leave=1 << 20)
        with pytest.raises(DiskFullError, match=r"no room for a copy.*Nothing was changed"):
            upgrade(shop)
        full.unlink()
        assert (as_released(shop.warehouse, 1), copies(shop)) == ([], [])
        full = fill(folder, leave=shop.warehouse.stat().st_size + (2 << 20))
        with pytest.raises(DiskFullError):
            upgrade(shop)
        full.unlink()
        assert as_released(shop.warehouse, 1) == []
        upgrade(shop)
        assert newest_number(shop.warehouse) == 9003


def test_a_newer_schema_is_refused_before_anything_is_copied(shop: SmallShop) -> None:
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'future', '')")
    with pytest.raises(WarehouseError, match="made by a newer version of resegment"):
        upgrade(shop)
    assert copies(shop) == []
