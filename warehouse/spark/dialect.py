"""The SQL of the heavy steps in Spark's words: the very text that DuckDB runs, carried over by sqlglot.

sqlglot translates words; five constructs mean something else in Spark although they look alike, and are put into others
here (docs/adr/0017). Nothing but the three steps has to be portable.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one

_VIEWS = Path(__file__).parents[1] / "views"
#: The table macros that are steps, and where each is written; the first parameter is the relation it reads.
MACROS = {"sales.invoices_of": "10_sales_invoices_of.sql", "features.activity_of": "20_features_activity.sql"}
#: Functions that pass over NULLs in both engines, but need two values in Spark.
_OF_SEVERAL = (exp.Least, exp.Greatest)


def macro_sql(macro: str, relation: str, arguments: Sequence[Any]) -> str:
    """What a table macro of `MACROS` selects from `relation`, with its other arguments written into it, for Spark."""
    parameters, body = _macro(macro)
    values = dict(zip(parameters, (relation, *arguments), strict=True))
    return _for_spark(body.transform(_with_arguments, values))


def split_sql(sql: str, parameters: Mapping[str, Any]) -> tuple[str, str]:
    """A query of steps, each standing in the FROM of the next, in two: the innermost for DuckDB, the rest for Spark.

    Returns the innermost SELECT, and the rest that reads it as `given`, with its bound `$parameters` written into it.
    """
    rest = parse_one(sql, read="duckdb")
    *_, innermost = _standing_inside(rest)
    first = innermost.this.sql("duckdb")
    innermost.replace(exp.to_table("given"))
    return first, _for_spark(rest.transform(_with_parameters, parameters))


def _standing_inside(query: exp.Expression) -> Iterator[exp.Subquery]:
    """The subqueries in the FROM of a query, outermost first."""
    while isinstance(inside := query.args["from_"].this, exp.Subquery):
        yield inside
        query = inside.this


def columns_named(sql: str) -> set[str]:
    """Names of all columns that occur in a SELECT for Spark."""
    return {column.name for column in parse_one(sql, read="spark").find_all(exp.Column)}


@cache
def _macro(name: str) -> tuple[tuple[str, ...], exp.Expression]:
    made = parse_one((_VIEWS / MACROS[name]).read_text(), read="duckdb")
    return tuple(parameter.name for parameter in made.this.expressions), made.expression


def _with_arguments(node: exp.Expression, arguments: Mapping[str, Any]) -> exp.Expression:
    if isinstance(node, exp.Anonymous) and node.name.lower() == "query_table":
        return exp.to_table(arguments[node.expressions[0].name])
    if isinstance(node, exp.Column) and not node.table and node.name in arguments:
        return _literal(arguments[node.name])
    return node


def _with_parameters(node: exp.Expression, parameters: Mapping[str, Any]) -> exp.Expression:
    if isinstance(node, exp.Placeholder | exp.Parameter):
        return _literal(parameters[node.name])
    return node


def _literal(value: Any) -> exp.Expression:
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)


def _for_spark(tree: exp.Expression) -> str:
    return str(tree.transform(_meaning_the_same).sql("spark"))


def _meaning_the_same(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.ArgMax):  # DuckDB passes over rows where what is asked for is NULL, Spark does not
        known = exp.Where(this=exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null())))
        return exp.Filter(this=exp.Anonymous(this="max_by", expressions=[node.this, node.expression]), expression=known)
    if isinstance(node, exp.Bracket) and not isinstance(node.expressions[0], exp.Literal):
        return exp.Anonymous(this="element_at", expressions=[node.this, node.expressions[0]])  # counts from 1, too
    if isinstance(node, _OF_SEVERAL) and not node.expressions:
        return node.this
    if isinstance(node, exp.Select):
        return _without_replace(node)
    return node


def _without_replace(select: exp.Select) -> exp.Select:
    """`* REPLACE (x AS y)` as `* EXCEPT (y), x AS y`: the same columns in another order."""
    columns = []
    for column in select.expressions:
        replaced = column.args.get("replace") if isinstance(column, exp.Star) else None
        if replaced:
            columns += [exp.Star(except_=[exp.column(one.alias) for one in replaced]), *replaced]
        else:
            columns.append(column)
    select.set("expressions", columns)
    return select
