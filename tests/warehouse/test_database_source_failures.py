"""What goes wrong with a database is told in a sentence, tried again where that helps, and costs no slice twice."""

import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from support_database import Shop, counted, pull, shop_in, units
from support_disk import fill, mounted
from support_landing import NOW, warehouse_in
from support_postgres import PASSWORD, Postgres
from support_proxy import Wire, wire_to

from warehouse import landing
from warehouse.errors import DeliveryError, DiskFullError
from warehouse.params import SourceParams


@pytest.fixture
def shop(postgres: Postgres) -> Iterator[Shop]:
    with shop_in(postgres) as made:
        made.fill(1, 95)
        yield made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited; nobody waits in a test."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


@pytest.fixture
def wire(postgres: Postgres) -> Iterator[Wire]:
    with wire_to(postgres.port) as made:
        yield made


def through(wire: Wire, shop: Shop, **settings: object) -> SourceParams:
    uri = shop.server.uri.replace(f":{shop.server.port}/", f":{wire.port}/") + "?sslmode=disable"
    return shop.source(uri=uri, **settings)


def refused(folder: Path, source: SourceParams, password: str | None = PASSWORD) -> str:
    with warehouse_in(folder) as warehouse, pytest.raises(DeliveryError) as caught:
        pull(warehouse, source, password=password)
    whole = "".join(traceback.format_exception(caught.value))
    assert password is None or (password not in whole and quote(password, safe="") not in whole)
    return str(caught.value)


def test_a_broken_connection_resumes_at_the_slice(
    shop: Shop, wire: Wire, tmp_path: Path, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    wire.cuts, wire.cut_after = 3, 12_000
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, through(wire, shop))
        assert counted(warehouse) == shop.lines()
    assert wire.cuts == 0
    assert sum(pauses) >= 3
    assert caplog.text.count("trying again in 1 s") >= 1
    assert PASSWORD not in caplog.text


def test_a_server_that_stays_away_is_given_up_and_what_was_pulled_is_kept(
    shop: Shop, wire: Wire, tmp_path: Path, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with warehouse_in(tmp_path) as warehouse:
        source = through(wire, shop, retries=2)

        def cut(done: int, total: int) -> None:
            if done == 4:
                wire.cuts, wire.cut_after = 100, 0

        with pytest.raises(DeliveryError, match=r"cannot be read \(tried 3 times\): .* What was pulled so far is kept"):
            landing.stage(warehouse, source, "Europe/London", NOW, cut, PASSWORD)
        assert (pauses, len(units(warehouse, "staged"))) == ([1, 2], 0)  # they are counted only when all are there
        assert warehouse.value("SELECT count(*) FROM landing.loads WHERE status = 'staged'") == 4
    with warehouse_in(tmp_path) as warehouse, caplog.at_level(logging.INFO, "resegment"):
        wire.cuts = 0
        pull(warehouse, source, night=1)
        assert counted(warehouse) == shop.lines()
        received = warehouse.execute("SELECT received_at FROM landing.loads ORDER BY load_id").fetchall()
    assert "3 slices a stopped run had pulled are kept" in caplog.text
    assert [moment for (moment,) in received] == [NOW] * 3 + [NOW + timedelta(days=1)] * 7


def test_a_killed_run_is_carried_on(shop: Shop, tmp_path: Path) -> None:
    source = shop.source()
    killed = f"""
import os, signal
from datetime import datetime
from pathlib import Path
from support_disk import fill, mounted
from support_landing import NOW, warehouse_in
from warehouse import landing
from warehouse.params import SourceParams

def progress(done, total):
    if done == 6:
        os.kill(os.getpid(), signal.SIGKILL)

with warehouse_in(Path({str(tmp_path)!r})) as warehouse:
    source = SourceParams.model_validate_json({source.model_dump_json()!r})
    landing.stage(warehouse, source, "Europe/London", NOW, progress, {PASSWORD!r})
"""
    path = os.pathsep.join(sys.path)
    ended = subprocess.run([sys.executable, "-c", killed], env=os.environ | {"PYTHONPATH": path}, check=False)
    assert ended.returncode == -signal.SIGKILL
    shop.update(2, minute=96)
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, source, night=1)
        assert counted(warehouse) == shop.lines()
        kept = "SELECT count(*) FROM landing.loads WHERE received_at = $now"
        assert warehouse.value(kept, {"now": NOW}) == 5


def test_staged_slices_of_other_settings_are_not_kept(shop: Shop, tmp_path: Path) -> None:
    with warehouse_in(tmp_path) as warehouse:
        landing.stage(warehouse, shop.source(), "Europe/London", NOW, lambda done, total: None, PASSWORD)
        pull(warehouse, shop.source(_cancellation_prefix="I"), night=1)
        assert {row["received_at"] for row in warehouse.select("FROM landing.loads")} == {NOW + timedelta(days=1)}
        assert warehouse.value("SELECT count(*) FROM landing.quarantine") == 95


def test_a_rejected_pull_is_made_again(shop: Shop, tmp_path: Path) -> None:
    with warehouse_in(tmp_path) as warehouse:
        landing.stage(warehouse, shop.source(), "Europe/London", NOW, lambda done, total: None, PASSWORD)
        landing.reject_staged(warehouse, "too many returns")
        pull(warehouse, shop.source(), night=1)
        assert counted(warehouse) == shop.lines()


def test_a_wrong_password_is_told_without_it(shop: Shop, tmp_path: Path, pauses: list[float]) -> None:
    told = refused(tmp_path, shop.source(), "not:the/pass@word %")
    assert 'password authentication failed for user "reader"' in told
    assert "the password in the environment variable RESEGMENT_SOURCE_PASSWORD" in told
    assert pauses == []


@pytest.mark.parametrize("uri", ["reader:{password}@127.0.0.1", "reader@127.0.0.1"])
def test_a_missing_password_is_told(shop: Shop, tmp_path: Path, pauses: list[float], uri: str) -> None:
    told = refused(tmp_path, shop.source(uri=f"postgresql://{uri}:{shop.server.port}/shop"), None)
    assert "RESEGMENT_SOURCE_PASSWORD" in told


def test_the_password_may_have_its_place_in_the_uri(shop: Shop, tmp_path: Path) -> None:
    uri = f"postgresql://127.0.0.1:{shop.server.port}/shop?user=reader&password={{password}}"
    with warehouse_in(tmp_path) as warehouse:
        pull(warehouse, shop.source(uri=uri))
        assert counted(warehouse) == shop.lines()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"table": "nowhere.lines"}, 'relation "nowhere.lines" does not exist. Correct [source.database] table'),
        ({"query": "SELECT x FROM pg_class"}, 'column "x" does not exist'),
        ({"query": "SELEC 1"}, "syntax error at or near"),
        ({"watermark": "changed"}, "it has no column 'changed' for [source.database] watermark. It has: id, invoice"),
        ({"watermark": "invoice"}, "the watermark invoice must be a time, a date or a whole number, and is string"),
        ({"watermark": "id"}, 'The watermark is a number, so [source.database] look_back must be a number, as "5000"'),
        ({"look_back": "5000"}, 'The watermark is a moment, so [source.database] look_back must be a time, as "1d"'),
        ({"columns": {"quantity": "qty"}}, "it has no column 'qty' (our quantity). It has: id, invoice"),
        ({"uri": "nosuch://somewhere"}, "The driver adbc_driver_nosuch is not installed. Run: pip install"),
    ],
)
def test_wrong_settings_are_told(
    shop: Shop, tmp_path: Path, pauses: list[float], settings: dict[str, object], told: str
) -> None:
    assert told in refused(tmp_path, shop.source(**settings))
    assert pauses == []


def test_a_right_that_is_missing_is_told(shop: Shop, tmp_path: Path, pauses: list[float]) -> None:
    shop.server.run(f"REVOKE SELECT ON {shop.table} FROM reader")
    told = refused(tmp_path, shop.source())
    assert "permission denied for table lines. Grant the user of [source.database] uri the right to read it." in told
    assert pauses == []


def test_a_full_disk_is_told_and_nothing_is_lost(shop: Shop, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 24) as disk:
        with warehouse_in(disk) as warehouse:
            full = fill(disk)
            with pytest.raises(DiskFullError):
                pull(warehouse, shop.source())
        full.unlink()
        with warehouse_in(disk) as warehouse:
            pull(warehouse, shop.source())
            assert counted(warehouse) == shop.lines()


def test_an_infinite_watermark_is_told(shop: Shop, tmp_path: Path) -> None:
    shop.server.run(f"UPDATE {shop.table} SET updated_at = 'infinity' WHERE id = 3")
    assert "Rows of the database have a updated_at that is no date of the years 1 to 9999" in refused(
        tmp_path, shop.source()
    )


def test_a_driver_that_is_not_installed_is_named(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for engine, module in (("adbc", "adbc_driver_postgresql.dbapi"), ("connectorx", "connectorx")):
        monkeypatch.setitem(sys.modules, module, None)
        extra = {"adbc": "postgresql"}.get(engine, engine)
        assert f"Run: pip install 'resegment[{extra}]'" in refused(tmp_path, shop.source(engine=engine))
