"""The dashboard served from a folder of published versions, and its pages open in a browser."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, FloatRect, Page, expect

#: Titles of the pages, in the order of the navigation.
PAGES = ("Overview", "Segments", "Sales", "Compare versions", "Customers", "Audiences", "Quality")
_LOOKING = (Path(__file__).parent / "browser" / "looking.js").read_text()
_PATIENCE = 60_000
_FOCUSED = """() => {
  const one = document.activeElement;
  return [one.tagName, one.getAttribute("aria-label") ?? one.textContent.trim()];
}"""


@contextmanager
def served(serving: Path) -> Iterator[str]:
    """The address of a dashboard of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "dashboard", "--port", str(port)],
        cwd=serving.parent, env=os.environ | {"RESEGMENT__WAREHOUSE__SERVING": str(serving)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while process.poll() is None and not _answers(port):
            time.sleep(0.1)
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health").close()
    except OSError:
        return False
    return True


@dataclass
class Visit:
    """An open page of the dashboard and what it asked of others, complained about or popped up."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def settled(self) -> None:
        """Wait until the script ran through and every picture has been drawn."""
        expect(self.page.locator(".stApp[data-test-script-state=notRunning]")).to_be_visible(timeout=_PATIENCE)
        self.page.wait_for_function(
            "document.querySelector('h1') && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')"
        )
        expect(self.page.get_by_test_id("stException")).to_have_count(0)

    def go(self, title: str) -> None:
        """To another page, through the navigation as a person would."""
        link = self.page.get_by_role("link", name=title, exact=True)
        link.click()
        heading = "Customer segments as of" if title == "Overview" else title
        expect(self.page.locator("h1")).to_contain_text(heading, timeout=_PATIENCE)
        self.settled()

    def drawn(self) -> list[int]:
        """Marks in each chart, once there is one in all of them; a map in space has a canvas instead."""
        deadline = time.monotonic() + 30
        while not all(marks := self.looked("drawn()")) and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        return marks

    def stops(self) -> list[tuple[str, str]]:
        """What Tab reaches, in order and with its kind; it ends where the browser's own controls would come."""
        reached = list[tuple[str, str]]()
        while len(reached) < 100:
            self.page.keyboard.press("Tab")
            kind, name = self.page.evaluate(_FOCUSED)
            if kind == "BODY":
                break
            reached.append((kind, name))
        return reached

    def unmarked(self, selector: str) -> list[str]:
        """Elements that look the same with the keyboard's focus as without."""
        self.page.keyboard.press("Tab")  # from here on focus is the keyboard's, and shown
        same = list[str]()
        for one in self.page.locator(selector).all():
            one.focus()
            self.page.mouse.move(0, 0)
            box = one.bounding_box()
            assert box is not None
            clip: FloatRect = {
                "x": max(0, box["x"] - 4), "y": max(0, box["y"] - 4),
                "width": box["width"] + 8, "height": box["height"] + 8,
            }  # fmt: skip
            focused = self.page.screenshot(clip=clip, animations="disabled")
            self.page.evaluate("document.activeElement.blur()")
            if focused == self.page.screenshot(clip=clip, animations="disabled"):
                same.append(one.evaluate("one => one.outerHTML.slice(0, 100)"))
        return same

    def looked(self, what: str) -> Any:
        return looked(self.page, what)


def looked(page: Page, what: str) -> Any:
    """What a measure of looking.js tells of a page."""
    return page.evaluate(f"() => {_LOOKING[_LOOKING.index('(()') :].rstrip().removesuffix(';')}.{what}")


@contextmanager
def visiting(
    browser: Browser, address: str, *, dark: bool = False, width: int = 1280, height: int = 1600
) -> Iterator[Visit]:
    """The first page, open."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    try:
        visit = Visit(context.new_page())
        _listen(context, visit)
        visit.page.set_default_timeout(_PATIENCE)
        visit.page.goto(address)
        visit.page.locator("h1").wait_for()
        visit.settled()
        yield visit
    finally:
        context.close()


def _listen(context: BrowserContext, visit: Visit) -> None:
    page, trouble = visit.page, visit.trouble
    page.on("request", lambda asked: trouble.append(asked.url) if not is_ours(asked.url) else None)
    page.on("websocket", lambda asked: trouble.append(asked.url) if not is_ours(asked.url) else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(told(line)) if line.type == "error" else None)
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    context.on("page", lambda other: trouble.append(f"a window: {other.url}") if other != page else None)


def told(line: ConsoleMessage) -> str:
    """What the console says, and of which address."""
    return f"{line.text} {line.location['url']}"


def is_ours(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"
