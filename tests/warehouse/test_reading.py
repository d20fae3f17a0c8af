import os
from datetime import date
from pathlib import Path

import duckdb
import pytest
from support_nights import new_warehouse
from support_versions import NOW, write_candidate

from warehouse import publish, reading
from warehouse.errors import NothingPublishedError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two published versions of two and three customers."""
    with new_warehouse(tmp_path) as warehouse:
        for day in (1, 2):
            snapshot = {f"{number}": 1 for number in range(day + 1)}
            publish.publish(warehouse, write_candidate(warehouse, date(2011, 1, day), snapshot), NOW)
        return warehouse.params.serving


def test_nothing_is_published_yet(tmp_path: Path) -> None:
    for there in (tmp_path / "none", tmp_path):
        with pytest.raises(NothingPublishedError, match="Run `resegment nightly` first"):
            reading.open_current(there)
        assert reading.status(there) == {}


def test_a_link_to_nowhere_is_nothing_published(tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("versions/000009")
    with pytest.raises(NothingPublishedError):
        reading.current_file(tmp_path)


def test_a_query_sees_the_current_version(folder: Path) -> None:
    names, rows = reading.query(folder, "SELECT count(*) AS customers, max(as_of) AS as_of FROM customer_segments")
    assert (names, rows) == (["customers", "as_of"], [(3, date(2011, 1, 2))])


def test_several_connections_of_one_process_go_together(folder: Path) -> None:
    with reading.open_current(folder) as first, reading.open_current(folder) as second:
        counts = [one.execute("SELECT count(*) FROM customer_segments").fetchall() for one in (first, second)]
    assert counts == [[(3,)], [(3,)]]


def test_a_connection_stays_on_its_version(folder: Path, tmp_path: Path) -> None:
    with reading.open_current(folder) as connection:
        with new_warehouse(tmp_path) as warehouse:  # a reader does not keep the writer out
            publish.publish(warehouse, write_candidate(warehouse, date(2011, 1, 3), {"1": 1}), NOW)
        assert connection.execute("SELECT count(*) FROM customer_segments").fetchall() == [(3,)]
    assert reading.query(folder, "SELECT count(*) FROM customer_segments")[1] == [(1,)]


def test_nothing_can_be_written_and_nothing_is_left_beside_the_file(folder: Path) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        reading.query(folder, "DELETE FROM customer_segments")
    with reading.open_current(folder) as connection:
        connection.execute("SET memory_limit = '40MB'; SET threads = 1")
        connection.execute("CREATE TEMP TABLE spilled AS SELECT range, md5(range::VARCHAR) AS b FROM range(2000000)")
        assert os.listdir(reading.current_file(folder).parent) == ["segments.duckdb"]  # noqa: PTH208
