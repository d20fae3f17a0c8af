"""The heavy steps on Spark: what a step reads goes there as Parquet, and its result comes back as Parquet."""

import hashlib
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.errors import SparkError
from warehouse.failures import explaining_files
from warehouse.params import WarehouseParams
from warehouse.private_file import scratch_prefix
from warehouse.text import literal, quoted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_logger = logging.getLogger("resegment")
Connection = duckdb.DuckDBPyConnection
#: A step in a statement of ours: a table macro, the relation it reads, and other arguments that are bound.
_CALL = re.compile(r"\b(sales\.invoices_of|features\.activity_of)\('([\w.]+)'((?:, \$\w+)*)\)")


class SparkSteps:
    """Does those steps of a run on Spark that are large enough; the session begins with the first of them."""

    def __init__(self, params: WarehouseParams) -> None:
        self._params = params
        self._closing = ExitStack()
        self._session: SparkSession | None = None
        self._exchange = Path()

    @contextmanager
    def carried(self, connection: Connection, sql: str, parameters: Mapping[str, Any]) -> Iterator[str]:
        """A statement for DuckDB in which the results of large steps, done already, stand in the steps' place.

        It can be run until the block ends. Raises SparkError if Spark cannot do a step.
        """
        with ExitStack() as results:

            def done(call: re.Match[str]) -> str:
                macro, relation, bound = call.groups()
                if not self._is_large(connection, relation):
                    return call[0]
                session = self._started()
                from warehouse.spark import dialect

                text = dialect.macro_sql(macro, "given", [parameters[name] for name in re.findall(r"\w+", bound)])
                given = f"SELECT {_columns(connection, relation, text)} FROM {relation}"
                return results.enter_context(_done(session, connection, macro, given, text, self._exchange))

            yield _CALL.sub(done, sql)

    @contextmanager
    def selected(
        self, connection: Connection, name: str, sql: str, relation: str, parameters: Mapping[str, Any]
    ) -> Iterator[str]:
        """A query of steps over `relation`; if that is large, a query of its result, which is done already.

        The innermost step stays in DuckDB: it takes the logarithms, whose last digit is another in Java. The query can
        be run until the block ends. Raises SparkError if Spark cannot do it.
        """
        if not self._is_large(connection, relation):
            yield sql
            return
        session = self._started()
        from warehouse.spark import dialect

        first, rest = dialect.split_sql(sql, parameters)
        with _done(session, connection, name, first, rest, self._exchange) as result:
            yield f"FROM {result}"

    def close(self) -> None:
        """End the session, if there is one, and remove its files."""
        self._session = None
        self._closing.close()

    def _is_large(self, connection: Connection, relation: str) -> bool:
        return _rows(connection, relation) >= self._params.spark.from_rows

    def _started(self) -> "SparkSession":
        if self._session is None:
            from warehouse.spark.session import started

            path, exchange = self._params.path, self._params.spark.exchange
            own = self._folder(path.parent, scratch_prefix(path))
            self._exchange = own if exchange is None else self._folder(exchange, _swept(exchange, path))
            self._session = self._closing.enter_context(started(self._params.spark, own))
        return self._session

    def _folder(self, base: Path, prefix: str) -> Path:
        with explaining_files("No files for Spark can be written", base, SparkError):
            return Path(self._closing.enter_context(tempfile.TemporaryDirectory(dir=base, prefix=prefix)))


def _rows(connection: Connection, relation: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


def _columns(connection: Connection, relation: str, text: str) -> str:
    """Those of a relation that a query for Spark names."""
    from warehouse.spark.dialect import columns_named

    found = [row[0] for row in connection.execute(f"DESCRIBE {relation}").fetchall()]
    return ", ".join(quoted(name) for name in found if name in columns_named(text))


@contextmanager
def _done(
    session: "SparkSession", connection: Connection, step: str, given: str, text: str, exchange: Path
) -> Iterator[str]:
    """The result of a query for Spark as a relation for DuckDB; `given` is the query of what it calls that."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=exchange) as folder:
        file, result = f"{folder}/given.parquet", f"{folder}/result"
        connection.execute(f"COPY ({given}) TO {literal(file)} (FORMAT parquet)")
        with _explaining(step, text):
            session.read.parquet(f"file://{file}").createOrReplaceTempView("given")
            session.sql(text).write.parquet(f"file://{result}")
        _logger.info("%s on Spark: %.1f s", step, time.perf_counter() - began)
        yield f"read_parquet({literal(f'{result}/*.parquet')})"


def _swept(exchange: Path, path: Path) -> str:
    """How our folders in a shared one begin; what a killed run of this warehouse left there goes."""
    prefix = f".resegment-{hashlib.sha256(str(path).encode()).hexdigest()[:12]}-"
    for left in exchange.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return prefix


@contextmanager
def _explaining(step: str, text: str) -> Iterator[None]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    from warehouse.spark.session import first_line

    try:
        yield
    except (PySparkException, Py4JError) as error:
        explained = SparkError(f"{step} failed on Spark: {first_line(error)}. Nothing of this run was changed.")
        explained.add_note(text)
        raise explained from error
