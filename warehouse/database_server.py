"""Speaks to the database of a source: statements that only read, tried again where that can help.

The password is in the URI only while a connection is made. What drivers report is told without it, and without their
exceptions, whose text could end up in a log.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from warehouse.errors import DeliveryError, ResegmentError, SourceUnreachableError
from warehouse.failures import explaining_files
from warehouse.params import DatabaseParams, Engine

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger("resegment")
T = TypeVar("T")

_PLACE = "{password}"
#: Databases whose drivers take the part of the URI after `scheme://`: a file, an account.
_WITHOUT_SCHEME = ("duckdb", "snowflake", "sqlite")
_EXTRAS = ("postgresql", "sqlite", "connectorx")
#: Classes of SQLSTATE that stay wrong however often one tries: data, authorisation, names, syntax, features.
_LASTING_STATES = ("0A", "22", "28", "3D", "3F", "42")
_LASTING_WORDS = re.compile(
    r"authentication failed|access denied|permission denied|no pg_hba\.conf entry|does not exist|"
    r"no such (table|column)|no password supplied|syntax error|not implemented|unknown option|invalid connection",
    re.IGNORECASE,
)  # fmt: skip
#: What drivers put around the server's own message: the step, the statement and its place in it.
_BESIDE = re.compile(r"^.*ERROR:\s+|\nLINE \d+:.*|Query was:.*", re.DOTALL)
_PASSWORD_WORDS = re.compile(r"password|authentication|access denied", re.IGNORECASE)
_MISSING_WORDS = re.compile(r"(relation|table|view|column|schema).*(does not exist|not found)|no such", re.IGNORECASE)


class _FailedError(Exception):
    """A statement failed: what to tell, and whether trying again can help."""

    def __init__(self, told: str, lasting: bool) -> None:
        super().__init__(told)
        self.lasting = lasting


class Server:
    """The configured database. A connection is made when one is needed and anew after a failure; `close` ends it."""

    def __init__(self, params: DatabaseParams, password: str | None) -> None:
        self.params, self._password = params, password
        self._connection: Any = None

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it may be broken, and nothing is lost with it
                connection.close()

    @property
    def shown(self) -> str:
        """The database as messages call it."""
        return f"The database at {self.params.uri}"

    def table(self, sql: str) -> "pa.Table":
        """Result of a small query. Raises DeliveryError as `copy`."""
        return self._tried_again(lambda: self._read(sql, lambda reader: reader.read_all()))

    def copy(self, sql: str, path: Path) -> None:
        """Stream the result of a query into a Parquet file, from its beginning again if the connection breaks.

        Raises
        ------
        DeliveryError
            The server cannot be reached, refuses the login or the statement, or the driver is not installed.
        DiskFullError
            There is no room for the file.
        """
        self._tried_again(lambda: self._read(sql, lambda reader: _write(reader, path)))

    def _tried_again(self, work: Callable[[], T]) -> T:
        for attempt in count():
            try:
                return work()
            except _FailedError as error:
                told, lasting = str(error), error.lasting
            if lasting or attempt >= self.params.retries:
                tries = f" (tried {attempt + 1} times)" if attempt else ""
                kind = DeliveryError if lasting else SourceUnreachableError
                raise kind(f"{self.shown} cannot be read{tries}: {told}. {self._advice(told)}")
            logger.warning("%s: %s; trying again in %s s", self.shown, told, 2**attempt)
            time.sleep(2**attempt)
        raise AssertionError  # count() has no end

    def _read(self, sql: str, use: Callable[["pa.RecordBatchReader"], T]) -> T:
        failed: _FailedError | None = None
        try:
            with self._opened(sql) as reader:
                return use(reader)
        except (ResegmentError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # connectorx panics with an exception of its own
            failed = self._explained(error)
        self.close()
        raise failed

    @contextmanager
    def _opened(self, sql: str) -> Iterator["pa.RecordBatchReader"]:
        if self.params.engine is Engine.CONNECTORX:
            connectorx = _imported("connectorx", "connectorx")
            yield connectorx.read_sql(self._uri(), sql, return_type="arrow_stream", batch_size=16_384)
            return
        if self._connection is None:
            self._connection = self._connected()
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            yield cursor.fetch_record_batch()

    def _connected(self) -> Any:
        """An ADBC connection; each statement is a transaction of its own, so that none stays open between slices."""
        uri = self._uri()
        scheme = uri.partition(":")[0].lower()
        name = "postgresql" if scheme == "postgres" else scheme
        if name in _WITHOUT_SCHEME:
            uri = re.sub(r"^\w+:(//)?", "", uri)
        return _imported(f"adbc_driver_{name}.dbapi", name).connect(uri, autocommit=True)

    def _uri(self) -> str:
        """The URI with the password in its place."""
        uri, password = self.params.uri, self._password
        if _PLACE in uri:
            if password is None:
                raise DeliveryError(
                    f"[source.database] uri wants a password. Set the environment variable {self.params.password_env}."
                )
            return uri.replace(_PLACE, quote(password, safe=""))
        scheme, mark, rest = uri.partition("://")
        authority = re.split("[/?]", rest, maxsplit=1)[0]
        if password is None or not authority:
            return uri
        user, _, host = authority.rpartition("@")
        return f"{scheme}{mark}{user}:{quote(password, safe='')}@{host}{rest[len(authority) :]}"

    def _explained(self, error: BaseException) -> _FailedError:
        text = " ".join(_BESIDE.sub("", str(error)).split()) or type(error).__name__
        password = self._password or ""
        if len(password) > 3:
            for secret in (password, quote(password, safe=""), quote(password)):
                text = text.replace(secret, "***")
        state = str(getattr(error, "sqlstate", None) or "")
        lasting = state[:2] in _LASTING_STATES or _LASTING_WORDS.search(text) is not None
        return _FailedError(text.rstrip(". ")[:500], lasting)

    def _advice(self, text: str) -> str:
        if _PASSWORD_WORDS.search(text):
            where = (
                f"the Prefect secret {self.params.password_secret}"
                if self.params.password_secret
                else f"the environment variable {self.params.password_env}"
            )
            return f"Check the user in [source.database] uri and the password in {where}."
        if "permission denied" in text.lower():
            return "Grant the user of [source.database] uri the right to read it."
        if _MISSING_WORDS.search(text):
            return "Correct [source.database] table, query or watermark."
        return "What was pulled so far is kept; run this again when that is mended."


def _write(reader: "pa.RecordBatchReader", path: Path) -> None:
    import pyarrow.parquet as pq

    with explaining_files("a slice of the database cannot be written", path):
        writer = pq.ParquetWriter(path, reader.schema)
    try:
        for batch in reader:
            with explaining_files("a slice of the database cannot be written", path):
                writer.write_batch(batch)
    finally:
        with explaining_files("a slice of the database cannot be written", path):
            writer.close()


def _imported(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        package = f"'resegment[{name}]'" if name in _EXTRAS else f"adbc-driver-{name}"
        driver = module.partition(".")[0]
        raise DeliveryError(
            f"The driver {driver} is not installed. Run: pip install {package}. "
            'Databases without an ADBC driver may be read with [source.database] engine = "connectorx".'
        ) from None
