import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flows.settings import ConfigurationError, LoadedSettings, Settings, describe, example_toml, load_settings
from segmentation.params import Money, Transform


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("RESEGMENT__")]:
        monkeypatch.delenv(name)


def load(text: str) -> LoadedSettings:
    Path("resegment.toml").write_text(text, encoding="utf-8")
    return load_settings()


def problems(text: str = "") -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return str(caught.value).splitlines()


def test_without_file_and_environment_everything_is_a_default() -> None:
    loaded = load_settings()
    assert loaded.settings.model == Settings().model
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.file is None


def test_environment_beats_file_beats_preset_beats_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEGMENT__MODEL__K", "7")
    loaded = load('preset = "classic"\n\n[model]\nk = 6\ntransform = "iqr"\n')
    model = loaded.settings.model
    assert (model.k, model.transform, loaded.settings.features.money, model.seed) == (7, "iqr", "gross", 42)
    origins = {key: loaded.origins[key] for key in ("model.k", "model.transform", "features.money", "model.seed")}
    assert origins == {
        "model.k": "environment RESEGMENT__MODEL__K",
        "model.transform": "resegment.toml:5",
        "features.money": "preset classic",
        "model.seed": "default",
    }


def test_preset_classic_is_the_recipe_of_the_notebooks() -> None:
    settings = load('preset = "classic"').settings
    assert (settings.features.money, settings.model.transform, settings.model.k) == (Money.GROSS, Transform.NONE, 4)


def test_preset_of_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEGMENT__PRESET", "classic")
    loaded = load('preset = "default"')
    assert loaded.settings.model.k == 4
    assert loaded.origins["model.k"] == "preset classic"
    assert loaded.origins["preset"] == "environment RESEGMENT__PRESET"


def test_environment_sets_lists_tables_and_nested_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEGMENT__FEATURES__INPUTS", '["recency_days", "average"]')
    monkeypatch.setenv("RESEGMENT__FEATURES__WINDOW_DAYS", "null")
    monkeypatch.setenv("RESEGMENT__MODEL__TRANSFORMS__AVERAGE", "none")
    monkeypatch.setenv("RESEGMENT__SOURCE__COLUMNS__LINE_ID", "Row ID")
    loaded = load("[features]\nwindow_days = 365\n[model.transforms]\nmonetary = 'iqr'")
    settings = loaded.settings
    assert settings.features.inputs == ("recency_days", "average")
    assert settings.features.window_days is None
    assert settings.model.transforms == {"monetary": Transform.IQR, "average": Transform.NONE}
    assert settings.source.columns.line_id == "Row ID"
    assert loaded.origins["model.transforms"] == "environment RESEGMENT__MODEL__TRANSFORMS__AVERAGE"


def test_settings_made_directly_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEGMENT__MODEL__K", "7")
    assert Settings().model.k == "auto"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[model]\nkk = 4", "resegment.toml: [model] unknown key 'kk'; did you mean k?"),
        ("[modle]\nk = 4", "resegment.toml: unknown section 'modle'; did you mean [model]?"),
        ("k = 4", "resegment.toml: unknown key 'k'; did you mean [model] k?"),
        (
            "[source.columns]\ncustomer = 'Id'",
            "resegment.toml: [source.columns] unknown key 'customer'; did you mean customer_id?",
        ),
        (
            "[source.colums]\ncountry = 'X'",
            "resegment.toml: [source] unknown section 'colums'; did you mean [source.columns]?",
        ),
        (
            "[schedule]\nxyz = 4",
            "resegment.toml: [schedule] unknown key 'xyz'; known are time_zone, nightly_cron, weekly_refit_cron, "
            "retry_after_seconds",
        ),
    ],
)
def test_unknown_key_names_the_nearest_one(text: str, line: str) -> None:
    assert problems(text) == [line]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RESEGMENT__MODEL__KK", "did you mean RESEGMENT__MODEL__K?"),
        ("RESEGMENT__MODLE__SEED", "did you mean RESEGMENT__MODEL__SEED?"),
        ("RESEGMENT__MODEL", "did you mean RESEGMENT__MODEL__K?"),
        ("RESEGMENT__", "`resegment config` lists them all"),
    ],
)
def test_unknown_variable_names_the_nearest_one(name: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "4")
    assert problems() == [f"environment {name}: no such setting; {hint}"]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("[model]\nk = 'four'", "resegment.toml: [model] k = 'four': should be a whole number"),
        ("[model]\nk = 0", "resegment.toml: [model] k = 0: should be a whole number"),
        ("preset = 'clasic'", "resegment.toml: preset = 'clasic': Input should be 'default' or 'classic'"),
        ("[model]\ntransform = 'log'", "resegment.toml: [model] transform = 'log': Input should be 'none', "),
        ("[model.transforms]\naverage = 'log'", "resegment.toml: [model] transforms.average = 'log': Input should be"),
        ("[features]\ninputs = 3", "resegment.toml: [features] inputs = 3: Input should be a list"),
        ("[features]\ninputs = ['rfm']", "resegment.toml: [features] unknown feature 'rfm'; known are recency_days"),
        ("model = 3", "resegment.toml: model = 3: Input should be a section of keys"),
        ("[schedule]\ntime_zone = 'London'", "resegment.toml: [schedule] time_zone = 'London': unknown time zone"),
        ("[schedule]\nnightly_cron = '3:30'", "resegment.toml: [schedule] nightly_cron = '3:30': a cron has five"),
        (
            "[source.columns]\ncountry = 1",
            "resegment.toml: [source.columns] country = 1: Input should be a valid string",
        ),
        ("[source]\nencoding = 'utf-99'", "resegment.toml: [source] "),
        ("[model]\nk 4", "resegment.toml: not valid TOML: Expected '=' after a key"),
    ],
)
def test_wrong_value_is_one_clear_line(text: str, start: str) -> None:
    (line,) = problems(text)
    assert line.startswith(start)
    assert "pydantic" not in line


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("RESEGMENT__MODEL__K", "four", "environment RESEGMENT__MODEL__K = 'four': should be a whole number"),
        ("RESEGMENT__FEATURES__INPUTS", "average", "environment RESEGMENT__FEATURES__INPUTS = 'average': not JSON; "),
        (
            "RESEGMENT__FEATURES__INPUTS",
            '["rfm"]',
            "environment RESEGMENT__FEATURES__INPUTS: [features] unknown featur",
        ),
    ],
)
def test_wrong_variable_is_one_clear_line(name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    (found,) = problems()
    assert found.startswith(line)


def test_every_wrong_value_is_reported_at_once() -> None:
    assert len(problems("[model]\nk = 0\nseed = -1\n[checks]\nmax_lost_share = 2")) == 3


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "my.toml").write_text("[warehouse]\npath = 'private/w.duckdb'\n[source]\npath = '../in/*.csv'")
    monkeypatch.setenv("RESEGMENT__WAREHOUSE__SERVING", "public")
    settings = load_settings(Path("shop/my.toml")).settings
    assert settings.warehouse.path == folder / "private" / "w.duckdb"
    assert settings.warehouse.serving == folder / "public"
    assert settings.source.path == f"{folder}/../in/*.csv"


def test_absolute_and_home_paths_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/shop")
    settings = load("[warehouse]\npath = '/var/w.duckdb'\nserving = '~/s'\n[source]\npath = '/in/*.csv'").settings
    assert (settings.warehouse.path, settings.warehouse.serving) == (Path("/var/w.duckdb"), Path("/home/shop/s"))
    assert settings.source.path == "/in/*.csv"


def test_folder_with_magic_characters_is_taken_literally(tmp_path: Path) -> None:
    folder = tmp_path / "shop[1]"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.csv").touch()
    (folder / "resegment.toml").touch()
    pattern = Path(load_settings(folder / "resegment.toml").settings.source.path)
    assert [file.name for file in Path("/").glob(str(pattern.relative_to("/")))] == ["a.csv"]


def test_named_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"^other\.toml: no such file; `resegment config --example"):
        load_settings(Path("other.toml"))


def test_file_with_a_byte_order_mark_is_read() -> None:
    assert load("\ufeff[model]\nk = 3").settings.model.k == 3


def test_example_equals_the_defaults_commented_or_not() -> None:
    defaults = load_settings().settings
    assert load(example_toml()).settings == defaults
    uncommented = re.sub(r"(?m)^#(?! )", "", example_toml())
    loaded = load(uncommented)
    assert loaded.settings == defaults
    unset = {key for key, origin in loaded.origins.items() if origin == "default"}
    assert unset == {row.key for row in describe(load_settings()) if row.value is None}


def test_describe_tells_each_setting_once_with_its_origin() -> None:
    described = {row.key: row for row in describe(load("[model]\nk = 6"))}
    assert described["model.k"][1:] == (
        6,
        "resegment.toml:2",
        "number of segments, or auto: chosen at each refit by the rule of [model.k_search]",
    )
    assert described["features.inputs"].value == ["recency_days", "frequency", "monetary"]
    assert len(described) == len(describe(load_settings()))


def test_importing_settings_loads_nothing_heavy() -> None:
    code = "import sys, flows.settings; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "pydantic_settings" in modules
    assert not {"duckdb", "numpy", "pandas", "polars", "prefect", "great_expectations", "sklearn"} & set(modules)
