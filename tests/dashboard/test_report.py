import json
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from support_reports import figures_of, report_of, without_scripts, words_of
from support_small import AS_OF, Bought, SmallShop, varied

from dashboard.page import html
from dashboard.published import read_published
from dashboard.report import page_of
from dashboard.wording import Money
from warehouse import reading

SECTIONS = ("changes", "segments", "likeness", "returning", "business", "products", "choice", "quality", "making")
MODEL = "[model]\nk = 3\n[breaker]\nmin_customers = 1000000\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """Two nights, three weeks apart; in the second some have come back and three are new."""
    shop = SmallShop(tmp_path_factory.mktemp("report") / "shop").configure(MODEL)
    shop.deliver("first", varied(60))
    shop.night()
    back = [Bought(f"c{number}", days=-15, price=900) for number in range(40, 52)]
    shop.deliver("second", [*back, *(Bought(f"new{number}", days=-18, price=40) for number in range(3))])
    shop.night(AS_OF + timedelta(days=21))
    return shop


@pytest.fixture(scope="module")
def page(shop: SmallShop) -> str:
    return report_of(shop.serving)


def test_every_section_is_there_and_in_the_contents(page: str) -> None:
    assert re.findall(r'<section id="([^"]+)"', page) == list(SECTIONS)
    assert re.findall(r'<li><a href="#([^"]+)"', page) == list(SECTIONS)


def test_nothing_is_asked_of_a_network(page: str) -> None:
    assert "default-src 'none'" in page
    markup = without_scripts(page)
    assert re.findall(r'(?:src|href|action|data|srcset|poster)="(?!#)([^"]*)"', markup) == []
    assert "url(" not in re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]


def test_no_customer_is_named(shop: SmallShop, page: str) -> None:
    ids = {row["customer_id"] for row in shop.published("SELECT customer_id FROM customer_segments")}
    assert len(ids) == 63
    own = [words_of(page), *figures_of(page).values()]
    assert [one for one in ids if any(re.search(rf"\b{one}\b", text) for text in own)] == []


def test_the_page_is_small_and_its_figures_are_json(page: str) -> None:
    assert len(page.encode()) < 6_000_000
    figures = figures_of(page)
    assert set(figures) >= {"movements", "sizes"}
    assert all(json.loads(figure)["data"] for figure in figures.values())


def test_headings_go_down_one_level_at_a_time_and_pictures_have_a_text(page: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(re.findall(r'role="img" aria-label="[^"]{15,}"', page)) == len(figures_of(page))
    assert '<html lang="en">' in page


def test_movements_are_told_with_their_money(shop: SmallShop, page: str) -> None:
    moves = shop.published("FROM segment_movements WHERE version_id = 2")
    entered = [move for move in moves if move["from_segment"] is None]
    assert sum(move["customers"] for move in entered) == 3
    words = words_of(page)
    assert "3 customers with £120 came in." in words
    assert "Compared with version 1 as of 1 March 2011." in words
    (sankey,) = json.loads(figures_of(page)["movements"])["data"]
    assert sum(sankey["link"]["value"]) == sum(move["customers"] for move in moves)


def test_the_tables_say_what_is_published(shop: SmallShop, page: str) -> None:
    words = words_of(page)
    for row in shop.published("FROM segment_profiles"):
        assert f"{row['segment']} {row['customers']:,} " in words
        for action in row["actions"].split(";"):
            assert action.strip() in words


def test_a_first_version_has_nothing_to_compare_with(shop: SmallShop) -> None:
    page = report_of(shop.serving, 1)
    assert "This is the first published version" in words_of(page)
    assert "movements" not in figures_of(page)


def test_one_segment_is_said_in_words(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path / "shop").configure("[model]\nk = 1\n")
    shop.deliver("first", [Bought("alone")])
    shop.night()
    page = report_of(shop.serving)
    assert "There is one segment only" in words_of(page)
    assert "nan" not in words_of(page).lower().split()


def test_a_night_in_which_nobody_moved(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path / "shop").configure("[model]\nk = 1\n")
    shop.deliver("first", varied(5))
    shop.night()
    shop.night(AS_OF + timedelta(days=1))
    page = report_of(shop.serving)
    assert "No customer changed segment, came or left." in words_of(page)
    assert "movements" not in figures_of(page)


def test_without_a_currency_sums_are_plain_numbers(shop: SmallShop) -> None:
    assert "3 customers with 120 came in." in words_of(report_of(shop.serving, currency=""))
    assert "3 customers with 120 EUR came in." in words_of(report_of(shop.serving, currency="EUR"))


def test_a_file_of_an_older_release_is_rendered_with_a_sentence_for_what_it_lacks(shop: SmallShop) -> None:
    published = read_published(reading.current_file(shop.serving))
    old = {"segment_profiles", "segment_movements", "segment_versions", "k_search", "data_quality", "rfm_crosstab"}
    old |= {"segment_lineage", "version_quality"}
    extended = {"orders", "repeat_rate", "active_30_days", "active_90_days", "return_rate", "top_countries"}
    tables = {name: published.tables[name] for name in old}
    tables["segment_profiles"] = tables["segment_profiles"].drop(extended)
    page = html(page_of(replace(published, tables=tables), Money()))
    assert re.findall(r'<section id="([^"]+)"', page) == list(SECTIONS)
    assert words_of(page).count("published by an older release, which kept no") == 14
    assert {"movements", "sizes", "centres"} <= set(figures_of(page))


def test_a_version_that_was_held_says_so(shop: SmallShop) -> None:
    published = read_published(reading.current_file(shop.serving))
    held = published.tables["segment_versions"].with_columns(held_reasons=pl.lit("half of a segment moved"))
    page = html(page_of(replace(published, tables={**published.tables, "segment_versions": held}), Money()))
    assert "It was held because: half of a segment moved" in words_of(page)


def test_a_segment_without_customers_and_money_does_no_harm(shop: SmallShop) -> None:
    published = read_published(reading.current_file(shop.serving))
    profiles = published.tables["segment_profiles"]
    figures = [name for name, kind in profiles.schema.items() if kind == pl.Float64 and name != "share"]
    first = pl.col("segment_key") == profiles["segment_key"].min()
    emptied = profiles.with_columns(
        pl.when(first).then(None).otherwise(pl.col(name)).alias(name) for name in figures
    ).with_columns(
        customers=pl.when(first).then(0).otherwise(pl.col("customers")), revenue_share=pl.lit(None, pl.Float64)
    )
    text = html(page_of(replace(published, tables={**published.tables, "segment_profiles": emptied}), Money("£")))
    words = words_of(text)
    assert "Days since last order – Orders – Spent in all –" in words
    assert not {"None", "nan", "NaN", "inf"} & set(words.split())
