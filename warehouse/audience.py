"""Audiences: customers of a published version picked by segment and condition, written as a file with a manifest.

Like all reading it opens published files only. A condition is somebody's own SQL, so it is run where nothing but the
published tables can be reached: no other file, no network, no writing.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
import polars

from warehouse.durable import write_whole
from warehouse.errors import ResegmentError, WarehouseError
from warehouse.failures import explaining_files
from warehouse.frame_files import FileKind, encode
from warehouse.reading import explaining_version, version_file_of
from warehouse.text import literal, quoted

#: Columns of an audience for which none are named.
COLUMNS = ("customer_id", "segment", "segment_since", "rfm_segment", "country", "recency_days", "frequency", "monetary")

Manifest = dict[str, Any]
_EXAMPLE = (
    "Write it on the columns of customer_segments, as \"country = 'France' AND recency_days < 90\"; which those are: "
    '`resegment sql "DESCRIBE customer_segments"`.'
)


class AudienceError(ResegmentError):
    """The audience that was asked for cannot be made."""


class AudienceFileError(WarehouseError):
    """The file of an audience cannot be written."""


@dataclass(frozen=True)
class Audience:
    """What is asked for: segments by name or key (none: all), a condition on `customer_segments`, columns.

    With `changed_since`, a version's number, only customers that came into the audience or left it since then, with
    `change` ('entered' or 'left') as the first column; who left has the values of today, or the last known.
    """

    segments: tuple[str, ...] = ()
    where: str = ""
    columns: tuple[str, ...] = COLUMNS
    version: int | None = None
    changed_since: int | None = None


@dataclass(frozen=True)
class Picked:
    """An audience as a frame, with the version it is of."""

    rows: polars.DataFrame
    version_id: int
    as_of: date
    created_at: datetime


def pick(serving: Path, audience: Audience) -> Picked:
    """The customers of an audience, in the order of their ids.

    Raises
    ------
    AudienceError
        A segment or column does not exist, or the condition is no SQL condition.
    NothingPublishedError
        Nothing has been published, or there is no such version.
    UnreadableVersionError
        The file of a version is damaged or gone.
    """
    files = [version_file_of(serving, audience.version)]
    if audience.changed_since is not None:
        files.append(version_file_of(serving, audience.changed_since))
    with explaining_version(*files), _confined(files) as connection:
        facts = connection.execute("SELECT version_id, as_of, created_at FROM now.customer_segments LIMIT 1").fetchall()
        if not facts:
            raise AudienceError("The version has no customers.")
        select = _select_sql(connection, audience)
        try:
            with explaining_version(*files):
                rows = polars.DataFrame(connection.sql(select).to_arrow_table())
        except duckdb.Error as error:
            raise AudienceError(f"The condition cannot be used: {_first_line(error)} {_EXAMPLE}") from error
        return Picked(rows, *facts[0])


def render(picked: Picked, audience: Audience, name: str, kind: FileKind, *, made_by: str) -> tuple[bytes, Manifest]:
    """The bytes of an audience's file, to be called `name`, and its manifest.

    In CSV, texts a spreadsheet would run as a formula get an apostrophe in front; numbers and Parquet are left as they
    are.
    """
    written, neutralised = encode(picked.rows, kind)
    manifest = {
        "file": name,
        "format": kind,
        "version_id": picked.version_id,
        "as_of": picked.as_of,
        "version_created_at": picked.created_at,
        "segments": list(audience.segments),
        "where": audience.where.strip() or None,
        "changed_since": audience.changed_since,
        "columns": picked.rows.columns,
        "rows": picked.rows.height,
        "neutralised_texts": neutralised,
        "sha256": hashlib.sha256(written).hexdigest(),
        "exported_at": datetime.now(UTC).replace(microsecond=0),
        "made_by": made_by,
    }
    return written, manifest


def manifest_text(manifest: Manifest) -> str:
    """A manifest as JSON text."""
    return json.dumps(manifest, indent=2, default=str) + "\n"


def export(serving: Path, audience: Audience, file: Path, kind: FileKind, *, made_by: str) -> Manifest:
    """Write an audience and, beside it, `<file>.manifest.json`; return the manifest.

    Both appear whole or not at all, readable by their owner only, the manifest last. Raises as `pick`, and
    AudienceFileError if the file cannot be written.
    """
    content, manifest = render(pick(serving, audience), audience, file.name, kind, made_by=made_by)
    with explaining_files("The audience cannot be written", file, AudienceFileError):
        write_whole(file, content, 0o600)
        write_whole(file.with_name(f"{file.name}.manifest.json"), manifest_text(manifest).encode(), 0o600)
    return manifest


@contextmanager
def _confined(files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own with the versions attached as `now` and `before`, and no way to anything else."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, file in zip(("now", "before"), files, strict=False):
            connection.execute(f"ATTACH {literal(str(file))} AS {name} (READ_ONLY)")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _select_sql(connection: duckdb.DuckDBPyConnection, audience: Audience) -> str:
    described = connection.execute("DESCRIBE now.customer_segments").fetchall()
    known = [column[0] for column in described]
    for column in audience.columns:
        if column not in known:
            raise AudienceError(
                f"customer_segments has no column {column!r}{_nearest(column, known)} It has: {', '.join(known)}."
            )
    columns = ", ".join(quoted(column) for column in audience.columns)
    members = {name: _members_sql(connection, name, audience) for name in ("now", "before")[: 1 + _compares(audience)]}
    if not _compares(audience):
        return f"SELECT {columns} FROM ({members['now']}) ORDER BY customer_id"
    left = ", ".join(f"coalesce(today.{quoted(one)}, gone.{quoted(one)}) AS {quoted(one)}" for one in audience.columns)
    return f"""
SELECT * EXCLUDE (ordering) FROM (
    SELECT 'entered' AS change, {columns}, customer_id AS ordering FROM ({members["now"]}) AS came
    WHERE customer_id NOT IN (SELECT customer_id FROM ({members["before"]}))
    UNION ALL
    SELECT 'left', {left}, gone.customer_id
    FROM ({members["before"]}) AS gone LEFT JOIN now.customer_segments AS today USING (customer_id)
    WHERE gone.customer_id NOT IN (SELECT customer_id FROM ({members["now"]}))
) ORDER BY change, ordering"""


def _compares(audience: Audience) -> bool:
    return audience.changed_since is not None


def _members_sql(connection: duckdb.DuckDBPyConnection, catalogue: str, audience: Audience) -> str:
    """The audience's rows of one version. A segment keeps its key when its name changes, so names become keys."""
    condition = _condition(connection, audience.where) if audience.where.strip() else "true"
    segments = "true"
    if audience.segments:
        keys = ", ".join(str(key) for key in _segment_keys(connection, audience.segments))
        segments = f"segment_key IN ({keys})"
    asked = f"SELECT *, (\n{condition}\n) AS is_asked FROM {catalogue}.customer_segments"  # whatever its brackets
    return f"SELECT * EXCLUDE (is_asked) FROM ({asked}) WHERE is_asked AND {segments}"


def _segment_keys(connection: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> list[int]:
    rows = connection.execute("SELECT segment_key, segment FROM now.segment_profiles").fetchall()
    keys = {name.casefold(): key for key, name in rows} | {str(key): key for key, _ in rows}
    unknown = [name for name in wanted if name.casefold() not in keys]
    if unknown:
        names = sorted(name for _, name in rows)
        raise AudienceError(
            f"There is no segment {unknown[0]!r}{_nearest(unknown[0], names)} There are: {', '.join(names)}."
        )
    return sorted({keys[name.casefold()] for name in wanted})


def _condition(connection: duckdb.DuckDBPyConnection, where: str) -> str:
    """The condition, known to be one expression and nothing that ends it early or follows it."""
    serialised = connection.execute("SELECT json_serialize_sql($text)", {"text": f"SELECT (\n{where}\n)"}).fetchall()
    parsed = json.loads(serialised[0][0])
    if parsed.get("error"):
        raise AudienceError(f"The condition cannot be read: {parsed.get('error_message')}. {_EXAMPLE}")
    nodes = [one["node"] for one in parsed["statements"]]
    if len(nodes) != 1 or len(nodes[0].get("select_list", [])) != 1:
        raise AudienceError(f"The condition has to be one expression. {_EXAMPLE}")
    return where


def _nearest(wrong: str, known: Sequence[str]) -> str:
    close = get_close_matches(wrong.casefold(), [name.casefold() for name in known], 1)
    return f"; did you mean {next(name for name in known if name.casefold() == close[0])}?" if close else "."


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
