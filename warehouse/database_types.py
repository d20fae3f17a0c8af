"""What the columns of a database's rows are: which are asked for as text, and what a watermark's values mean."""

from typing import TYPE_CHECKING

from warehouse.database_slices import Axis
from warehouse.errors import DeliveryError
from warehouse.params import REQUIRED_COLUMNS, SourceParams
from warehouse.unreadable import missing_column

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = ("quantity", "unit_price")
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
#: The years 1 to 9999; databases know later ones, and infinity.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


def columns_wanted(schema: "pa.Schema", source: SourceParams) -> dict[str, bool]:
    """Columns to ask for by their name in the database, and whether as text.

    Raises
    ------
    DeliveryError
        A mapped column is not there.
    """
    wanted: dict[str, bool] = {}
    for ours, theirs in source.columns.model_dump().items():
        if not theirs and ours not in REQUIRED_COLUMNS:
            continue
        if schema.names.count(theirs) != 1:
            problem = missing_column(ours, theirs, schema.names, source)
            twice = f"it has the column {theirs!r} more than once; name each in a query"
            raise DeliveryError(f"{_rows(source)}: {twice if theirs in schema.names else problem}.")
        wanted[theirs] = wanted.get(theirs, False) or ours in _NUMBERS or not _is_plain(schema.field(theirs).type)
    return wanted


def axis_of(schema: "pa.Schema", source: SourceParams) -> Axis:
    """Kind of the watermark's values.

    Raises
    ------
    DeliveryError
        It is not there, or no time, date or whole number.
    """
    import pyarrow.types as kinds

    name = source.database.watermark
    if name not in schema.names:
        raise DeliveryError(
            f"{_rows(source)}: it has no column {name!r} for [source.database] watermark. "
            f"It has: {', '.join(schema.names[:20])}."
        )
    kind = schema.field(name).type
    if kinds.is_timestamp(kind):
        return Axis.MOMENT if kind.tz else Axis.LOCAL_TIME
    if kinds.is_date(kind):
        return Axis.DAY
    if kinds.is_integer(kind):
        return Axis.NUMBER
    raise DeliveryError(
        f"{_rows(source)}: the watermark {name} must be a time, a date or a whole number, and is {kind}. "
        "Cast it in [source.database] query."
    )


def whole_number(column: "pa.ChunkedArray", name: str) -> int:
    """The first value of a column as a watermark; raises DeliveryError if it is no date of a calendar."""
    import pyarrow as pa
    import pyarrow.types as kinds

    kind = column.type
    if kinds.is_integer(kind):
        return int(column[0].as_py())
    if not kinds.is_temporal(kind):  # SQLite tells a column's type by its values only
        raise DeliveryError(
            f"The watermark {name} must be a time, a date or a whole number, and is {kind}. "
            "Cast it in [source.database] query."
        )
    if kinds.is_date(kind):
        value = column[0].cast(pa.date32()).cast(pa.int32()).as_py() * 86_400_000_000
    elif kind.unit == "ns":  # upwards, so that no row lies between a border and itself
        value = -(-column[0].cast(pa.int64()).as_py() // 1000)
    else:
        value = column[0].cast(pa.int64()).as_py() * _MICROSECONDS[kind.unit]
    if not _FIRST <= value <= _LAST:
        raise DeliveryError(
            f"Rows of the database have a {name} that is no date of the years 1 to 9999 (infinity, perhaps). "
            "Correct them, or leave them out with [source.database] query."
        )
    return int(value)


def _is_plain(kind: "pa.DataType") -> bool:
    import pyarrow.types as kinds

    tests = (kinds.is_string, kinds.is_large_string, kinds.is_integer, kinds.is_boolean, kinds.is_timestamp,
             kinds.is_date)  # fmt: skip
    return any(test(kind) for test in tests)


def _rows(source: SourceParams) -> str:
    return f"The table {source.database.table}" if source.database.table else "The result of [source.database] query"
