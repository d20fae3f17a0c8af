"""`resegment erase`, on a small shop."""

import json
from pathlib import Path

import pytest
from support_small import SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """A shop with one published night; the tests build on one another's erasures."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PREFECT_API_URL", "")
        shop = SmallShop(tmp_path_factory.mktemp("shop")).configure()
        shop.deliver("first", varied(40))
        shop.night()
        yield shop


def called(shop: SmallShop, *arguments: object, answer: str = "") -> Result:
    words = ["erase", *(str(argument) for argument in arguments), "--config", str(shop.config)]
    return CliRunner().invoke(app, words, input=answer)


def ids(shop: SmallShop, *customers: str) -> Path:
    path = shop.folder / "ids.csv"
    path.write_text("\n".join(["customer_id", *customers]))
    return path


def versions(shop: SmallShop) -> list[str]:
    return sorted(entry.name for entry in (shop.serving / "versions").iterdir())


def test_a_plan_changes_nothing(shop: SmallShop) -> None:
    before = shop.warehouse.read_bytes()
    found = json.loads(called(shop, "--customers", ids(shop, "c3", "c5"), "--plan", "--json").stdout)
    assert (found["status"], found["new_customers"], found["copies"]) == ("planned", 2, [])
    assert found["tables"]["segments.assignments"] == 2
    assert found["versions"]["1"]["customer_segments"] == 2
    files = [shop.warehouse, shop.serving / "current" / "segments.duckdb"]
    assert found["bytes_needed"] == max(file.stat().st_size for file in files)
    told = called(shop, "--customers", ids(shop, "c3", "c5"), "--plan").stdout
    assert "2 customers would be erased." in told
    assert "segments.assignments: 2 rows" in told
    assert shop.warehouse.read_bytes() == before
    assert versions(shop) == ["000001"]


def test_ids_the_warehouse_does_not_know_are_counted(shop: SmallShop) -> None:
    named = ids(shop, "c3", "c5", "c33000", "C5")
    assert json.loads(called(shop, "--customers", named, "--plan", "--json").stdout)["unknown_customers"] == 2
    told = called(shop, "--customers", named, "--plan").stdout
    assert "4 customers would be erased. The warehouse has no row of 2 of them" in told
    assert "no row of" not in called(shop, "--customers", ids(shop, "c3", "c5"), "--plan").stdout


def test_where_nobody_can_be_asked_it_wants_to_be_told(shop: SmallShop) -> None:
    result = called(shop, "--customers", ids(shop, "c3"))
    assert (result.exit_code, versions(shop)) == (2, ["000001"])
    assert "look at --plan, then say --yes" in result.stderr


def test_on_a_terminal_it_asks(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.commands.erasing.on_a_terminal", lambda: True)
    result = called(shop, "--customers", ids(shop, "c3"), answer="n\n")
    assert (result.exit_code, versions(shop)) == (1, ["000001"])
    assert "Erase them for good?" in result.stdout
    result = called(shop, "--customers", ids(shop, "c3"), answer="y\n")
    assert (result.exit_code, versions(shop)) == (0, ["000001.r2"])
    assert "1 customer erased." in result.stdout


def test_flat_files_of_a_version_an_erasure_rewrote_name_that_version_and_nobody_erased(shop: SmallShop) -> None:
    folder = shop.folder / "flat"
    result = CliRunner().invoke(app, ["flat", str(folder), "--format", "csv", "--config", str(shop.config)])
    assert result.exit_code == 0, result.output
    assert json.loads((folder / "manifest.json").read_text())["version_id"] == 1
    customers = [line.split(",")[0] for line in (folder / "customer_segments.csv").read_text().splitlines()]
    assert "c3" not in customers
    assert "c4" in customers
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


def test_again_it_does_nothing(shop: SmallShop) -> None:
    (shop.folder / "warehouse.schema-1.2011-01-01.duckdb").write_bytes(shop.warehouse.read_bytes())
    called(shop, "--customers", ids(shop, "c3"), "--yes")
    before = versions(shop)
    result = called(shop, "--customers", ids(shop, "c3"), "--yes")
    assert result.exit_code == 0
    assert "1 customer: all erased already. Nothing was changed." in result.stdout
    assert "Another DuckDB file beside the warehouse is not reached:" in result.stdout
    assert versions(shop) == before
    assert called(shop).exit_code == 1
    assert "There is no stopped erasure to finish." in called(shop, "--yes").stderr


def test_the_history_names_nobody(shop: SmallShop) -> None:
    called(shop, "--customers", ids(shop, "c7"), "--yes")
    found = json.loads(called(shop, "--history", "--json").stdout)
    assert found[-1]["customers"] == 1
    assert not found[-1]["unfinished"]
    assert "c7" not in json.dumps(found)
    assert "1 customer, " in called(shop, "--history").stdout


def test_what_it_cannot_do_it_says(shop: SmallShop, tmp_path: Path) -> None:
    assert "holds no customer id" in called(shop, "--customers", ids(shop), "--yes").stderr
    assert called(shop, "--customers", tmp_path / "none.txt", "--yes").exit_code == 1
    elsewhere = SmallShop(tmp_path / "none").configure()
    assert "There is no warehouse" in called(elsewhere, "--customers", ids(shop, "c1"), "--yes").stderr
