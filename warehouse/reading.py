"""The read side: published versions only. Nothing here opens the private warehouse or can block it."""

import json
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import NothingPublishedError


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


def open_current(serving: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the current version; it stays on that version until it is closed."""
    connection = duckdb.connect(current_file(serving), read_only=True)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def query(serving: Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one statement on the current version."""
    connection = open_current(serving)
    try:
        result = connection.execute(sql)
        return [column[0] for column in result.description or []], result.fetchall()
    finally:
        connection.close()


def status(serving: Path) -> dict[str, Any]:
    """How the last run ended, as it left it in `status.json`; empty if there has been none."""
    file = serving / "status.json"
    return json.loads(file.read_text()) if file.exists() else {}
