"""SQL that turns delivered columns into typed lines with an outcome and, where something is wrong, all reasons.

Money and quantities are rounded half away from zero to four digits; lines that lose digits are flagged `rounded`.
Numbers of 100,000 million and more are refused, so that no sum over a delivery can leave DECIMAL(18,4).

Times become local times of the shop's zone. A time with an offset is an instant and converted. A time without one is
local to `[source] time_zone`: if that is the shop's own zone it is kept as written, even if a clock change skips it; if
it is another zone, a time that zone skips moves forward by the change, and of one that it repeats the later is meant.
A date without a time is a day of the shop and never converted.
"""

import re

from warehouse.formats import Shape
from warehouse.params import FileFormat, SourceParams
from warehouse.text import listed, literal

#: Reason codes of the quarantine, in the order they are listed; each condition is about the parsed columns.
REASONS = {
    "missing_invoice_no": "invoice_no IS NULL",
    "missing_date": "invoiced_value IS NULL",
    "unparseable_date": "invoiced_value IS NOT NULL AND invoiced_at IS NULL",
    "implausible_date": "invoiced_at < TIMESTAMP '1970-01-01'",
    "future_date": "invoiced_at > $received_local",
    "missing_quantity": "quantity_value IS NULL",
    "unparseable_quantity": "quantity_value IS NOT NULL AND quantity IS NULL",
    "zero_quantity": "quantity = 0",
    "missing_price": "price_value IS NULL",
    "unparseable_price": "price_value IS NOT NULL AND unit_price IS NULL",
    "non_positive_price": "unit_price <= 0",
    "amount_too_large": "quantity IS NOT NULL AND unit_price IS NOT NULL AND amount IS NULL",
    "cancellation_with_positive_quantity": "is_cancellation AND quantity > 0",
}
#: Reason of a line that a CSV reader cannot split into the header's columns.
MALFORMED = "malformed_line"

#: Columns that are no texts, and what they are called as delivered.
_VALUES = {"quantity": "quantity_value", "unit_price": "price_value", "invoiced_at": "invoiced_value"}
_IDS = ("invoice_no", "customer_id", "line_id")
_TEXTS = ("invoice_no", "product", "description", "customer_id", "country", "line_id")
_TIME_WITH_OFFSET = r"\d:\d\d(:\d\d(\.\d+)?)?\s*([Zz]|[+-]\d\d(:?\d\d)?)$"
_TIME_DIRECTIVE = re.compile(r"%-?[HIMSfpcX]")
_EXACT_TYPES = ("DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                "UBIGINT", "UHUGEINT")  # fmt: skip


def lines_sql(
    shape: Shape, relation: str, source: SourceParams, shop_zone: str, line_number: str = "record - first_record + 1"
) -> str:
    """SELECT of the columns of `landing.staged_lines` from a relation of the given shape.

    Needs the table `delivered_files(file, load_id)` and the parameter `$received_local` (shop-local TIMESTAMP).
    `line_number` counts the records of a file from 1, without the header, unless the relation has a column of its own.
    """
    faulty = " OR ".join(f"({condition})" for condition in REASONS.values())
    reasons = listed(f"CASE WHEN {condition} THEN '{code}' END" for code, condition in REASONS.items())
    prefix = source.cancellation_prefix
    as_delivered = ", ".join(f"{literal(name)}, c{number}" for number, (name, _) in enumerate(shape.columns))
    return f"""
WITH raw AS MATERIALIZED (SELECT *, row_number() OVER () AS record FROM ({relation})),
first_records AS (SELECT file, min(record) AS first_record FROM raw GROUP BY file),
trimmed AS (
    SELECT load_id, {line_number} AS line_number, raw.* EXCLUDE (file, record), {_trimmed(shape, source)}
    FROM raw JOIN first_records USING (file) JOIN delivered_files USING (file)
),
delivered AS (SELECT * REPLACE ({_without_missing(shape, source)}) FROM trimmed),
parsed AS (
    SELECT * REPLACE ({_whole_ids()}), {_number(shape, source, "quantity")}, {_number(shape, source, "unit_price")},
        {_invoiced_at(shape, source, shop_zone)} AS invoiced_at,
        {f"coalesce(starts_with(invoice_no, {literal(prefix)}), false)" if prefix else "false"} AS is_cancellation
    FROM delivered
),
{_PRICED},
judged AS (SELECT *, coalesce({faulty}, false) AS faulty FROM priced)
SELECT load_id, line_number, line_id, invoice_no, product, description, quantity, unit_price, amount, invoiced_at,
    CAST(invoiced_at AS DATE) AS shop_day, customer_id, country, {_content_key(shape, source)} AS content_key,
    CASE WHEN faulty THEN 'quarantined' WHEN customer_id IS NULL THEN 'unattributed'
        WHEN quantity < 0 THEN 'return' ELSE 'purchase' END AS outcome,
    coalesce(quantity_rounded OR unit_price_rounded OR amount_rounded, false) AS rounded,
    CASE WHEN faulty THEN list_filter({reasons}, lambda reason: reason IS NOT NULL) END AS reasons,
    CASE WHEN faulty THEN CAST(json_object({as_delivered}) AS VARCHAR) END AS delivered
FROM judged"""


#: 64-bit arithmetic where it is wide enough, for nearly all lines: 128-bit decimals cost more than all other columns.
_PRICED = """small AS (
    SELECT *, TRY_CAST(quantity AS DECIMAL(9, 4)) * TRY_CAST(unit_price AS DECIMAL(9, 4)) AS small_amount FROM parsed
),
priced AS (
    SELECT *, coalesce(
            CAST(small_amount AS DECIMAL(18, 4)),
            TRY_CAST(CAST(quantity AS DECIMAL(38, 4)) * unit_price AS DECIMAL(15, 4))
        ) AS amount,
        CASE WHEN small_amount IS NOT NULL THEN small_amount <> CAST(amount AS DECIMAL(18, 8))
            ELSE CAST(quantity AS DECIMAL(38, 4)) * unit_price <> amount END AS amount_rounded
    FROM small
)"""


def _column(shape: Shape, theirs: str) -> tuple[str, str]:
    """Name in the relation and DuckDB type; columns that are not mapped are null."""
    if not theirs:
        return "CAST(NULL AS VARCHAR)", "VARCHAR"
    number = shape.number_of(theirs)
    return f"c{number}", shape.columns[number][1]


def _trimmed(shape: Shape, source: SourceParams) -> str:
    """Our columns as delivered: texts trimmed, exact numbers and times as they are, binary floats by shortest text."""
    mapping = source.columns.model_dump()
    parts = [f"{_text(*_column(shape, mapping[ours]))} AS {ours}" for ours in _TEXTS]
    for ours in ("quantity", "unit_price"):
        name, kind = _column(shape, mapping[ours])
        parts.append(
            f"{name if kind.startswith(_EXACT_TYPES) else f'trim(CAST({name} AS VARCHAR))'} AS {_VALUES[ours]}"
        )
    name, kind = _column(shape, mapping["invoiced_at"])
    parts.append(f"{name if _is_time(kind) else f'trim(CAST({name} AS VARCHAR))'} AS invoiced_value")
    return ", ".join(parts)


def _text(name: str, kind: str) -> str:
    """Whole numbers kept as binary floats (how spreadsheets and pandas keep ids) are written without a fraction."""
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"CAST(TRY_CAST({name} AS HUGEINT) AS VARCHAR)"
        return f"CASE WHEN {name} = trunc({name}) THEN {whole} ELSE CAST({name} AS VARCHAR) END"
    return f"trim(CAST({name} AS VARCHAR))"


def _is_time(kind: str) -> bool:
    return kind.startswith(("TIMESTAMP", "DATE"))


def _without_missing(shape: Shape, source: SourceParams) -> str:
    texts = list(_TEXTS)
    for ours, value in _VALUES.items():
        kind = _column(shape, getattr(source.columns, ours))[1]
        if not (_is_time(kind) if ours == "invoiced_at" else kind.startswith(_EXACT_TYPES)):
            texts.append(value)
    longest = max((len(text.encode()) for text in source.missing_values), default=0)
    return ", ".join(f"{_without(name, source.missing_values, longest)} AS {name}" for name in texts)


def _without(name: str, missing: tuple[str, ...], longest: int) -> str:
    """Not IN: DuckDB plans it as a join, and that of all columns takes longer than reading the lines of a night."""
    whens = " ".join(f"WHEN {name} = {literal(text)} THEN NULL" for text in missing)
    return f"CASE WHEN strlen({name}) > {longest} THEN {name} {whens} ELSE {name} END"


def _whole_ids() -> str:
    return ", ".join(f"{whole_id_sql(name)} AS {name}" for name in _IDS)


def whole_id_sql(name: str) -> str:
    """An id that was a float before it was text (17850.0) becomes whole again."""
    return f"CASE WHEN contains({name}, '.') THEN regexp_replace({name}, '^([0-9]+)\\.0+$', '\\1') ELSE {name} END"


def _number(shape: Shape, source: SourceParams, ours: str) -> str:
    """The number to four digits, and whether that lost any: only texts with more digits pay for a wider look."""
    kind = _column(shape, getattr(source.columns, ours))[1]
    value = _VALUES[ours]
    exact = f"TRY_CAST({value} AS DECIMAL(38, 12))"
    if kind.startswith(_EXACT_TYPES):
        return f"TRY_CAST({value} AS DECIMAL(15, 4)) AS {ours}, {ours} <> {exact} AS {ours}_rounded"
    if kind == "VARCHAR" and shape.format in (FileFormat.CSV, FileFormat.PARQUET):
        plain = _plain_number(value, source)
        exact = f"TRY_CAST({plain} AS DECIMAL(38, 12))"
    else:
        plain = value
    wide = f"regexp_matches({plain}, '\\.\\d{{5}}|[eE]')"
    return (
        f"TRY_CAST({plain} AS DECIMAL(15, 4)) AS {ours}, "
        f"CASE WHEN {wide} THEN {ours} <> {exact} ELSE false END AS {ours}_rounded"
    )


def _plain_number(value: str, source: SourceParams) -> str:
    """Separators as SQL knows them; separators out of place leave no number, rather than one 100 times too large."""
    thousands, decimal = source.thousands_separator, source.decimal_separator
    text = value
    if decimal != ".":
        text = f"CASE WHEN NOT contains({value}, '.') THEN replace({value}, {literal(decimal)}, '.') END"
    if not thousands:
        return text
    grouped = literal(rf"^[+-]?\d{{1,3}}({re.escape(thousands)}\d{{3}})+({re.escape(decimal)}\d*)?$")
    plain = f"replace(replace({value}, {literal(thousands)}, ''), {literal(decimal)}, '.')"
    return f"CASE WHEN regexp_matches({value}, {grouped}) THEN {plain} ELSE {text} END"


def _invoiced_at(shape: Shape, source: SourceParams, shop_zone: str) -> str:
    kind = _column(shape, source.columns.invoiced_at)[1]
    shop, zone = literal(shop_zone), source.time_zone or shop_zone

    def converted(local: str) -> str:
        return local if zone == shop_zone else f"TRY(timezone({shop}, timezone({literal(zone)}, {local})))"

    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"TRY(timezone({shop}, invoiced_value))"
    if kind == "DATE":
        return "TRY_CAST(invoiced_value AS TIMESTAMP)"
    if kind.startswith("TIMESTAMP"):
        return converted("TRY_CAST(invoiced_value AS TIMESTAMP)")
    if source.date_format:
        parsed = f"try_strptime(invoiced_value, {literal(source.date_format)})"
        if "%z" in source.date_format or "%Z" in source.date_format:
            return f"TRY(timezone({shop}, {parsed}))"
        return converted(parsed) if _TIME_DIRECTIVE.search(source.date_format) else parsed
    absolute = f"TRY(timezone({shop}, TRY_CAST(invoiced_value AS TIMESTAMPTZ)))"
    local = "TRY_CAST(invoiced_value AS TIMESTAMP)"
    if zone != shop_zone:
        local = f"CASE WHEN contains(invoiced_value, ':') THEN {converted(local)} ELSE {local} END"
    return f"CASE WHEN regexp_matches(invoiced_value, {literal(_TIME_WITH_OFFSET)}) THEN {absolute} ELSE {local} END"


def _content_key(shape: Shape, source: SourceParams) -> str:
    """What makes two lines the same: their `line_id` if they have one, else all columns, numbers and times by value."""
    mapped = set(source.columns.model_dump().values())
    others = sorted((name, number) for number, (name, _) in enumerate(shape.columns) if name not in mapped)
    content = [
        *("invoice_no", "product", "description", "customer_id", "country"),
        *(
            f"CASE WHEN {ours} IS NULL OR {ours}_rounded THEN CAST({_VALUES[ours]} AS VARCHAR) "
            f"ELSE CAST({ours} AS VARCHAR) END"
            for ours in ("quantity", "unit_price")
        ),
        "coalesce(CAST(invoiced_at AS VARCHAR), CAST(invoiced_value AS VARCHAR))",
        *(f"nullif(trim(CAST(c{number} AS VARCHAR)), '')" for _, number in others),
    ]
    by_content = key_sql([literal(source.name), *content])
    if not source.columns.line_id:
        return by_content
    return f"CASE WHEN line_id IS NULL THEN {by_content} ELSE {key_sql([literal(source.name), 'line_id'])} END"


def key_sql(expressions: list[str]) -> str:
    """64 bits of the MD5 of several texts: unlike `hash()` the same in every version of DuckDB.

    A null differs from an empty text. The control characters between the texts do not occur in what shops deliver.
    """
    texts = ", ".join(f"coalesce({expression}, chr(30))" for expression in expressions)
    return f"CAST(md5_number(concat_ws(chr(31), {texts})) >> 64 AS UBIGINT)"
