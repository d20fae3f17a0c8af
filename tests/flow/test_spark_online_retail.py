"""Online Retail with all three heavy steps on a cluster of two executors: the tables of DuckDB, row for row."""

import logging
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support_spark import LOCAL_CLUSTER, OPTIONS, need_spark

from flows.nightly import nightly

AS_OF = date(2011, 12, 10)
TABLES = ("sales.invoices", "features.customer_activity", "segments.assignments", "segments.membership")


def configure(folder: Path, real_data: Path, engine: str) -> Path:
    folder.mkdir()
    options = "\n".join(f'"{name}" = "{value}"' for name, value in OPTIONS.items())
    config = folder / "resegment.toml"
    config.write_text(
        f"[report]\nenabled = false\n[source]\npath = '{real_data / '*.csv'}'\n[warehouse]\nengine = '{engine}'\n"
        f"[warehouse.spark]\nmaster = '{LOCAL_CLUSTER}'\nfrom_rows = 1000\n[warehouse.spark.options]\n{options}\n"
    )
    return config


def test_every_table_is_the_one_of_duckdb(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    need_spark()
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    ran: dict[str, list[str]] = {}
    for engine in ("duckdb", "spark"):
        config = configure(tmp_path / engine, real_data, engine)
        with caplog.at_level(logging.INFO, "resegment"):
            assert nightly(as_of=AS_OF, config=config)["status"] == "done"
        ran[engine] = [one.message.split(" on Spark")[0] for one in caplog.records if " on Spark: " in one.message]
        caplog.clear()
    assert ran == {"duckdb": [], "spark": ["sales.invoices_of", "features.activity_of", "assigned"]}
    assert differing(tmp_path / "duckdb", tmp_path / "spark") == dict.fromkeys(TABLES, 0)
    assert [path.name for path in (tmp_path / "spark").iterdir() if "reading" in path.name] == []


def differing(one: Path, other: Path) -> dict[str, Any]:
    """Rows of each table that only one of two warehouses has: every column, every digit."""
    with duckdb.connect() as connection:
        for name, folder in (("one", one), ("other", other)):
            connection.execute(f"ATTACH '{folder / 'warehouse.duckdb'}' AS {name} (READ_ONLY)")
        found = {}
        for table in TABLES:
            query = f"SELECT (SELECT count(*) FROM one.{table}), (SELECT count(*) FROM (FROM one.{table} EXCEPT ALL "
            query += f"FROM other.{table})) + (SELECT count(*) FROM (FROM other.{table} EXCEPT ALL FROM one.{table}))"
            rows, found[table] = connection.execute(query).fetchall()[0]
            assert rows > 1000
    return found
