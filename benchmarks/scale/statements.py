"""Runs the command line and writes what its statements took: where the seconds of a night go.

    python -m benchmarks.scale.statements nightly --as-of 2026-11-01       (writes statements.json here)

Statements are those of the warehouse, in the order of their time, with the name of the query and how often each ran.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from warehouse import store


class _Timed:
    """A connection that counts seconds by statement; a cursor of it does the same."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, found: dict[str, list[tuple[float, float]]]) -> None:
        self._connection, self._found = connection, found

    def execute(self, statement: Any, *parameters: Any) -> Any:
        text = statement if isinstance(statement, str) else statement.query
        started, processor = time.perf_counter(), time.process_time()
        try:
            return self._connection.execute(statement, *parameters)
        finally:
            taken = (time.perf_counter() - started, time.process_time() - processor)
            self._found.setdefault(" ".join(text.split()), []).append(taken)

    def cursor(self) -> "_Timed":
        return _Timed(self._connection.cursor(), self._found)

    def __enter__(self) -> "_Timed":
        return self

    def __exit__(self, *raised: object) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def main() -> None:
    """Run `resegment` with the given arguments, timed."""
    from flows.cli import app as resegment

    found: dict[str, list[tuple[float, float]]] = {}
    connect = store.connect
    store.connect = lambda params: _Timed(connect(params), found)
    sys.argv[0] = "resegment"
    try:
        resegment()
    finally:
        rows = [
            {"seconds": sum(one), "processor_seconds": sum(other), "runs": len(taken), "statement": text}
            for text, taken in found.items()
            for one, other in [zip(*taken, strict=True)]
        ]
        rows.sort(key=lambda row: -row["processor_seconds"])
        Path("statements.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
