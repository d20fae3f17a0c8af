"""Features of many dates at once, held to those of each date by itself, row for row."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from support_landing import warehouse_in

from segmentation import scoring
from segmentation.ageing import explain_and_age_sql
from segmentation.modelling import fit_scaler
from segmentation.params import FeatureParams, ModelParams
from segmentation.scoring import SCORES, Thresholds, parse_rfm_map, scored_sql, thresholds_sql
from segmentation.transforms import summary_sql
from warehouse import features, many_dates, versions
from warehouse.store import Warehouse

RFM_MAP = Path(scoring.__file__).with_name("rfm_map.json")
FIRST = date(2011, 1, 10)
#: With gaps, before the first purchase, and on days without any.
DATES = [FIRST + timedelta(days=day) for day in (-12, -3, 0, 1, 2, 3, 7, 8, 20, 40)]
INPUTS = ("recency_days", "frequency", "monetary", "tenure_days")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """Forty customers with purchases, returns and invoices of two days between day -10 and day 10."""
    drawn = random.Random(5)
    with warehouse_in(tmp_path) as opened:
        rows = []
        for invoice in range(220):
            customer, day = f"c{drawn.randrange(40)}", FIRST + timedelta(days=drawn.randrange(-10, 11))
            for booked in (day, day + timedelta(days=1))[: drawn.choice((1, 1, 1, 2))]:
                returns = drawn.random() < 0.2
                rows.append(
                    (
                        "shop", customer, f"i{invoice}", booked, drawn.choice(("France", "Spain", None)),
                        int(not returns), int(returns), 2, 0 if returns else drawn.randrange(1, 90),
                        -drawn.randrange(1, 9) if returns else 0,
                    )
                )  # fmt: skip
        opened.insert_rows("sales.invoices", rows)
        opened.execute("SET threads = 1")
        yield opened


@pytest.mark.parametrize("window_days", [None, 4])
def test_many_dates_are_what_each_is_by_itself(warehouse: Warehouse, window_days: int | None) -> None:
    ahead = many_dates.prepare(warehouse, DATES, inputs=INPUTS, window_days=window_days, net=True)
    asked, shown = (_asked(warehouse, window_days, relation) for relation in ("features", many_dates.SHOWN))
    cuts = dict(zip(DATES, (0, 1) * 5, strict=True))
    ahead.assign(shown.assign_sql, {as_of: shown.scored_sql[cut] for as_of, cut in cuts.items()})
    assigned = {as_of: _rows(warehouse, f"(FROM snapshot WHERE as_of = DATE '{as_of}')") for as_of in DATES}
    for as_of in DATES:
        customers, one = ahead.customers(as_of), _rows(warehouse, f"({ahead.of(as_of, f'FROM {many_dates.SHOWN}')})")
        answers = [ahead.query(as_of)(sql) for sql in shown.questions] if customers else []
        assert customers == features.prepare(warehouse, as_of, window_days)
        features.prepare_inputs(warehouse, INPUTS, as_of=as_of, window_days=window_days, net=True, own_sql="")
        versions.assign(warehouse, as_of, asked.assign_sql, asked.scored_sql[cuts[as_of]])
        assert [one, assigned[as_of]] == [_rows(warehouse, table) for table in ("features", "snapshot")]
        for sql, answer in zip(asked.questions, answers, strict=False):
            found_rows, alone = _in_order(answer), _in_order(warehouse.execute(sql).fetchnumpy())
            assert found_rows.keys() == alone.keys()
            for name, column in alone.items():
                np.testing.assert_array_equal(found_rows[name], column, strict=True)
    assert (customers == 0) == (window_days is not None)  # on the last date nobody is in the window


def test_more_dates_than_are_held_are_taken_in_turns(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_dates, "_ROWS", 100)
    asked = {"inputs": INPUTS, "window_days": None, "net": True}
    ahead = many_dates.prepare(warehouse, DATES, **asked)
    assert [ahead.has(day, **asked) for day in DATES] == [True, True, *[False] * 8]
    assert not ahead.has(DATES[0], **asked | {"net": False})
    assert not ahead.has(DATES[0], **asked | {"window_days": 4})


def _scaler(warehouse: Warehouse, window_days: int | None) -> tuple[object, ...]:
    params = FeatureParams(inputs=INPUTS, window_days=window_days), ModelParams()
    features.prepare(warehouse, FIRST, window_days)
    features.prepare_inputs(warehouse, INPUTS, as_of=FIRST, window_days=window_days, net=True, own_sql="")
    scaler = fit_scaler(lambda sql: warehouse.execute(sql).fetchnumpy(), "features", *params)
    return scaler, np.array([[-1.0] * 4, [0.0] * 4, [1.0, 0.5, 0.2, -0.3]])


@dataclass(frozen=True)
class _Asked:
    questions: list[str]
    assign_sql: str
    scored_sql: list[str]


def _asked(warehouse: Warehouse, window_days: int | None, relation: str) -> _Asked:
    scaler, centroids = _scaler(warehouse, window_days)
    summary = summary_sql(scaler, 0.1, relation, exact=True)  # type: ignore[arg-type]
    names = parse_rfm_map(RFM_MAP.read_text())
    cuts = [Thresholds(**dict.fromkeys(SCORES, own)) for own in ((1, 2, 3, 4), (2, 5, 9, 20))]
    return _Asked(
        [summary, thresholds_sql(relation), f"SELECT count(*) AS customers FROM {relation}"],
        explain_and_age_sql(scaler, centroids, relation, window_days=window_days),  # type: ignore[arg-type]
        [scored_sql(own, names, relation) for own in cuts],
    )


def _in_order(columns: many_dates.Columns) -> many_dates.Columns:
    order = np.lexsort(list(columns.values()))
    return {name: column[order] for name, column in columns.items()}


def _rows(warehouse: Warehouse, relation: str) -> list[dict[str, object]]:
    rows = warehouse.select(f"FROM {relation} ORDER BY customer_id")
    return [dict(sorted(row.items())) for row in rows]
