import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("flows", "tasks", "dashboard", "segmentation", "warehouse", "expectations")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_arrows_between_the_rooms_hold() -> None:
    result = lint_imports(REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("segmentation", "duckdb"),
        ("segmentation", "pathlib"),
        ("segmentation", "time"),
        ("segmentation", "warehouse.errors"),
        ("warehouse", "prefect"),
        ("warehouse", "segmentation.params"),
        ("warehouse", "tasks"),
        ("expectations", "duckdb"),
        ("expectations", "warehouse.params"),
        ("tasks", "duckdb"),
        ("tasks", "great_expectations"),
        ("tasks", "flows.settings"),
        ("dashboard", "warehouse.params"),
        ("dashboard", "segmentation.params"),
        ("flows", "warehouse.store"),
        ("flows", "dashboard"),
    ],
)
def test_forbidden_import_inside_a_function_is_found(module: str, imported: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / module / "planted.py").write_text(f"def late() -> None:\n    import {imported}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{module}.planted -> {imported}" in result.stdout


def test_lock_names_no_index_and_no_host() -> None:
    lock = "".join(file.read_text() for file in REPOSITORY.glob("requirements*.lock"))
    assert re.findall(r"\w+://|--(?:extra-)?index-url|--find-links|\bpypi\b| @ ", lock) == []


def test_lock_has_every_dependency_with_hashes() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    apart = extras.pop("spark")
    usual = [line for extra in extras.values() for line in extra]
    usual += [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for name, wanted in {"requirements.lock": usual, "requirements-spark.lock": apart}.items():
        lock = (REPOSITORY / name).read_text()
        entries = re.findall(r"(?m)^([a-z0-9-]+)==\S+(?: ;[^\\]*)? \\\n    --hash=sha256:", lock)
        assert len(entries) == len(re.findall(r"(?m)^[a-z0-9]", lock))
        assert {re.split(r"[<>=;\[ ]", line)[0] for line in wanted} <= set(entries)


def test_first_screen_of_the_readme_has_exactly_two_commands() -> None:
    first_screen = "\n".join((REPOSITORY / "README.md").read_text().splitlines()[:25])
    (block,) = re.findall(r"```sh\n(.*?)```", first_screen, re.DOTALL)
    commands = [line.partition("#")[0].strip() for line in block.splitlines()]
    assert commands == ["make demo", "make test"]


def test_every_target_the_readme_names_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)", (REPOSITORY / "README.md").read_text()))
    targets = set(re.findall(r"(?m)^([a-z]+):", (REPOSITORY / "Makefile").read_text()))
    assert {"setup", "demo", "test"} <= named <= targets


def test_prefect_reads_no_analytics_from_prefect_toml() -> None:
    code = (
        "from prefect.settings import get_current_settings as get; server = get().server;"
        "print(server.analytics_enabled, server.ephemeral.startup_timeout_seconds)"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DO_NOT_TRACK"))}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=REPOSITORY, env=plain, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "120"]
