"""What the page for analysts says is shown is shown: in the report, on the page of the dashboard, and in the table."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from support_reports import figures_of, months_of_a_shop, report_of, words_of

from warehouse import reading
from warehouse.published_file import contract

DOCS = Path(__file__).parents[2] / "docs" / "analysts.md"
_PAGE = """
import importlib
from pathlib import Path
from dashboard.app.view import choose
from dashboard.wording import Money

importlib.import_module("dashboard.app." + {page!r}).page(choose(Path({serving!r}), Money("£")))
"""
_NOTHING = "names no customer"


def listed() -> list[tuple[str, str, str, str]]:
    """Rows of the list: what, where in the report, where in the dashboard, and tables."""
    section = DOCS.read_text(encoding="utf-8").split("### What the notebooks show")[1].split("\n\n")[2]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in section.splitlines()[2:]]
    assert len(rows) >= 17
    return rows  # type: ignore[return-value]


def places(cell: str) -> tuple[set[str], set[str]]:
    """Pictures and wordings of a cell."""
    pictures = set(re.findall(r"`(\w+)`", cell))
    words = {part.strip() for part in re.split(r"[;,]", cell) if "`" not in part}
    return pictures, words - {"", _NOTHING}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")
        return months_of_a_shop(tmp_path_factory.mktemp("gallery"))


def test_the_report_has_every_picture_and_table_of_the_list(serving: Path) -> None:
    page = report_of(serving)
    pictures, words = set(figures_of(page)), words_of(page)
    for what, cell, _, _ in listed():
        named, told = places(cell)
        assert named <= pictures, what
        assert all(one in words for one in told), what
        assert named or told or cell == _NOTHING, what


def test_the_dashboard_has_every_picture_and_table_of_the_list(serving: Path) -> None:
    shown: dict[str, tuple[set[str], str]] = {}
    for what, _, cell, _ in listed():
        for part in cell.split(";"):
            page, _, rest = part.strip().partition(": ")
            if page not in shown:
                shown[page] = looked_at(serving, page)
            named, told = places(rest)
            assert named <= shown[page][0], what
            assert all(one in shown[page][1] for one in told), what
            assert named or told, what


def test_the_tables_of_the_list_have_rows(serving: Path) -> None:
    for what, _, _, cell in listed():
        tables, _ = places(cell)
        assert tables, what
        assert tables <= set(contract()), what
        for table in tables:
            assert reading.query(serving, f"SELECT count(*) FROM {table}")[1][0][0] > 0, table


def looked_at(serving: Path, page: str) -> tuple[set[str], str]:
    """Pictures of a page by name, and all it says outside of them."""
    source = _PAGE.format(page=page.lower(), serving=str(serving))
    app = AppTest.from_string(source, default_timeout=240).run()
    assert not app.exception
    pictures = {element.proto.id.rpartition("-")[2] for element in app.get("plotly_chart")}
    texts = [str(one.value) for kind in (app.markdown, app.caption, app.subheader) for one in kind]
    texts += [" ".join(frame.value.columns) for frame in app.dataframe]
    return pictures, "\n".join(texts)
