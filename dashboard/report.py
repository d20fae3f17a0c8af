"""The report of one version: a page to read from top to bottom, made from its published file alone."""

from pathlib import Path

from dashboard.page import Page, html
from dashboard.params import ReportParams
from dashboard.published import Published, read_published
from dashboard.sections.business import business, returning
from dashboard.sections.changes import changes, lowered
from dashboard.sections.likeness import likeness
from dashboard.sections.making import making
from dashboard.sections.products import products
from dashboard.sections.segments import segments
from dashboard.sections.trust import choice, quality
from dashboard.wording import Money, clean, count, day, share


def report(file: Path, params: ReportParams) -> str:
    """HTML text of the report of the version in `file`; it names no customer."""
    published, money = read_published(file), Money(params.currency)
    return html(page_of(published, money))


def page_of(published: Published, money: Money) -> Page:
    """The report as a page, from tables that were read."""
    version = published.version
    return Page(
        title=f"Customer segments as of {day(version['as_of'])}",
        subtitle=f"Version {version['version_id']}. Orders dated before {day(version['as_of'])} count.",
        tiles=_tiles(published, money),
        notices=_notices(published),
        sections=[
            changes(published, money),
            segments(published, money),
            likeness(published, money),
            returning(published, money),
            business(published, money),
            products(published, money),
            choice(published),
            quality(published, money),
            making(published),
        ],
    )


def _tiles(published: Published, money: Money) -> list[tuple[str, str, str]]:
    version, previous, profiles = published.version, published.previous, published.profiles
    tiles = [
        ("Customers in segments", count(version["customers"]), _change(version["customers"], previous)),
        ("Their net sales", money.short(float(profiles["revenue"].sum())), "purchases minus returns, to date"),
    ]
    if previous is not None:
        moved = version["moved"] or 0
        customers, worth = lowered(published)
        tiles += [
            (
                "Came, left or changed segment",
                count(moved),
                f"{share(moved / max(1, version['customers']))} of customers",
            ),
            ("Went to lower value", count(customers), f"{money.short(worth)} in the last 365 days"),
        ]
    return tiles


def _change(customers: int, previous: dict[str, int] | None) -> str:
    if previous is None:
        return ""
    difference = customers - previous["customers"]
    return f"{'+' if difference > 0 else '−' if difference < 0 else '±'}{abs(difference):,} since the version before"


def _notices(published: Published) -> list[str]:
    reasons = published.version.get("held_reasons")
    if not reasons:
        return []
    return [
        f"This version was held back and then published by a person's decision. It was held because: {clean(reasons)}"
    ]
