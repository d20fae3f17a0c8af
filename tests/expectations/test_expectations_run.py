"""What `run_suite` promises whatever the suite: clear errors, no silent success, and a connection left alone."""

import json
import logging
import signal
import threading
from pathlib import Path

import duckdb
import pytest

from expectations.run import CheckResult, SuiteError, preload, run_suite, worst_failure

NOT_NULL = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "amount"}}


@pytest.fixture
def shop():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE lines AS SELECT range AS amount, 'x' || range AS name FROM range(10)")
        yield connection


@pytest.fixture
def run(tmp_path: Path, shop: duckdb.DuckDBPyConnection):
    def run_expectations(*expectations: object, meta: object = None, **parameters: object) -> list[CheckResult]:
        content = {"meta": meta or {"table": "main.lines"}, "expectations": list(expectations)}
        (tmp_path / "mine.json").write_text(json.dumps(content))
        return run_suite(shop, "mine", parameters, tmp_path)

    return run_expectations


def between(column: str, **kwargs: object) -> dict[str, object]:
    return {"type": "expect_column_values_to_be_between", "kwargs": {"column": column, **kwargs}}


def test_result_tells_what_was_found_expected_and_meant(run):
    parameter = {"$PARAMETER": "most"}
    result = run({**between("amount", max_value=parameter), "severity": "info", "notes": ["Small", "sums."]}, most=7)
    assert result == [
        CheckResult(
            suite="mine",
            expectation="expect_column_values_to_be_between",
            column_name="amount",
            severity="info",
            success=False,
            observed="2 of 10 rows, such as 8; 9",
            expected="at most 7",
            meaning="Small sums.",
        )
    ]
    assert worst_failure(result) == "info"


def test_a_signal_during_a_check_is_no_failed_check(shop, run):
    """Great Expectations would compute it again, and the night that was told to stop go on."""
    shop.execute("CREATE VIEW slow AS SELECT a.range * b.range AS amount FROM range(40_000) AS a, range(40_000) AS b")

    def told_to_stop(*_: object) -> None:
        told.append(True)
        raise SystemExit(143)

    preload()
    told: list[bool] = []
    before = signal.signal(signal.SIGALRM, told_to_stop)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            run(between("amount", min_value=0), meta={"table": "main.slow"})
    finally:
        signal.signal(signal.SIGALRM, before)
    assert told == [True]


def test_results_keep_the_order_of_the_file(run):
    expectations = [
        between("name", min_value=0),
        NOT_NULL,
        {"type": "expect_column_to_exist", "kwargs": {"column": "x"}},
    ]
    assert [one.expectation for one in run(*expectations)] == [one["type"] for one in expectations]


def test_an_exception_inside_is_a_failure_with_its_message(run):
    absent, impossible = run(between("absent", min_value=0), between("name", min_value=0))
    assert not absent.success
    assert absent.observed.startswith("error:")
    assert "absent" in absent.observed
    assert not impossible.success
    assert "VARCHAR" in impossible.observed


def test_a_query_that_duckdb_refuses_fails_its_own_check_only(run):
    broken = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "name", "regex": "("}}
    refused, judged = run(broken, NOT_NULL)
    assert (refused.success, judged.success) == (False, True)
    assert refused.observed.startswith("error:")


def test_columns_of_any_type_may_stand_in_the_table(run, shop):
    shop.execute("ALTER TABLE lines ADD COLUMN reasons VARCHAR[]; ALTER TABLE lines ADD COLUMN key UHUGEINT")
    shop.execute("ALTER TABLE lines ADD COLUMN pair STRUCT(a DECIMAL(5, 2)); ALTER TABLE lines ADD COLUMN raw JSON")
    shop.execute("ALTER TABLE lines ADD COLUMN prices DECIMAL(5, 2)[]; UPDATE lines SET key = 5")
    assert [one.observed for one in run(NOT_NULL, between("key", max_value=6))] == ["0 of 10 rows", "0 of 10 rows"]


def test_regex_type_uniqueness_and_row_conditions_work_on_duckdb(run):
    condition = {"type": "comparison", "column": {"name": "name"}, "operator": "==", "parameter": "x3"}
    results = run(
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "name", "regex": "^x[0-9]$"}},
        {"type": "expect_column_values_to_not_match_regex", "kwargs": {"column": "name", "regex": "^y"}},
        {"type": "expect_column_values_to_be_of_type", "kwargs": {"column": "amount", "type_": "BIGINT"}},
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "name"}},
        {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["name", "amount"]}},
        {"type": "expect_column_median_to_be_between", "kwargs": {"column": "amount", "min_value": 4, "max_value": 5}},
        between("amount", min_value=3, max_value=3, row_condition=condition),
    )
    assert [one.observed for one in results if not one.success] == []


def test_a_bound_only_infinity_is_beyond_is_told_as_finite(run):
    assert run(between("amount", min_value=0, max_value=1e300))[0].expected == "at least 0, finite"


def test_warning_and_critical_limits_of_one_column_are_two_checks(run):
    limits = [
        {**between("amount", max_value=top), "severity": level} for top, level in ((5, "warning"), (20, "critical"))
    ]
    results = run(*limits)
    assert [(one.severity, one.success) for one in results] == [("warning", False), ("critical", True)]
    assert worst_failure(results) == "warning"


def test_an_extra_parameter_is_fine(run):
    assert run(NOT_NULL, unused=1)[0].success


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ({"type": "expect_the_moon", "kwargs": {}}, ["expectation 1 (expect_the_moon)", "not valid"]),
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"colum": "x"}}, ["expectation 1", "colum"]),
        ({**NOT_NULL, "severity": "fatal"}, ["expectation 1", "fatal"]),
        ({"kwargs": {}}, ["expectation 1 (without a type)"]),
        (between("amount", max_value={"$PARAMETER": "min_lnes"}), ["expectation 1", "'min_lnes'", "min_lines"]),
        (between("amount", max_value={"$PARAMETER": "2 * min_lnes"}), ["'min_lnes'"]),
        ("not an object", ["list of objects"]),
    ],
)
def test_a_wrong_expectation_is_an_error_that_names_it(run, expectation, said):
    with pytest.raises(SuiteError) as error:
        run(expectation, min_lines=1)
    for words in ("mine.json", *said):
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"expectations": [', "not valid JSON"),
        ("[]", "one JSON object"),
        ('{"meta": {"table": "main.lines"}}', '"expectations" must be a list'),
        ('{"meta": {"table": "main.lines"}, "expectations": []}', "no expectation"),
        (json.dumps({"expectations": [NOT_NULL]}), "must name the judged table"),
        (json.dumps({"meta": {"table": "lines"}, "expectations": [NOT_NULL]}), "must name the judged table"),
        (json.dumps({"meta": {"table": "main.absent"}, "expectations": [NOT_NULL]}), "cannot read table main.absent"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(shop, tmp_path, text, said):
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(SuiteError, match=r"broken\.json") as error:
        run_suite(shop, "broken", {}, tmp_path)
    assert said in str(error.value)


def test_an_unknown_suite_is_an_error_that_lists_the_known(shop):
    with pytest.raises(SuiteError, match="batch_summary"):
        run_suite(shop, "bach", {})


def test_connection_is_as_before(shop, run):
    shop.execute("CREATE TEMP TABLE mine AS SELECT 1 AS one")
    pending = shop.execute("SELECT range FROM range(3)")
    run(NOT_NULL, meta={"table": "main.lines", "copy": True})
    assert pending.fetchall() == [(0,), (1,), (2,)]
    shop.execute("BEGIN TRANSACTION")
    shop.execute("INSERT INTO lines VALUES (NULL, 'new')")
    shop.execute("COMMIT")
    assert shop.execute("SELECT one FROM mine").fetchone() == (1,)
    assert shop.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (2,)
    assert [one.observed for one in run(NOT_NULL)] == ["1 of 11 rows"]


def test_only_committed_rows_are_judged(shop, run):
    shop.execute("BEGIN TRANSACTION")
    shop.execute("INSERT INTO lines VALUES (NULL, 'new')")
    assert run(NOT_NULL)[0].success
    shop.execute("ROLLBACK")


def test_a_file_open_for_writing_is_judged_too(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"meta": {"table": "checks.odd name"}, "expectations": [NOT_NULL]}))
    with duckdb.connect(str(tmp_path / "my shop.duckdb")) as connection:
        connection.execute('CREATE SCHEMA checks; CREATE VIEW checks."odd name" AS SELECT NULL AS amount')
        assert [one.observed for one in run_suite(connection, "mine", {}, tmp_path)] == ["1 of 1 rows"]


def test_threads_may_preload_and_run_at_once(shop, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"meta": {"table": "main.lines"}, "expectations": [NOT_NULL]}))
    found: list[bool] = []
    threads = [threading.Thread(target=preload)]
    threads += [
        threading.Thread(target=lambda: found.extend(one.success for one in run_suite(shop, "mine", {}, tmp_path)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True, True, True]


def test_nothing_is_printed_logged_or_warned(run, capfd, caplog, recwarn):
    with caplog.at_level(logging.INFO):
        run(NOT_NULL, between("absent", min_value=0), between("name", min_value=0))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert len(recwarn) == 0
