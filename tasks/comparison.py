"""The step that puts other recipes beside the one in use; it reads, and publishes nothing."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from dashboard.comparison_charts import comparison_page
from segmentation import comparing, grouping
from segmentation.classic import classic_groups_sql
from segmentation.comparing import Grouping, Later
from segmentation.grouping import IN_USE, RECIPES
from segmentation.modelling import fit_scaler
from segmentation.scoring import parse_rfm_map, scored_sql, thresholds_from_row, thresholds_sql
from segmentation.summary import Floats
from segmentation.transforms import standardised_sql
from tasks.drafts import query
from tasks.judging import HORIZON_DAYS
from tasks.night import Night
from tasks.wrapper import task
from warehouse import comparison, features, store
from warehouse.errors import WarehouseError
from warehouse.store import Warehouse

PAGE = "comparison.html"
#: Most customers drawn in a picture: more only hide one another and make the page slow.
_DRAWN = 1_500
_DECIMALS = 9


@dataclass(frozen=True)
class _Sample:
    """Customers of a date: how many there are, and of those in the sample the features (n, d) and what is given."""

    as_of: date
    customers: int
    points: Floats
    later: Later | None
    given: dict[str, Grouping]


@task
def compare_recipes(night: Night, as_of: date | None, sample: int, pictures: Path | None) -> dict[str, Any]:
    """Figures of each recipe on the same customers, as plain rows; with `pictures`, a page of them in that folder.

    Without `as_of` it is the newest date with 90 later days known, else the newest. The warehouse is held only while
    the sample is read, not while recipes are fitted.

    Raises
    ------
    WarehouseError
        There is no warehouse yet, or nothing was bought.
    SegmentationError
        Nobody had bought anything before the date.
    """
    if not night.warehouse.path.exists():
        raise WarehouseError(f"There is no warehouse at {night.warehouse.path} yet. Run `resegment nightly` first.")
    grouping.preload()
    with store.writing(night.warehouse, "compare"), store.opened(night.warehouse) as warehouse:
        drawn = _read_sample(warehouse, night, as_of, sample)
    groupings = _numbered_alike(_fitted(drawn.points, night) | drawn.given)
    model = night.model
    figures = comparing.measure(
        drawn.points, groupings, drawn.later, silhouette_sample=model.silhouette_sample, seed=model.seed
    )
    found = {
        "as_of": drawn.as_of,
        "customers": drawn.customers,
        "sample": len(drawn.points),
        "seed": model.seed,
        "horizon_days": HORIZON_DAYS,
        "later_known": drawn.later is not None,
        "recipes": [asdict(one) for one in figures],
    }
    return found | {"pictures": _draw(found, drawn.points, groupings, pictures) if pictures else None}


def _read_sample(warehouse: Warehouse, night: Night, asked: date | None, size: int) -> _Sample:
    as_of, later_known = _date(warehouse, asked)
    window, money = night.features.window_days, night.features.money.value
    features.prepare(warehouse, as_of, window)
    features.prepare_inputs(
        warehouse, night.features.inputs, as_of=as_of, window_days=window, net=money == "net",
        own_sql=night.own_features,
    )  # fmt: skip
    customers = comparison.place_customers(warehouse, as_of, HORIZON_DAYS)
    comparison.take_sample(warehouse, comparing.sample_places(customers, size, night.model.seed).tolist())
    run = query(warehouse)
    scaler = fit_scaler(run, "sampled", night.features, night.model)
    columns = run(f"FROM ({standardised_sql(scaler, 'sampled', keep='place')}) ORDER BY place")
    points = np.column_stack([columns[f"z{number}"] for number in range(len(scaler.features))])
    later = run("SELECT later_spend, later_active FROM sampled ORDER BY place")
    return _Sample(
        as_of=as_of,
        customers=customers,
        points=np.round(points, _DECIMALS) + 0.0,
        later=Later(later["later_spend"], later["later_active"]) if later_known else None,
        given={
            "scored RFM": _given(warehouse, lambda: _scored_sql(warehouse, night)),
            "classic": _given(warehouse, lambda: classic_groups_sql(run, "sampled_gross")),
        },
    )


def _date(warehouse: Warehouse, asked: date | None) -> tuple[date, bool]:
    """The date to compare at, and whether enough later days are known."""
    days = comparison.known_days(warehouse)
    if days is None:
        raise WarehouseError(f"Nothing was bought in {warehouse.params.path} yet. Run `resegment nightly` first.")
    first, until = days
    latest = until - timedelta(days=HORIZON_DAYS)
    as_of = asked or (latest if first < latest else until)
    return as_of, as_of <= latest


def _scored_sql(warehouse: Warehouse, night: Night) -> str:
    (row,) = warehouse.select(thresholds_sql("sampled"))
    scored = scored_sql(thresholds_from_row(row), parse_rfm_map(night.rfm_map), "sampled", night.scoring)
    return f"SELECT customer_id, rfm_name AS grouping FROM ({scored})"


def _given(warehouse: Warehouse, groups_sql: Callable[[], str]) -> Grouping:
    """A recipe that groups by SQL; names of groups stay, numbers of clusters are numbered anew from 1."""
    began = time.perf_counter()
    rows = warehouse.select(f"SELECT grouping FROM ({groups_sql()}) JOIN sampled USING (customer_id) ORDER BY place")
    seconds = time.perf_counter() - began
    values = [row["grouping"] for row in rows]
    groups = sorted(set(values))
    number = {group: place for place, group in enumerate(groups)}
    named = {place: group for group, place in number.items()} if isinstance(groups[0], str) else None
    return Grouping(np.array([number[value] for value in values]), seconds, named)


def _fitted(points: Floats, night: Night) -> dict[str, Grouping]:
    k = grouping.number_of_groups(points, night.model)
    found = {}
    for recipe in RECIPES:
        began = time.perf_counter()
        labels = grouping.fit_groups(recipe, points, k, night.model)
        seconds = time.perf_counter() - began
        stability = comparing.bootstrap_stability(recipe, points, labels, k, night.model)
        found[recipe] = Grouping(labels, seconds, stability=stability)
    return found


def _numbered_alike(groupings: dict[str, Grouping]) -> dict[str, Grouping]:
    """The same number, and colour, for groups of different recipes that share most customers."""
    reference = groupings[IN_USE].labels
    return {
        name: one if one.names else replace(one, labels=comparing.follow(one.labels, reference))
        for name, one in groupings.items()
    }


def _draw(found: dict[str, Any], points: Floats, groupings: dict[str, Grouping], folder: Path) -> Path:
    shown = np.linspace(0, len(points) - 1, min(len(points), _DRAWN)).astype(int)
    plane, share = comparing.principal_components(points)
    scatter = {
        "x": np.round(plane[shown, 0], 3).tolist(),
        "y": np.round(plane[shown, 1], 3).tolist(),
        "variance_shown": share,
        "groups": {name: [one.name(label) for label in one.labels[shown].tolist()] for name, one in groupings.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(comparison_page(found, scatter), encoding="utf-8")
    return folder / PAGE
