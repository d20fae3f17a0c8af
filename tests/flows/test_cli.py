import json
import os
import pty
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from segmentation.generator import ShopParams
from tasks.generate import write_shop

SHOP = ShopParams(customers=150, days=70, start=date(2011, 1, 10), lines_per_invoice=4)
AS_OF = "2011-03-20"
READING = (["status"], ["sql", "FROM segment_profiles"], ["config"], ["verify"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configuration of a shop with one published night."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(SHOP, folder / "data", "csv")
    config = folder / "resegment.toml"
    config.write_text('[source]\npath = "data/*.csv"\n')
    result = called("nightly", "--as-of", AS_OF, "--config", config)
    assert result.exit_code == 0, result.output
    return config


pytestmark = pytest.mark.usefixtures("no_api")


def called(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sql(config: Path, query: str) -> Any:
    result = called("sql", query, "--config", config, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_command_line_and_a_plain_night_import_nothing_slow(shop: Path) -> None:
    def imported(code: str, names: set[str]) -> set[str]:
        command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return names & set(done.stdout.splitlines()[-1].split())

    slow = {"prefect", "duckdb", "pandas", "polars", "sklearn", "scipy", "numpy", "great_expectations", "pydantic"}
    assert imported("import flows.cli", slow) == set()
    night = (
        "import datetime, pathlib\nfrom flows.running import run_flow\n"
        f"day, config = datetime.date.fromisoformat({AS_OF!r}), pathlib.Path({str(shop)!r})\n"
        "run_flow('nightly', quiet=True, as_of=day, config=config)"
    )
    assert imported(night, {"prefect"}) == set()


def test_help_has_one_line_for_every_command() -> None:
    import typer

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    inner = {name: group.commands for name, group in commands.items() if hasattr(group, "commands")}
    for path, listed in [([], commands), *(([name], found) for name, found in inner.items())]:
        lines = on_terminal([sys.executable, "-m", "flows.cli", *path, "--help"]).splitlines()
        for name, command in listed.items():
            line = " ".join([name, (command.short_help or command.help).partition("\n")[0]])
            assert [" ".join(shown.split()) for shown in lines].count(line) == 1, line


@pytest.mark.parametrize("command", [command.name or command.callback.__name__ for command in app.registered_commands])
def test_every_command_and_option_has_help(command: str) -> None:
    import typer

    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    assert [parameter.name for parameter in parameters if not getattr(parameter, "help", None)] == []


def test_version() -> None:
    assert called("--version").stdout == "resegment 0.1.0\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nightly", "--as-of", "2011-13-01"],
        ["nightly", "--as-of", "yesterday"],
        ["nope"],
        ["sql"],
        ["status", "-x"],
        ["rollback", "3", "--release"],
        ["export", "a.csv", "--format", "xls"],
        ["export", "a.xls"],
        ["flat", "tables", "--format", "xls"],
        ["quarantine", "export", "a.xls"],
        ["quarantine", "replay", "--from", "a.xls"],
        ["erase", "--new-key", "--yes"],
    ],
)
def test_wrong_use_exits_with_2(arguments: list[str]) -> None:
    result = called(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nightly", "--as-of", "yesterday", "--json"], "'yesterday' is no date"),
        (["quarantine", "list", "--json", "--reason", "ugly"], "'ugly' is no reason; there are missing_invoice_no, "),
        (["diff", "3", "3", "--json"], "both are version 3; name two that differ"),
        (["flat", "tables", "--format", "xls", "--json"], "--format 'xls' is not known; use csv or parquet"),
    ],
)
def test_with_json_wrong_use_is_told_as_json_too(arguments: list[str], told: str) -> None:
    result = called(*arguments)
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert found["status"] == "wrong use"
    assert told in found["error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sql", "SELEC 1"], "The statement cannot be run: Parser Error"),
        (["sql", "FROM nothing"], "nothing does not exist"),
        (["sql", " ; "], "There is no statement"),
        (["sql", "DELETE FROM customer_segments"], "read-only"),
        (["sql", "CREATE TABLE mine (a INT)"], "read-only"),
        (["nightly", "--as-of", "1990-01-01"], "there is at least one line before as_of"),
        (["nightly", "--as-of", "9999-12-31"], "Critical checks failed"),
    ],
)
def test_what_a_person_can_do_wrong_ends_with_one_message(shop: Path, arguments: list[str], message: str) -> None:
    result = called(*arguments, "--config", shop)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)


def test_unknown_key_missing_file_and_unwritable_folder_are_told(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("modle = 1")
    assert "did you mean [model]?" in called("nightly", "--config", bad).stderr
    assert "no such file" in called("status", "--config", tmp_path / "none.toml").stderr
    bad.write_text('[warehouse]\npath = "/proc/nobody/warehouse.duckdb"')
    result = called("nightly", "--config", bad)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("resegment: ")


@pytest.mark.parametrize("arguments", READING)
def test_json_is_pure_and_the_only_thing_on_standard_output(shop: Path, arguments: list[str]) -> None:
    result = called(*arguments, "--json", "--config", shop)
    assert result.exit_code == 0
    assert json.loads(result.stdout)
    assert result.stderr == ""


def test_json_of_an_error_is_json_too(tmp_path: Path) -> None:
    config = tmp_path / "resegment.toml"
    config.write_text("")
    result = called("sql", "FROM customer_segments", "--json", "--config", config)
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["status"] == "failed"
    assert "Nothing is published" in found["error"]


def test_status_before_and_after_runs(shop: Path, tmp_path: Path) -> None:
    empty = tmp_path / "resegment.toml"
    empty.write_text("")
    before = called("status", "--config", empty)
    assert before.exit_code == 0
    assert "No run has ended here yet" in before.stdout
    assert json.loads(called("status", "--json", "--config", empty).stdout)["status"] is None

    again = called("nightly", "--as-of", AS_OF, "--config", shop)
    assert "Nothing new" in again.stdout
    assert "unchanged" in called("status", "--config", shop).stdout

    assert called("nightly", "--as-of", "2050-01-01", "--config", shop).exit_code == 1
    after = called("status", "--config", shop).stdout
    assert "failed" in after
    assert "Error: Critical checks failed" in after
    assert f"Current: version 1 as of {AS_OF}" in after


@pytest.mark.parametrize("arguments", [["promote", "1"], ["rollback"], ["rollback", "--release"]])
def test_what_a_command_typed_in_the_wrong_folder_says_and_leaves(tmp_path: Path, arguments: list[str]) -> None:
    config = tmp_path / "resegment.toml"
    config.write_text("")
    result = called(*arguments, "--config", config)
    assert result.exit_code == 1
    assert f"There is no warehouse at {tmp_path / 'warehouse.duckdb'} yet" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["resegment.toml"]


def test_sql_gives_sensible_json(shop: Path) -> None:
    query = """SELECT 12.3400::DECIMAL(18, 4) AS money, DATE '2011-03-20' AS day, TIMESTAMP '2011-03-20 12:00:00' AS at,
        'nan'::DOUBLE AS nothing, 170141183460469231731687303715884105727::HUGEINT AS huge,
        [1.5::DECIMAL(4, 1)] AS list,
        {'a': DATE '2011-01-01'} AS struct, NULL AS missing, true AS yes, 1 AS twice, 2 AS twice"""
    assert sql(shop, query) == [
        {
            "money": 12.34, "day": "2011-03-20", "at": "2011-03-20T12:00:00", "nothing": None, "huge": 2**127 - 1,
            "list": [1.5], "struct": {"a": "2011-01-01"}, "missing": None, "yes": True, "twice": 1, "twice_2": 2,
        }
    ]  # fmt: skip


def test_sql_in_a_pipe_prints_every_row_and_keeps_a_row_on_a_line(shop: Path) -> None:
    result = called("sql", r"SELECT i, E'a\tb\nc' AS text FROM range(3000) t(i)", "--config", shop)
    lines = result.stdout.splitlines()
    assert len(lines) == 3001
    assert lines[:2] == ["i\ttext", "0\ta\\tb\\nc"]
    assert called("sql", "SELECT 1 AS a WHERE false", "--config", shop).stdout == "a\n"


def test_a_reader_that_stops_early_sees_no_traceback(shop: Path) -> None:
    command = f"{sys.executable} -m flows.cli sql 'FROM range(100000)' --config {shop} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "range\n"
    assert "Traceback" not in done.stderr


def on_terminal(command: list[str]) -> str:
    """What a command shows on a terminal of 80 columns."""
    leader, follower = pty.openpty()
    environment = os.environ | {"COLUMNS": "80", "TERM": "xterm"}
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    try:
        while block := os.read(leader, 65536):
            shown += block
    except OSError:  # the terminal is closed
        pass
    assert process.wait() == 0, shown
    os.close(leader)
    return shown.decode()


def test_on_a_terminal_wide_rows_become_blocks_and_a_run_shows_its_steps(shop: Path) -> None:
    base = [sys.executable, "-m", "flows.cli"]
    shown = on_terminal([*base, "sql", "FROM customer_segments LIMIT 2", "--config", str(shop)])
    assert "row 2" in shown
    assert "segment_since" in shown
    assert "2 rows" in shown
    night = on_terminal([*base, "nightly", "--as-of", "2011-03-21", "--config", str(shop)])
    assert "publish version" in night
    assert "Published: " in night
    assert "INFO" not in night
    assert "leaked" not in night


def test_in_a_pipe_steps_are_lines_on_standard_error_and_the_summary_is_on_standard_output(shop: Path) -> None:
    result = called("nightly", "--as-of", "2011-03-22", "--config", shop)
    assert "INFO publish version: " in result.stderr
    assert "Published: " in result.stdout
    assert "INFO" not in result.stdout


def test_a_path_that_finds_nothing_any_more_is_told(shop: Path) -> None:
    other = shop.with_name("other.toml")
    other.write_text('[source]\npath = "data/*.tsv"\n')
    result = called("nightly", "--as-of", "2011-03-23", "--config", other)
    assert result.exit_code == 0, result.output
    assert "data/*.tsv now, though files came before; is [source] path right?" in result.stderr
    assert "No new deliveries." in result.stdout


def test_configuration_shows_values_and_origins(shop: Path) -> None:
    shown = called("config", "--config", shop).stdout
    assert f"{shop}:2" in shown
    assert "(not set)" in shown
    assert called("config", "--example").stdout.startswith("# Configuration of resegment")


def test_a_profile_of_prefect_counts_as_an_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.running import has_prefect_api

    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    assert not has_prefect_api()
    (tmp_path / "profiles.toml").write_text('active = "shop"\n[profiles.shop]\nPREFECT_API_URL = "http://x/api"\n')
    assert has_prefect_api()
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert not has_prefect_api()
