"""The public UCI Online Retail set (Daqing Chen, 2015, CC BY 4.0) as one CSV file a day, as a shop would deliver it.

The archive's own checksum is not published, so its content is what is verified: `content_digest` of the prepared lines.
"""

import hashlib
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from warehouse.errors import ResegmentError

if TYPE_CHECKING:
    import polars as pl

#: The archive of the data set's home page.
URL = "https://archive.ics.uci.edu/static/public/352/online+retail.zip"
_SECONDS_OF_SILENCE = 30
_BLOCK = 1 << 20
_MOST_BYTES = 500 << 20
_TEXTS = ("InvoiceNo", "StockCode", "Description", "Country")
_COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")


class FetchError(ResegmentError):
    """The data set could not be fetched or is not what it should be; nothing was left behind."""


@dataclass(frozen=True)
class Content:
    """What a data set must hold: lines, daily files and `content_digest`."""

    lines: int
    files: int
    digest: str


ONLINE_RETAIL = Content(541_909, 305, "2a45d9807e0ca382e69f8528032cec356b90c0ff483c0a9150514d72fb84cef3")


def fetch_online_retail(
    folder: Path, from_file: Path | None = None, *, url: str = URL, expected: Content = ONLINE_RETAIL
) -> dict[str, Any]:
    """Put the daily files into `folder`: from `from_file` (the archive or the xlsx in it), else from `url`.

    Nothing appears in `folder` before the content has been verified; files of the same names are replaced. The
    workbook is read as a whole: about 450 MB of memory for Online Retail.

    Raises
    ------
    FetchError
        No network, a broken file, or other content than `expected`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as scratch:
        archive = from_file or _download(url, Path(scratch) / "download", folder)
        frame = read_workbook(_workbook(archive, Path(scratch) / "workbook.xlsx"))
        _verify(frame, expected)
        days = Path(scratch) / "days"
        files = _write_days(frame, days)
        _move(days, folder)
    checked = f"{expected.lines:,} lines on {expected.files} days, SHA-256 of the content {expected.digest}"
    return {"folder": folder, "files": files, "lines": frame.height, "checked": checked}


def read_workbook(path: Path) -> "pl.DataFrame":
    """The lines of the workbook's first sheet, in its order, with the columns of the daily files.

    Raises FetchError if it is no workbook or lacks a column.
    """
    import polars as pl

    types: dict[Any, Any] = dict.fromkeys(_TEXTS, pl.String) | {"Quantity": pl.Int64, "InvoiceDate": pl.Datetime("ms")}
    types |= {"UnitPrice": pl.Float64, "CustomerID": pl.Float64}
    try:
        return pl.read_excel(path, schema_overrides=types, columns=list(_COLUMNS)).select(_COLUMNS).cast(types)
    except Exception as error:  # fastexcel and polars raise many kinds
        raise FetchError(f"{path} is not the workbook of Online Retail: {_one_line(error)}") from error


def content_digest(frame: "pl.DataFrame") -> str:
    """SHA-256 (hex) of the lines, whatever their order and however numbers are written.

    Each line is its eight columns joined by the character U+001F: texts without surrounding blanks, Quantity and
    CustomerID as whole numbers, InvoiceDate as YYYY-MM-DD HH:MM:SS, UnitPrice in ten-thousandths (2.55 is 25500),
    nothing for what is missing. The lines are sorted by code point and each ends with a line feed; the digest is of
    that text in UTF-8.
    """
    import polars as pl

    written = {name: pl.col(name).str.strip_chars() for name in _TEXTS} | {
        "Quantity": pl.col("Quantity").cast(pl.String),
        "InvoiceDate": pl.col("InvoiceDate").dt.strftime("%Y-%m-%d %H:%M:%S"),
        "UnitPrice": (pl.col("UnitPrice") * 10_000).round().cast(pl.Int64).cast(pl.String),
        "CustomerID": pl.col("CustomerID").cast(pl.Int64).cast(pl.String),
    }
    lines = pl.concat_str([written[name].fill_null("") for name in _COLUMNS], separator="\x1f")
    digest = hashlib.sha256()
    for part in frame.select(line=lines).sort("line").iter_slices(50_000):
        digest.update("".join(f"{line}\n" for line in part["line"]).encode())
    return digest.hexdigest()


def _verify(frame: "pl.DataFrame", expected: Content) -> None:
    found = Content(frame.height, frame["InvoiceDate"].dt.date().n_unique(), content_digest(frame))
    if found != expected:
        raise FetchError(
            "This is not the Online Retail set we know, so nothing was written: "
            f"{found.lines:,} lines on {found.files} days with SHA-256 {found.digest}, "
            f"instead of {expected.lines:,} on {expected.files} with {expected.digest}. "
            "Was the file changed, or cut off?"
        )


def _write_days(frame: "pl.DataFrame", folder: Path) -> int:
    folder.mkdir()
    dated = frame.with_columns(day=frame["InvoiceDate"].dt.date())
    days = dated.partition_by("day", as_dict=True, include_key=False)
    for (day,), lines in days.items():
        lines.write_csv(folder / f"{day}.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    return len(days)


def _move(days: Path, folder: Path) -> None:
    """All at once into a new folder, else file by file; each is whole when it appears."""
    if not folder.exists():
        days.rename(folder)
        return
    for file in sorted(days.iterdir()):
        file.replace(folder / file.name)


def _workbook(path: Path, extracted: Path) -> Path:
    """The workbook itself: `path`, or the one xlsx inside it if it is an archive of files."""
    if not path.is_file():
        raise FetchError(f"{path} does not exist. Name the downloaded archive or the xlsx in it.")
    if not zipfile.is_zipfile(path):
        raise FetchError(f"{path} is neither a zip archive nor an xlsx file; the download may have been cut off.")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info for info in archive.infolist() if info.filename.lower().endswith(".xlsx")]
            if not names:
                return path  # an xlsx is itself an archive
            if names[0].file_size > _MOST_BYTES:
                raise FetchError(
                    f"{names[0].filename} in {path} is larger than {_MOST_BYTES >> 20} MB; that is not it."
                )
            with archive.open(names[0]) as packed, extracted.open("wb") as file:
                shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise FetchError(f"{path} is damaged: {_one_line(error)}. Download it again.") from error
    return extracted


def _download(url: str, path: Path, folder: Path) -> Path:
    with _reaching(url, folder), urllib.request.urlopen(url, timeout=_SECONDS_OF_SILENCE) as answer:  # noqa: S310
        with path.open("wb") as file:
            size = _copied(answer, file)
        promised = answer.headers.get("Content-Length")
        if promised and size != int(promised):
            raise OSError(f"only {size:,} of {int(promised):,} bytes came")
    return path


def _copied(answer: IO[bytes], file: IO[bytes]) -> int:
    size = 0
    while block := answer.read(_BLOCK):
        size += len(block)
        if size > _MOST_BYTES:
            raise OSError(f"more than {_MOST_BYTES >> 20} MB came")
        file.write(block)
    return size


@contextmanager
def _reaching(url: str, folder: Path) -> Iterator[None]:
    import http.client

    try:
        yield
    except (OSError, http.client.HTTPException) as error:  # urllib's own errors are OSErrors
        is_code = isinstance(error, urllib.error.HTTPError)
        reason = error.reason if isinstance(error, urllib.error.URLError) and not is_code else error
        raise FetchError(
            f"{url} could not be downloaded ({_one_line(reason)}). Nothing was left behind. Where there is a network, "
            f"download it with a browser, then run `resegment fetch {folder} --from FILE` with the archive or its xlsx."
        ) from error


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300]
