"""A thousand hostile texts as customers, products, countries and segments: shown and exported as the texts they are."""

import csv
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from flows.cli import app
from tests.support_hostile import hostile, hostile_shop
from tests.support_small import SmallShop

_PAGE = """
import importlib
from pathlib import Path
from dashboard.app.view import choose
from dashboard.wording import Money

importlib.import_module("dashboard.app." + {page!r}).page(choose(Path({serving!r}), Money("£")))
"""
_PAGES = ("overview", "segments", "sales", "comparison", "customers", "audiences", "quality")
_ALIVE = {"image", "link_open", "html_inline", "html_block", "heading_open", "table_open", "s_open"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    return hostile_shop(tmp_path_factory.mktemp("hostile"))


def opened(shop: SmallShop, page: str) -> AppTest:
    shown = AppTest.from_string(_PAGE.format(page=page, serving=str(shop.serving)), default_timeout=240).run()
    assert not shown.exception
    return shown


def markdown(shown: AppTest) -> list[str]:
    kinds = (shown.title, shown.header, shown.subheader, shown.markdown, shown.caption)
    notices = (shown.info, shown.warning, shown.error, shown.success)
    return [str(one.value) for kind in (*kinds, *notices) for one in kind if not str(one.value).startswith("<style>")]


def alive(text: str) -> set[str]:
    """What Markdown would make of a text beside words."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    every = [inner for token in tokens for inner in (token, *(token.children or ()))]
    return {token.type for token in every} & _ALIVE


def test_what_markdown_would_make_of_them_is_noticed() -> None:
    assert alive("![x](https://evil.example/x.png)") == {"image"}
    assert alive("<img src=x onerror=alert(1)>")


def test_every_one_is_a_customer_a_product_and_a_country(shop: SmallShop) -> None:
    texts = set(hostile())
    assert len(texts) == 1_000
    for sql in (
        "SELECT customer_id AS text FROM customer_segments",
        "SELECT country AS text FROM sales_by_country",
        "SELECT description AS text FROM top_products",
        "SELECT product AS text FROM product_affinity",
    ):
        assert {row["text"] for row in shop.published(sql)} == texts


@pytest.mark.parametrize("page", _PAGES)
def test_pages_show_them_as_texts(shop: SmallShop, page: str) -> None:
    shown = opened(shop, page)
    assert [text for text in markdown(shown) if alive(text)] == []
    if page == "customers":
        for asked in hostile()[: len(hostile()) // 40]:
            shown.text_input[0].set_value(asked).run()
            assert not shown.exception
            told = markdown(shown)
            assert [text for text in told if alive(text)] == []
            controls = {one for text in told for one in text if unicodedata.category(one) in ("Cc", "Cf")}
            assert controls <= {"\n", "\u2060"}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_exports_hold_them_unchanged_and_no_formula(shop: SmallShop, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"everybody.{kind}"
    result = CliRunner().invoke(app, ["export", str(file), "--config", str(shop.config)])
    assert result.exit_code == 0, result.output
    assert sorted(column(file, "customer_id")) == sorted(as_written(hostile(), kind))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_flat_files_hold_them_unchanged_and_no_formula(shop: SmallShop, tmp_path: Path, kind: str) -> None:
    result = CliRunner().invoke(app, ["flat", str(tmp_path), "--format", kind, "--config", str(shop.config)])
    assert result.exit_code == 0, result.output
    for table, name in (("customer_segments", "customer_id"), ("sales_by_country", "country"),
                        ("top_products", "description")):  # fmt: skip
        assert sorted(column(tmp_path / f"{table}.{kind}", name)) == sorted(as_written(hostile(), kind))


def as_written(texts: list[str], kind: str) -> list[str]:
    """In CSV a text that a spreadsheet would run has an apostrophe in front."""
    formulas = ("=", "+", "-", "@", "\t", "\r", "\n")
    return ["'" + text if kind == "csv" and text.startswith(formulas) else text for text in texts]


def column(file: Path, name: str) -> list[str]:
    if file.suffix == ".parquet":
        return pl.read_parquet(file)[name].to_list()
    with file.open(newline="", encoding="utf-8") as text:
        return [row[name] for row in csv.DictReader(text)]
