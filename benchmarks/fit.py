"""Fitting on a weighted summary against fitting on all customers, and what assignment and the choice of k take.

    python -m benchmarks.fit --customers 3000000

Everything is measured in one run on the same machine. `benchmarks/README.md` gets the table.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from benchmarks import fit_report, processes
from segmentation.ageing import explain_and_age_sql
from segmentation.assign import assign_sql
from segmentation.choosing import choose_k
from segmentation.kmeans import fit_kmeans
from segmentation.params import FeatureParams, KSearchParams, ModelParams, Transform
from segmentation.summary import Summary, summary_from_columns
from segmentation.transforms import (
    Scaler,
    bounds_sql,
    moments_sql,
    scaler_from_moments,
    standardised_sql,
    summary_sql,
)

README = Path(__file__).with_name("README.md")
TRANSFORMS = (Transform.LOG1P, Transform.WINSORIZE)
#: Customers with recency falling away, few orders for most and log-normal order values; a hash is their only chance.
_CUSTOMERS = """
    CREATE TABLE features AS
    WITH drawn AS (
        SELECT number, list_transform([0, 1, 2, 3], lambda one: (hash(number * 4 + one) % 1000003 + 1) / 1000004) AS u
        FROM range({customers}) AS numbers(number)
    )
    SELECT CAST(number AS VARCHAR) AS customer_id, 1 + floor(373 * u[1] * u[1]) AS recency_days,
        1 + floor(-3.5 * ln(u[2]) / (0.4 + u[1])) AS frequency,
        round(frequency * exp(2.8 + 0.9 * sqrt(-2 * ln(u[3])) * cos(2 * pi() * u[4])), 2) AS monetary
    FROM drawn
"""
_PUBLISHED = """
    CREATE TABLE features AS
    SELECT customer_id, CAST(recency_days AS DOUBLE) AS recency_days, CAST(frequency AS DOUBLE) AS frequency,
        greatest(CAST(monetary AS DOUBLE), 0) AS monetary
    FROM published.customer_segments
"""
#: What a process of its own does: bring the customers into memory as a night has them, then run one more statement.
_CHILD = """
import duckdb, os, subprocess, sys, time
connection = duckdb.connect()
connection.execute("SET threads = 2")
connection.execute(f"ATTACH '{sys.argv[1]}' AS shop (READ_ONLY)")
connection.execute("CREATE TEMP TABLE features AS FROM shop.features")
held = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], stdout=-1, check=True).stdout
started = time.perf_counter()
connection.execute(open(sys.argv[2]).read())
print([time.perf_counter() - started, int(held) / 1024])
"""


@dataclass
class Way:
    """One way to fit: seconds of each repetition and the exact inertia over all customers."""

    seconds: list[float] = field(default_factory=list)
    inertia: float = 0.0


@dataclass
class Assigned:
    """Seconds of one assignment of all customers, and how much memory (MiB) it took beyond the customers' own."""

    seconds: list[float]
    extra_mib: float


@dataclass
class Measured:
    """Ways to fit and cells of the summary by transform, assignments by query, and the choice of k."""

    facts: dict[str, Any]
    fits: dict[str, dict[str, Way]] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    assigned: dict[str, Assigned] = field(default_factory=dict)
    choosing: dict[str, float] = field(default_factory=dict)
    chosen: dict[str, int] = field(default_factory=dict)


def measure(
    work: Path,
    *,
    customers: int,
    k: int = 5,
    ks: range = range(2, 11),
    repetitions: int = 3,
    n_init: int = 10,
    cell_width: float | None = None,
    published: Path | None = None,
    transforms: Sequence[Transform] = TRANSFORMS,
) -> Measured:
    """Measure on so many generated customers, or those of a `published` version; what is written goes below `work`.

    scikit-learn on all customers and the choice of k run once, everything else `repetitions` times.
    `cell_width` is in standard deviations, the default setting if not given.
    """
    from benchmarks.report import machine

    file = work / "customers.duckdb"
    width = cell_width or ModelParams().cell_width
    facts = {"customers": customers, "k": k, "ks": [min(ks), max(ks)], "n_init": n_init, "cell_width": width}
    measured = Measured(machine() | facts)
    with duckdb.connect(str(file), config={"threads": 2}) as connection:
        if published:
            connection.execute(f"ATTACH '{published}' AS published (READ_ONLY)")
        connection.execute(_PUBLISHED if published else _CUSTOMERS.format(customers=customers))
        import sklearn.cluster  # noqa: F401 - imported before anything is timed

        models = {}
        for transform in transforms:
            model = ModelParams(transform=transform, k=k, n_init=n_init, cell_width=width)
            models[transform.value] = _fits(connection, model, repetitions, measured)
            scaler, _ = models[transform.value]
            summary = _summary(connection, scaler, model)
            started = time.perf_counter()
            found = choose_k(summary, ks, seed=model.seed, n_init=n_init, rule=KSearchParams())
            measured.choosing[transform.value] = time.perf_counter() - started
            measured.chosen[transform.value] = found.chosen
    for name, (scaler, centroids) in models.items():
        queries = {
            "assign": assign_sql(scaler, centroids, "features"),
            "assign, explain and foretell": explain_and_age_sql(scaler, centroids, "features", window_days=None),
        }
        for query, sql in queries.items():
            sql = sql.replace("$as_of", "DATE '2026-01-01'")
            measured.assigned[f"{query}, {name}"] = _assigned(file, sql, work, repetitions)
    return measured


def main() -> None:
    """Measure, print the table and put it into `benchmarks/README.md`."""
    parser = argparse.ArgumentParser(description="Fits on a weighted summary against fits on all customers.")
    parser.add_argument("--customers", type=int, default=3_000_000)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3, help="of the summary's fits and of assignments")
    parser.add_argument("--cell-width", type=float, help="of the summary's grid, in standard deviations")
    parser.add_argument("--print-only", action="store_true", help="leave benchmarks/README.md as it is")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="resegment-fit-") as work:
        measured = measure(
            Path(work), customers=given.customers, k=given.k, repetitions=given.repetitions, cell_width=given.cell_width
        )
    text = fit_report.markdown(measured)
    if not given.print_only:
        fit_report.write_section(README, text)
    print(text)


def _fits(
    connection: duckdb.DuckDBPyConnection, model: ModelParams, repetitions: int, measured: Measured
) -> tuple[Scaler, NDArray[np.float64]]:
    """Fit in all ways, in turns; return the scaler and the centroids of the summary."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    name, k = model.transform.value, int(model.k)
    ours, full, batches = Way(), Way(), Way()
    measured.fits[name] = {"weighted summary": ours, "scikit-learn KMeans": full, "MiniBatchKMeans": batches}
    scaler, points = _prepared(connection, model)
    settings = {"n_clusters": k, "n_init": model.n_init, "random_state": model.seed}
    _timed(full, lambda: KMeans(**settings).fit(points).cluster_centers_, points)
    _timed(batches, lambda: MiniBatchKMeans(**settings).fit(points).cluster_centers_, points)
    for _ in range(repetitions):
        centroids = _timed(ours, lambda: _summary_fit(connection, model), points)
    measured.cells[name] = len(_summary(connection, scaler, model).weights)
    return scaler, centroids


def _prepared(connection: duckdb.DuckDBPyConnection, model: ModelParams) -> tuple[Scaler, NDArray[np.float64]]:
    scaler = _scaler(connection, model)
    columns = connection.execute(standardised_sql(scaler, "features")).fetchnumpy()
    return scaler, np.column_stack(list(columns.values()))


def _timed(way: Way, fit: Callable[[], NDArray[np.float64]], points: NDArray[np.float64]) -> NDArray[np.float64]:
    started = time.perf_counter()
    centroids = fit()
    way.seconds.append(time.perf_counter() - started)
    way.inertia = _inertia(points, centroids)
    return centroids


def _summary_fit(connection: duckdb.DuckDBPyConnection, model: ModelParams) -> NDArray[np.float64]:
    """Everything from the customers' features on: limits, moments, summary, fit."""
    summary = _summary(connection, _scaler(connection, model), model)
    return fit_kmeans(summary, int(model.k), seed=model.seed, n_init=model.n_init).centroids


def _scaler(connection: duckdb.DuckDBPyConnection, model: ModelParams) -> Scaler:
    features = FeatureParams()
    asked = bounds_sql(features, model, "features")
    bounds = _row(connection, asked) if asked else None
    moments = _row(connection, moments_sql(features, model, bounds, "features"))
    return scaler_from_moments(features, model, bounds, moments)


def _summary(connection: duckdb.DuckDBPyConnection, scaler: Scaler, model: ModelParams) -> Summary:
    columns = connection.execute(summary_sql(scaler, model.cell_width, "features")).fetchnumpy()
    return summary_from_columns(columns, scaler)


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    return {name: column.tolist()[0] for name, column in connection.execute(sql).fetchnumpy().items()}


def _inertia(points: NDArray[np.float64], centroids: NDArray[np.float64]) -> float:
    blocks = np.array_split(points, max(1, len(points) // 100_000))
    return float(sum(((block[:, None] - centroids) ** 2).sum(axis=2).min(axis=1).sum() for block in blocks))


def _assigned(file: Path, select: str, work: Path, repetitions: int) -> Assigned:
    """Run a query into a table in processes of their own; extra memory is their peak less what they held before."""
    statement = work / "assign.sql"
    statement.write_text(f"CREATE TEMP TABLE assigned AS {select}")
    taken, extra = [], []
    for _ in range(repetitions):
        ended = processes.ended(["-c", _CHILD, str(file), str(statement)], work)
        seconds, held = json.loads((work / ".output").read_text())
        taken.append(seconds)
        extra.append(ended.peak_mib - held)
    return Assigned(taken, max(extra))


if __name__ == "__main__":
    main()
