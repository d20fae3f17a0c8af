"""A shop of a thousand hostile texts on every page of the dashboard in a browser: they are seen, and do nothing."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from support_dashboard import PAGES, Visit, served, visiting
from support_hostile import hostile, hostile_shop


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")
        shop = hostile_shop(tmp_path_factory.mktemp("hostile"))
    with served(shop.serving) as address:
        yield address


def test_every_page_shows_them_as_texts(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:
        for title in PAGES:
            visit.go(title)
            assert all(visit.drawn()), title
            point_at_every_picture(visit)
            assert visit.looked("alive()") == [], title
        visit.go("Segments")
        expect(visit.page.get_by_test_id("stMain")).to_contain_text("<script>alert(1)</script>")
        assert visit.trouble == []


def test_lists_of_choices_show_them_as_texts(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:
        for name, typed in (("Countries", "<img src=x onerror=alert(1)> 3"), ("Segments", "</script>")):
            field = visit.page.get_by_role("combobox", name=name)
            field.click()
            field.fill(typed)
            expect(visit.page.get_by_role("option").filter(has_text=typed).first).to_be_visible()
            visit.page.keyboard.press("Enter")
            visit.page.keyboard.press("Escape")
            visit.settled()
        assert visit.looked("alive()") == []
        assert visit.page.locator("[data-testid=stSidebar] :is(img, iframe, script, [onload], [onerror])").count() == 0
        assert visit.trouble == []


def test_a_customer_called_so_is_looked_up(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:
        visit.go("Customers")
        for text in hostile()[: len(hostile()) // 40]:
            if not text.isprintable():
                continue  # cannot be typed
            visit.page.get_by_label("Customer id").fill(text)
            visit.page.keyboard.press("Enter")
            expect(visit.page.locator("h2, h3").first).to_contain_text(seen(text[:8]))
            visit.settled()
            assert visit.looked("alive()") == [], text
        assert visit.trouble == []


def seen(text: str) -> re.Pattern[str]:
    """The text, with word joiners where Streamlit would make a link."""
    return re.compile("\u2060?".join(map(re.escape, text)))


def point_at_every_picture(visit: Visit) -> None:
    """What comes up beside the pointer has names in it too."""
    for picture in visit.page.locator(".js-plotly-plot").all():
        mark = picture.locator(".point path, .sankey-link, .heatmaplayer image").first
        if mark.count():
            mark.hover(force=True)
