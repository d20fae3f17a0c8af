"""The report of a made-up shop in a real browser: all pictures drawn, nothing asked of a network, all of it legible."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Browser, Page
from support_hostile import hostile
from support_reports import figures_of, months_of_a_shop, report_of, words_of

from dashboard.page import html
from dashboard.published import Published, read_published
from dashboard.report import page_of
from dashboard.wording import Money
from warehouse import reading

LOOKING = Path(__file__).with_name("looking.js").read_text()
FIGURES = {
    "movements", "migration", "sizes", "shares", "origins", "centres", "rfm", "scored", "space", "components",
    "neighbours", "cohorts", "kpis", "months", "seasons", "orders", "countries", "bestsellers", "affinity", "search",
}  # fmt: skip


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")
        return months_of_a_shop(tmp_path_factory.mktemp("months"))


@pytest.fixture(scope="module")
def file(serving: Path) -> Path:
    written = serving.parent / "report.html"
    written.write_text(report_of(serving), encoding="utf-8")
    return written


@contextmanager
def opened(browser: Browser, file: Path, *, dark: bool = False) -> Iterator[tuple[Page, list[str]]]:
    """The page with all pictures drawn, and what it asked for or complained about."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="dark" if dark else "light", offline=True
    )
    page, trouble = context.new_page(), list[str]()

    def ask(url: str) -> None:
        if url != file.as_uri() and not url.startswith(("data:", "blob:")):
            trouble.append(url)

    page.on("request", lambda request: ask(request.url))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda line: trouble.append(line.text) if line.type == "error" else None)
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-drawn=yes]", timeout=120_000)
    yield page, trouble
    context.close()


def looked(page: Page, what: str) -> Any:
    return page.evaluate(f"() => {LOOKING[LOOKING.index('(()') :].rstrip().removesuffix(';')}.{what}")


def all_drawn(page: Page) -> bool:
    drawn = looked(page, "marks()")
    return set(drawn) == FIGURES and all(drawn.values())


def test_by_day_all_is_drawn_legible_and_reached_by_the_keyboard(browser: Browser, file: Path) -> None:
    with opened(browser, file) as (page, trouble):
        assert all_drawn(page)
        assert looked(page, "faint()") == []
        assert looked(page, "cells()") == ["rgb(20, 24, 29)"]
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#changes"
        page.locator("#movements summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#movements table").is_visible()
        page.set_viewport_size({"width": 400, "height": 900})  # a phone
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert trouble == []


def test_by_night_and_on_paper_nothing_is_cut_and_all_is_legible(browser: Browser, file: Path) -> None:
    with opened(browser, file, dark=True) as (page, trouble):
        assert all_drawn(page)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert looked(page, "faint()") == []
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": 680, "height": 1000})
        assert looked(page, "sticking(680)") == []
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert looked(page, "faint()") == []
        scene = page.locator("#space img.printed")
        assert scene.is_visible()
        assert scene.evaluate("image => image.naturalWidth") >= 900
        assert not page.locator("#space .scene").is_visible()
        assert trouble == []


def test_what_cannot_be_read_or_sticks_out_is_found(browser: Browser, file: Path) -> None:
    """The measures the tests above rest on see what they are to see."""
    page = browser.new_page(viewport={"width": 500, "height": 500})
    page.set_content('<p style="color:#999;width:900px">faint and wide</p><figure id="none"><svg></svg></figure>')
    assert looked(page, "faint()") == ["faint and wide: 2.85"]
    assert looked(page, "sticking(500)") == ["P faint and wide"]
    assert looked(page, "marks()") == {"none": 0}
    page.close()


def test_pictures_show_the_published_numbers(serving: Path, file: Path) -> None:
    figures = {name: json.loads(text)["data"] for name, text in figures_of(file.read_text(encoding="utf-8")).items()}

    def column(sql: str) -> list[Any]:
        return [float(row[0]) for row in reading.query(serving, sql)[1]]

    assert figures["months"][0]["y"] == column("SELECT sales FROM sales_monthly ORDER BY month")
    by_key = "FROM segment_profiles ORDER BY segment_key"
    assert [panel["x"] for panel in figures["sizes"]] == [
        column(f"SELECT share {by_key}"),
        column(f"SELECT revenue_share {by_key}"),
    ]
    assert [row[0] for row in reading.query(serving, f"SELECT colour {by_key}")[1]] == figures["sizes"][0]["marker"][
        "color"
    ]
    moved = "FROM segment_movements WHERE version_id = (SELECT max(version_id) FROM segment_movements)"
    assert sum(figures["movements"][0]["link"]["value"]) == column(f"SELECT sum(customers) {moved}")[0]
    cells = column(
        "SELECT retention FROM cohort_retention WHERE months_since > 0 AND NOT is_partial ORDER BY cohort, months_since"
    )
    assert [cell for row in figures["cohorts"][0]["z"] for cell in row if cell is not None] == cells
    medians = column("SELECT median_monetary FROM rfm_heatmap WHERE customers > 0 ORDER BY r_score, f_score")
    assert [cell for row in figures["rfm"][0]["z"] for cell in row if cell is not None] == medians
    best = column("SELECT sales FROM top_products ORDER BY rank LIMIT 15")
    assert figures["bestsellers"][0]["x"] == best
    points = column("SELECT count(*) FROM segment_map")[0]
    assert sum(len(trace["x"]) for trace in figures["space"]) == points


def poisoned(published: Published, texts: list[str]) -> tuple[Published, int]:
    """The tables with hostile texts wherever a shop or a person writes, and how many of the texts came in."""
    free = {
        "segment", "from_segment", "to_segment", "country", "description", "product", "profile", "actions",
        "top_countries",
        "rfm_segment", "held_reasons", "trigger", "meaning", "observed", "expected", "reason", "top_group",
    }  # fmt: skip
    renamed: dict[str, str] = {}

    def changed(frame: pl.DataFrame) -> pl.DataFrame:
        for column in sorted(free & set(frame.columns)):
            for value in frame[column].unique(maintain_order=True):
                if value is not None:
                    renamed.setdefault(value, texts[len(renamed) % len(texts)])
            frame = frame.with_columns(pl.col(column).replace_strict(renamed, default=None, return_dtype=pl.String))
        return frame

    tables = {name: changed(frame) for name, frame in published.tables.items()}
    return replace(published, tables=tables), len(renamed)


def test_hostile_texts_are_shown_and_do_nothing(browser: Browser, serving: Path) -> None:
    texts, taken = hostile(), 0
    assert len(texts) == 1_000
    while taken < len(texts):
        published, used = poisoned(read_published(reading.current_file(serving)), texts[taken:])
        assert used >= 300
        taken += used
        text = html(page_of(published, Money("£")))
        shown = words_of(text)
        assert "<script>alert(1)</script>" in shown
        assert not {"\u202e", "\x00", "\x1b"} & set(shown)
    written = serving.parent / "hostile.html"
    written.write_text(text, encoding="utf-8")
    with opened(browser, written) as (page, trouble):
        assert trouble == []
        alive = "figure a, figure img:not(.printed), main script:not([type]), main [onload], main [onerror]"
        assert page.locator(alive).count() == 0
        assert set(looked(page, "marks()")) == FIGURES
