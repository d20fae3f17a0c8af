import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import typer

from flows.cli import app
from warehouse.parsing import MALFORMED, REASONS

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_reference", DOCS / "write_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["data-dictionary.md", "configuration.md"])
def test_generated_pages_are_up_to_date(reference: ModuleType, name: str) -> None:
    assert (DOCS / name).read_text() == reference.pages()[name], "run `make docs`"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_docs(command: str) -> None:
    assert any(re.search(rf"resegment {command}\b", page.read_text()) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    spans = re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    assert set(re.findall(r"(?m)(?:^|/)resegment ([a-z]+)", "\n".join(spans))) <= set(COMMANDS)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_on_a_page_exist(page: Path) -> None:
    for command, rest in re.findall(r"resegment ([a-z]+)((?: [^`\n#]*)?)", page.read_text()):
        if command in COMMANDS:
            inner = getattr(COMMANDS[command], "commands", {}).get(rest.split()[0] if rest.split() else "")
            known = {
                name
                for parameter in (inner or COMMANDS[command]).params
                for name in (*parameter.opts, *parameter.secondary_opts)
            } | {"--help"}
            assert set(re.findall(r"(?<= )--[a-z-]+", rest)) <= known, f"resegment {command}{rest}"


def test_engineers_page_lists_every_reason() -> None:
    text = (DOCS / "engineers.md").read_text()
    assert [reason for reason in (*REASONS, MALFORMED) if f"`{reason}`" not in text] == []


def test_examples_of_queries_run_on_a_published_file() -> None:
    """The tables and columns the analysts' queries use are in the contract."""
    import duckdb

    from warehouse.published_file import contract

    connection = duckdb.connect()
    for table, description in contract().items():
        connection.execute(
            f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind, _ in description['columns'])})"
        )
    queries = re.findall(r"```sql\n(.*?)```", (DOCS / "analysts.md").read_text(), re.DOTALL)
    queries += re.findall(r'resegment sql (?:--json )?"([^"]+)"', (REPOSITORY / "README.md").read_text())
    assert len(queries) >= 5
    for query in queries:
        assert connection.execute(query).fetchall() == []


def test_readme_configuration_is_valid(tmp_path: Path) -> None:
    from flows.settings import load_settings

    (example,) = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    (tmp_path / "resegment.toml").write_text(example)
    loaded = load_settings(tmp_path / "resegment.toml").settings
    assert loaded.source.delimiter == ";"


def test_decisions_are_numbered_without_gap_or_twin() -> None:
    pages = sorted((DOCS / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    titles = [page.read_text().split("\n", 1)[0] for page in pages]
    assert [int(re.match(r"# (\d+)\. ", title)[1]) for title in titles] == list(range(1, len(pages) + 1))  # type: ignore[index]
