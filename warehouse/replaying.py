"""Quarantined lines tried again, under the rules of now or as a person corrected them: a load of its own for each load.

Only lines that are sound this time come in; the rest stays in the quarantine, so that a second try does nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from warehouse import features, landing
from warehouse.erased import pads, without_erased_sql
from warehouse.errors import QuarantineError
from warehouse.file_reader import next_load_id
from warehouse.formats import Shape, check_columns, pointer
from warehouse.params import FileFormat, SourceParams
from warehouse.parsing import MALFORMED, lines_sql
from warehouse.quarantine import PLACE, REASONS, UNIT, WHOLE_LINE, Asked, plain_sql, select
from warehouse.store import Warehouse
from warehouse.text import literal
from warehouse.text_tables import format_of, read_texts
from warehouse.unreadable import UnreadableFileError

#: Files in which numbers are numbers, whatever separators texts have.
_SELF_EXPLAINING = ("json", "jsonl", "ndjson", "xlsx")
_NUMBERS = ("'BIGINT'", "'UBIGINT'", "'HUGEINT'", "'UHUGEINT'", "'DOUBLE'", "'DECIMAL'")


@dataclass(frozen=True)
class Tried:
    """Quarantined lines that were tried, how many are sound now, and why the others stay.

    `still_faulty`: reason -> lines; `other_columns`: delivered with other columns than are mapped now; `erased`: of
    customers who were erased; `gone`: lines of the corrected file that are not in the quarantine (any more).
    """

    lines: int
    sound: int
    loads: int
    still_faulty: dict[str, int]
    other_columns: int
    erased: int
    gone: int


def stage(
    warehouse: Warehouse, source: SourceParams, shop_zone: str, now: datetime, asked: Asked, corrections: Path | None
) -> Tried:
    """Stage the lines that are sound now; `now` is UTC without a zone.

    Raises
    ------
    QuarantineError
        The corrected file cannot be read, or does not tell which lines it corrects.
    """
    landing.discard_staged(warehouse)
    with warehouse.transaction():
        return _stage(warehouse, source, shop_zone, now, asked, corrections)


def accept(warehouse: Warehouse, source: SourceParams, now: datetime) -> dict[str, Any]:
    """Take in what is staged as a delivery is; return its lines and money by outcome. In the caller's transaction."""
    if landing.accept(warehouse, source, now):
        features.follow(warehouse)
    return warehouse.rows("ops/summary", now=now)[0]


def plan(
    warehouse: Warehouse, source: SourceParams, shop_zone: str, now: datetime, asked: Asked, corrections: Path | None
) -> tuple[Tried, dict[str, Any]]:
    """What `stage` and `accept` would do, found out by doing it and taking it back. Raises as `stage`."""
    warehouse.execute("BEGIN TRANSACTION")
    try:
        warehouse.run("landing/discard_staged")
        tried = _stage(warehouse, source, shop_zone, now, asked, corrections)
        return tried, accept(warehouse, source, now)
    finally:
        warehouse.roll_back()


def _stage(
    warehouse: Warehouse, source: SourceParams, shop_zone: str, now: datetime, asked: Asked, corrections: Path | None
) -> Tried:
    select(warehouse, source, asked)
    columns, gone = _read_corrections(warehouse, corrections) if corrections else ({}, 0)
    first = next_load_id(warehouse)
    warehouse.run("quarantine/open_replays", first=first, source=source.name, now=now)
    other_columns = unsplit = 0
    for shape in warehouse.rows("quarantine/shapes"):
        if not shape["names"] and not columns:
            unsplit += shape["lines"]
            continue
        try:
            _stage_shape(warehouse, source, shop_zone, now, shape, columns)
        except UnreadableFileError:
            other_columns += shape["lines"]
    return _tried(warehouse, {MALFORMED: unsplit} if unsplit else {}, other_columns, gone)


def _stage_shape(
    warehouse: Warehouse,
    source: SourceParams,
    shop_zone: str,
    now: datetime,
    found: dict[str, Any],
    columns: dict[str, str],
) -> None:
    """Lines of the same columns, as one statement; raises UnreadableFileError if they are not those that are mapped."""
    names = found["names"] or list(columns)
    check_columns(names, source)
    explains_itself = source.format.value in _SELF_EXPLAINING or found["ending"] in _SELF_EXPLAINING
    shape = Shape(FileFormat.JSONL if explains_itself else FileFormat.CSV, tuple((name, "VARCHAR") for name in names))
    relation = _relation_sql(source, names, columns, explains_itself)
    if found["ending"] in ("parquet", "pq"):
        source = source.model_copy(update={"date_format": ""})  # its times were times
    lines = lines_sql(shape, relation, source, shop_zone, line_number="delivered_line")
    received = now.replace(tzinfo=UTC).astimezone(ZoneInfo(shop_zone)).replace(tzinfo=None)
    parameters: dict[str, Any] = {"received_local": received}
    hashing = pads(warehouse)
    if hashing["inner_pad"]:
        lines, parameters = without_erased_sql(lines), parameters | dict(hashing)
    warehouse.execute("CREATE OR REPLACE TEMP VIEW one_shape AS SELECT * FROM tried_lines WHERE " + _is(found))
    warehouse.execute(f"INSERT INTO landing.staged_lines BY NAME {lines}", parameters)


def _is(found: dict[str, Any]) -> str:
    names = "[" + ", ".join(literal(name) for name in found["names"]) + "]"
    return f"names = CAST({names} AS VARCHAR[]) AND ending = {literal(found['ending'])}"


def _relation_sql(source: SourceParams, names: list[str], columns: dict[str, str], explains_itself: bool) -> str:
    """The lines with their columns as `c0`, ...; corrected ones where they were changed."""
    numbers = {source.columns.quantity, source.columns.unit_price}
    spelled = {name.lower(): column for name, column in columns.items()}
    values = []
    for number, name in enumerate(names):
        delivered = f"(delivered ->> {literal(pointer(name))})"
        value = delivered
        if name in numbers and not explains_itself and source.decimal_separator != ".":  # Parquet's own numbers
            kind = f"json_type(delivered, {literal(pointer(name))})"
            written = f"replace({delivered}, '.', {literal(source.decimal_separator)})"
            value = f"CASE WHEN {kind} IN ({', '.join(_NUMBERS)}) THEN {written} ELSE {delivered} END"
        if corrected := spelled.get(name.lower()):
            value = f"CASE WHEN {corrected} IS NOT DISTINCT FROM {delivered} THEN {value} ELSE {corrected} END"
        values.append(f"{value} AS c{number}")
    joined = "JOIN corrections USING (load_id, line_number)" if columns else ""
    return (
        f"SELECT {', '.join(values)}, file, line_number AS delivered_line FROM one_shape {joined} "
        "ORDER BY file, line_number"
    )


def _read_corrections(warehouse: Warehouse, file: Path) -> tuple[dict[str, str], int]:
    """Make the temporary table `corrections`; return its column by the name the shop delivers, and lines not found."""
    try:
        names = read_texts(warehouse, file, "handed_in", PLACE)
        apostrophes = format_of(file) is FileFormat.CSV
    except UnreadableFileError as error:
        raise QuarantineError(f"{file} cannot be used: {error}. Nothing was changed.") from error
    load, line = (f"TRY_CAST(trim(c{names.index(name)}) AS BIGINT)" for name in PLACE)
    ours = (*PLACE, UNIT, REASONS, WHOLE_LINE)
    columns = {name: f"k{number}" for number, name in enumerate(names) if name not in ours}
    values = [
        f"{plain_sql(f'c{names.index(name)}') if apostrophes else f'c{names.index(name)}'} AS {column}"
        for name, column in columns.items()
    ]
    chosen = ", ".join([f"{load} AS load_id", f"{line} AS line_number", *values])
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE corrections AS SELECT line, {chosen} FROM handed_in")
    faults = warehouse.rows("quarantine/correction_faults")
    if faults:
        told = "\n".join(f"  line {fault['line']}: {fault['problem']}" for fault in faults)
        raise QuarantineError(f"{file} cannot be used:\n{told}\nNothing was changed.")
    return columns, warehouse.rows("quarantine/corrections")[0]["gone"]


def _tried(warehouse: Warehouse, unsplit: dict[str, int], other_columns: int, gone: int) -> Tried:
    warehouse.run("quarantine/keep_sound")
    warehouse.run("landing/count_staged")
    staged = warehouse.select("SELECT count(*) AS lines, count(DISTINCT load_id) AS loads FROM landing.staged_lines")[0]
    return Tried(
        lines=warehouse.value("SELECT count(*) FROM tried_lines"),
        sound=staged["lines"],
        loads=staged["loads"],
        still_faulty={row["reason"]: row["lines"] for row in warehouse.rows("quarantine/still_faulty")} | unsplit,
        other_columns=other_columns,
        erased=warehouse.value("SELECT count(*) FROM still_faulty WHERE outcome = 'erased'"),
        gone=gone,
    )
