"""A published file written again without erased customers: their rows go, totals of the version are counted anew.

Rows of customers are found by their column `customer_id`, whatever the table. Totals that follow from them are computed
from the rows that remain, so that the file agrees with itself; what rests on sales or on the model (deliveries, drift,
quality, lineage) is no customer's and is copied as it was published.
"""

import re
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse import reading, rewriting
from warehouse.errors import WarehouseError
from warehouse.failures import explaining
from warehouse.params import WarehouseParams
from warehouse.private_file import options
from warehouse.store import ROOM
from warehouse.text import literal, quoted

_QUERIES = ROOM / "queries" / "erasure" / "published"
#: Tables counted anew, in this order, by `queries/erasure/published/<table>.sql` or by what stands below.
RECOUNTED = (
    "segment_profiles", "segment_versions", "segment_movements", "segment_profiles_history", "rfm_crosstab",
    "rfm_heatmap", "segment_countries", "check_results",
)  # fmt: skip
_TOLD = re.compile(r"country|product|description")
_KEPT = "coalesce(customer_id NOT IN (FROM gone), true)"
#: Whether an example of a check quotes an id, which stands alone in it; a mere number is a count.
_NAMING = """NOT regexp_full_match(observed, '[-+0-9.,% ]*') AND EXISTS (
    SELECT 1 FROM gone WHERE contains(observed, gone.customer_id)
        AND regexp_matches(observed, '(^|[^0-9A-Za-z])' || regexp_escape(gone.customer_id) || '($|[^0-9A-Za-z])')
)"""
_CHECKS = f"""
SELECT * REPLACE (CASE WHEN {_NAMING} THEN '(removed: it named an erased customer)' ELSE observed END AS observed)
FROM former.check_results"""
#: Column of `segment_profiles` -> what it is of the remaining customers of a segment; the others are the model's.
_PROFILE = {
    "customers": "count(c.customer_id)",
    "mean_recency_days": "avg(recency_days)",
    "mean_frequency": "avg(frequency)",
    "mean_monetary": "avg(monetary)",
    "mean_average": "avg(average)",
    "median_recency_days": "median(recency_days)",
    "median_frequency": "median(frequency)",
    "median_monetary": "CAST(median(monetary) AS DOUBLE)",
    "median_average": "CAST(median(average) AS DOUBLE)",
    "revenue": "CAST(coalesce(sum(monetary), 0) AS DECIMAL(18, 4))",
    "orders": "CAST(coalesce(sum(frequency), 0) AS BIGINT)",
    "average_order_value": "CAST(sum(gross) AS DOUBLE) / nullif(sum(frequency), 0)",
    "repeat_rate": "avg(CASE WHEN frequency > 1 THEN 1 ELSE 0 END) FILTER (c.customer_id IS NOT NULL)",
    "active_30_days": "avg(CASE WHEN recency_days <= 30 THEN 1 ELSE 0 END) FILTER (c.customer_id IS NOT NULL)",
    "active_90_days": "avg(CASE WHEN recency_days <= 90 THEN 1 ELSE 0 END) FILTER (c.customer_id IS NOT NULL)",
    "return_rate": "-CAST(sum(returned) AS DOUBLE) / nullif(CAST(sum(gross) AS DOUBLE), 0)",
    "top_countries": "any_value(top_countries)",
    "share": "count(c.customer_id) / nullif(sum(count(c.customer_id)) OVER (), 0)",
    "revenue_share": "CAST(coalesce(sum(monetary), 0) AS DOUBLE) / "
    "nullif(CAST(sum(sum(monetary)) OVER () AS DOUBLE), 0)",
}


@dataclass(frozen=True)
class Revision:
    """Why a version is written again, and without whom.

    `texts`: products, descriptions and countries of their lines only; `movements`: theirs, with version and money.
    """

    version_id: int
    revision: int
    revised_at: datetime
    reason: str
    customers: Sequence[str]
    texts: Sequence[str]
    movements: Sequence[tuple[Any, ...]]


def rows_of(file: Path, customers: Sequence[str], texts: Sequence[str]) -> dict[str, int]:
    """Rows of a published file that must go, by table; tables without any are left out. Arguments as of `Revision`."""
    with reading.open_file(file) as connection:
        _remember(connection, customers, texts)
        counts = _rows_to_go(connection)
        if _columns(connection, "check_results"):
            naming = f"SELECT count(*) FROM check_results WHERE {_NAMING}"
            counts["check_results"] = connection.execute(naming).fetchall()[0][0]
    return {table: rows for table, rows in counts.items() if rows}


def write_revision(params: WarehouseParams, former: Path, target: Path, revision: Revision, version: str) -> None:
    """Write `former` without the customers of `revision` as `target`, checked and on disk; `version`: storage version.

    Raises
    ------
    DiskFullError
        There is no room for it.
    WarehouseError
        The file is damaged, or what was written is not what it should be.
    """
    with reading.open_file(former) as connection:
        kept = {f"main.{table}": condition for table, condition in _staying(connection).items()}
        recounted = [table for table in RECOUNTED if _columns(connection, table)]
    keep = kept | {f"main.{table}": "false" for table in recounted}
    rewriting.copy_file(
        params, former, target, keep,
        prepare=lambda connection: _remember(connection, revision.customers, revision.texts), storage_version=version,
    )  # fmt: skip
    spill = target.with_name(target.name + ".tmp")
    settings = options(params) | {"temp_directory": str(spill)}
    with explaining(target, "revising"), duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH {literal(str(former))} AS former (READ_ONLY)")
        connection.execute(f"ATTACH {literal(str(target))} AS revised")
        _recount(connection, recounted, revision)
        _note_revision(connection, revision)
        connection.execute("CHECKPOINT revised")
        _check(connection, target)
        connection.execute("DETACH revised")
    shutil.rmtree(spill, ignore_errors=True)


def _recount(connection: duckdb.DuckDBPyConnection, tables: list[str], revision: Revision) -> None:
    _remember(connection, revision.customers, revision.texts)
    connection.execute(
        "CREATE TEMP TABLE pending_movements (version_id INTEGER, customer_id VARCHAR, net_365_days DECIMAL(18, 4))"
    )
    if revision.movements:
        connection.executemany("INSERT INTO pending_movements VALUES (?, ?, ?)", revision.movements)
    connection.execute((_QUERIES / "prepare.sql").read_text())
    for table in tables:
        connection.execute(f"INSERT INTO revised.{quoted(table)} BY NAME {_counted_sql(connection, table)}")


def _counted_sql(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    if table == "segment_profiles":
        return _profiles_sql(connection)
    return _CHECKS if table == "check_results" else (_QUERIES / f"{table}.sql").read_text()


def _profiles_sql(connection: duckdb.DuckDBPyConnection) -> str:
    """Segments with what is left of them; an older file has fewer columns."""
    columns = _columns(connection, "former.segment_profiles")
    replaced = ", ".join(f"n.{name} AS {name}" for name in _PROFILE if name in columns)
    counted = ", ".join(f"{value} AS {name}" for name, value in _PROFILE.items() if name in columns)
    return f"""
WITH places AS (
    SELECT segment_key, string_agg(country, '; ' ORDER BY customers DESC, country) AS top_countries
    FROM (
        SELECT segment_key, country, count(*) AS customers
        FROM revised.customer_segments WHERE country IS NOT NULL GROUP BY segment_key, country
        QUALIFY row_number() OVER (PARTITION BY segment_key ORDER BY count(*) DESC, country) <= 3
    ) GROUP BY segment_key
)
SELECT v.* REPLACE ({replaced})
FROM former.segment_profiles AS v
JOIN (
    SELECT p.segment_key, {counted}
    FROM (SELECT segment_key FROM former.segment_profiles) AS p
    LEFT JOIN revised.customer_segments AS c USING (segment_key)
    LEFT JOIN places USING (segment_key)
    GROUP BY p.segment_key
) AS n USING (segment_key)
ORDER BY n.revenue DESC, v.segment_key"""


def _note_revision(connection: duckdb.DuckDBPyConnection, revision: Revision) -> None:
    """A row of `version_revisions`; a file of before there was such a table gets it."""
    description = tomllib.loads((ROOM / "contract.toml").read_text())["version_revisions"]
    columns = description["columns"]
    if not _columns(connection, "revised.version_revisions"):
        definition = ", ".join(f"{quoted(name)} {kind}" for name, kind, _ in columns)
        connection.execute(f"CREATE TABLE revised.version_revisions ({definition})")
        connection.execute(f"COMMENT ON TABLE revised.version_revisions IS {literal(description['comment'])}")
        for name, _, meaning in columns:
            connection.execute(f"COMMENT ON COLUMN revised.version_revisions.{quoted(name)} IS {literal(meaning)}")
    connection.execute(
        "INSERT INTO revised.version_revisions VALUES (?, ?, ?, ?)",
        [revision.version_id, revision.revision, revision.revised_at, revision.reason],
    )


def _check(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """The copied rows were compared already; here the totals are held to them."""
    totals = connection.execute(
        "SELECT (SELECT count(*) FROM revised.customer_segments), "
        "(SELECT sum(customers) FROM revised.segment_profiles), "
        "(SELECT sum(customers) FROM revised.rfm_crosstab), (SELECT min(customers) FROM revised.segment_versions)"
    ).fetchall()[0]
    customers, profiled, scored, fewest = (int(total or 0) for total in totals)
    left = _rows_to_go(connection, "revised")
    if any(left.values()) or not customers == profiled == scored or fewest < 0:
        raise WarehouseError(
            f"{target} does not agree with itself: {totals}, {left}. What is published was not changed."
        )


def _remember(connection: duckdb.DuckDBPyConnection, customers: Sequence[str], texts: Sequence[str]) -> None:
    for table, column, values in (("gone", "customer_id", customers), ("gone_texts", "text", texts)):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT unnest(CAST(? AS VARCHAR[])) AS {column}", [list(values)]
        )


def _rows_to_go(connection: duckdb.DuckDBPyConnection, catalogue: str = "") -> dict[str, int]:
    prefix = f"{catalogue}." if catalogue else ""
    return {
        table: connection.execute(f"SELECT count(*) FROM {prefix}{quoted(table)} WHERE NOT ({stay})").fetchall()[0][0]
        for table, stay in _staying(connection, catalogue).items()
    }


def _staying(connection: duckdb.DuckDBPyConnection, catalogue: str = "") -> dict[str, str]:
    """Table -> condition of the rows that stay: those of others, and totals that are not of texts only theirs."""
    found = connection.execute(
        "SELECT table_name, column_name FROM duckdb_tables() AS t "
        "JOIN duckdb_columns() AS c USING (database_name, schema_name, table_name) "
        "WHERE NOT t.temporary AND NOT t.internal AND (column_name = 'customer_id' OR data_type = 'VARCHAR') "
        "AND table_name <> 'data_dictionary' "
        "AND database_name = coalesce(nullif($name, ''), current_database()) ORDER BY table_name, column_index",
        {"name": catalogue},
    ).fetchall()
    conditions: dict[str, list[str]] = {}
    for table, column in found:
        if column == "customer_id":
            conditions[table] = [_KEPT]
        elif _TOLD.search(column) and _KEPT not in conditions.get(table, []):
            conditions.setdefault(table, []).append(f"coalesce({quoted(column)} NOT IN (FROM gone_texts), true)")
    return {table: " AND ".join(parts) for table, parts in conditions.items()}


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Names of a table's columns; none if there is no such table."""
    catalogue, _, name = table.rpartition(".")
    return [
        row[0]
        for row in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = $table "
            "AND database_name = coalesce(nullif($name, ''), current_database())",
            {"name": catalogue, "table": name},
        ).fetchall()
    ]
