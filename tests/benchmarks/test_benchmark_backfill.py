import random
from datetime import date, timedelta

import pytest

from benchmarks import backfill, backfill_report, processes

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A backfill of twelve days of forty customers, killed once."""
    data, chance = tmp_path_factory.mktemp("data"), random.Random(7)
    for day in range(12):
        written = date(2026, 3, 1) + timedelta(days=day)
        lines = [
            f"{5000 + 100 * day + number},P{number},THING,{chance.randint(1, 9)},{written} 10:{number:02}:00,"
            f"{chance.randint(1, 40)}.5,{1000 + chance.randrange(40)},France\n"
            for number in range(50)
        ]
        (data / f"{written}.csv").write_text(HEADER + "".join(lines))
    work = tmp_path_factory.mktemp("work")
    yield backfill.measure(data, work, sample=2, kills=1)
    for folder in work.glob("*/serving"):
        processes.remove(folder.parent)


def test_every_date_but_the_last_is_made_and_a_killed_backfill_ends_the_same(measured):
    assert measured.versions == 11
    assert 1 <= measured.kills[0] < 11
    assert measured.differing == 0


def test_ratios_compare_the_notebook_for_all_dates(measured):
    assert [len(seconds) for seconds in measured.notebook.values()] == [2, 2]
    parts = {"features_to_assignment": 1.0, "make_versions": 4.0}
    known = backfill.Measured(notebook={date(2026, 3, 2): [1.0, 3.0]}, parts=parts, versions=10)
    assert known.ratios() == {"features to assignment": 20.0, "with judging and publication of every date": 5.0}


def test_report_tells_time_memory_and_kills(measured):
    text = backfill_report.markdown(measured)
    assert "from 2026-03-02 to 2026-03-13" in text
    assert f"{measured.process.peak_mib:.0f} MiB at its peak" in text
    assert "0 tables of the warehouse and the published files differ" in text
