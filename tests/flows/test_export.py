"""Audiences as files: who is in them, what a spreadsheet makes of them, and what a condition can reach."""

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import polars
import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.support_small import AS_OF, Bought, SmallShop, varied
from warehouse.audience import Audience, AudienceError, export, pick
from warehouse.errors import NothingPublishedError

_FORMULAS = ("=1+1", "+cmd", "-5", "@SUM(A1)", "\uff1dA1")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """Two versions: in the second, customers came and the recent ones of the first bought nothing more."""
    made = SmallShop(tmp_path_factory.mktemp("export")).configure(
        "[model]\nk = 3\n[breaker]\nmin_customers = 1000000\n"
    )
    evil = [Bought(name, days=3 + number, price=40) for number, name in enumerate(_FORMULAS)]
    made.deliver("first", varied(40) + evil)
    made.night()
    made.deliver("second", [Bought(f"new{number}", days=-20, price=30 + number) for number in range(6)])
    made.night(AS_OF + timedelta(days=30))
    return made


def run(shop: SmallShop, *arguments: str) -> dict:
    result = CliRunner().invoke(app, ["export", *arguments, "--config", str(shop.config), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_segment_with_a_condition_is_what_the_published_table_says(shop: SmallShop, tmp_path: Path) -> None:
    (largest,) = shop.published("FROM segment_profiles ORDER BY customers DESC LIMIT 1")
    file = tmp_path / "audience.csv"
    manifest = run(
        shop, str(file), "--segment", largest["segment"].upper(), "--where", "recency_days > 33 -- and no more",
        "--columns", "customer_id, monetary,first_purchase_day",
    )  # fmt: skip
    expected = shop.published(
        f"SELECT customer_id, monetary, first_purchase_day FROM customer_segments "
        f"WHERE segment_key = {largest['segment_key']} AND recency_days > 33 "
        "AND customer_id NOT SIMILAR TO '[-=+@\uff1d].*' "
        "ORDER BY customer_id"
    )
    found = polars.read_csv(file, schema_overrides={"customer_id": polars.String, "monetary": polars.Decimal(18, 4)})
    kept = found.filter(~polars.col("customer_id").str.starts_with("'"))
    assert expected
    assert [tuple(map(str, row)) for row in kept.rows()] == [tuple(map(str, row.values())) for row in expected]
    assert manifest["rows"] == found.height
    assert manifest["version_id"] == 2
    assert manifest["as_of"] == str(AS_OF + timedelta(days=30))


def test_the_manifest_tells_what_the_file_is(shop: SmallShop, tmp_path: Path) -> None:
    file = tmp_path / "all.parquet"
    run(shop, str(file))
    manifest = json.loads((tmp_path / "all.parquet.manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (
        manifest["rows"]
        == polars.read_parquet(file).height
        == shop.published("SELECT count(*) AS n FROM customer_segments")[0]["n"]
    )
    assert manifest["columns"] == polars.read_parquet(file).columns
    assert (manifest["segments"], manifest["where"], manifest["changed_since"]) == ([], None, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.parquet", "all.parquet.manifest.json"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_texts_that_would_run_as_formulas_are_neutralised_in_csv_only(shop: SmallShop, tmp_path: Path) -> None:
    csv, parquet = tmp_path / "all.csv", tmp_path / "all.parquet"
    columns = ["--columns", "customer_id,monetary,return_rate"]
    manifest = run(shop, str(csv), *columns)
    run(shop, str(parquet), *columns)
    ids = set(polars.read_csv(csv, infer_schema=False)["customer_id"])
    assert {"'" + text for text in _FORMULAS} <= ids
    assert not ids & set(_FORMULAS)
    assert manifest["neutralised_texts"] == {"customer_id": len(_FORMULAS)}
    assert set(polars.read_parquet(parquet)["customer_id"]) >= set(_FORMULAS)
    numbers = polars.read_csv(csv)
    assert numbers.schema["monetary"] == polars.Float64  # no apostrophe among the numbers


def test_entries_and_exits_add_up(shop: SmallShop) -> None:
    """Who was in the audience then, plus who entered, less who left, is who is in it now."""
    for where in ("", "recency_days < 40", "frequency > 1"):
        for segment in shop.published("SELECT segment FROM segment_profiles"):
            asked = Audience((segment["segment"],), where, ("customer_id",))
            then = pick(shop.serving, Audience(asked.segments, where, ("customer_id",), version=1)).rows["customer_id"]
            now = pick(shop.serving, asked).rows["customer_id"]
            since = Audience(asked.segments, where, ("customer_id",), changed_since=1)
            changed = pick(shop.serving, since).rows
            entered = set(changed.filter(polars.col("change") == "entered")["customer_id"])
            left = set(changed.filter(polars.col("change") == "left")["customer_id"])
            assert set(now) == (set(then) | entered) - left
            assert not entered & set(then)
            assert left <= set(then)


def test_who_left_comes_with_the_values_of_today(shop: SmallShop) -> None:
    columns = ("customer_id", "recency_days")
    changed = pick(shop.serving, Audience((), "recency_days < 10", columns, changed_since=1)).rows
    left = changed.filter(polars.col("change") == "left")
    assert left.height > 0
    assert left["recency_days"].min() > 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--segment", "Champs"], "no segment 'Champs'"),
        (["--columns", "customer_id,montary"], "did you mean monetary"),
        (["--where", "recency_days <"], "cannot be read"),
        (["--where", "true; DROP TABLE x"], "cannot be read"),
        (["--where", "true), (false"], "one expression"),
        (["--where", "no_such > 1"], "cannot be used"),
        (["--where", "customer_id IN (SELECT column0 FROM read_csv('/etc/passwd', delim=':'))"], "cannot be used"),
        (["--where", "(SELECT count(*) FROM glob('/*')) > 0"], "cannot be used"),
        (["--version", "77"], "Version 77 is not in"),
        (["--changed-since", "77"], "Version 77 is not in"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_no_file(
    shop: SmallShop, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = CliRunner().invoke(app, ["export", str(tmp_path / "a.csv"), *arguments, "--config", str(shop.config)])
    assert result.exit_code == 1
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_brackets_in_a_condition_cannot_widen_the_segment(shop: SmallShop) -> None:
    (smallest,) = shop.published("FROM segment_profiles WHERE customers > 0 ORDER BY customers LIMIT 1")
    found = pick(shop.serving, Audience((smallest["segment"],), "false) OR (true", ("customer_id",))).rows
    assert found.height == smallest["customers"]


def test_a_file_that_cannot_be_written_leaves_the_former_one(shop: SmallShop, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    export(shop.serving, Audience(columns=("customer_id",)), file, "csv", made_by="test")
    before = file.read_bytes()
    with pytest.raises(AudienceError):
        export(shop.serving, Audience(where="nonsense +"), file, "csv", made_by="test")
    assert file.read_bytes() == before
    missing = CliRunner().invoke(app, ["export", str(tmp_path / "no" / "a.csv"), "--config", str(shop.config)])
    assert missing.exit_code == 1
    assert f"cannot be written: {tmp_path / 'no' / 'a.csv'}: no such file" in missing.stderr
    unknown = CliRunner().invoke(app, ["export", str(tmp_path / "a.txt"), "--config", str(shop.config)])
    assert unknown.exit_code == 2
    assert "--format" in unknown.stderr


def test_nothing_published(tmp_path: Path) -> None:
    with pytest.raises(NothingPublishedError):
        pick(tmp_path, Audience())


def test_readers_and_exports_do_not_disturb_each_other(shop: SmallShop, tmp_path: Path) -> None:
    """A dashboard in the same process holds a version open, another process as well."""
    file = shop.serving / "current" / "segments.duckdb"
    held = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({str(file)!r}, read_only=True); print(1); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert held.stdout is not None
    held.stdout.readline()
    with duckdb.connect(file.resolve(), read_only=True) as open_here:
        export(shop.serving, Audience(changed_since=1), tmp_path / "a.csv", "csv", made_by="test")
        assert open_here.execute("SELECT count(*) FROM customer_segments").fetchone() != (0,)
    held.communicate(b"\n", timeout=30)
    assert held.returncode == 0
