"""What a person sees of a comparison of recipes."""

from typing import Any

from rich.text import Text

from flows.showing import _console, _table

_NUMERIC = {"groups", "noise", "smallest", "silhouette", "stability", "seconds", "spend", "activity", "revenue"}
#: Figures of which the best is told, and how they are written.
_BEST = (
    ("silhouette", "Most separate groups (silhouette)", ".3f"),
    ("stability", "Steadiest groups (stability)", ".2f"),
    ("spend_explained", "Most of later log spend explained", ".1%"),
    ("active_explained", "Most of later activity explained", ".1%"),
)


def show_comparison(found: dict[str, Any]) -> None:
    """One line a recipe, which is best by each figure, and what the figures mean."""
    console = _console()
    days, rows = found["horizon_days"], found["recipes"]
    console.print(
        f"As of {found['as_of']}: {found['sample']:,} of {found['customers']:,} customers, the same for every recipe.",
        soft_wrap=True,
    )
    table = _table("recipe", "groups", "noise", "smallest", "silhouette", "stability", "seconds", numeric=_NUMERIC)
    later = _table("recipe", "spend", "activity", "revenue", numeric=_NUMERIC)
    for row in rows:
        table.add_row(Text(row["recipe"]), *_figures(row))
        later.add_row(Text(row["recipe"]), *_later_figures(row))
    console.print(table, "")
    if found["later_known"]:
        console.print(later)
        console.print(
            f"spend, activity: share of the variance of log spend and of buying at all in the {days} days after that "
            "lies between the groups.\nrevenue: share of what was spent in them by the group that spent most a "
            "customer, and its share of the customers.",
            soft_wrap=True,
        )
    else:
        console.print(f"What customers did in the {days} days after is not known yet.", soft_wrap=True)
    console.print(
        f"silhouette: of {rows[0]['silhouette_sample']:,} customers. Noise counts as one group in it and in the "
        "variances, not in groups or smallest. More groups explain more by themselves.\n",
        soft_wrap=True,
    )
    for key, title, how in _BEST:
        if (line := _best(rows, key, how)) is not None:
            console.print(f"{title}: {line}", soft_wrap=True)
    console.print("Nothing was published; the nights go on with K-Means.")
    if found["pictures"]:
        console.print(f"Pictures: {found['pictures']}", soft_wrap=True)


def _figures(row: dict[str, Any]) -> list[str]:
    return [
        str(row["groups"]),
        f"{row['noise_share']:.1%}" if row["noise_share"] else "",
        _told(row["smallest_share"], ".1%"),
        _told(row["silhouette"], ".3f"),
        _told(row["stability"], ".2f"),
        f"{row['seconds']:.3f}",
    ]


def _later_figures(row: dict[str, Any]) -> list[str]:
    revenue = _told(row["top_spend_share"], ".0%")
    noise = " (noise)" if row["top_group"] == "noise" else ""
    return [
        _told(row["spend_explained"], ".1%"),
        _told(row["active_explained"], ".1%"),
        f"{revenue} by {_told(row['top_customer_share'], '.0%')}{noise}" if revenue else "",
    ]


def _best(rows: list[dict[str, Any]], key: str, how: str) -> str | None:
    """The best recipe by a figure, beside the one in use; None where the figure is not known."""
    known = [row for row in rows if row[key] is not None]
    if not known:
        return None
    best = max(known, key=lambda row: float(row[key]))
    own = rows[0]
    beside = "" if best is own else f" ({own['recipe']} {_told(own[key], how) or 'not measured'})"
    return f"{best['recipe']}, {_told(best[key], how)}{beside}"


def _told(value: float | None, how: str) -> str:
    return "" if value is None else format(value, how)
