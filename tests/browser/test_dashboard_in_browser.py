"""The dashboard in a real browser: charts are drawn on every page, and only this machine is asked for anything."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect
from support_reports import months_of_a_shop


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dashboard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", "")
        serving = months_of_a_shop(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "dashboard", "--port", str(port)],
        cwd=folder, env=os.environ | {"RESEGMENT__WAREHOUSE__SERVING": str(serving)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while served.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.1)
        assert served.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait(30)


def test_every_page_draws_and_asks_nobody_else(browser: Browser, address: str) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 1600}).new_page()
    page.set_default_timeout(120_000)
    expect.set_options(timeout=120_000)
    elsewhere, errors = list[str](), list[str]()
    for kind in ("request", "websocket"):
        page.on(kind, lambda asked: elsewhere.append(asked.url) if not is_ours(asked.url) else None)  # type: ignore[call-overload]
    page.on("pageerror", lambda error: errors.append(str(error)))
    for path, drawn in (("", 3), ("segments", 6), ("sales", 4), ("compare", 1), ("quality", 0)):
        page.goto(f"{address}/{path}")
        expect(page.locator("h1")).to_be_visible()
        if drawn:
            expect(page.locator(".js-plotly-plot .main-svg").nth(drawn - 1)).to_be_attached()
        expect(page.get_by_test_id("stException")).to_have_count(0)
    page.goto(f"{address}/audiences")
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download CSV").click()
    assert Path(begun.value.path()).read_text().startswith("customer_id,segment,")
    assert elsewhere == []
    assert errors == []


def is_ours(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"
