import hashlib
from datetime import date
from pathlib import Path

import duckdb
import pytest

from segmentation.generator import Shop, ShopParams, Totals
from tasks.generate import WrittenShop, write_shop

PARAMS = ShopParams(customers=300, days=45, lines_per_invoice=8, share_late=0.03, share_duplicated=0.03)

# outcomes as the files show them: the file's name gives its place in time, the line's place in the file breaks ties
COUNTED = """
WITH lines AS (
    SELECT *, CAST(Quantity AS BIGINT) * CAST(round(CAST(UnitPrice AS DECIMAL(18, 2)) * 100) AS BIGINT) AS pence,
        CAST(regexp_extract(filename, '(\\d{{4}}-\\d\\d-\\d\\d)', 1) AS DATE) AS file_day,
        row_number() OVER (PARTITION BY InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID,
            Country ORDER BY filename, file_row_number) AS copy
    FROM {relation}
)
SELECT CASE WHEN copy > 1 THEN 'duplicate' WHEN CAST(UnitPrice AS DECIMAL(18, 2)) <= 0 THEN 'bad_price'
        WHEN CustomerID IS NULL THEN 'unattributed' WHEN CAST(Quantity AS INTEGER) < 0 THEN 'return'
        ELSE 'purchase' END AS outcome,
    CAST(count(*) AS INTEGER) AS lines, CAST(sum(pence) AS BIGINT) AS pence,
    CAST(count(*) FILTER (copy = 1 AND CAST(InvoiceDate AS DATE) < file_day) AS INTEGER) AS late_lines,
    CAST(coalesce(sum(pence) FILTER (copy = 1 AND CAST(InvoiceDate AS DATE) < file_day), 0) AS BIGINT) AS late_pence
FROM lines
GROUP BY outcome
"""


def counted(relation: str) -> Totals:
    rows = duckdb.connect().execute(COUNTED.format(relation=relation)).fetchall()
    return Totals(
        {row[0]: row[1] for row in rows},
        {row[0]: row[2] for row in rows},
        sum(row[3] for row in rows),
        sum(row[4] for row in rows),
    )


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WrittenShop]:
    folder = tmp_path_factory.mktemp("daily")
    return folder, write_shop(PARAMS, folder)


def test_planted_totals_are_what_is_in_the_files(daily: tuple[Path, WrittenShop]) -> None:
    folder, written = daily
    assert counted(f"read_parquet('{folder}/*.parquet', filename = true, file_row_number = true)") == written.totals
    assert written.totals.late_lines > 0


def test_totals_of_each_file_are_what_is_in_it(daily: tuple[Path, WrittenShop]) -> None:
    folder, _ = daily
    for delivery in Shop(PARAMS).deliveries():
        rows, pence = duckdb.execute(
            "SELECT count(*), CAST(sum(Quantity * CAST(UnitPrice AS DECIMAL(18, 2)) * 100) AS BIGINT)"
            " FROM read_parquet(?)",
            [f"{folder}/{delivery.day}.parquet"],
        ).fetchall()[0]
        assert (rows, pence) == (delivery.totals.delivered_lines, delivery.totals.delivered_pence)


def test_a_file_a_day_named_by_its_day(daily: tuple[Path, WrittenShop]) -> None:
    folder, written = daily
    names = [f"{delivery.day}.parquet" for delivery in Shop(PARAMS).deliveries()]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert (written.files, written.first_day, written.last_day) == (len(names), date(2010, 12, 1), date(2011, 1, 14))
    assert written.bytes == sum(path.stat().st_size for path in folder.iterdir())


def test_csv_says_the_same_as_parquet(daily: tuple[Path, WrittenShop], tmp_path: Path) -> None:
    folder, written = daily
    assert write_shop(PARAMS, tmp_path, "csv").totals == written.totals
    header = (tmp_path / "2010-12-01.csv").read_text().splitlines()[0]
    assert header == "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    select = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM"
    csv = f"{select} read_csv('{tmp_path}/*.csv', all_varchar = true)"
    parquet = f"{select} read_parquet('{folder}/*.parquet')"
    assert duckdb.connect().sql(f"({csv} EXCEPT ALL {parquet}) UNION ALL ({parquet} EXCEPT ALL {csv})").fetchall() == []


def test_the_same_seed_writes_the_same_bytes(daily: tuple[Path, WrittenShop], tmp_path: Path) -> None:
    write_shop(PARAMS, tmp_path)
    assert digests(tmp_path) == digests(daily[0])


def test_a_day_written_alone_has_the_same_bytes(daily: tuple[Path, WrittenShop], tmp_path: Path) -> None:
    day = date(2010, 12, 16)
    written = write_shop(PARAMS, tmp_path, first_day=day, last_day=day)
    assert (written.files, written.first_day, written.last_day) == (1, day, day)
    assert digests(tmp_path).items() <= digests(daily[0]).items()


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
@pytest.mark.parametrize(("one_file", "names"), [("month", ["2010-12", "2011-01"]), ("all", ["lines"])])
def test_larger_files_hold_the_same_lines(
    daily: tuple[Path, WrittenShop], tmp_path: Path, file_format: str, one_file: str, names: list[str]
) -> None:
    written = write_shop(PARAMS, tmp_path, file_format, one_file)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.{file_format}" for name in names]
    count = duckdb.connect().sql(f"SELECT count(*) FROM read_{file_format}('{tmp_path}/*')").fetchall()[0][0]
    assert count == written.totals.delivered_lines == daily[1].totals.delivered_lines


def test_a_failed_write_leaves_neither_part_nor_former_file_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = tmp_path / "lines.csv"
    former.write_text("former")
    deliveries = Shop.deliveries

    def breaking_off(self: Shop, *span: date | None):
        yield next(deliveries(self, *span))
        raise OSError("no space left")

    monkeypatch.setattr(Shop, "deliveries", breaking_off)
    with pytest.raises(OSError, match="no space left"):
        write_shop(PARAMS, tmp_path, "csv", "all")
    assert former.read_text() == "former"
    assert list(tmp_path.iterdir()) == [former]


def test_days_without_a_delivery_write_nothing(tmp_path: Path) -> None:
    written = write_shop(PARAMS, tmp_path, first_day=date(2010, 12, 25), last_day=date(2010, 12, 31))
    assert (written.files, written.bytes, written.first_day, written.totals) == (0, 0, None, Totals.nothing())


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose parquet or csv"):
        write_shop(PARAMS, tmp_path, "xlsx")  # type: ignore[arg-type]
