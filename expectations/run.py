"""Judges tables of the warehouse by suites of Great Expectations.

The import of Great Expectations takes a second, so it happens on first use; `preload` lets a caller have it done in
another thread while DuckDB works. One run at a time: a suite takes less than a tenth of a second, and a context is a
global of GX.
"""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from expectations.importing import import_great_expectations
from expectations.suites import Suite, SuiteError, build_suite, load_suite

if TYPE_CHECKING:
    import duckdb

__all__ = ["CheckResult", "Severity", "SuiteError", "preload", "run_suite", "worst_failure"]

Severity = Literal["critical", "warning", "info"]
_SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
#: The bound that only infinity is beyond, as the suites write it, and what it means.
_FINITE_BOUND, _FINITE = ("max_value", 1e300), "finite"
_EXAMPLES = 3
_NOT_EXPECTED = ("batch_id", "column", "column_A", "column_B", "column_list", "ignore_row_if", "exact_match")
_LOCK = threading.RLock()


@dataclass(frozen=True)
class CheckResult:
    """What one expectation found: `expected` has the parameters filled in, `meaning` is one sentence for people."""

    suite: str
    expectation: str
    column_name: str | None
    severity: Severity
    success: bool
    observed: str
    expected: str
    meaning: str


def preload() -> None:
    """Import Great Expectations (about a second), without telemetry; safe beside `run_suite` in another thread."""
    with _LOCK:
        great_expectations = import_great_expectations()
        import expectations.bridge  # noqa: F401

        # What it would log is in the results, or is an error of ours.
        logging.getLogger(great_expectations.__name__).setLevel(logging.CRITICAL)


def run_suite(
    connection: "duckdb.DuckDBPyConnection", suite: str, parameters: dict[str, Any], folder: Path | None = None
) -> list[CheckResult]:
    """Judge the table that suite `<folder>/<suite>.json` names, one result per expectation in the file's order.

    It reads through a session of its own on the connection's database: it sees what is committed, closes nothing else
    and leaves nothing behind. An expectation that cannot be computed counts as failed. `folder` defaults to the suites
    beside this module. Raises SuiteError if the suite or the table it names cannot be used.
    """
    with _LOCK:
        preload()
        loaded = load_suite(suite, parameters, folder)
        expectation_suite = build_suite(loaded)
        with connection.cursor() as session:
            table = _enter(session, loaded)
            found = _validate(session, table, expectation_suite, parameters)
    results = {one.expectation_config.meta["position"]: _result(loaded, one) for one in found}
    if sorted(results) != list(range(len(loaded.expectations))):
        raise SuiteError(f"{loaded.path}: Great Expectations judged {len(results)} of {len(loaded.expectations)}")
    return [results[position] for position in sorted(results)]


def worst_failure(results: Iterable[CheckResult]) -> Severity | None:
    """Gravest severity among the failed checks; None if all succeeded."""
    failed = {result.severity for result in results if not result.success}
    return next((severity for severity in _SEVERITIES if severity in failed), None)


def _enter(session: "duckdb.DuckDBPyConnection", suite: Suite) -> str:
    """Put the suite's schema on the session's search path; return the name of the table to judge there."""
    import duckdb

    try:
        session.execute("SET TimeZone = 'UTC'")
        database = session.execute("SELECT current_database()").fetchall()[0][0]
        session.execute(f'USE "{database}"."{suite.schema}"')
        if not suite.copy:
            session.execute(f'DESCRIBE "{suite.table}"')
            return suite.table
        # GX asks a table several times; a copy lets a view that aggregates much be computed once.
        session.execute(f'CREATE TEMP TABLE "copy of {suite.table}" AS FROM "{suite.table}"')
        return f"copy of {suite.table}"
    except duckdb.Error as error:
        raise SuiteError(f"{suite.path}: cannot read table {suite.schema}.{suite.table}: {error}") from error


def _validate(
    session: "duckdb.DuckDBPyConnection", table: str, expectation_suite: Any, parameters: dict[str, Any]
) -> list[Any]:
    """Results of GX for each expectation, in an order of its own."""
    import duckdb
    import great_expectations
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from sqlalchemy.pool import NullPool

    from expectations.bridge import URL, BorrowedConnection

    # An ephemeral context's own defaults would make a temporary folder for its documentation site.
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    sources: Any = great_expectations.get_context(mode="ephemeral", project_config=config).data_sources
    source = sources.add_sql(
        "warehouse",
        connection_string=URL,
        kwargs={"creator": lambda: BorrowedConnection(session), "module": duckdb, "poolclass": NullPool},
    )
    batch = source.add_table_asset(table, table_name=f'"{table}"').add_batch_definition_whole_table("all").get_batch()
    validation = batch.validate(expectation_suite, result_format="BASIC", expectation_parameters=parameters)
    return list(validation.results)


def _result(suite: Suite, found: Any) -> CheckResult:
    config = found.expectation_config
    written = suite.expectations[config.meta["position"]]
    error = _error(found.exception_info or {})
    return CheckResult(
        suite=suite.name,
        expectation=config.type,
        column_name=_column_name(config.kwargs),
        severity=config.severity.value,
        success=bool(found.success) and error is None,
        observed=error or _observed(found.result),
        expected=_expected(config),
        meaning=_meaning(written),
    )


def _error(exception_info: dict[str, Any]) -> str | None:
    """Message of the first exception; GX gives either one description or one per metric."""
    one_or_many = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    for info in one_or_many:
        if info.get("raised_exception"):
            return f"error: {' '.join(str(info.get('exception_message')).split())[:300]}"
    return None


def _column_name(kwargs: dict[str, Any]) -> str | None:
    columns = [kwargs[key] for key in ("column", "column_A", "column_B") if kwargs.get(key)]
    columns += kwargs.get("column_list") or []
    return ", ".join(columns) or None


def _observed(result: dict[str, Any]) -> str:
    if "unexpected_count" in result:
        text = f"{result['unexpected_count'] or 0:,} of {result['element_count'] or 0:,} rows"
        values = [value for value in result.get("partial_unexpected_list", ()) if value is not None]
        examples = list(dict.fromkeys(str(value) for value in values))[:_EXAMPLES]
        return f"{text}, such as {'; '.join(examples)}" if examples else text
    return _text(result["observed_value"]) if "observed_value" in result else ""


def _expected(config: Any) -> str:
    """Bounds in words; where there are none, the name of the expectation and its other arguments."""
    words = {"min_value": "at least", "max_value": "at most", "value_set": "one of", "mostly": "share of rows at least"}
    given = [
        _FINITE if (key, value) == _FINITE_BOUND else f"{words.get(key, key.replace('_', ' '))} {_text(value)}"
        for key, value in config.kwargs.items()
        if key not in _NOT_EXPECTED and value is not None
    ]
    bounded = "min_value" in config.kwargs or "max_value" in config.kwargs
    return ", ".join(given if bounded else [config.type.removeprefix("expect_").replace("_", " "), *given])


def _meaning(expectation: dict[str, Any]) -> str:
    meta = expectation.get("meta") or {}
    said = expectation.get("description") or expectation.get("notes") or meta.get("notes") or ""
    return " ".join(said) if isinstance(said, list) else str(said)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.0f}" if abs(value) < 1e15 else f"{value:g}"
    if isinstance(value, list | tuple | set):
        return ", ".join(str(one) for one in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
