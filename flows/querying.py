"""`resegment sql`: one statement on the current version, with errors for the person who wrote it."""

from pathlib import Path
from typing import Any, NamedTuple

from flows.settings import load_settings
from warehouse import reading
from warehouse.errors import ResegmentError


class QueryError(ResegmentError):
    """The statement cannot be run on the published tables."""


class Rows(NamedTuple):
    """Result of a statement; a name that comes twice gets a number."""

    names: list[str]
    rows: list[tuple[Any, ...]]

    def as_dicts(self) -> list[dict[str, Any]]:
        """Each row by column name."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


def run_query(sql: str, config: Path | None) -> Rows:
    """All rows of a statement on the current version.

    Raises
    ------
    QueryError
        There is none, or DuckDB refused it; published files are read-only.
    NothingPublishedError
        There is no version yet.
    """
    if not sql.strip(" \t\n;"):
        raise QueryError('There is no statement. Ask for rows, as in "FROM customer_segments LIMIT 5".')
    serving = load_settings(config).settings.warehouse.serving
    try:
        names, rows = reading.query(serving, sql)
    except Exception as error:
        if type(error).__module__ not in ("duckdb", "_duckdb"):  # only the warehouse imports DuckDB
            raise
        raise QueryError(_told(str(error))) from error
    return Rows(_distinct(names), rows)


def _told(message: str) -> str:
    if "read-only" in message:
        return "The published tables are read-only; ask for rows with SELECT or FROM."
    lines = "\n".join(line for line in message.splitlines() if line.strip())
    tables = '\nWhich tables there are: `resegment sql "FROM data_dictionary"`.' if "Catalog Error" in message else ""
    return f"The statement cannot be run: {lines}{tables}"


def _distinct(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number = 1
        while (f"{name}_{number}" if number > 1 else name) in found:
            number += 1
        found.append(f"{name}_{number}" if number > 1 else name)
    return found
