"""The read side: published versions only. Nothing here opens the private warehouse or can block it."""

import json
import tempfile
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.errors import NothingPublishedError, UnreadableVersionError
from warehouse.failures import is_damage
from warehouse.serving import number_of, version_file
from warehouse.text import literal, quoted

if TYPE_CHECKING:
    import polars as pl

#: What does not fit in memory goes elsewhere, since published folders are read-only. One value for all connections of
#: a process: DuckDB shares a file between them and refuses other settings.
_SPILL = Path(tempfile.gettempdir()) / f"resegment-{uuid.uuid4().hex}"
_QUERIES = Path(__file__).parent / "queries" / "diff"
_DIFFERENCE = ("totals", "segments", "movements")


def current_file(serving: Path) -> Path:
    """The DuckDB file `current` points at now, by its own immutable path.

    Raises
    ------
    NothingPublishedError
        No version has been published there.
    """
    link = serving / "current"
    if not link.exists():
        raise NothingPublishedError(f"Nothing is published in {serving} yet. Run `resegment nightly` first.")
    return link.resolve() / "segments.duckdb"


def version_file_of(serving: Path, version_id: int | None) -> Path:
    """The DuckDB file of a version, or of the current one.

    Raises
    ------
    NothingPublishedError
        There is no such version, or its folder is gone.
    """
    if version_id is None:
        return current_file(serving)
    file = version_file(serving, version_id)
    if not file.exists():
        raise NothingPublishedError(
            f"Version {version_id} is not in {serving}: it was never published, or its folder was removed. "
            'Those there are: `resegment sql "FROM segment_versions"`.'
        )
    return file


def version_of(file: Path) -> int:
    """Number of the version whose DuckDB file this is, in whichever revision."""
    return number_of(file.parent)


@contextmanager
def explaining_version(*files: Path) -> Iterator[None]:
    """Turn what DuckDB says of a version's file that is damaged, gone or closed to this user into an error for people.

    Raises
    ------
    UnreadableVersionError
        One of `files` cannot be read.
    """
    try:
        yield
    except duckdb.Error as error:
        told = str(error).partition("\n")[0]
        named = [file for file in files if str(file) in told]
        if not (is_damage(told) or (named and isinstance(error, duckdb.IOException))):
            raise
        raise UnreadableVersionError(
            f"{' or '.join(map(str, named or files))} cannot be read ({told}). If it is damaged or gone, bring it back "
            "from a backup, or let readers have the version before with `resegment rollback`; the next night makes a "
            "new one."
        ) from error


def open_current(serving: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the current version; it stays on that version until it is closed."""
    while True:
        file = current_file(serving)
        try:
            return open_file(file)
        except UnreadableVersionError:
            if file.exists() or file == current_file(serving):
                raise  # else it was replaced by a newer one between the look at the link and the opening


def open_file(file: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the file of one version; raises UnreadableVersionError if there can be none."""
    with explaining_version(file):
        connection = duckdb.connect(file, read_only=True, config={"temp_directory": str(_SPILL)})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def query(serving: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one statement on the current version."""
    with explaining_version(current_file(serving)), open_current(serving) as connection:
        return _rows(connection, sql)


def query_file(file: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one statement on the file of one version."""
    with explaining_version(file), open_file(file) as connection:
        return _rows(connection, sql)


def frame(file: Path, sql: str, parameters: dict[str, Any] | None = None) -> "pl.DataFrame":
    """Rows of one statement on the file of one version, with bound parameters; money as floats."""
    import polars as pl

    with explaining_version(file), open_file(file) as connection:
        rows: pl.DataFrame = connection.sql(sql, params=parameters).pl()
    return _floats(rows)


def compare(earlier: Path, later: Path) -> "pl.DataFrame":
    """Customers by segment in two versions, by their files; shaped as segment_movements, with those who stayed.

    `net_365_days` is their net money to date in the later version, or in the earlier one for who left.
    """
    import polars as pl

    with (
        explaining_version(earlier, later),
        duckdb.connect(":memory:", config={"temp_directory": str(_SPILL)}) as connection,
    ):
        for name, file in (("earlier", earlier), ("later", later)):
            connection.execute(f"ATTACH {literal(str(file))} AS {name} (READ_ONLY)")
        rows: pl.DataFrame = connection.sql(_COMPARED).pl()
    return _floats(rows)


_COMPARED = """
SELECT b.segment_key AS from_segment_key, any_value(b.segment) AS from_segment,
    a.segment_key AS to_segment_key, any_value(a.segment) AS to_segment,
    count(*) AS customers, CAST(sum(coalesce(a.monetary, b.monetary)) AS DECIMAL(18, 4)) AS net_365_days
FROM earlier.customer_segments AS b FULL JOIN later.customer_segments AS a USING (customer_id)
GROUP BY b.segment_key, a.segment_key ORDER BY ALL
"""


def versions_at_hand(serving: Path) -> list[dict[str, Any]]:
    """Rows (version_id, as_of, status, created_at) of the versions whose file is there, the newest date first.

    Raises NothingPublishedError if there is none.
    """
    rows = frame(
        current_file(serving),
        "SELECT version_id, as_of, status, created_at FROM segment_versions ORDER BY as_of DESC, version_id DESC",
    )
    return [row for row in rows.rows(named=True) if version_file(serving, row["version_id"]).exists()]


def difference(serving: Path, former: int, later: int | None) -> dict[str, Any]:
    """What differs between two versions (`later` None: the current one): totals, segments, and who is elsewhere.

    Raises
    ------
    NothingPublishedError
        There is no such version, or its folder is gone.
    """
    files = {"former": version_file_of(serving, former), "later": version_file_of(serving, later)}
    with (
        explaining_version(*files.values()),
        duckdb.connect(config={"temp_directory": str(_SPILL)}) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        for name, file in files.items():
            connection.execute(f"ATTACH {literal(str(file))} AS {name} (READ_ONLY)")
        (former_row,), (later_row,) = (
            _dicts(connection, f"SELECT DISTINCT version_id, as_of, created_at FROM {name}.customer_segments LIMIT 1")
            for name in files
        )
        found = {part: _dicts(connection, (_QUERIES / f"{part}.sql").read_text()) for part in _DIFFERENCE}
    return {"former": former_row, "later": later_row, "totals": found["totals"][0]} | {
        part: found[part] for part in _DIFFERENCE[1:]
    }


def _dicts(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    result = connection.execute(sql)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def status(serving: Path) -> dict[str, Any]:
    """How the last run ended, as it left it in `status.json`; empty if there has been none.

    Also if the file is damaged: it is there to be read, and the run that ends next writes it anew.
    """
    try:
        return dict(json.loads((serving / "status.json").read_text()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return {}


def frames(file: Path, tables: Collection[str]) -> dict[str, "pl.DataFrame"]:
    """Whole tables of one version by name, money as floats; one that an older version lacks is left out."""
    with explaining_version(file), open_file(file) as connection:
        there = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        found = {name: connection.sql(f"FROM {quoted(name)}").pl() for name in tables if name in there}
    return {name: _floats(rows) for name, rows in found.items()}


def _floats(rows: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl
    import polars.selectors as cs

    return rows.with_columns(cs.decimal().cast(pl.Float64))


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    result = connection.execute(sql)
    return [column[0] for column in result.description or []], result.fetchall()
