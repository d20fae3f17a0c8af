"""Write a made-up shop as the files a real one would deliver: one Parquet or CSV file a day, a month or in all."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from segmentation.generator import COUNTRIES, CodedLines, Delivery, Shop, ShopParams, Totals

if TYPE_CHECKING:
    import pyarrow as pa

#: Name of a file by what it holds, in the terms of `date.strftime`.
_NAMES = {"day": "%Y-%m-%d", "month": "%Y-%m", "all": "lines"}
_TEXTS = ["InvoiceNo", "StockCode", "Description", "Country"]


@dataclass(frozen=True)
class WrittenShop:
    """Number of files written and their bytes, first and last day delivered, planted totals of all files together."""

    files: int
    bytes: int
    first_day: date | None
    last_day: date | None
    totals: Totals


def write_shop(
    params: ShopParams,
    folder: Path,
    file_format: Literal["parquet", "csv"] = "parquet",
    one_file: Literal["day", "month", "all"] = "day",
    first_day: date | None = None,
    last_day: date | None = None,
) -> WrittenShop:
    """Write the deliveries of a shop's open days first_day to last_day (all if not given) into a folder.

    Files are called YYYY-MM-DD, YYYY-MM or lines, with the format's ending, and replace files of the same name; each
    appears complete or not at all. About a million lines, but at least a day, are in memory at a time, however large
    the shop is. Parquet has texts, INT32, TIMESTAMP and DOUBLE columns; CSV looks like Online Retail (`17850.0`,
    `2010-12-01 08:26:00`).

    Raises
    ------
    ValueError
        An unknown format, or an unknown span of one file.
    """
    if file_format not in ("parquet", "csv") or one_file not in _NAMES:
        raise ValueError(f"cannot write {file_format} files by {one_file}: choose parquet or csv, by day, month or all")
    shop = Shop(params)
    write = _write_parquet if file_format == "parquet" else _write_csv
    folder.mkdir(parents=True, exist_ok=True)
    files, size, days, totals = 0, 0, list[date](), Totals.nothing()
    deliveries = shop.deliveries(first_day, last_day)
    for name, of_a_file in groupby(deliveries, key=lambda delivery: delivery.day.strftime(_NAMES[one_file])):
        path = folder / f"{name}.{file_format}"
        with _appearing_whole(path) as partial:
            for delivery in write(shop, of_a_file, partial):
                days.append(delivery.day)
                totals += delivery.totals
        files, size = files + 1, size + path.stat().st_size
    return WrittenShop(files, size, min(days, default=None), max(days, default=None), totals)


def _write_parquet(shop: Shop, deliveries: Iterable[Delivery], path: Path) -> Iterator[Delivery]:
    import pyarrow.parquet as pq

    columns = _Columns(shop)
    with pq.ParquetWriter(path, columns.schema, use_dictionary=_TEXTS) as writer:
        for delivery in deliveries:
            writer.write_table(columns.table(delivery.lines))
            yield delivery


def _write_csv(shop: Shop, deliveries: Iterable[Delivery], path: Path) -> Iterator[Delivery]:
    import polars as pl

    columns = _Columns(shop)
    with path.open("wb") as file:
        for number, delivery in enumerate(deliveries):
            frame = pl.DataFrame(columns.table(delivery.lines))
            frame.write_csv(file, include_header=number == 0, datetime_format="%Y-%m-%d %H:%M:%S")
            yield delivery


class _Columns:
    """Coded lines as an Arrow table; texts stay codes into a dictionary, which makes writing them fast."""

    def __init__(self, shop: Shop) -> None:
        import pyarrow as pa

        text = pa.dictionary(pa.int32(), pa.string())
        types = [text, text, text, pa.int32(), pa.timestamp("ms"), pa.float64(), pa.float64(), text]
        self.schema = pa.schema(list(zip(shop.COLUMNS, types, strict=True)))
        self._stock_codes = shop.catalogue.stock_codes
        self._descriptions = shop.catalogue.descriptions

    def table(self, lines: CodedLines) -> "pa.Table":
        import pyarrow as pa

        columns = [
            _invoice_numbers(lines.invoice),
            _texts(lines.product, self._stock_codes),
            _texts(lines.product, self._descriptions),
            pa.array(lines.quantity),
            pa.array(lines.minute.astype("datetime64[m]").astype("datetime64[ms]")),
            pa.array(lines.price_pence / 100),
            pa.array(lines.customer_id.astype(np.float64), mask=lines.customer_id == 0),
            _texts(lines.country, np.array(COUNTRIES)),
        ]
        return pa.table(columns, schema=self.schema)


def _invoice_numbers(invoice: NDArray[np.int64]) -> "pa.DictionaryArray":
    import pyarrow as pa

    coded = pa.array(invoice).dictionary_encode()
    texts = [f"C{-number}" if number < 0 else str(number) for number in coded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(coded.indices, pa.array(texts, pa.string()))


def _texts(codes: NDArray[np.integer], texts: NDArray[np.str_]) -> "pa.DictionaryArray":
    """Only texts that occur, so that a small file does not carry the whole catalogue."""
    import pyarrow as pa

    occurs = np.bincount(codes, minlength=len(texts)) > 0
    place = np.cumsum(occurs, dtype=np.int32) - np.int32(1)
    return pa.DictionaryArray.from_arrays(place[codes], pa.array(texts[occurs].tolist(), pa.string()))


@contextmanager
def _appearing_whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, hidden from a glob, that becomes `path` unless something fails."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
