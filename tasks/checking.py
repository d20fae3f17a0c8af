"""Where the checks meet the warehouse: run suites, keep every result, say what is critical."""

from dataclasses import asdict

from expectations.run import CheckResult, SuiteError, run_suite
from tasks.night import CheckFailedError, Night
from tasks.notifying import notice
from tasks.present import utc_now
from tasks.progress import logger
from warehouse import ops
from warehouse.store import Warehouse

#: Suites that judge what was delivered.
BATCH = ("batch", "batch_summary", "batch_loads")


def check(warehouse: Warehouse, night: Night, suites: tuple[str, ...]) -> str:
    """Run suites and keep their results; return the critical failures as text, empty if there are none."""
    parameters = night.checks.model_dump()
    try:
        results = [found for suite in suites for found in run_suite(warehouse.connection, suite, parameters)]
    except SuiteError as error:
        raise CheckFailedError(str(error)) from error
    ops.record_checks(warehouse, night.run_id, utc_now(), [asdict(result) for result in results])
    for result in results:
        if not result.success and result.severity != "critical":
            logger.warning("check: %s", _told(result))
    stale = [result for result in results if not result.success and result.suite == "freshness"]
    if stale:
        notice("stale", "\n".join(map(_told, stale)), checks=[asdict(result) for result in stale])
    return "\n".join(f"  {_told(result)}" for result in results if not result.success and result.severity == "critical")


def _told(result: CheckResult) -> str:
    where = f" ({result.column_name})" if result.column_name else ""
    meaning = result.meaning[:1].lower() + result.meaning[1:].rstrip(".")
    observed = "nothing" if result.observed == "None" else result.observed
    return f"{result.suite}{where}: expected that {meaning}. Found {observed}; the limit: {result.expected}."
