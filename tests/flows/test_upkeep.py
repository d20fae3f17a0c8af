"""The commands that keep the warehouse in order, on a small shop."""

import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support_disk import fill, mounted
from support_small import AS_OF, Bought, SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app
from tasks import upkeep
from warehouse import backup, serving
from warehouse.lock import writer_lock

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"


pytestmark = pytest.mark.usefixtures("no_api")


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """A shop with one published night."""
    shop = SmallShop(tmp_path_factory.mktemp("after") / "shop").configure('[names]\nplaybook = "names/ours.toml"\n')
    built_in = Path(__file__).parents[2] / "segmentation" / "playbook.toml"
    (shop.folder / "names").mkdir()
    shutil.copy(built_in, shop.folder / "names" / "ours.toml")
    shop.deliver("first", varied(40))
    shop.night()
    return shop


@pytest.fixture
def shop(after_a_night: SmallShop, tmp_path: Path) -> SmallShop:
    """The same, to be changed."""
    shutil.copytree(after_a_night.folder, tmp_path / "shop", symlinks=True)
    return SmallShop(tmp_path / "shop")


def backed_up(shop: SmallShop, folder: Path, *options: str) -> tuple[Path, dict[str, Any]]:
    """Where a backup is, and its manifest."""
    result = called(shop, "backup", folder, "--json", *options)
    assert result.exit_code == 0, result.output
    path = Path(json.loads(result.stdout)["path"])
    return path, json.loads((path / "manifest.json").read_text())


def as_documented(section: str, **variables: object) -> "subprocess.CompletedProcess[str]":
    """The commands of a section of the runbook, performed by a shell."""
    text = RUNBOOK.read_text().partition(f"\n## {section}\n")[2]
    (script,) = re.findall(r"```sh\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)
    own = f'resegment() {{ "{sys.executable}" -c "from flows.cli import main; main()" "$@"; }}\n'
    environment = os.environ | {"PREFECT_API_URL": ""} | {name: str(value) for name, value in variables.items()}
    command = ["bash", "-euc", own + script]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/")


def called(shop: SmallShop, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*(str(argument) for argument in arguments), "--config", str(shop.config)])


def verified(shop: SmallShop) -> int:
    """Rows that differ from their rebuild."""
    result = called(shop, "verify", "--json")
    return sum(row["differing_rows"] for row in json.loads(result.stdout))


def test_compact_tells_the_bytes_and_loses_nothing(shop: SmallShop) -> None:
    tables = ("sales.transaction_lines", "segments.assignments", "models.clusters")
    with duckdb.connect(shop.warehouse) as connection:
        for table in ("gone", "after_it"):  # what is free at the end of a file DuckDB gives back itself
            connection.execute(f"CREATE TABLE ops.{table} AS SELECT md5(range::VARCHAR) FROM range(100000)")
            connection.execute("CHECKPOINT")
        connection.execute("DROP TABLE ops.gone")
    before = [shop.private(f"FROM {table}") for table in tables]
    size = shop.warehouse.stat().st_size
    found = json.loads(called(shop, "compact", "--json").stdout)
    assert found["bytes_before"] == size
    assert found["bytes_after"] == shop.warehouse.stat().st_size < size
    assert [shop.private(f"FROM {table}") for table in tables] == before
    assert verified(shop) == 0
    told = called(shop, "compact").stdout
    assert f"{shop.warehouse}: " in told
    assert "bytes before" in told


def test_old_lines_go_as_the_plan_said(shop: SmallShop) -> None:
    with shop.config.open("a") as config:
        config.write("[retention]\nlines_years = 1\n")
    shop.deliver("later", [Bought("c1", days=-360), Bought("c2", days=-361)])
    as_of = AS_OF.replace(year=2012)
    told = called(shop, "nightly", "--plan", "--as-of", as_of).stdout
    lines = shop.private("SELECT count(*) AS n FROM sales.transaction_lines")[0]["n"]
    assert (
        f"  {lines} lines of days before 2011-03-01 go for good ([retention] lines_years); their invoices stay." in told
    )
    before = shop.private("FROM sales.invoices ORDER BY ALL")
    assert called(shop, "nightly", "--as-of", as_of).exit_code == 0
    assert shop.private("SELECT count(*) AS n FROM sales.transaction_lines") == [{"n": 2}]
    assert shop.private("FROM sales.invoices WHERE shop_day < '2011-03-01' ORDER BY ALL") == before
    result = called(shop, "verify")
    assert result.exit_code == 0
    assert "Verified from 2011-03-01 on: lines of earlier days went" in result.stdout
    assert "days before" not in called(shop, "nightly", "--plan", "--as-of", as_of.replace(day=2)).stdout


@pytest.mark.parametrize(("days", "code"), [(2, 0), (150, 1)], ids=["nothing new", "stale"])
def test_old_versions_go_though_no_deliveries_come(shop: SmallShop, days: int, code: int) -> None:
    """Of three, the first is the last of its month."""
    with shop.config.open("a") as config:
        config.write("[retention]\ndaily_days = 30\ngrace_days = 0\n")
    for number in (1, 2):
        assert shop.night(AS_OF + timedelta(days=number))["retired"] == {"pruned": [], "removed": []}
    with duckdb.connect(shop.warehouse) as connection:
        connection.execute("UPDATE segments.versions SET created_at = created_at - INTERVAL 31 DAY")
    night = called(shop, "nightly", "--as-of", AS_OF + timedelta(days=days))
    assert night.exit_code == code
    assert ("Old versions: 1 pruned, 1 removed" in night.stdout) == (code == 0)
    assert sorted(serving.finished(shop.serving)) == [1, 3]
    assert serving.linked_version(shop.serving) == 3


def test_a_mistyped_year_lets_nothing_go(shop: SmallShop) -> None:
    with shop.config.open("a") as config:
        config.write("[retention]\nlines_years = 80\n[checks]\nstale_days_warn = 99999\nstale_days_stop = 99999\n")
    lines = shop.private("FROM sales.transaction_lines")
    told = called(shop, "nightly", "--plan", "--as-of", "2111-03-01")
    assert (told.exit_code, "go for good" in told.stdout) == (0, False)
    assert called(shop, "nightly", "--as-of", "2111-03-01").exit_code in (0, 3)
    assert called(shop, "nightly", "--as-of", "2111-03-01").exit_code in (0, 1, 3)
    assert shop.private("FROM sales.transaction_lines") == lines


def test_compact_waits_for_no_writer(shop: SmallShop) -> None:
    with writer_lock(shop.warehouse, "nightly"):
        result = called(shop, "compact")
    assert result.exit_code == 1
    assert "is being written by `resegment nightly`" in result.stderr


def test_compact_without_a_warehouse(tmp_path: Path) -> None:
    result = called(SmallShop(tmp_path / "none").configure(), "compact")
    assert result.exit_code == 1
    assert "There is no warehouse at" in result.stderr


def test_a_backup_says_what_is_in_it(shop: SmallShop, tmp_path: Path) -> None:
    (shop.folder / "warehouse.duckdb.erasure-key").write_text("ab" * 32 + "\n")
    shop.night(AS_OF + timedelta(days=1))
    path, manifest = backed_up(shop, tmp_path / "backups")
    (state,) = shop.private("SELECT ledger_revision FROM features.state")
    (schema,) = shop.private("SELECT max(version) AS number FROM schema_migrations")
    assert (manifest["schema"], manifest["ledger_revision"]) == (schema["number"], state["ledger_revision"])
    assert [(row["version_id"], row["included"]) for row in manifest["versions"]] == [(1, False), (2, True)]
    assert (manifest["current"], manifest["erasure_key"]) == (2, True)
    names = {"warehouse.duckdb", "erasure-key", "configuration/resegment.toml", "configuration/names/ours.toml",
             "serving/versions/000002/segments.duckdb"}  # fmt: skip
    assert manifest["files"].keys() >= names
    for name, file in manifest["files"].items():
        content = (path / name).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert manifest["files"]["warehouse.duckdb"]["restore_to"] == str(shop.warehouse)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((path / "warehouse.duckdb").stat().st_mode) == 0o600
    every, manifest = backed_up(shop, tmp_path / "others", "--every-version")
    assert [row["included"] for row in manifest["versions"]] == [True, True]
    assert sorted(serving.finished(every / "serving")) == [1, 2]
    told = called(shop, "backup", tmp_path / "told").stdout
    assert "published versions: 2; and the erasure key." in told


def test_restored_as_documented_it_goes_on(shop: SmallShop, tmp_path: Path) -> None:
    (shop.folder / "warehouse.duckdb.erasure-key").write_text("ab" * 32 + "\n")
    path, _ = backed_up(shop, tmp_path / "backups")
    restored = SmallShop(tmp_path / "elsewhere" / "shop")
    done = as_documented("Backup and restore", BACKUP=path, SHOP=restored.folder)
    assert done.returncode == 0, done.stderr
    assert "Everything equals its rebuild." in done.stdout
    assert "Readers see version 1 as of 2011-03-01." in done.stdout
    assert serving.linked_version(restored.serving) == 1
    assert restored.published("FROM customer_segments ORDER BY ALL") == shop.published(
        "FROM customer_segments ORDER BY ALL"
    )
    assert (restored.folder / "warehouse.duckdb.erasure-key").read_text() == "ab" * 32 + "\n"
    assert stat.S_IMODE(restored.serving.stat().st_mode) == stat.S_IMODE(shop.serving.stat().st_mode)
    shutil.copytree(shop.folder / "data", restored.folder / "data")
    for one in (shop, restored):
        one.deliver("second", [Bought("c1", days=0), Bought("c2", days=0, quantity=-1)])
    outcomes = [one.night(AS_OF + timedelta(days=1)) for one in (shop, restored)]
    assert [one["deliveries"]["files"] for one in outcomes] == [1, 1]
    rows = "SELECT * EXCLUDE (created_at) FROM customer_segments ORDER BY customer_id"
    assert restored.published(rows) == shop.published(rows)
    assert verified(restored) == 0


def test_restored_beside_newer_versions_it_refuses_until_told(shop: SmallShop, tmp_path: Path) -> None:
    path, _ = backed_up(shop, tmp_path / "backups")
    shop.deliver("second", [Bought("c1", days=0)])
    shop.night(AS_OF + timedelta(days=1))
    shutil.copy(path / "warehouse.duckdb", shop.warehouse)
    refused = called(shop, "nightly", "--as-of", AS_OF + timedelta(days=1))
    assert refused.exit_code == 1
    assert "shows version 2, which this warehouse never made" in refused.stderr
    (shop.serving / "current").unlink()
    assert called(shop, "rollback", "--release").stdout == "Readers see version 1 as of 2011-03-01.\n"
    assert sorted(serving.finished(shop.serving)) == [1]
    assert shop.night(AS_OF + timedelta(days=1))["deliveries"]["files"] == 1
    assert serving.linked_version(shop.serving) == 2
    assert verified(shop) == 0


def test_a_damaged_backup_is_told_by_its_sums(shop: SmallShop, tmp_path: Path) -> None:
    path, _ = backed_up(shop, tmp_path / "backups")
    with (path / "warehouse.duckdb").open("r+b") as file:
        file.seek(20_000)
        file.write(b"damaged!")
    done = as_documented("Backup and restore", BACKUP=path, SHOP=tmp_path / "elsewhere")
    assert done.returncode == 1
    assert "is damaged: warehouse.duckdb is missing or not what was backed up" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_a_killed_writer_left_in_its_log_is_in_the_backup(shop: SmallShop, tmp_path: Path) -> None:
    write = (
        f"import os, signal, duckdb; c = duckdb.connect({str(shop.warehouse)!r}); "
        "c.execute(\"INSERT INTO ops.run_context VALUES ('logged', DATE '2011-01-01')\"); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", write])
    path, _ = backed_up(shop, tmp_path / "backups")
    with duckdb.connect(path / "warehouse.duckdb", read_only=True) as connection:
        assert connection.execute("FROM ops.run_context WHERE run_id = 'logged'").fetchall()


def test_a_killed_backup_leaves_nothing_that_looks_like_one(shop: SmallShop, tmp_path: Path) -> None:
    child = os.fork()
    if not child:
        backup._write_text = lambda path, text: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
        called(shop, "backup", tmp_path / "backups")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    (left,) = (tmp_path / "backups").iterdir()
    assert left.name.startswith(".")
    path, _ = backed_up(shop, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == [path]


def test_a_backup_waits_for_no_writer_and_needs_a_warehouse(shop: SmallShop, tmp_path: Path) -> None:
    with writer_lock(shop.warehouse, "nightly"):
        assert "is being written by `resegment nightly`" in called(shop, "backup", tmp_path / "backups").stderr
    assert not (tmp_path / "backups").exists()
    nothing = called(SmallShop(tmp_path / "none").configure(), "backup", tmp_path / "backups")
    assert "There is no warehouse at" in nothing.stderr


def test_a_full_disk_leaves_no_half_backup(shop: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep.rewriting, "_check_room", lambda needed, target: None)
    with mounted(tmp_path / "disk", megabytes=16) as disk:
        for leave in (1 << 20, shop.warehouse.stat().st_size + (1 << 20)):
            full = fill(disk, leave=leave)
            result = called(shop, "backup", disk / "backups")
            assert (result.exit_code, "The disk is full" in result.stderr) == (1, True)
            assert list((disk / "backups").iterdir()) == []
            full.unlink()
        backed_up(shop, disk / "backups")
