import random
from datetime import date, timedelta

import pytest

from benchmarks import nights, notebook, processes, report

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six daily files of forty customers, with a cancellation, a line without customer and a repeated line each."""
    folder, chance = tmp_path_factory.mktemp("data"), random.Random(7)
    for day in range(6):
        written = date(2026, 3, 1) + timedelta(days=day)
        lines = [
            f"{5000 + 100 * day + number},P{number},THING,{chance.randint(1, 9)},{written} 10:{number:02}:00,"
            f"{chance.randint(1, 40)}.5,{1000 + chance.randrange(40)},France\n"
            for number in range(60)
        ]
        other = f"{5900 + day},P1,THING,1,{written} 11:00:00,2.5,,France\n"
        returned = f"C{5900 + day},P1,THING,-1,{written} 11:00:00,2.5,1001,France\n"
        (folder / f"{written}.csv").write_text(HEADER + "".join([*lines, lines[0], other, returned]))
    return folder


@pytest.fixture(scope="module")
def measured(data, tmp_path_factory):
    return nights.measure(data, tmp_path_factory.mktemp("work"), loads=1, nights=2, whole_processes=0)


def test_notebook_counts_what_is_left_after_cleaning(data):
    found = notebook.run(data)
    assert (found["lines"], found["purchases"]) == (6 * 63, 6 * 60)
    assert found["k"] == 4
    assert sum(segment["customers"] for segment in found["segments"]) == found["customers"] == 40


def test_notebook_counts_recency_to_the_given_day_and_leaves_out_later_lines(data):
    early, late = notebook.run(data, date(2026, 3, 4)), notebook.run(data)
    mean = [
        sum(one["recency"] * one["customers"] for one in run["segments"]) / run["customers"] for run in (early, late)
    ]
    assert 1 <= mean[0] <= 3
    assert mean[1] >= 1
    assert early["customers"] <= late["customers"]


def test_notebook_takes_the_best_silhouette_if_no_k_is_given(data):
    found = notebook.run(data, k=None)
    assert found["silhouettes"][found["k"]] == max(found["silhouettes"].values())


def test_every_repetition_is_kept_and_has_all_steps(measured):
    assert [len(measured.load), len(measured.night), len(measured.notebook)] == [1, 2, 2]
    steps = {*nights.INGEST_TO_ASSIGNMENT, *nights.CHECKS, *nights.PUBLICATION}
    assert all(steps <= set(one) for one in measured.load + measured.night)
    assert all(0 < sum(one[step] for step in steps) <= one["all"] for one in measured.load + measured.night)


def test_ratios_are_medians_of_the_notebook_over_ours():
    steps = dict.fromkeys(nights.INGEST_TO_ASSIGNMENT, 1.0)
    measured = nights.Measured(
        load=[steps | {"all": 12.0}, steps | {"all": 6.0}, steps | {"all": 5.0}],
        night=[steps | {"all": 4.0}],
        notebook=[{"all": 12.0}, {"all": 1.0}, {"all": 99.0}],
    )
    assert list(measured.ratios().values()) == [4.0, 2.0, 4.0, 3.0]


def test_report_replaces_its_own_section_only(measured, tmp_path):
    file = tmp_path / "README.md"
    file.write_text("# Benchmarks\n\nSomething before.\n")
    report.write_section(file, "an older measurement")
    file.write_text(file.read_text() + "\nSomething after.\n")
    report.write_section(file, report.markdown(measured))
    text = file.read_text()
    assert "an older measurement" not in text
    assert text.index("Something before.") < text.index("ingest to assignment") < text.index("Something after.")
    assert "6 files with 378 lines" in text
    assert "Whole processes" not in text


def test_report_shows_whole_processes(measured):
    runs = [processes.Ended(2.0, 1.5, 400.2), processes.Ended(4.0, 1.75, 300.0), processes.Ended(3.0, 1.6, 300.0)]
    with_processes = nights.Measured(
        measured.load, measured.night, measured.notebook, measured.facts, {"a night": runs}
    )
    assert "| a night | 3.00 (2.00 to 4.00) | 1.60 (1.50 to 1.75) | 400 |" in report.markdown(with_processes)


def test_a_process_is_measured_with_its_own_memory(tmp_path):
    small, large = (processes.ended(["-c", f"b'x' * ({size} << 20)"], tmp_path) for size in (1, 200))
    assert large.peak_mib > 200
    assert large.peak_mib - small.peak_mib > 190  # whatever this process takes
    assert small.processor_seconds > 0


def test_a_process_that_fails_is_an_error_with_what_it_said(tmp_path):
    with pytest.raises(RuntimeError, match="no such night"):
        processes.ended(["-c", "raise SystemExit('no such night')"], tmp_path)
