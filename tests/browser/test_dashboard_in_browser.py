"""The dashboard in a real browser: drawn, legible day and night, on a phone, by the keyboard, and to itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support_dashboard import PAGES, Visit, looked, served, visiting
from support_reports import months_of_a_shop

#: Pictures of each page; Customers has one once somebody is chosen.
CHARTS = {"Overview": 4, "Segments": 11, "Sales": 8, "Compare versions": 1, "Quality": 1}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")
        serving = months_of_a_shop(tmp_path_factory.mktemp("dashboard"))
    with served(serving) as address:
        yield address


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
def test_every_page_is_drawn_and_legible_and_asks_nobody_else(browser: Browser, address: str, dark: bool) -> None:
    with visiting(browser, address, dark=dark) as visit:
        ground = visit.page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        assert (ground != "rgb(255, 255, 255)") == dark
        for title in PAGES:
            visit.go(title)
            drawn = visit.drawn()
            assert len(drawn) == CHARTS.get(title, 0), title
            assert all(drawn), title
            assert visit.looked("faint()") == [], title
        visit.go("Customers")
        choose_customer(visit)
        assert len(visit.drawn()) == 1
        assert visit.looked("faint()") == []
        assert visit.trouble == []


def choose_customer(visit: Visit) -> None:
    visit.page.get_by_label("Customer id").fill("1")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("heading", name="How it came there")).to_be_visible()
    expect(visit.page.locator(".js-plotly-plot .main-svg").first).to_be_attached()
    visit.settled()


def test_a_page_has_an_address_of_its_own_and_files_are_downloaded(browser: Browser, address: str) -> None:
    with visiting(browser, f"{address}/audiences") as visit:
        for kind, begins in (("CSV", b"customer_id,segment,"), ("Parquet", b"PAR1")):
            with visit.page.expect_download() as begun:
                visit.page.get_by_role("button", name=f"Download {kind}").click()
            assert Path(begun.value.path()).read_bytes().startswith(begins)
        # Streamlit looks for its server below the address of the page before it looks at the root.
        asked = {f"{address}/audiences/_stcore/{name}" for name in ("health", "host-config")}
        assert {line.rpartition(" ")[2] for line in visit.trouble} <= asked


def test_on_a_phone_no_page_is_wider_than_the_screen(browser: Browser, address: str) -> None:
    with visiting(browser, address, width=390, height=844) as visit:
        for title in PAGES:
            if visit.page.get_by_test_id("stExpandSidebarButton").is_visible():
                visit.page.get_by_test_id("stExpandSidebarButton").click()
            visit.go(title)
            assert visit.drawn() is not None
            assert all(visit.drawn()), title
            assert visit.looked("wider()") == [], title
        assert visit.trouble == []


def test_all_is_done_by_the_keyboard(browser: Browser, address: str) -> None:
    with visiting(browser, address, height=2600) as visit:
        page = visit.page
        stops = visit.stops()
        names = [name for _, name in stops]
        assert [name for kind, name in stops if kind == "A" and name in PAGES] == list(PAGES)
        for name in ("Version", "Countries", "Segments", "Least customers in a segment"):
            assert ("INPUT", name) in stops
        assert sum(kind == "SUMMARY" for kind, _ in stops) == 2
        assert sum(kind == "CANVAS" for kind, _ in stops) >= 1
        assert names[0] == "Skip to main content"
        visit.go("Audiences")
        own = {("INPUT", "Condition"), ("INPUT", "Columns"), ("BUTTON", "Download CSV"), ("BUTTON", "Download Parquet")}
        assert own <= set(visit.stops())
        visit.go("Overview")

        page.locator("summary").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("details").first.get_by_test_id("stDataFrame")).to_be_visible()
        page.keyboard.press("Space")
        expect(page.locator("details").first.get_by_test_id("stDataFrame")).to_be_hidden()

        page.get_by_label("Least customers in a segment").focus()
        page.keyboard.press("Control+A")
        page.keyboard.type("120")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("stMetricValue").first).not_to_have_text("452")
        page.get_by_role("combobox", name="Segments").focus()
        page.keyboard.type("Hib")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stMetricValue").first).to_have_text("190")
        visit.settled()

        page.get_by_role("link", name="Sales", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Sales")
        visit.settled()
        assert visit.trouble == []


def test_whatever_has_the_focus_shows_it(browser: Browser, address: str) -> None:
    reached = "a[href], summary, [data-testid=stSidebar] input, [data-testid=stMain] input, [data-testid=stMain] button"
    with visiting(browser, address, height=2600) as visit:
        assert visit.unmarked(f":is({reached}):visible") == []
        assert visit.unmarked(".stDataFrame canvas:visible >> nth=0") == []
        visit.go("Audiences")
        assert visit.unmarked(f":is({reached}):visible") == []


def test_what_is_measured_is_seen(browser: Browser) -> None:
    """The measures the tests above rest on see what they are to see."""
    page = browser.new_page(viewport={"width": 500, "height": 500})
    page.set_content(
        '<main data-testid="stMain" style="overflow:auto"><p style="opacity:.5">half</p><p>whole</p>'
        '<input value="typed" style="color:#999"><input placeholder="hint"><style>::placeholder {color:#aaa}</style>'
        '<div class="stDataFrame" style="--gdg-bg-cell:#fff;--gdg-bg-header:#fff;--gdg-text-dark:#000;'
        '--gdg-text-header:rgba(0,0,0,.4)"></div><div class="js-plotly-plot"></div><div style="width:900px">.</div>'
        '<a href="#own">.</a><a href="https://evil.example">.</a><img src=x onerror="1"><button>b</button>'
        '<button style="outline:none;border:none">none</button></main>'
    )
    faint = looked(page, "faint()")
    assert [one.split(":")[0] for one in faint] == ["header of a table", "half", "typed", "hint"]
    assert looked(page, "drawn()") == [0]
    assert looked(page, "wider()") == ["MAIN"]
    assert [one[:3] for one in looked(page, "alive()")] == ["<a ", "<im", "<im"]
    assert Visit(page).unmarked("button") == ['<button style="outline:none;border:none">none</button>']
    page.close()
