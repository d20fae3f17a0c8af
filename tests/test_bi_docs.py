"""What docs/bi tells people to type is typed here, on a published shop."""

import os
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import polars
import pytest
from support_clients import environment
from support_disk import let_others_in, without_root_rights
from support_small import AS_OF, Bought, SmallShop, varied

PAGES = Path(__file__).parents[1] / "docs" / "bi"


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in sorted(PAGES.glob("*.md")):
        texts = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        found += [(f"{page.stem}-{number}", text) for number, text in enumerate(texts, start=1)]
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    made = SmallShop(tmp_path_factory.mktemp("bi")).configure("[model]\nk = 3\n[breaker]\nmin_customers = 1000000\n")
    made.deliver("first", varied(40))
    made.night()
    made.deliver("second", [Bought("new", days=-20, price=30)])
    made.night(AS_OF + timedelta(days=30))
    return made


@pytest.mark.parametrize("sql", [pytest.param(text, id=name) for name, text in blocks("sql")])
def test_questions_are_answered(shop: SmallShop, sql: str) -> None:
    with duckdb.connect(shop.serving / "current" / "segments.duckdb", read_only=True) as connection:
        for statement in duckdb.extract_statements(sql):
            assert connection.execute(statement).fetchall()


@pytest.mark.parametrize("code", [pytest.param(text, id=name) for name, text in blocks("python")])
def test_python_runs_as_it_stands(shop: SmallShop, code: str) -> None:
    if "audience.parquet" in code:
        flow("export", "audience.parquet", shop)
    python = environment("duckdb-sqlalchemy", "sqlalchemy<2.1") if "sqlalchemy" in code else Path(sys.executable)
    done = subprocess.run([python, "-c", code], cwd=shop.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lines", [pytest.param(text, id=name) for name, text in blocks("sh")])
def test_commands_run_as_they_stand(shop: SmallShop, lines: str) -> None:
    largest = shop.published("FROM segment_profiles ORDER BY customers DESC")[0]["segment"]
    for line in filter(None, lines.splitlines()):
        words = shlex.split(line.replace("Champions", f'"{largest}"'))
        if words[0] == "duckdb":
            words[0] = str(environment("duckdb-cli").with_name("duckdb"))
        elif words[0] == "resegment":
            words[0:1] = [sys.executable, "-m", "flows.cli"]
            (shop.folder / "reports").mkdir(exist_ok=True)
        else:
            assert words[0] in ("mkdir", "chmod")
        done = subprocess.run(words, cwd=shop.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"


def test_every_page_is_linked() -> None:
    index = (PAGES / "README.md").read_text()
    assert {page.name for page in PAGES.glob("*.md")} - {"README.md"} == set(re.findall(r"\((\w+\.md)\)", index))


def test_flat_files_are_the_published_tables(shop: SmallShop) -> None:
    for kind, read in (("parquet", polars.read_parquet), ("csv", polars.read_csv)):
        folder = shop.folder / f"flat-{kind}"
        flow("flat", str(folder), shop, "--format", kind)
        tables = [row["name"] for row in shop.published("SELECT table_name AS name FROM information_schema.tables")]
        assert {path.name for path in folder.iterdir()} == {f"{name}.{kind}" for name in tables} | {"manifest.json"}
        for name in tables:
            (expected,) = shop.published(f'SELECT count(*) AS n FROM "{name}"')
            columns = [row["column_name"] for row in shop.published(f'DESCRIBE "{name}"')]
            found = read(folder / f"{name}.{kind}")
            assert (found.height, found.columns) == (expected["n"], columns)
    money = polars.read_parquet(shop.folder / "flat-parquet" / "customer_segments.parquet")["monetary"]
    assert money.dtype == polars.Decimal(18, 4)


def test_flat_files_may_be_read_by_other_accounts_unless_the_folder_keeps_them_out(
    shop: SmallShop, tmp_path: Path
) -> None:
    """As the published file, and whatever the umask; an audience is its owner's only."""
    let_others_in(tmp_path)
    (tmp_path / "closed").mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        for folder in ("made/open", "closed"):
            flow("flat", str(tmp_path / folder), shop)
        flow("export", str(tmp_path / "audience.csv"), shop)
    finally:
        os.umask(before)
    published = (shop.serving / "current" / "segments.duckdb").stat().st_mode & 0o444
    files = [*(tmp_path / "made" / "open").iterdir()]
    assert {file.stat().st_mode & 0o444 for file in files} == {published}
    assert (tmp_path / "closed").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "audience.csv").stat().st_mode & 0o777 == 0o600
    if os.geteuid() == 0:
        with without_root_rights():
            assert all(file.read_bytes() for file in files)
            with pytest.raises(PermissionError):
                (tmp_path / "closed" / "manifest.json").read_bytes()
            with pytest.raises(PermissionError):
                (tmp_path / "audience.csv").read_bytes()


def flow(command: str, target: str, shop: SmallShop, *more: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", command, target, *more], cwd=shop.folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
