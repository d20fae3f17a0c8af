"""Shops whose reports are looked at, and what a report says once its markup is gone."""

import re
from datetime import date
from html import unescape
from pathlib import Path

from dashboard.params import ReportParams
from dashboard.report import report
from flows.nightly import nightly
from segmentation.generator import ShopParams
from tasks.generate import write_shop
from warehouse import serving

#: Months apart, so that there is history, and the last one within a month.
NIGHTS = (date(2011, 2, 1), date(2011, 4, 1), date(2011, 4, 11))
_SHOP = ShopParams(customers=500, days=140, products=400, lines_per_invoice=6)


def months_of_a_shop(folder: Path) -> Path:
    """Three nights of a made-up shop of 140 days; returns the folder of what is published."""
    write_shop(_SHOP, folder / "data", "csv")
    config = folder / "resegment.toml"
    config.write_text('[source]\npath = "data/*.csv"\n[report]\nenabled = false\n[breaker]\nmin_customers = 1000000\n')
    for as_of in NIGHTS:
        nightly(as_of, False, config)
    return folder / "serving"


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
    return dict(re.findall(r'<figure id="([^"]+)">.*?<script type="application/json">(.*?)</script>', page, re.DOTALL))
