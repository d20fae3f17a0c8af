"""The quarantine from the command line: listed, exported, corrected, replayed, and published by the next night."""

import csv
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from support_small import SmallShop, varied
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.planning import plan_night
from tasks.night import CheckFailedError, on_duty
from tasks.quarantining import Asked, check_replay, stage_replay
from warehouse import store
from warehouse.lock import writer_lock


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    """A shop whose second file writes 10.00 with a comma in two lines."""
    monkeypatch.setenv("PREFECT_API_URL", "")
    shop = SmallShop(tmp_path / "shop").configure("[checks]\nmax_quarantined_share = 0.9\n")
    shop.deliver("first", varied(40))
    path = shop.folder / "data" / "second.csv"
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    late = [f'9{number},A,x,1,2011-02-20 10:00:00,"{number},50",late,France\n' for number in (1, 2)]
    path.write_text("".join([header, *late, "93,A,x,1,2011-02-21 10:00:00,3.00,c1,France\n"]))
    os.utime(path, (1_300_000_000, 1_300_000_000))
    shop.night()
    return shop


def called(shop: SmallShop, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--config", str(shop.config)])


def told(shop: SmallShop, *arguments: object) -> Any:
    result = called(shop, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_from_the_list_to_the_published_customer(shop: SmallShop, tmp_path: Path) -> None:
    found = told(shop, "quarantine", "list", "--lines", 1)
    assert (found["lines"], [row["reason"] for row in found["reasons"]]) == (2, ["unparseable_price"])
    shown = called(shop, "quarantine", "list", "--lines", 1).stdout
    assert "second.csv" in shown
    assert "UnitPrice: 1,50" in shown

    hopeless = told(shop, "quarantine", "replay", "--plan")["replay"]
    assert (hopeless["lines"], hopeless["sound"], hopeless["outcomes"]["delivered_lines"]) == (2, 0, 0)

    file = tmp_path / "export.csv"
    assert called(shop, "quarantine", "export", file).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    rows[0]["UnitPrice"] = "1.50"
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    planned = told(shop, "quarantine", "replay", "--from", file, "--plan")
    assert (planned["status"], planned["replay"]["sound"]) == ("planned", 1)
    assert planned["replay"]["still_faulty"] == {"unparseable_price": 1}
    done = told(shop, "quarantine", "replay", "--from", file)
    assert (done["status"], done["replay"]["outcomes"]["purchase_lines"]) == ("done", 1)
    again = called(shop, "quarantine", "replay", "--from", file)
    assert "none is sound" in again.stdout
    assert "not in the quarantine (any more): 1" in again.stdout

    assert shop.published("FROM customer_segments WHERE customer_id = 'late'") == []
    night = shop.night()
    assert night["status"] == "done"
    assert shop.published("SELECT frequency FROM customer_segments WHERE customer_id = 'late'") == [{"frequency": 1}]
    quality = shop.published(
        "SELECT unit, delivered_lines, quarantined_lines, replayed_lines FROM data_quality ORDER BY load_id"
    )
    assert [tuple(row.values()) for row in quality][1:] == [("second.csv", 3, 1, 1), ("replay of load 2", 1, 0, 0)]
    assert called(shop, "verify").exit_code == 0


def test_a_mended_setting_is_enough(shop: SmallShop) -> None:
    text = shop.config.read_text()
    shop.config.write_text(text.replace("[source]\n", '[source]\ndecimal_separator = ","\n'))
    assert told(shop, "quarantine", "replay", "--reason", "unparseable_price")["replay"]["sound"] == 2
    assert told(shop, "quarantine", "list")["lines"] == 0


def test_a_check_that_fails_leaves_the_quarantine_as_it_was(shop: SmallShop) -> None:
    text = shop.config.read_text().replace("[checks]\n", "[checks]\nmin_batch_lines = 3\n")
    shop.config.write_text(text.replace("[source]\n", '[source]\ndecimal_separator = ","\n'))
    night = plan_night("quarantine replay", None, False, shop.config)
    with on_duty(night):
        assert stage_replay(night, Asked(), None)["sound"] == 2
        check_replay(night)  # two lines are enough for a replay
        with store.opened(night.warehouse) as warehouse:
            warehouse.execute("UPDATE landing.staged_lines SET shop_day = NULL")
        with pytest.raises(CheckFailedError, match="nothing of the quarantine was replayed"):
            check_replay(night)
    assert shop.private("SELECT unit, status FROM landing.loads WHERE load_id > 2") == [
        {"unit": "replay of load 2", "status": "rejected"}
    ]
    assert told(shop, "quarantine", "list")["lines"] == 2


@pytest.mark.parametrize("arguments", [("list",), ("export", "x.csv"), ("replay", "--plan"), ("replay",)])
def test_while_a_run_writes_it_says_who(
    shop: SmallShop, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with writer_lock(shop.warehouse, "nightly"):
        result = called(shop, "quarantine", *arguments)
    assert result.exit_code == 1
    assert "is being written by `resegment nightly`" in result.output


def test_before_the_first_night_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    empty = SmallShop(tmp_path / "empty").configure()
    result = called(empty, "quarantine", "list")
    assert result.exit_code == 1
    assert "There is no warehouse" in result.output
