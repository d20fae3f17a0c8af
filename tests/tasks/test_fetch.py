import csv
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openpyxl
import pytest

from segmentation.generator import ShopParams
from tasks.fetch import ONLINE_RETAIL, Content, FetchError, content_digest, fetch_online_retail, read_workbook
from tasks.generate import write_shop

SHOP = ShopParams(customers=150, days=20, start=date(2011, 3, 1), lines_per_invoice=4, share_late=0, share_duplicated=0)


def written_out(rows: list[list[str]]) -> str:
    """The digest of daily CSV lines in plain Python, as its description says."""
    lines = []
    for invoice, stock, description, quantity, moment, price, customer, country in rows:
        pence = round(float(price) * 10_000)
        number = str(int(float(customer))) if customer else ""
        texts = (invoice.strip(), stock.strip(), description.strip(), quantity, moment, str(pence), number)
        lines.append("\x1f".join((*texts, country.strip())) + "\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def rows_of(folder: Path) -> list[list[str]]:
    rows: list[list[str]] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows += list(csv.reader(file))[1:]
    return rows


def cell(text: str) -> object:
    """As in the original workbook, where numbers among the texts are numbers."""
    return int(text) if text.isdigit() else text or None


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    write_shop(SHOP, folder, "csv")
    for path in folder.iterdir():
        if len(path.read_text().splitlines()) == 1:
            path.unlink()  # a day without a line leaves no trace in a workbook
    return folder


@pytest.fixture(scope="module")
def workbook(days: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(
        ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
    )
    for row in rows_of(days):
        moment = datetime.fromisoformat(row[4])
        customer = float(row[6]) if row[6] else None
        sheet.append([*map(cell, row[:3]), int(row[3]), moment, float(row[5]), customer, row[7]])
    path = tmp_path_factory.mktemp("book") / "Online Retail.xlsx"
    book.save(path)
    return path


@pytest.fixture(scope="module")
def content(days: Path) -> Content:
    rows = rows_of(days)
    return Content(len(rows), len(list(days.iterdir())), written_out(rows))


@pytest.fixture
def served(workbook: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a local server and the folder it serves, with the archive in it."""
    folder = tmp_path / "www"
    folder.mkdir()
    with zipfile.ZipFile(folder / "online+retail.zip", "w") as archive:
        archive.write(workbook, "Online Retail.xlsx")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/online+retail.zip", folder
    server.shutdown()
    server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


class _CutOff(_Quiet):
    def copyfile(self, source: object, outputfile: object) -> None:
        outputfile.write(source.read(1000))  # type: ignore[attr-defined]


def test_prepared_workbook_is_the_daily_files_byte_for_byte(
    workbook: Path, days: Path, content: Content, tmp_path: Path
) -> None:
    found = fetch_online_retail(tmp_path / "data", workbook, expected=content)
    assert (found["files"], found["lines"]) == (content.files, content.lines)
    prepared = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    assert prepared == {path.name: path.read_bytes() for path in days.iterdir()}


def test_download_is_unpacked_and_nothing_else_is_left(
    served: tuple[str, Path], content: Content, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("kept")
    fetch_online_retail(tmp_path / "data", url=served[0], expected=content)
    assert len(list((tmp_path / "data").glob("*.csv"))) == content.files
    assert (tmp_path / "data" / "mine.txt").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "www"]


def test_other_content_is_refused_and_writes_nothing(workbook: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="not the Online Retail set we know"):
        fetch_online_retail(tmp_path / "data", workbook)
    assert list(tmp_path.iterdir()) == []


def test_a_download_cut_off_is_refused_and_writes_nothing(served: tuple[str, Path], tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_CutOff, directory=str(served[1])))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(FetchError, match="could not be downloaded"):
        fetch_online_retail(tmp_path / "data", url=f"http://127.0.0.1:{server.server_port}/online+retail.zip")
    server.shutdown()
    server.server_close()
    assert not (tmp_path / "data").exists()
    assert list(tmp_path.glob(".fetching-*")) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/online+retail.zip", "http://no-such-host.invalid/x.zip"])
def test_without_a_network_the_message_names_the_address_and_the_way_by_hand(url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"could not be downloaded.*resegment fetch .*--from FILE") as raised:
        fetch_online_retail(tmp_path / "data", url=url)
    assert url in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_page_is_told(served: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="404"):
        fetch_online_retail(tmp_path / "data", url=f"{served[0]}.gone")


@pytest.mark.parametrize("name", ["none.zip", "text.zip", "empty.zip"])
def test_what_is_no_workbook_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("<html>not here</html>")
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    with pytest.raises(FetchError, match=name):
        fetch_online_retail(tmp_path / "data", tmp_path / name)
    assert not (tmp_path / "data").exists()


def test_digest_does_not_depend_on_the_order_of_lines(workbook: Path, content: Content) -> None:
    frame = read_workbook(workbook)
    assert content_digest(frame) == content_digest(frame.reverse()) == content.digest


def test_known_digest_is_that_of_the_real_lines(real_data: Path) -> None:
    rows = rows_of(real_data)
    assert Content(len(rows), len(list(real_data.glob("*.csv"))), written_out(rows)) == ONLINE_RETAIL
