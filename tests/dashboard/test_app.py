"""The dashboard's pages, driven as a visitor would, on two versions of a small shop."""

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard.app.view
from tests.support_small import AS_OF, Bought, SmallShop, varied

LATER = AS_OF + timedelta(days=30)
_PAGE = """
import importlib
from pathlib import Path
from dashboard.app.view import choose
from dashboard.wording import Money

importlib.import_module("dashboard.app." + {page!r}).page(choose(Path({serving!r}), Money("£")))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    settings = "[model]\nk = 3\n[breaker]\nmin_customers = 1000000\n"
    made = SmallShop(tmp_path_factory.mktemp("dashboard")).configure(settings)
    made.deliver("first", [*varied(40), Bought("*evil* <b>", days=2, price=33)])
    made.night()
    made.deliver("second", [Bought(f"new{number}", days=-20, price=30 + number) for number in range(6)])
    made.night(LATER)
    return made


def page(shop: SmallShop, name: str) -> AppTest:
    shown = AppTest.from_string(_PAGE.format(page=name, serving=str(shop.serving)), default_timeout=120).run()
    assert not shown.exception
    return shown


def texts(shown: AppTest) -> str:
    kinds = (shown.title, shown.subheader, shown.markdown, shown.caption, shown.info, shown.warning, shown.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def frame_with(shown: AppTest, column: str):
    return next(found.value for found in shown.dataframe if column in found.value.columns)


def test_overview_tells_what_is_published(shop: SmallShop) -> None:
    shown = page(shop, "overview")
    (version,) = shop.published("FROM segment_versions WHERE version_id = 2")
    figures = {metric.label: metric.value for metric in shown.metric}
    assert "31 March 2011" in shown.title[0].value
    assert figures["Customers"] == f"{version['customers']:,}"
    assert figures["Moved"] == f"{version['moved']:,}"
    profiles = {row["segment"]: row["customers"] for row in shop.published("FROM segment_profiles")}
    table = frame_with(shown, "actions")
    assert dict(zip(table["segment"], table["customers"], strict=True)) == profiles
    assert len(shown.get("plotly_chart")) == 3  # sizes, movements, history


def test_filters_leave_only_what_was_asked_for(shop: SmallShop) -> None:
    shown = page(shop, "overview")
    key = shop.published("FROM segment_profiles ORDER BY customers DESC")[0]
    shown.multiselect[1].select(key["segment_key"]).run()
    assert list(frame_with(shown, "actions")["segment"]) == [key["segment"]]
    assert {metric.label: metric.value for metric in shown.metric}["Customers"] == f"{key['customers']:,}"
    shown.number_input[0].set_value(key["customers"] + 0).run()
    assert list(frame_with(shown, "actions")["segment"]) == [key["segment"]]


def test_an_older_version_says_that_it_is_not_the_current_one(shop: SmallShop) -> None:
    shown = page(shop, "overview")
    shown.selectbox[0].select(1).run()
    assert "1 March 2011" in shown.title[0].value
    assert "readers see version 2" in texts(shown)


@pytest.mark.parametrize("name", ["segments", "sales", "comparison", "quality"])
def test_pages_show_pictures_and_tables(shop: SmallShop, name: str) -> None:
    shown = page(shop, name)
    assert len(shown.get("plotly_chart")) + len(shown.dataframe) >= 3
    assert shown.title[0].value


def test_comparison_counts_every_customer_once(shop: SmallShop) -> None:
    shown = page(shop, "comparison")
    sizes = frame_with(shown, "change")
    for column, version in (("customers", 1), ("customers_later", 2)):
        (row,) = shop.published("SELECT count(*) AS customers FROM customer_segments", version)
        assert sizes[column].sum() == row["customers"]


def test_a_customer_is_found_and_explained(shop: SmallShop) -> None:
    shown = page(shop, "customers")
    assert "Type an id" in texts(shown)
    shown.text_input[0].set_value("c7").run()
    (row,) = shop.published(
        "FROM customer_segments JOIN customer_segments_in_words USING (customer_id) WHERE customer_id = 'c7'"
    )
    assert f"c7: {row['segment']}" in texts(shown)
    assert row["why"] in texts(shown)
    stays = shop.published("FROM customer_segments_history WHERE customer_id = 'c7' ORDER BY valid_from")
    assert list(frame_with(shown, "valid_from")["segment"]) == [stay["segment"] for stay in stays]
    shown.text_input[0].set_value("new").run()
    assert next(box for box in shown.selectbox if box.label == "Which one").options == [
        f"new{number}" for number in range(6)
    ]
    shown.text_input[0].set_value("nobody").run()
    assert "No customer" in texts(shown)


def test_texts_of_the_shop_are_shown_as_they_are(shop: SmallShop) -> None:
    shown = page(shop, "customers")
    shown.text_input[0].set_value("*evil*").run()
    assert not shown.exception
    assert r"\*evil\* \<b\>" in shown.subheader[0].value


def test_an_audience_is_previewed_and_refused_in_words(shop: SmallShop) -> None:
    shown = page(shop, "audiences")
    everybody = shop.published("SELECT count(*) AS n FROM customer_segments")[0]["n"]
    assert f"{everybody:,} customers" in texts(shown)
    shown.text_input[0].set_value("recency_days < 40").run()
    some = shop.published("SELECT count(*) AS n FROM customer_segments WHERE recency_days < 40")[0]["n"]
    assert f"**{some:,} customers**" in texts(shown)
    shown.text_input[0].set_value("customer_id IN (SELECT content FROM read_text('/etc/passwd'))").run()
    assert "cannot be used" in texts(shown)
    assert len(shown.dataframe) == 0


def test_a_failed_run_is_told_on_the_first_page(shop: SmallShop, tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    shutil.copytree(shop.serving, serving, symlinks=True)
    (serving / "status.json").write_text('{"status": "failed", "error": "the disk is full"}')
    shown = AppTest.from_string(_PAGE.format(page="overview", serving=str(serving)), default_timeout=120).run()
    assert "The last run failed: the disk is full" in texts(shown)


def test_the_page_follows_current_and_waits_for_the_first_version(
    shop: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = tmp_path / "serving"
    monkeypatch.setattr(sys, "argv", ["main.py", str(serving), "£"])
    shown = AppTest.from_file(Path(dashboard.app.view.__file__).with_name("main.py"), default_timeout=120).run()
    assert "Nothing is published" in texts(shown)
    shutil.copytree(shop.serving, serving, symlinks=True)
    for version, told in ((1, "1 March 2011"), (2, "31 March 2011")):
        (serving / "current").unlink()
        (serving / "current").symlink_to(f"versions/{version:06d}", target_is_directory=True)
        shown.run()
        assert not shown.exception
        assert told in shown.title[0].value
