"""The quarantine as people see it: what is in it and why, and as a file in which lines can be corrected."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from warehouse.errors import QuarantineError
from warehouse.failures import explaining_files
from warehouse.formats import pointer
from warehouse.params import FileFormat, SourceParams
from warehouse.parsing import MALFORMED
from warehouse.store import Warehouse
from warehouse.text import literal, quoted
from warehouse.text_tables import format_of
from warehouse.unreadable import UnreadableFileError

#: Columns of an export beside those the shop delivers; the first two say which line a corrected one is.
PLACE = ("quarantine_load", "quarantine_line")
UNIT, REASONS, WHOLE_LINE = "quarantine_unit", "quarantine_reasons", "quarantine_text"
#: A spreadsheet runs a text that begins so, also in full-width forms, as a formula; numbers are left alone.
_FORMULA = r"^'*[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_NUMBER = r"^[+-]?[0-9.,]+$"
_OPTIONS = {
    FileFormat.CSV: "FORMAT csv, HEADER true",
    FileFormat.PARQUET: "FORMAT parquet",
    FileFormat.JSONL: "FORMAT json",
}


@dataclass(frozen=True)
class Asked:
    """Which quarantined lines: those with one of the reasons, of the loads, received since; nothing means all."""

    reasons: tuple[str, ...] = ()
    loads: tuple[int, ...] = ()
    since: date | None = None


def select(warehouse: Warehouse, source: SourceParams, asked: Asked) -> int:
    """Make the temporary table `asked_lines`; return how many there are. A line that was replayed is none of them."""
    warehouse.run(
        "quarantine/select", source=source.name, reasons=list(asked.reasons) or None, loads=list(asked.loads) or None,
        since=asked.since, malformed=MALFORMED,
    )  # fmt: skip
    return int(warehouse.value("SELECT count(*) FROM asked_lines"))


def overview(warehouse: Warehouse, source: SourceParams, asked: Asked, lines: int) -> dict[str, Any]:
    """Counts and money by reason and by load, and the first `lines` lines as delivered."""
    found = select(warehouse, source, asked)
    return {
        "lines": found,
        "amount": warehouse.value("SELECT CAST(coalesce(sum(amount), 0) AS DECIMAL(18, 4)) FROM asked_lines"),
        "reasons": warehouse.rows("quarantine/by_reason"),
        "loads": warehouse.rows("quarantine/by_load"),
        "first_lines": warehouse.rows("quarantine/first_lines", limit=lines),
    }


def export(warehouse: Warehouse, source: SourceParams, asked: Asked, file: Path) -> dict[str, Any]:
    """Write lines as delivered, with load, line and reasons, to a file that appears whole or not at all.

    Its owner alone may read it. In CSV, texts that a spreadsheet would run get an apostrophe in front, which a replay
    takes away again.

    Raises
    ------
    QuarantineError
        The name has no known ending, or the file cannot be written.
    """
    try:
        file_format = format_of(file)
    except UnreadableFileError as error:
        raise QuarantineError(f"{file} cannot be written: {error}.") from error
    lines = select(warehouse, source, asked)
    columns = delivered_columns(warehouse)
    select_sql = _export_sql(columns, neutral=file_format is FileFormat.CSV)
    temporary = file.with_name(f".{file.name}.next")  # what a killed export left is begun anew: one writer at a time
    with explaining_files("The export cannot be written", file):
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            warehouse.execute(f"COPY ({select_sql}) TO {literal(str(temporary))} ({_OPTIONS[file_format]})")
            temporary.chmod(0o600)
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    return {"file": file, "lines": lines, "columns": list(columns)}


def delivered_columns(warehouse: Warehouse) -> dict[str, list[str]]:
    """Columns of `asked_lines` as delivered, in that order: name -> the spellings it came in."""
    columns: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for row in warehouse.rows("quarantine/delivered_columns"):
        name = spelled.setdefault(row["name"].lower(), row["name"])
        columns.setdefault(name, []).append(row["name"])
    return columns


def plain_sql(column: str) -> str:
    """A text of a CSV export without the apostrophe that kept a spreadsheet from running it."""
    return f"CASE WHEN {_is_like(column, _FORMULA)} THEN regexp_replace({column}, '^''', '') ELSE {column} END"


def _is_like(expression: str, pattern: str) -> str:
    return f"coalesce(regexp_matches({expression}, {literal(pattern)}), false)"


def _export_sql(columns: dict[str, list[str]], *, neutral: bool) -> str:
    def safe(expression: str) -> str:
        if not neutral:
            return expression
        runs = f"{_is_like(expression, _FORMULA)} AND NOT {_is_like(expression, _NUMBER)}"
        return f"CASE WHEN {runs} THEN '''' || {expression} ELSE {expression} END"

    def delivered(spellings: list[str]) -> str:
        values = ", ".join(f"delivered ->> {literal(pointer(name))}" for name in spellings)
        return f"CASE WHEN NOT malformed THEN coalesce({values}) END"

    values = {
        PLACE[0]: "load_id",
        PLACE[1]: "line_number",
        UNIT: safe("unit"),
        REASONS: "array_to_string(reasons, ' ')",
        WHOLE_LINE: safe("CASE WHEN malformed THEN delivered ->> '/line' END"),
    } | {name: safe(f"({delivered(spellings)})") for name, spellings in columns.items()}
    selected = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
    return f"SELECT {selected} FROM asked_lines ORDER BY load_id, line_number"
