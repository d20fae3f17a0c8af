"""The promise to whoever reads a published file: names and types of tables and columns, each with its meaning."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from support_nights import new_warehouse
from support_versions import NOW, write_candidate

from warehouse import publish, reading

#: One line a column. Changing it needs an entry in CHANGELOG.md, because dashboards of other people break.
FROZEN = Path(__file__).with_name("published_columns.txt")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with new_warehouse(tmp_path_factory.mktemp("shop")) as warehouse:
        publish.publish(warehouse, write_candidate(warehouse, date(2011, 1, 1), {"a": 1}), NOW)
        yield reading.current_file(warehouse.params.serving)


def test_names_and_types_are_frozen(file: Path) -> None:
    _, rows = reading.query_file(
        file, "SELECT table_name || '.' || column_name || ' ' || data_type FROM duckdb_columns() WHERE NOT internal"
    )
    assert sorted(row for (row,) in rows) == FROZEN.read_text().splitlines()


def test_every_table_view_and_column_has_its_meaning(file: Path) -> None:
    silent = (
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = '' "
        "UNION ALL SELECT table_name, NULL FROM duckdb_tables() WHERE coalesce(comment, '') = '' "
        "UNION ALL SELECT view_name, NULL FROM duckdb_views() WHERE NOT internal AND coalesce(comment, '') = ''"
    )
    assert reading.query_file(file, silent)[1] == []


def test_the_dictionary_says_what_the_comments_say(file: Path) -> None:
    _, told = reading.query_file(file, "FROM data_dictionary")
    _, commented = reading.query_file(
        file,
        "SELECT table_name, NULL, NULL, comment FROM duckdb_tables() UNION ALL "
        "SELECT view_name, NULL, NULL, comment FROM duckdb_views() WHERE NOT internal UNION ALL "
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal",
    )
    assert sorted(told, key=str) == sorted(commented, key=str)


def test_no_type_reaches_clients_as_something_else() -> None:
    """HUGEINT and DECIMAL(38) become floats in pandas, and money must not; old clients know no newer types."""
    kinds = {line.split()[1] for line in FROZEN.read_text().splitlines()}
    plain = {"VARCHAR", "INTEGER", "BIGINT", "TINYINT", "DOUBLE", "DOUBLE[]", "BOOLEAN", "DATE", "TIMESTAMP"}
    assert kinds - plain == {"DECIMAL(18,4)"}
