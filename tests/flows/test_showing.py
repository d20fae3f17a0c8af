"""Texts for people: whole numbers on a narrow terminal, one or many, and nothing told twice."""

from typing import Any

import pytest
from rich.console import Console

from flows import showing, showing_backfill, showing_comparison, showing_erasure, showing_upkeep


def segment(name: str) -> dict[str, Any]:
    return {
        "segment": name, "customers": 12_566, "share": 0.5915, "median_recency_days": 239.0, "median_frequency": 12.0,
        "median_monetary": 13_117.01, "revenue": "3349148.4000", "revenue_share": 0.4040,
    }  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
def test_numbers_of_segments_are_whole_on_a_terminal_however_long_the_names(width: int) -> None:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(showing._segments([segment("Hibernating"), segment("Big spenders who may be about to leave")]))
    shown = captured.get()
    for number in ("12,566", "59.2%", "239", "13,117", "3,349,148", "40.4%"):
        assert shown.count(number) == 2
    assert max(map(len, shown.splitlines())) <= width


def status(**facts: Any) -> dict[str, Any]:
    return {
        "command": "nightly", "as_of": "2011-12-10", "status": "done", "ended": "2011-12-10 03:30:00", "error": None,
        "current": {"version_id": 5, "as_of": "2011-12-03"}, "failed_checks": [], **facts,
    }  # fmt: skip


def test_status_says_that_readers_are_kept_on_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    showing.show_status(status(pinned=True))
    assert "Readers are kept on it until `resegment rollback --release`" in capsys.readouterr().out
    showing.show_status(status(pinned=False))
    assert "kept" not in capsys.readouterr().out


def test_status_tells_a_failed_check_once(capsys: pytest.CaptureFixture[str]) -> None:
    check = {
        "severity": "critical",
        "meaning": "The newest line is recent.",
        "observed": "61",
        "expected": "at most 31",
    }
    other = check | {"severity": "warning", "meaning": "Few lines are quarantined", "observed": "None"}
    error = "Critical checks failed:\n  freshness: expected that the newest line is recent. Found 61; ..."
    showing.show_status(status(status="failed", error=error, failed_checks=[check, other]))
    shown = capsys.readouterr().out
    assert shown.count("ewest line is recent") == 1
    assert "warning: expected that few lines are quarantined. Found nothing; the limit: at most 31.\n" in shown


def test_one_is_singular_and_versions_alike_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"customer_segments": 1}
    showing_erasure.show_erasure_plan({
        "customers": 1, "new_customers": 1, "unknown_customers": 0, "unfinished": 0, "bytes_needed": 10, "copies": [],
        "tables": {"sales.invoices": 1}, "versions": {1: rows, 2: rows, 3: {"customer_segments": 2}},
    })  # fmt: skip
    shown = capsys.readouterr().out
    assert "1 customer would be erased." in shown
    assert "sales.invoices: 1 row\n" in shown
    assert "published versions 1, 2, each: 1 row of customer_segments\n" in shown
    assert "published version 3: 2 rows of customer_segments\n" in shown


def test_a_backup_tells_what_is_in_it_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    found = {"path": "b", "schema": 8, "versions": [], "erasure_key": False}
    showing_upkeep.show_backup(found | {"files": {"warehouse.duckdb": {"bytes": 10}}})
    assert "(1 file, 10 bytes)" in (shown := capsys.readouterr().out)
    assert "no configuration" in shown
    showing_upkeep.show_backup(
        found | {"files": {"warehouse.duckdb": {"bytes": 10}, "configuration/resegment.toml": {"bytes": 2}}}
    )
    assert "In it: the warehouse (schema 8), the configuration, published versions: none;" in capsys.readouterr().out


def test_a_plan_without_dates_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    showing_backfill.show_plan({"dates": []})
    assert capsys.readouterr().out == (
        "No published version is contradicted by later lines; there is nothing to make.\n"
    )


def test_a_comparison_names_each_recipe_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "recipe": "Gaussian mixture", "groups": 12, "noise_share": 0.354, "smallest_share": 0.02, "silhouette": -0.05,
        "silhouette_sample": 500, "stability": 0.58, "seconds": 0.005, "spend_explained": 0.126,
        "active_explained": 0.099, "top_spend_share": 0.75, "top_customer_share": 0.35, "top_group": "noise",
    }  # fmt: skip
    found = {"horizon_days": 90, "as_of": "2011-09-01", "sample": 500, "customers": 3_315, "later_known": True}
    showing_comparison.show_comparison(found | {"recipes": [row], "pictures": None})
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("Gaussian mixture")]
    assert rows[0].split() == ["Gaussian", "mixture", "12", "35.4%", "2.0%", "-0.050", "0.58", "0.005"]
    assert rows[1].split() == ["Gaussian", "mixture", "12.6%", "9.9%", "75%", "by", "35%", "(noise)"]
    assert max(map(len, rows)) <= 80
