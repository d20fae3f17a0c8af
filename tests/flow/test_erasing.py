"""Erasure end to end: nothing is left in any byte, it survives every kill and a full disk, and readers never notice."""

import csv
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support_disk import fill, mounted
from support_runs import differences, driven, readers, state
from support_small import AS_OF, Bought, SmallShop, varied

from flows.settings import load_settings
from flows.verification import run_verification
from tasks.erasing import erase_customers
from warehouse import erasure, private_file, reading, revising, rewriting, serving
from warehouse.errors import DiskFullError
from warehouse.store import writing

WHO, WHAT, TEXT, PLACE, INVOICE = "CANARYCUSTOMER", "CANARYPRODUCT", "CANARYENGRAVING", "CANARYLAND", "7CANARYINVOICE"
CANARIES = (WHO, WHAT, TEXT, PLACE, INVOICE)
NIGHTS = (AS_OF - timedelta(days=20), AS_OF)
QUIET = "[breaker]\nmin_customers = 1000000\n[checks]\nmax_quarantined_share = 1.0\n"
#: Function at whose start or end the process dies.
MOMENTS = [
    "warehouse.erased.make_key start", "warehouse.erased.make_key end", "warehouse.erasure.request end",
    "warehouse.revising._recount start", "warehouse.revising.write_revision end", "warehouse.serving._fill end",
    "warehouse.serving.revise_version end", "warehouse.serving.replace_text start", "warehouse.serving.remove start",
    "warehouse.publish.point_current end", "warehouse.serving._delete end", "warehouse.erasure.revise_versions end",
    "warehouse.erasure.close end", "warehouse.rewriting.copy_file end", "warehouse.rewriting.rewrite_file end",
]  # fmt: skip


def copied(shop: SmallShop, folder: Path) -> SmallShop:
    shutil.copytree(shop.folder, folder, symlinks=True)
    return SmallShop(folder)


def lines(day: int) -> list[Bought]:
    return [one for one in varied(30) if one.days > day]


def plant(shop: SmallShop, name: str, days: int) -> None:
    """Lines only the canary has: a purchase, the same again, a return, a faulty and a malformed one."""
    path = shop.folder / "data" / f"{name}.csv"
    moment = f"{AS_OF - timedelta(days=days)} 10:00:00"
    rows = [
        (INVOICE, WHAT, TEXT, 2, moment, 5.0, WHO, PLACE), (INVOICE, WHAT, TEXT, 2, moment, 5.0, WHO, PLACE),
        (f"C{INVOICE}", WHAT, TEXT, -1, moment, 5.0, WHO, PLACE), (INVOICE, WHAT, TEXT, 0, moment, 5.0, WHO, PLACE),
        (INVOICE, WHAT, TEXT, 1, moment, 5.0, WHO, PLACE, "more"),
    ]  # fmt: skip
    with path.open("a", newline="") as file:
        csv.writer(file).writerows(rows)


def night(shop: SmallShop, number: int) -> dict[str, Any]:
    left = (NIGHTS[-1] - NIGHTS[number]).days
    shop.deliver(f"night{number}", lines(left))
    plant(shop, f"night{number}", left + 1)
    return shop.night(NIGHTS[number])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallShop]:
    """Three published nights, everything stored as it is, so that a byte search finds it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PREFECT_API_URL", "")
        uncompressed(patched)
        shop = SmallShop(tmp_path_factory.mktemp("made") / "shop").configure(QUIET)
        for number in range(len(NIGHTS)):
            night(shop, number)
        yield shop


@pytest.fixture
def shop(made: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    monkeypatch.setenv("PREFECT_API_URL", "")
    uncompressed(monkeypatch)
    return copied(made, tmp_path / "shop")


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.txt"
    path.write_text(f"{WHO}\nc3\n")
    return path


def uncompressed(patched: pytest.MonkeyPatch) -> None:
    options = private_file.options
    for module in (private_file, rewriting, revising):
        patched.setattr(module, "options", lambda params: options(params) | {"force_compression": "uncompressed"})


def erase(shop: SmallShop, customers: Path | None) -> dict[str, Any]:
    settings = load_settings(shop.config).settings
    return erase_customers(settings.warehouse, settings.source, customers)


def files_with(folder: Path, *texts: str) -> dict[str, list[str]]:
    """Names of the files below the warehouse's and the published folders that hold a text, by text."""
    files = [one for one in folder.rglob("*") if one.is_file() and "data" not in one.relative_to(folder).parts]
    return {text: [file.name for file in files if text.encode() in file.read_bytes()] for text in texts}


def differing(shop: SmallShop) -> int:
    return sum(row["differing_rows"] for row in run_verification(shop.config))


def ledger(shop: SmallShop) -> list[dict[str, Any]]:
    kinds = ("purchase", "return", "unattributed", "quarantined", "duplicate", "erased")
    sums = [f"{' + '.join(f'{kind}_{what}' for kind in kinds)} AS {what}" for what in ("lines", "amount")]
    return shop.private(
        f"SELECT delivered_lines, delivered_amount, erased_lines, {', '.join(sums)} FROM landing.loads "
        "WHERE status = 'accepted' ORDER BY load_id"
    )


def agrees(folder: Path) -> bool:
    """Whether every published version can be read and its totals are those of its customers."""
    found = []
    for number in serving.finished(folder):
        file = serving.version_file(folder, number)
        row = reading.query_file(
            file,
            "SELECT (SELECT count(*) FROM customer_segments), (SELECT sum(customers) FROM segment_profiles), "
            "(SELECT sum(customers) FROM rfm_heatmap), (SELECT sum(customers) FROM segment_countries), "
            "(SELECT customers FROM segment_versions ORDER BY version_id DESC LIMIT 1)",
        )[1][0]
        found.append(len(set(row)) == 1)
    return all(found)


def test_nothing_is_left_in_any_byte(shop: SmallShop, customers: Path) -> None:
    with writing(load_settings(shop.config).settings.warehouse, "test") as warehouse:
        warehouse.execute("UPDATE ops.checks SET observed = $text WHERE rowid = 0", {"text": f"1 row, such as {WHO}"})
        warehouse.execute("UPDATE ops.runs SET error = $text WHERE rowid = 0", {"text": f"customer {WHO} is odd"})
    serving.write_status(shop.serving, reading.status(shop.serving) | {"error": f"customer {WHO} is odd"})
    scratch = shop.folder / ".warehouse.duckdb.reading-left"
    scratch.mkdir()
    (scratch / "copy.csv").write_text(f"{WHO},{TEXT}")
    before = files_with(shop.folder, *CANARIES)
    assert all("warehouse.duckdb" in names for names in before.values()), before
    assert all(before[text].count("segments.duckdb") == len(NIGHTS) for text in CANARIES[:-1]), before
    books = [(row["delivered_lines"], row["delivered_amount"]) for row in ledger(shop)]
    found = erase(shop, customers)
    assert (found["status"], found["new_customers"], sorted(found["versions"])) == ("done", 2, [1, 2])
    assert files_with(shop.folder, *CANARIES) == {text: [] for text in CANARIES}
    assert differing(shop) == 0
    after = ledger(shop)
    assert [(row["delivered_lines"], row["delivered_amount"]) for row in after] == books
    assert all((row["lines"], row["amount"]) == (row["delivered_lines"], row["delivered_amount"]) for row in after)
    assert all(row["erased_lines"] >= 5 for row in after)
    assert agrees(shop.serving)
    assert sorted(one.name for one in shop.folder.glob("*ware*")) == [
        "warehouse.duckdb", "warehouse.duckdb.erasure-key", "warehouse.duckdb.lock"
    ]  # fmt: skip
    assert [row["customers"] for row in shop.private("FROM erasure.requests")] == [2]
    assert shop.published("SELECT version_id, revision, reason FROM version_revisions") == [
        {"version_id": 2, "revision": 2, "reason": "erasure of customers; 2 of them were in this version"}
    ]
    assert erase(shop, customers)["status"] == "unchanged"


def test_delivered_again_they_stay_out(shop: SmallShop, customers: Path) -> None:
    erase(shop, customers)
    shop.deliver("again", [Bought("c3"), Bought("new", days=2)])
    plant(shop, "again", 2)
    plant(shop, "night0", 30)  # a corrected file, which takes the place of its former lines
    outcome = shop.night(NIGHTS[-1] + timedelta(days=1))
    assert outcome["deliveries"]["erased_lines"] >= 1 + 5 + 10  # and c3's own of the corrected file
    assert outcome["deliveries"]["purchase_lines"] > 1
    assert files_with(shop.folder, *CANARIES) == {text: [] for text in CANARIES}
    assert shop.published(f"FROM customer_segments WHERE customer_id IN ('{WHO}', 'c3')") == []
    assert differing(shop) == 0
    assert all(
        (row["lines"], row["amount"]) == (row["delivered_lines"], row["delivered_amount"]) for row in ledger(shop)
    )


def test_readers_see_the_customer_or_not_and_never_a_failure(shop: SmallShop, customers: Path) -> None:
    with readers(shop) as seen:
        erase(shop, customers)
        erase(shop, customers)
    assert (seen["failures"], seen["versions"]) == ([], [2])
    assert min(seen["reads"], seen["kept"]) > 3


@pytest.fixture
def erased(shop: SmallShop, customers: Path, tmp_path: Path) -> SmallShop:
    """The place after an erasure nothing disturbed."""
    place = copied(shop, tmp_path / "erased")
    erase(place, customers)
    return place


def test_kills_at_every_boundary(shop: SmallShop, customers: Path, erased: SmallShop, tmp_path: Path) -> None:
    places = {moment: copied(shop, tmp_path / "places" / moment.replace(" ", "-")) for moment in MOMENTS}
    found = driven(
        customers=str(customers),
        configs={moment: str(one.config) for moment, one in places.items()},
        between=str(tmp_path / "between"),
    )
    assert found == {moment: [-9, 0] for moment in MOMENTS}
    expected = state(erased)
    for moment, one in places.items():
        killed = SmallShop(tmp_path / "between" / moment.replace(" ", "-"))
        assert (moment, agrees(killed.serving), len(killed.published("FROM segment_versions"))) == (moment, True, 2)
        assert (moment, differences(state(one), expected)) == (moment, {})
        assert (moment, files_with(one.folder, WHO)) == (moment, {WHO: []})


def test_a_night_after_a_kill_keeps_them_out_and_the_next_erasure_finishes(shop: SmallShop, customers: Path) -> None:
    settings = load_settings(shop.config).settings
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(erasure, "revise_versions", interrupted)
        with pytest.raises(KeyboardInterrupt):
            erase(shop, customers)
    assert erasure_history(settings.warehouse) == [True]
    shop.night(NIGHTS[-1] + timedelta(days=1))
    assert shop.published(f"FROM customer_segments_history WHERE customer_id = '{WHO}'") == []
    assert erase(shop, None)["versions"].keys() == {1, 2}
    assert erasure_history(settings.warehouse) == [False]
    assert files_with(shop.folder, *CANARIES) == {text: [] for text in CANARIES}
    assert differing(shop) == 0


def interrupted(*arguments: Any) -> None:
    raise KeyboardInterrupt


def erasure_history(params: Any) -> list[bool]:
    with writing(params, "test") as warehouse:
        return [row["unfinished"] for row in erasure.history(warehouse)]


def test_a_disk_that_fills_up(made: SmallShop, customers: Path, erased: SmallShop, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 120) as disk:
        shop = copied(made, disk / "shop")
        for module, name in ((revising, "_recount"), (serving, "revise_version"), (erasure, "close")):
            step = getattr(module, name)

            def starved(*arguments: Any, step: Any = step) -> Any:
                fill(disk, leave=100_000)
                return step(*arguments)

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(module, name, starved)
                with pytest.raises(DiskFullError):
                    erase(shop, customers)
            assert agrees(shop.serving), name
            (disk / ".full").unlink()
        assert erase(shop, customers)["status"] == "done"
        assert differences(state(shop), state(erased)) == {}
        assert files_with(shop.folder, *CANARIES) == {text: [] for text in CANARIES}
