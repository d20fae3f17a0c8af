"""What of a published file asks nobody's membership: made on a second connection, in a second thread.

DuckDB has nothing to share among threads in the many small statements of a publication, but two connections run two of
them at a time. What needs no version either, the totals of sales before a date, is made ready a date ahead.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from itertools import pairwise
from typing import Any

from warehouse import months, versions
from warehouse.errors import WarehouseError
from warehouse.filling import Parameters, fill, fill_ready, make_ready
from warehouse.store import Warehouse

#: Tables of sales before a date.
_OF_DATE = ("cohort_retention", "sales_by_country", "sales_monthly", "top_products")
#: Tables of a candidate's customers.
_OF_CANDIDATE = ("product_affinity", "rfm_crosstab", "rfm_heatmap", "segment_countries")
#: Tables that are quickly filled, but for some only when the history was prepared.
_AT_LAST = (
    "segment_map", "segment_map_axes", "segment_movements", "segment_profiles", "segment_profiles_history",
    "segment_versions", "version_drift",
)  # fmt: skip
TABLES = frozenset([*_OF_DATE, *_OF_CANDIDATE, *_AT_LAST])


class Beside:
    """The second connection; its work is done in the order it is asked for."""

    def __init__(self, warehouse: Warehouse, pool: ThreadPoolExecutor, dates: Sequence[date]) -> None:
        self._warehouse, self._pool = warehouse, pool
        self._after = dict(pairwise(dates))
        self._candidates: dict[date, int] = {}
        self._ready: date | None = None
        self._told: int | None = None

    def expect(self, candidates: Mapping[date, int]) -> None:
        """Candidates that are stored, by date: what is told of them may be made ready a date ahead."""
        self._candidates.update(candidates)

    def prepare(self, parameters: Parameters) -> "Future[None]":
        """Make the totals of the date `as_of` ready; the database `shared` has those the other connection needs."""
        return self._pool.submit(self._prepare, dict(parameters))

    def prepare_profiles(self, row: Mapping[str, Any]) -> "Future[None]":
        """Make the profiles of the version of this row ready, in the database `shared`."""
        return self._pool.submit(versions.prepare_profiles, self._warehouse, row)

    def prepare_candidate(self, parameters: Parameters) -> "Future[None]":
        """Make ready what is told of a candidate's customers, after the totals of its date."""
        return self._pool.submit(self._prepare_candidate, dict(parameters))

    def fill(self, parameters: Parameters) -> "Future[None]":
        """Insert the rows of `TABLES` into the attached file `publication`, in a transaction of their own."""
        return self._pool.submit(self._fill, dict(parameters))

    def prepare_next(self, parameters: Parameters) -> None:
        """Make ready what is known of the date after `as_of`, if there is one; what was ready of `as_of` is lost."""
        as_of = self._after.get(parameters["as_of"])
        if as_of is not None:
            self.prepare({**parameters, "as_of": as_of})
        if as_of in self._candidates:
            self.prepare_candidate({**parameters, "as_of": as_of, "version_id": self._candidates[as_of]})

    def _prepare(self, parameters: Parameters) -> None:
        if self._ready == parameters["as_of"]:
            return
        self._ready = None
        months.prepare_sales(self._warehouse, parameters)
        for table in _OF_DATE:
            make_ready(self._warehouse, table, parameters)
        self._ready = parameters["as_of"]

    def _prepare_candidate(self, parameters: Parameters) -> None:
        if self._told == parameters["version_id"]:
            return
        self._told = None
        for table in _OF_CANDIDATE:
            make_ready(self._warehouse, table, parameters)
        self._told = parameters["version_id"]

    def _fill(self, parameters: Parameters) -> None:
        self._warehouse.run("segments/next_movements")
        self._warehouse.run("segments/next_profiles")
        with self._warehouse.transaction():
            for table in (*_OF_DATE, *_OF_CANDIDATE):
                fill_ready(self._warehouse, table)
            for table in _AT_LAST:
                fill(self._warehouse, table, parameters)


@contextmanager
def beside(warehouse: Warehouse, dates: Sequence[date] = ()) -> Iterator[Beside]:
    """A second connection for publications in the order of `dates`; they may be left out."""
    warehouse.execute("ATTACH ':memory:' AS shared")
    try:
        with warehouse.connection.cursor() as connection, ThreadPoolExecutor(1, "beside") as pool:
            connection.execute("SET TimeZone = 'UTC'")
            yield Beside(Warehouse(connection, warehouse.params), pool, dates)
    except BaseException:
        with suppress(WarehouseError):  # what went wrong before is what counts
            warehouse.execute("DETACH shared")
        raise
    warehouse.execute("DETACH shared")
