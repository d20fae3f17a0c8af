"""`resegment restore`: what a backup says is there again, whole or not at all, and nothing is overwritten unasked."""

import itertools
import json
import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from support_disk import fill, mounted
from support_small import AS_OF, Bought, SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app
from warehouse import private_file, restoring, serving

pytestmark = pytest.mark.usefixtures("no_api")
ROWS = "SELECT * FROM customer_segments ORDER BY customer_id"


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[SmallShop, Path]:
    """A shop with a version, merges and a key, its backup, and a newer version after it."""
    folder = tmp_path_factory.mktemp("backed_up")
    shop = SmallShop(folder / "shop").configure('merges = "merges.csv"\n')
    (shop.folder / "merges.csv").write_text("old,new\nc1,c2\n")
    (shop.folder / "warehouse.duckdb.erasure-key").write_text("ab" * 32 + "\n")
    shop.deliver("first", varied(30))
    shop.night()
    backup = Path(json.loads(called(shop, "backup", folder / "backups", "--json").stdout)["path"])
    shop.deliver("second", [Bought("c5", days=0)])
    shop.night(AS_OF + timedelta(days=1))
    return shop, backup


@pytest.fixture
def shop(backed_up: tuple[SmallShop, Path], tmp_path: Path) -> SmallShop:
    """A copy of it, to be changed."""
    shutil.copytree(backed_up[0].folder, tmp_path / "shop", symlinks=True)
    return SmallShop(tmp_path / "shop")


@pytest.fixture
def backup(backed_up: tuple[SmallShop, Path]) -> Path:
    return backed_up[1]


def called(shop: SmallShop, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--config", str(shop.config)])


def is_as_backed_up(shop: SmallShop, backup: Path) -> bool:
    copy = SmallShop(backup)
    tables = ("sales.transaction_lines", "segments.versions", "models.clusters")
    return (
        serving.linked_version(shop.serving) == 1
        and sorted(serving.finished(shop.serving)) == [1]
        and serving.unfinished(shop.serving) == []
        and shop.published(ROWS) == copy.published(ROWS)
        and all(shop.private(f"FROM {table}") == copy.private(f"FROM {table}") for table in tables)
        and not private_file.restoring_note(shop.warehouse).exists()
    )


def test_in_an_empty_folder_everything_is_there_again(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new").mkdir()
    monkeypatch.chdir(tmp_path / "new")
    done = CliRunner().invoke(app, ["restore", str(backup)])
    assert done.exit_code == 0, done.output
    assert "Readers see version 1 as of 2011-03-01." in done.stdout
    shop = SmallShop(tmp_path / "new")
    assert is_as_backed_up(shop, backup)
    assert (shop.folder / "merges.csv").read_text() == "old,new\nc1,c2\n"
    assert (shop.folder / "warehouse.duckdb.erasure-key").read_text() == "ab" * 32 + "\n"
    modes = [path.stat().st_mode & 0o777 for path in (shop.warehouse, shop.serving, shop.serving / "versions/000001")]
    assert modes == [0o600, 0o755, 0o555]
    assert called(shop, "verify").exit_code == 0
    told = called(shop, "status").stdout
    assert "Last run: nightly as of 2011-03-01: done" in told
    assert f"Since then by hand: restore {backup}" in told
    assert called(shop, "rollback", "--release").exit_code == 0


def test_nothing_is_overwritten_unasked(shop: SmallShop, backup: Path) -> None:
    before = shop.private("SELECT * FROM segments.versions")
    refused = called(shop, "restore", backup)
    assert refused.exit_code == 1
    assert "is there already. Nothing was changed; restore elsewhere, or with --force" in refused.stderr
    shop.warehouse.rename(shop.folder / "away")
    assert "current is there already" in called(shop, "restore", backup).stderr
    (shop.folder / "away").rename(shop.warehouse)
    assert shop.private("SELECT * FROM segments.versions") == before
    assert serving.linked_version(shop.serving) == 2
    assert called(shop, "restore", backup, "--force").exit_code == 0
    assert is_as_backed_up(shop, backup)
    assert shop.night(AS_OF + timedelta(days=1))["deliveries"]["files"] == 1
    assert called(shop, "verify").exit_code == 0


def test_a_version_that_was_written_again_since_is_as_it_was(shop: SmallShop, backup: Path) -> None:
    (shop.folder / "ids.txt").write_text("c7\n")
    assert called(shop, "erase", "--customers", shop.folder / "ids.txt", "--yes").exit_code == 0
    assert serving.version_folder(shop.serving, 1).name == "000001.r2"
    assert called(shop, "restore", backup, "--force").exit_code == 0
    assert is_as_backed_up(shop, backup)
    assert serving.version_folder(shop.serving, 1).name == "000001"


@pytest.mark.parametrize("name", ["warehouse.duckdb", "serving/versions/000001/segments.duckdb", "erasure-key"])
def test_a_damaged_backup_changes_nothing(shop: SmallShop, backup: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(backup, tmp_path / "damaged", symlinks=True)
    file = tmp_path / "damaged" / name
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(-8, os.SEEK_END)
        opened.write(b"damaged!")
    refused = called(shop, "restore", tmp_path / "damaged", "--force")
    assert (refused.exit_code, f"is damaged: {name} is missing" in refused.stderr) == (1, True)
    assert serving.linked_version(shop.serving) == 2
    assert "is no backup: it has no manifest.json" in called(shop, "restore", tmp_path / "shop").stderr


def test_killed_at_any_moment_it_is_as_before_or_is_finished_by_the_same_command(
    shop: SmallShop, backup: Path, tmp_path: Path
) -> None:
    """Readers of `current` have a whole version all the time."""
    moments = []
    for number in itertools.count(1):
        shutil.copytree(shop.folder, tmp_path / "one", symlinks=True)
        one = SmallShop(tmp_path / "one")
        code = killed_at_fsync(number, one, backup)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert one.published("SELECT count(*) > 0 AS some FROM customer_segments") == [{"some": True}]
        if private_file.restoring_note(one.warehouse).exists():
            refused = called(one, "nightly", "--as-of", AS_OF)
            assert "was stopped. Finish it first: `resegment restore" in refused.stderr
            assert called(one, "restore", backup).exit_code == 0
            assert is_as_backed_up(one, backup)
            moments.append("finished")
        elif serving.linked_version(one.serving) == 2:
            assert one.night(AS_OF + timedelta(days=1))["status"] == "unchanged"
            moments.append("as before")
        else:
            assert is_as_backed_up(one, backup)
            moments.append("done")
        shutil.rmtree(tmp_path / "one")
    assert sorted(set(moments)) == ["as before", "done", "finished"]


def killed_at_fsync(number: int, shop: SmallShop, backup: Path) -> int:
    """Restore in a process that kills itself when it sees to something on disk for the `number`th time."""
    child = os.fork()
    if not child:
        calls, real = itertools.count(1), restoring.fsync

        def fsync(path: Path) -> None:
            if next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            real(path)

        restoring.fsync = serving.fsync = fsync
        os._exit(called(shop, "restore", backup, "--force").exit_code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_full_disk_leaves_what_was_there(shop: SmallShop, backup: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", megabytes=96) as disk:
        shutil.copytree(shop.folder, disk / "shop", symlinks=True)
        one = SmallShop(disk / "shop")
        full = fill(disk, leave=1 << 20)
        refused = called(one, "restore", backup, "--force")
        assert (refused.exit_code, "There is no room for the backup" in refused.stderr) == (1, True)
        assert serving.linked_version(one.serving) == 2
        new = SmallShop(disk / "new").configure()
        assert "There is no room for the backup" in called(new, "restore", backup).stderr
        full.unlink()
        for there, force in ((one, ["--force"]), (new, [])):
            assert called(there, "restore", backup, *force).exit_code == 0
            assert is_as_backed_up(there, backup)
