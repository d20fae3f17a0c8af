"""Customer activity: kept for one date by recomputing only the customers that changed, and the RFM features from it."""

import re
from collections.abc import Sequence
from datetime import date

import duckdb

from warehouse.errors import FeatureError
from warehouse.store import Warehouse
from warehouse.text import quoted

#: What is scored beside the model, whatever its inputs are.
_SCORED = ("recency_days", "frequency", "monetary", "average")
_NUMERIC = re.compile("BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL[(].*[)]")
_PLAIN_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
#: Squares of greater values, summed over millions of customers, do not fit in the HUGEINT they are counted in.
_GREATEST = 1e12
#: Built-in inputs by name, as expressions over `rfm`. One order has no days between orders: the days since it stand in.
_EXPRESSIONS = {
    "recency_days": "recency_days",
    "frequency": "frequency",
    "monetary": "monetary",
    "average": "average",
    "tenure_days": "tenure_days",
    "days_between_orders": "coalesce(days_between_orders, recency_days)",
    "return_rate": "coalesce(return_rate, 0)",
    "items_per_order": "items_per_order",
    "active_months": "active_months",
}


def advance(warehouse: Warehouse, as_of: date, window_days: int | None, *, accepted: bool) -> date:
    """Bring `features.customer_activity` to `as_of`, or leave its date if it is later already; return its date.

    Runs inside the caller's transaction. With `accepted`, the customers of the temporary table `changed_invoices` are
    recomputed as well, the ledger's revision is counted up, and the days of these invoices are kept with it, so that
    versions made before can be told to be out of date.
    """
    state = warehouse.select("SELECT as_of, window_days FROM features.state")
    target = max(as_of, state[0]["as_of"]) if state else as_of
    if not accepted:
        warehouse.execute("CREATE OR REPLACE TEMP TABLE changed_invoices (customer_id VARCHAR, shop_day DATE)")
    if needs_rebuild(warehouse, window_days):
        warehouse.run("features/rebuild", as_of=target, window_days=window_days)
    else:
        warehouse.run("features/activity_stored")
        find_affected(warehouse, target, state[0]["as_of"], window_days)
        warehouse.run("features/advance")
    warehouse.run("features/set_state", as_of=target, window_days=window_days, accepted=accepted)
    if accepted:
        warehouse.run("features/record_changes")
    return target


def find_affected(warehouse: Warehouse, as_of: date, old_as_of: date, window_days: int | None) -> None:
    """Make what `activity` of `old_as_of` becomes on `as_of`: `former_rows` go, `affected_activity` comes."""
    warehouse.run("features/affected", as_of=as_of, old_as_of=old_as_of, window_days=window_days)
    if warehouse.value("SELECT count(*) FROM anew_customers"):
        warehouse.run("features/anew", as_of=as_of, window_days=window_days)


def needs_rebuild(warehouse: Warehouse, window_days: int | None) -> bool:
    """Whether every customer's activity has to be computed anew: there is none, or it is of another window."""
    state = warehouse.select("SELECT window_days FROM features.state")
    return not state or state[0]["window_days"] != window_days


def follow(warehouse: Warehouse) -> None:
    """Recompute the customers of `changed_invoices` for the date the activity is valid for; it stays that date.

    Runs inside the caller's transaction.
    """
    state = warehouse.select("SELECT as_of, window_days FROM features.state")[0]
    advance(warehouse, state["as_of"], state["window_days"], accepted=True)


def is_current(warehouse: Warehouse, as_of: date, window_days: int | None) -> bool:
    """Whether the stored activity is the one of exactly this date and window."""
    state = warehouse.select("SELECT as_of, window_days FROM features.state")
    return bool(state) and (state[0]["as_of"], state[0]["window_days"]) == (as_of, window_days)


def prepare(warehouse: Warehouse, as_of: date, window_days: int | None) -> int:
    """Make the temporary table `rfm` (money as DECIMAL) of a date; return how many customers are in it.

    The stored activity serves its own date; for any other date the same definition is computed from the invoices.
    """
    stored = is_current(warehouse, as_of, window_days)
    name = "features/activity_stored" if stored else "features/activity_computed"
    warehouse.run(name, as_of=as_of, window_days=window_days)
    warehouse.run("features/rfm", as_of=as_of, window_days=window_days)
    return int(warehouse.value("SELECT count(*) FROM rfm"))


def prepare_inputs(
    warehouse: Warehouse, inputs: Sequence[str], *, as_of: date, window_days: int | None, net: bool, own_sql: str
) -> None:
    """Make the temporary table `features` from `rfm`: the model's inputs and what is scored, as finite DOUBLEs.

    Raises
    ------
    FeatureError
        `own_sql` is no single SELECT, lacks a listed column or has no finite number for every segmented customer.
    """
    if "distinct_products" in inputs:
        warehouse.run("features/distinct_products", as_of=as_of, window_days=window_days)
    own = [name for name in inputs if name not in _EXPRESSIONS and name != "distinct_products"]
    if own:
        prepare_own(warehouse, own_sql, own, as_of)
    warehouse.execute(f"CREATE OR REPLACE TEMP TABLE features AS {inputs_sql(inputs, own, net=net)}")


def of_invoices(inputs: Sequence[str]) -> bool:
    """Whether the invoices alone make these inputs: neither products nor a SELECT of the shop's own."""
    return set(inputs) <= set(_EXPRESSIONS)


def inputs_sql(
    inputs: Sequence[str], own: Sequence[str], *, net: bool, relation: str = "rfm", keep: str = "customer_id"
) -> str:
    """SELECT of `features` from `relation`, `distinct_products` and `own_features`; money is exact until here.

    `keep` are columns of the relation to carry along.
    """
    expressions = _EXPRESSIONS | {"monetary": "greatest(monetary, 0)" if net else "gross"}
    names = dict.fromkeys([*_SCORED, *(name for name in inputs if name in expressions)])
    columns = [f"CAST({expressions[name]} AS DOUBLE) AS {name}" for name in names]
    joins = ""
    if "distinct_products" in inputs:
        columns.append("CAST(distinct_products AS DOUBLE) AS distinct_products")
        joins += " JOIN distinct_products USING (customer_id)"
    if own:
        columns += [f"CAST(own_features.{quoted(name)} AS DOUBLE) AS {quoted(name)}" for name in own]
        joins += " JOIN own_features USING (customer_id)"
    return f"SELECT {keep}, {', '.join(columns)} FROM {relation}{joins}"


def prepare_own(warehouse: Warehouse, own_sql: str, names: Sequence[str], as_of: date) -> None:
    """Run the shop's own SELECT of customer_id and numbers into `own_features`; `$as_of` may be used in it."""
    try:
        statements = duckdb.extract_statements(own_sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise FeatureError("[features] sql: the file has to hold one SELECT and nothing else")
        used = {"as_of": as_of} if "as_of" in statements[0].named_parameters else {}
        select = _without_semicolons(statements[0].query)
        # In a subquery DuckDB refuses WITH x AS (INSERT ...), which it takes for a SELECT too.
        warehouse.connection.execute(f"CREATE OR REPLACE TEMP TABLE own_features AS FROM (\n{select}\n)", used)
    except duckdb.Error as error:
        raise FeatureError(f"[features] sql: {str(error).splitlines()[0]}") from error
    found = {row["column_name"]: row["column_type"] for row in warehouse.select("DESCRIBE own_features")}
    for name in ("customer_id", *names):
        if name not in found:
            raise FeatureError(f"[features] sql: its SELECT has no column {name!r}; it has {', '.join(found)}")
    warehouse.execute("ALTER TABLE own_features ALTER customer_id TYPE VARCHAR")
    if warehouse.value("SELECT count(customer_id) - count(DISTINCT customer_id) FROM own_features"):
        raise FeatureError("[features] sql: a customer_id comes more than once; group by it")
    for name in names:
        _check_name(warehouse, name)
        if not _NUMERIC.fullmatch(found[name]):
            raise FeatureError(f"[features] sql: {name} is {found[name]}, not a number; cast it, as {name}::DOUBLE")
        _check_finite(warehouse, name)


def _without_semicolons(statement: str) -> str:
    """A single statement without those at its end, which may stand before a comment."""
    operators = [at for at, kind in duckdb.tokenize(statement) if kind == duckdb.token_type.operator]
    ends = {at for at in operators if statement[at] == ";"}
    return "".join(letter for at, letter in enumerate(statement) if at not in ends)


def _check_name(warehouse: Warehouse, name: str) -> None:
    """The core writes inputs into its SQL as they are."""
    reserved = "SELECT count(*) FROM duckdb_keywords() WHERE keyword_category <> 'unreserved' AND keyword_name = $name"
    if not _PLAIN_NAME.fullmatch(name) or warehouse.value(reserved, {"name": name.lower()}):
        raise FeatureError(
            f"[features] sql: {name!r} cannot be the name of an input; use letters, digits and underscores, and no "
            "word of SQL"
        )


def _check_finite(warehouse: Warehouse, name: str) -> None:
    number = f"CAST(own_features.{quoted(name)} AS DOUBLE)"
    missing = warehouse.value(
        "SELECT count(*) FROM rfm LEFT JOIN own_features USING (customer_id) "
        f"WHERE NOT coalesce(abs({number}) <= {_GREATEST:g}, false)"
    )
    if missing:
        raise FeatureError(
            f"[features] sql: {name} is missing, NaN or beyond {_GREATEST:g} for {missing:,} segmented "
            f"customers; give them a value, as coalesce({name}, 0)"
        )
