"""Writes the rows of every table of a warehouse as JSON lines: python dump.py WAREHOUSE.duckdb FOLDER."""

import sys
from pathlib import Path

import duckdb


def dump(warehouse: Path, folder: Path) -> None:
    """One file a table that has rows."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(warehouse, read_only=True) as connection:
        tables = connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1")
        for (table,) in tables.fetchall():
            if connection.execute(f"SELECT count(*) FROM {table}").fetchone() != (0,):
                connection.execute(f"COPY {table} TO '{folder / table}.json' (FORMAT json)")


if __name__ == "__main__":
    dump(Path(sys.argv[1]), Path(sys.argv[2]))
