"""Settings of a source that is a database: what fits its kind, and a password that may stand in none of them."""

import re
from pathlib import Path

import pytest

from flows.settings import ConfigurationError, LoadedSettings, describe, load_settings
from warehouse.params import DatabaseParams, SourceKind

RIGHT = """
[source]
kind = "database"
[source.database]
uri = "postgresql://reader@db.example.com/shop"
table = "shop.order_lines"
watermark = "updated_at"
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str) -> LoadedSettings:
    Path("resegment.toml").write_text(text)
    return load_settings()


def problem(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return str(caught.value)


def test_a_database_needs_four_settings() -> None:
    source = load(RIGHT).settings.source
    assert (source.kind, source.database.look_back, source.database.slice_rows) == (SourceKind.DATABASE, "1d", 100_000)


def test_the_environment_sets_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEGMENT__SOURCE__DATABASE__LOOK_BACK", "10 w")
    assert load(RIGHT).settings.source.database.look_back == "10 w"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RIGHT.replace("uri =", "url ="), "[source.database] unknown key 'url'; did you mean uri?"),
        (RIGHT.replace("updated_at", ""), 'kind = "database" needs [source.database] watermark'),
        (RIGHT.replace('table = "shop.order_lines"', ""), "needs [source.database] table or query, one of them"),
        (RIGHT + 'query = "SELECT 1"', "needs [source.database] table or query, one of them"),
        (RIGHT + 'look_back = "a day"', "[source.database] look_back = 'a day': write it as 30s, 15min, 6h, 1d or 2w"),
        (RIGHT + 'engine = "odbc"', "[source.database] engine = 'odbc': Input should be 'adbc' or 'connectorx'"),
        (RIGHT.replace("postgresql://reader@db.example.com/", ""), "uri begins with the kind of database"),
        (RIGHT.replace('"database"', '"database"\ndelimiter = ";"'), 'delimiter: for kind = "files" only'),
        (RIGHT.replace('"database"', '"database"\nmode = "append"'), 'mode: for kind = "files" only'),
        (RIGHT.replace('"database"', '"db"'), "[source] kind = 'db': Input should be 'files' or 'database'"),
        (RIGHT.replace('"database"', '"files"'), '[source.database] is for kind = "database"'),
    ],
)
def test_what_does_not_fit_is_told(text: str, told: str) -> None:
    assert told in problem(text)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://reader:hunter2@db.example.com/shop",
        "postgresql://reader:hun@ter2/@db.example.com/shop",
        "postgresql://db.example.com/shop?user=reader&password=hunter2",
    ],
)
def test_a_password_in_the_uri_is_refused_and_not_repeated(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = problem(RIGHT.replace("postgresql://reader@db.example.com/shop", uri))
    monkeypatch.setenv("RESEGMENT__SOURCE__DATABASE__URI", uri)
    both = told + problem(RIGHT)
    assert both.count("uri holds a password; take it out and put it into the environment variable") == 2
    assert "RESEGMENT_SOURCE_PASSWORD" in told
    assert "hun" not in both


def test_no_setting_shows_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "hunter2")
    loaded = load(RIGHT.replace("reader@", "reader:{password}@") + 'password_env = "SHOP_PASSWORD"')
    assert "hunter2" not in str(describe(loaded)) + repr(loaded)


def test_the_example_of_the_docs_is_valid() -> None:
    page = (Path(__file__).parents[2] / "docs" / "databases.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    source = load(example).settings.source
    named = set(re.findall(r"(?m)^\| `(\w+)`(?: or `(\w+)`)? \|", page))
    assert {name for names in named for name in names if name} == set(DatabaseParams.model_fields)
    assert (source.database.table, source.columns.line_id) == ("shop.order_lines", "id")
