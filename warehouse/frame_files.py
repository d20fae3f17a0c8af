"""Frames as files for other tools, safe in a spreadsheet."""

from io import BytesIO
from typing import Literal

import polars

#: A spreadsheet takes text that begins so for a formula, also in the full-width forms.
_FORMULA = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"

FileKind = Literal["csv", "parquet"]


def encode(rows: polars.DataFrame, kind: FileKind) -> tuple[bytes, dict[str, int]]:
    """A frame as the bytes of a file, and how many texts of each column were made harmless.

    In CSV, texts a spreadsheet would run as a formula get an apostrophe in front; numbers and Parquet are left as they
    are.
    """
    rows, neutralised = _neutralised(rows) if kind == "csv" else (rows, {})
    content = BytesIO()
    rows.write_csv(content) if kind == "csv" else rows.write_parquet(content)
    return content.getvalue(), neutralised


def _neutralised(rows: polars.DataFrame) -> tuple[polars.DataFrame, dict[str, int]]:
    """Texts that would run as formulas with an apostrophe in front, and how many there were by column."""
    texts = [name for name, kind in rows.schema.items() if kind == polars.String]
    found = {name: int(rows[name].str.contains(_FORMULA).sum()) for name in texts}
    changed = {name: number for name, number in found.items() if number}
    texts_now = {name: polars.col(name) for name in changed}
    safe = [
        polars.when(text.str.contains(_FORMULA)).then("'" + text).otherwise(text).alias(name)
        for name, text in texts_now.items()
    ]
    return rows.with_columns(safe), changed
