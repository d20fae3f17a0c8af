"""Shops whose reports are looked at, and what a report says once its markup is gone."""

import re
from html import unescape
from pathlib import Path

from dashboard.params import ReportParams
from dashboard.report import report
from warehouse import serving


def report_of(folder: Path, version: int | None = None, currency: str = "£") -> str:
    """The report of a version in a folder of published ones, by default of the current."""
    number = version or serving.linked_version(folder)
    assert number is not None
    return report(serving.version_file(folder, number), ReportParams(currency=currency))


def without_scripts(page: str) -> str:
    """The page without its script and style elements."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


def words_of(page: str) -> str:
    """What a reader sees of a page, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_scripts(page))).split())


def figures_of(page: str) -> dict[str, str]:
    """JSON text of each figure by the name of its place."""
    found = re.findall(r'<figure id="([^"]+)">.*?<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return dict(found)
