"""What somebody gets to read whose files are damaged or whose command cannot be done: one message with what to do."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from support_small import AS_OF, Bought, SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app

pytestmark = pytest.mark.usefixtures("no_api")
ROWS = "SELECT count(*) FROM customer_segments"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """A shop with two versions."""
    shop = SmallShop(tmp_path_factory.mktemp("published") / "shop").configure()
    shop.deliver("first", varied(30))
    shop.night()
    shop.deliver("second", [Bought("c1", days=0)])
    shop.night(AS_OF + timedelta(days=1))
    return shop


@pytest.fixture
def shop(published: SmallShop, tmp_path: Path) -> SmallShop:
    """A copy of it, to be damaged."""
    shutil.copytree(published.folder, tmp_path / "shop", symlinks=True)
    return SmallShop(tmp_path / "shop")


def called(shop: SmallShop, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--config", str(shop.config)])


def told(shop: SmallShop, *arguments: object) -> str:
    """The one message of a command that fails."""
    result = called(shop, *arguments)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit), result.output
    assert result.stderr.startswith("resegment: ")
    assert "[Errno" not in result.stderr
    return result.stderr


def _overwritten(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(12_288)  # after the headers
        opened.write(b"damaged!" * (file.stat().st_size // 8 - 1536))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "no database": lambda file: file.write_text("not a database"),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:100_000]),
    "overwritten": _overwritten,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_version_is_named_and_the_one_before_serves_meanwhile(
    shop: SmallShop, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    file = shop.serving / "versions" / "000002" / "segments.duckdb"
    file.parent.chmod(0o755)
    file.chmod(0o644)
    damage(file)
    for command in (
        ["sql", ROWS],
        ["export", tmp_path / "a.csv"],
        ["export", tmp_path / "a.csv", "--version", 1, "--changed-since", 2] if file.exists() else ["report"],
        ["flat", tmp_path / "flat"],
        ["report"],
        ["diff", 1],
    ):
        message = told(shop, *command)
        assert f"{file} cannot be read (" in message, command
        assert "or let readers have the version before with `resegment rollback`" in message
    assert not (tmp_path / "a.csv").exists()
    assert called(shop, "rollback").exit_code == 0
    assert json.loads(called(shop, "sql", ROWS, "--json").stdout) == [{"count_star()": 30}]
    assert called(shop, "nightly", "--as-of", AS_OF + timedelta(days=2)).exit_code == 0
    assert called(shop, "rollback", "--release").exit_code == 0
    assert json.loads(called(shop, "sql", ROWS, "--json").stdout) == [{"count_star()": 30}]


@pytest.mark.parametrize("left", ["{", "", "[1, 2]", "\x00"])
def test_a_damaged_record_of_the_last_run_stops_nothing(shop: SmallShop, left: str) -> None:
    (shop.serving / "status.json").write_text(left)
    assert "has no status.json to read" in called(shop, "status").stdout
    assert called(shop, "nightly", "--as-of", AS_OF + timedelta(days=1)).exit_code == 0
    assert "Last run: nightly as of 2011-03-02: unchanged" in called(shop, "status").stdout


def test_a_damaged_pointer_is_told_and_written_anew(shop: SmallShop) -> None:
    (shop.serving / "current.json").write_text("{")
    assert "current.json is damaged. Remove it; the next `resegment nightly`" in told(shop, "rollback")
    (shop.serving / "current.json").unlink()
    assert called(shop, "nightly", "--as-of", AS_OF + timedelta(days=1)).exit_code == 0
    assert json.loads((shop.serving / "current.json").read_text())["version_id"] == 2


@pytest.mark.parametrize("command", [["compact"], ["backup", "backups"], ["nightly", "--plan"], ["erase", "--history"]])
def test_a_warehouse_that_is_none_says_what_to_do(shop: SmallShop, command: list[str]) -> None:
    shop.warehouse.write_text("not a database")
    result = called(shop, *command)
    assert result.exit_code == 1
    assert f"{shop.warehouse} is damaged" in result.stderr
    assert "Restore it from a backup" in result.stderr


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["compare", "--pictures", "FILE"], "FILE: it is a file, and a folder is needed. Mend that"),
        (["flat", "FILE"], "The tables cannot be written: FILE: it is a file, and a folder is needed"),
        (["backup", "FILE"], "The backup cannot be written: FILE: it is a file, and a folder is needed"),
        (["report", "--output", "SHOP/none/a.html"], "cannot be written: SHOP/none/a.html: no such file"),
        (["report", "--output", "SHOP/data"], "cannot be written: SHOP/data: is a directory"),
        (["restore", "SHOP/none"], "SHOP/none is no backup: it has no manifest.json. Name a folder that `resegment"),
        (["restore", "FILE"], "FILE is no backup: it has no manifest.json. Name a folder that `resegment backup` made"),
        (["export", "a.csv", "--where", "country ="], "as \"country = 'France' AND recency_days < 90\""),
        (["export", "a.csv", "--where", "land = 'x'"], 'which those are: `resegment sql "DESCRIBE customer_segments"`'),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(shop: SmallShop, command: list[str], message: str) -> None:
    def placed(text: str) -> str:
        return text.replace("FILE", str(shop.config)).replace("SHOP", str(shop.folder))

    assert placed(message) in told(shop, *map(placed, command))


def test_a_file_in_the_place_of_the_published_versions_is_named(shop: SmallShop) -> None:
    shutil.rmtree(shop.serving)
    shop.serving.touch()
    for command in (["nightly", "--as-of", AS_OF], ["rollback"]):
        refused = called(shop, *command)
        assert refused.exit_code == 1
        assert f"cannot be written: {shop.serving}: it is a file, and a folder is needed" in refused.stderr


def test_a_place_that_cannot_be_made_is_named(shop: SmallShop) -> None:
    result = CliRunner().invoke(app, ["demo", "--folder", str(shop.config / "demo")])
    assert result.exit_code == 1
    assert result.stderr == f"resegment: {shop.config / 'demo'}: not a directory. Mend that, then run this again.\n"


def test_the_folder_above_backups_leads_to_the_newest(shop: SmallShop, tmp_path: Path) -> None:
    backup = json.loads(called(shop, "backup", tmp_path / "backups", "--json").stdout)["path"]
    message = told(shop, "restore", tmp_path / "backups", "--force")
    assert f"it has no manifest.json. Name a folder in it; the newest is {backup}." in message


def test_a_configuration_that_is_no_text_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('[names]\nplaybook = "k\xfcnftig.toml"\n'.encode("latin-1"))
    shop = SmallShop(tmp_path)
    for file, reason in ((tmp_path, "is a directory"), (tmp_path / "latin.toml", "it is no text in UTF-8")):
        result = CliRunner().invoke(app, ["status", "--config", str(file)])
        assert (result.exit_code, result.stderr) == (1, f"resegment: {file}: cannot be read: {reason}\n")
    assert "no such file; `resegment config --example > " in told(shop, "status")


def test_the_first_night_in_a_folder_without_anything_leads_to_the_configuration(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path / "shop").configure()
    message = called(shop, "nightly").stderr
    assert f"{shop.folder / 'data'} does not exist (from [source] path = " in message
    assert "Create it or correct the path; `resegment config` tells where it is set." in message
