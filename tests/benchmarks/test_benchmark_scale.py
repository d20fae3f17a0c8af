"""The benchmark of scale in miniature: cost follows change.

What is compared are processor seconds of one process and ratios within one run, with wide margins, since other work on
the machine changes both sides of a ratio alike.
"""

import json
import time
from dataclasses import asdict
from statistics import median

import duckdb
import pytest

from benchmarks import nights, processes
from benchmarks.report import machine
from benchmarks.scale import measuring, recompute, report
from benchmarks.scale.shop import Loaded, ScaledShop, Taken
from tasks import progress

SMALL, LARGE = 20_000, 200_000
BATCH = 300
#: A night with ten times the history and the same batch may take so many times as long, publication excepted.
NIGHT_MARGIN = 2.0
#: The same of the features alone, whose few statements vary more.
FEATURES_MARGIN = 3.0


class ProcessorTime:
    """Listens to a run and keeps the processor seconds of its steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def begin(self, step: str) -> None:
        self._began = time.process_time()

    def advance(self, done: int, total: int) -> None:
        return

    def end(self, step: str, seconds: float, *, well: bool) -> None:
        self.seconds[step] = time.process_time() - self._began


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def shops(cache):
    """Two shops with a history, the second ten times as long; what the first load took is kept with them."""
    made = [ScaledShop(cache, f"{lines}", lines, report=False) for lines in (SMALL, LARGE)]
    for shop in made:
        shop.load()
    return made


def _steps(open_shop):
    """Processor seconds of the steps that should not follow the history, for one more night."""
    listening = ProcessorTime()
    day = open_shop.deliver(BATCH)
    token = progress.listener.set(listening)
    try:
        nights._timed_night(open_shop.folder, day)
    finally:
        progress.listener.reset(token)
    steps = [step for part, steps in report.PARTS.items() if part not in ("publication", "report") for step in steps]
    return sum(listening.seconds[step] for step in steps)


@pytest.fixture(scope="module")
def measured(shops):
    """Processor seconds of five nights of each shop, in turns, and seconds of the features of the last one."""
    nights._warm_up()
    small, large = shops
    with small.nights() as one, large.nights() as other:
        _steps(one), _steps(other)
        taken = [(_steps(one), _steps(other)) for _ in range(5)]
        left = [_activity(open_shop) for open_shop in (one, other)]
        features = [recompute.measure(open_shop.folder, SMALL, 7) for open_shop in (one, other)]
        assert [_activity(open_shop) for open_shop in (one, other)] == left
    return taken, features


def _activity(nights):
    with duckdb.connect(nights.folder / "warehouse.duckdb", read_only=True) as connection:
        return (
            connection.execute("FROM features.state").fetchall(),
            connection.execute("SELECT count(*), sum(hash(columns(*))) FROM features.customer_activity").fetchall(),
        )


def test_a_night_with_ten_times_the_history_and_the_same_batch_costs_about_the_same(measured):
    taken, _ = measured
    small, large = (median(seconds) for seconds in zip(*taken, strict=True))
    assert large < NIGHT_MARGIN * small


def test_features_of_the_same_batch_cost_about_the_same_and_are_those_of_all_lines(measured):
    _, features = measured
    assert all(len(found) == 4 for found in features)  # differing totals are an error
    small, large = (median(found[recompute.INCREMENTAL].seconds) for found in features)
    assert large < FEATURES_MARGIN * small


ENDED = processes.Ended(8.0, 6.0, 500.0)
LOADED = Loaded(
    lines=1000, files=2, customers=10, delivered_bytes=10**6, process=ENDED, steps={}, warehouse_bytes=10**6,
    version_bytes=10**6, measured_on="2026-11-01",
)  # fmt: skip


def _one(name, accepting):
    """What was measured of a shop, each step taking a second but the one of accepting."""
    steps = {step: 1.0 for steps in report.PARTS.values() for step in steps}
    taken = Taken(ENDED, steps | {"accept_batch": accepting})
    statements = [{"statement": f"{report.DUPLICATE_CHECK} AS", "seconds": 0.25}, {"statement": "", "seconds": 9.0}]
    return measuring.Measured(
        name=name,
        facts=machine(),
        loaded=LOADED,
        same=[taken],
        share=[taken],
        statements={"same": statements, "share": statements},
        recomputed={
            recompute.INCREMENTAL: recompute.Recomputed([0.1], 100.0),
            recompute.POLARS: recompute.Recomputed([5.0], 100.0),
        },
        recomputed_same=recompute.Recomputed([0.01], 100.0),
        fitted=measuring.Fitted({"KMeans": [1.0]}, {"KMeans": 0.0}, {"assign": [0.5]}),
    )


def test_report_has_every_size_in_a_column_and_the_ratio_of_the_last_two():
    text = report.markdown([_one("1m", 1.0), _one("10m", 3.0)])
    assert "| - accepting, features | 1.00 | 3.00 | 3.00 |" in text
    assert "| all steps but publication, s | 7.00 | 9.00 | 1.29 |" in text
    assert "| of these the duplicate check, s | 0.250 | 0.250 | 1.00 |" in text
    assert "| times the fastest of the others | **50** | **50** |" in text
    assert "| times the fastest of the others, too | **500** | **500** |" in text


def test_what_was_measured_is_taken_from_the_cache_as_it_was(tmp_path):
    shop, measured = ScaledShop(tmp_path, "1m", 1_000_000), _one("1m", 1.0)
    shop.folder.mkdir()
    (shop.folder / "measured.json").write_text(json.dumps(asdict(measured)))
    assert measuring.measure(shop) == measured
    assert shop.nightly_lines == 1369
