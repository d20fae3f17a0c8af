"""SQL that turns delivered columns into typed lines with an outcome and, where something is wrong, all reasons.

Money and quantities are rounded half away from zero to four digits; lines that lose digits are flagged `rounded`.
Times without an offset are local times of `[source] time_zone`; converted to the shop's zone, a local time that a clock
change skips moves forward by the change and one that it repeats is the earlier of the two.
"""

from warehouse.formats import Shape
from warehouse.params import SourceParams
from warehouse.text import literal, quoted

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

_TIME_WITH_OFFSET = r"\d:\d\d(:\d\d(\.\d+)?)?\s*([Zz]|[+-]\d\d(:?\d\d)?)$"
_EXACT_TYPES = (
    "DECIMAL",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)


def lines_sql(shape: Shape, relation: str, source: SourceParams, shop_zone: str) -> str:
    """SELECT of the columns of `landing.staged_lines` from a relation of the given shape.

    Needs the table `delivered_files(filename, load_id)` and the parameter `$received_local` (shop-local TIMESTAMP).
    `line_number` counts the records of a file from 1, without the header.
    """
    faulty = " OR ".join(f"coalesce({condition}, false)" for condition in REASONS.values())
    reasons = ", ".join(f"CASE WHEN {condition} THEN '{code}' END" for code, condition in REASONS.items())
    cancellation = (
        f"starts_with(invoice_no, {literal(source.cancellation_prefix)})" if source.cancellation_prefix else "false"
    )
    return f"""
WITH raw AS MATERIALIZED (SELECT *, row_number() OVER () AS record FROM {relation}),
first_records AS (SELECT filename, min(record) AS first_record FROM raw GROUP BY filename),
delivered AS (
    SELECT load_id, record - first_record + 1 AS line_number, {_delivered_values(shape, source)}
    FROM raw JOIN first_records USING (filename) JOIN delivered_files USING (filename)
),
parsed AS (
    SELECT *, TRY_CAST(quantity_value AS DECIMAL(38, 12)) AS wide_quantity,
        TRY_CAST(price_value AS DECIMAL(38, 12)) AS wide_price,
        TRY_CAST(wide_quantity AS DECIMAL(18, 4)) AS quantity, TRY_CAST(wide_price AS DECIMAL(18, 4)) AS unit_price,
        {_invoiced_at(shape, source, shop_zone)} AS invoiced_at, coalesce({cancellation}, false) AS is_cancellation
    FROM delivered
),
priced AS (
    SELECT *, CAST(quantity AS DECIMAL(38, 4)) * unit_price AS wide_amount,
        TRY_CAST(wide_amount AS DECIMAL(18, 4)) AS amount
    FROM parsed
),
judged AS (SELECT *, {faulty} AS faulty FROM priced)
SELECT load_id, line_number, line_id, invoice_no, product, description, quantity, unit_price, amount, invoiced_at,
    CAST(invoiced_at AS DATE) AS shop_day, customer_id, country, {_content_key(source)} AS content_key,
    CASE WHEN faulty THEN 'quarantined' WHEN customer_id IS NULL THEN 'unattributed'
        WHEN quantity < 0 THEN 'return' ELSE 'purchase' END AS outcome,
    coalesce(quantity <> wide_quantity OR unit_price <> wide_price OR amount <> wide_amount, false) AS rounded,
    CASE WHEN faulty THEN list_filter([{reasons}], lambda reason: reason IS NOT NULL) END AS reasons,
    CASE WHEN faulty THEN CAST(to_json(delivered_row) AS VARCHAR) END AS delivered
FROM judged"""


def _delivered_values(shape: Shape, source: SourceParams) -> str:
    """Our columns as delivered, missing values null; the others only as part of the line's content."""
    types = dict(shape.columns)
    mapping = source.columns.model_dump()
    parts = [f"{{{', '.join(f'{literal(name)}: raw.{quoted(name)}' for name in types)}}} AS delivered_row"]
    for ours in ("invoice_no", "product", "description", "country", "line_id"):
        parts.append(f"{_text(mapping[ours], source)} AS {ours}")
    parts.append(f"{_customer_id(mapping['customer_id'], source)} AS customer_id")
    parts.append(f"{_number(mapping['quantity'], types[mapping['quantity']], source)} AS quantity_value")
    parts.append(f"{_number(mapping['unit_price'], types[mapping['unit_price']], source)} AS price_value")
    invoiced = mapping["invoiced_at"]
    parts.append(
        f"{_text(invoiced, source) if types[invoiced] == 'VARCHAR' else f'raw.{quoted(invoiced)}'} AS invoiced_value"
    )
    others = [f"CAST(raw.{quoted(name)} AS VARCHAR)" for name in sorted(types) if name not in mapping.values()]
    parts.append(f"{_joined(others)} AS other_content")
    return ", ".join(parts)


def _text(theirs: str, source: SourceParams) -> str:
    if not theirs:
        return "CAST(NULL AS VARCHAR)"
    trimmed = f"trim(CAST(raw.{quoted(theirs)} AS VARCHAR))"
    missing = ", ".join(literal(text) for text in source.missing_values)
    return f"CASE WHEN {trimmed} NOT IN ({missing}) THEN {trimmed} END" if missing else trimmed


def _customer_id(theirs: str, source: SourceParams) -> str:
    """Ids that a spreadsheet or pandas turned into floats (17850.0) become whole again."""
    text = _text(theirs, source)
    return f"CASE WHEN contains({text}, '.') THEN regexp_replace({text}, '^([0-9]+)\\.0+$', '\\1') ELSE {text} END"


def _number(theirs: str, column_type: str, source: SourceParams) -> str:
    """Binary floats go by their shortest text: 2.55 is 2.55, not 2.549999999999999."""
    if column_type.startswith(_EXACT_TYPES):
        return f"raw.{quoted(theirs)}"
    text = _text(theirs, source)
    if column_type == "VARCHAR" and source.thousands_separator:
        text = f"replace({text}, {literal(source.thousands_separator)}, '')"
    if column_type == "VARCHAR" and source.decimal_separator != ".":
        text = f"replace({text}, {literal(source.decimal_separator)}, '.')"
    return text


def _invoiced_at(shape: Shape, source: SourceParams, shop_zone: str) -> str:
    column_type = dict(shape.columns)[source.columns.invoiced_at]
    zone, shop = literal(source.time_zone or shop_zone), literal(shop_zone)
    if column_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone({shop}, invoiced_value)"
    same = source.time_zone in ("", shop_zone)
    if source.date_format:
        local = f"try_strptime(CAST(invoiced_value AS VARCHAR), {literal(source.date_format)})"
    else:
        local = "TRY_CAST(invoiced_value AS TIMESTAMP)"
    local = local if same else f"timezone({shop}, timezone({zone}, {local}))"
    if column_type != "VARCHAR" or source.date_format:
        return local
    absolute = f"timezone({shop}, TRY_CAST(invoiced_value AS TIMESTAMPTZ))"
    return f"CASE WHEN regexp_matches(invoiced_value, {literal(_TIME_WITH_OFFSET)}) THEN {absolute} ELSE {local} END"


def _content_key(source: SourceParams) -> str:
    """What makes two lines the same: their `line_id` if they have one, else all columns, numbers by value."""
    content = [
        literal(source.name),
        *("invoice_no", "product", "description", "customer_id", "country", "other_content"),
        "CASE WHEN quantity = wide_quantity THEN CAST(quantity AS VARCHAR) ELSE CAST(quantity_value AS VARCHAR) END",
        "CASE WHEN unit_price = wide_price THEN CAST(unit_price AS VARCHAR) ELSE CAST(price_value AS VARCHAR) END",
        "coalesce(CAST(invoiced_at AS VARCHAR), CAST(invoiced_value AS VARCHAR))",
    ]
    by_content = f"md5_number_lower({_joined(content)})"
    if not source.columns.line_id:
        return by_content
    by_id = f"md5_number_lower({_joined([literal(source.name), 'line_id'])})"
    return f"CASE WHEN line_id IS NULL THEN {by_content} ELSE {by_id} END"


def _joined(expressions: list[str]) -> str:
    """One text from several: a null differs from an empty text, and no value can reach into the next."""
    return " || chr(31) || ".join(f"coalesce({expression}, chr(30))" for expression in expressions) or "''"
