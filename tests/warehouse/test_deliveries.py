"""What a source offers: new, changed, unchanged and unsettled files."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support_landing import NOW, PURCHASE, RETURN, deliver, lines, stage, take_in, warehouse_in

from warehouse import landing
from warehouse.deliveries import _fingerprint, list_units, offered
from warehouse.errors import DeliveryError
from warehouse.params import SourceParams

AWKWARD = [
    "it's.csv",
    "a[1].csv",
    "a*b?.csv",
    'say "x".csv',
    " spaces .csv",
    "ünï 日本.csv",
    "a\\b.csv",
    "$x;y.csv",
    "a\nb.csv",
]


def source_of(folder: Path, **options: object) -> SourceParams:
    return SourceParams.model_validate({"path": str(folder / "in" / "*.csv")} | options)


@pytest.mark.parametrize("name", AWKWARD)
def test_any_name_of_a_file(tmp_path: Path, name: str) -> None:
    deliver(tmp_path / "in", name, PURCHASE)
    deliver(tmp_path / "in", "a1.csv", RETURN)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        assert {row["unit"] for row in warehouse.select("SELECT unit FROM landing.loads")} == {name, "a1.csv"}
        assert sorted(lines(warehouse, "invoice_no")) == [("536365",), ("C536379",)]


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    deliver(tmp_path / "in", "a.csv", PURCHASE).rename(os.fsdecode(bytes(tmp_path / "in") + b"/\xff.csv"))
    with warehouse_in(tmp_path) as warehouse, pytest.raises(DeliveryError, match=r"\\xff\.csv: its name is not UTF-8"):
        stage(warehouse, source_of(tmp_path))


def test_brackets_in_the_configured_path_of_one_file(tmp_path: Path) -> None:
    path = deliver(tmp_path, "[x]/a.csv", PURCHASE)
    assert [unit.name for unit in list_units(str(path))] == ["a.csv"]


def test_units_keep_their_names_when_the_folder_moves(tmp_path: Path) -> None:
    deliver(tmp_path / "in", "2011/01/a.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, SourceParams(path=str(tmp_path / "in" / "**" / "*.csv")))
        (tmp_path / "in").rename(tmp_path / "out")
        again = offered(warehouse, SourceParams(path=str(tmp_path / "out" / "**" / "*.csv")), NOW)
    assert (again.new, again.unchanged) == ((), 1)


def test_a_file_delivered_again_unchanged_does_nothing(tmp_path: Path) -> None:
    path = deliver(tmp_path / "in", "a.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path))
        os.utime(path, (0, 0))
        staged = take_in(warehouse, source_of(tmp_path))
        assert (staged.files, staged.unchanged_files) == (0, 1)
        assert warehouse.value("SELECT count(*) FROM landing.loads") == 1


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_file_that_was_only_touched_is_looked_into_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The time may be earlier than the delivery, as of a restored file, or later; when it was received stays."""
    source = source_of(tmp_path, mode=mode)
    path = deliver(tmp_path / "in", "a.csv", RETURN)
    os.utime(path, (0, 0))
    looked_into: list[Path] = []

    def looked(path: Path) -> str:
        looked_into.append(path)
        return _fingerprint(path)

    monkeypatch.setattr("warehouse.deliveries._fingerprint", looked)
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        deliver(tmp_path / "in", "a.csv", PURCHASE)
        os.utime(path, (1, 1))
        take_in(warehouse, source)
        for day, seconds in enumerate([2, (NOW + timedelta(hours=1)).replace(tzinfo=UTC).timestamp()], start=1):
            os.utime(path, (seconds, seconds))
            looked_into.clear()
            for hour, new in enumerate([True, False]):
                assert landing.anything_new(warehouse, source) is new
                staged = take_in(warehouse, source, now=NOW + timedelta(days=day, hours=hour))
                assert (staged.files, staged.unchanged_files) == (0, 1)
            assert looked_into == [path]
        assert warehouse.value("SELECT count(*) FROM landing.loads WHERE received_at <> $now", {"now": NOW}) == 0
        path.write_text(path.read_text().replace(",6,", ",7,"))
        assert take_in(warehouse, source, now=NOW + timedelta(days=9)).files == 1


def test_a_file_touched_within_the_clocks_tick_is_looked_into_again(tmp_path: Path) -> None:
    """Its content might have changed after the look; so it might where the clock of its disk is ahead."""
    source = source_of(tmp_path)
    path = deliver(tmp_path / "in", "a.csv", PURCHASE)
    os.utime(path, (0, 0))
    moment = NOW.replace(tzinfo=UTC).timestamp()
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        os.utime(path, (moment, moment))
        for seconds in (-60, 1):
            take_in(warehouse, source, now=NOW + timedelta(seconds=seconds))
            assert landing.anything_new(warehouse, source)
        path.write_text(path.read_text().replace(",6,", ",7,"))
        os.utime(path, (moment, moment))
        assert take_in(warehouse, source, now=NOW + timedelta(seconds=60)).files == 1
        assert lines(warehouse, "quantity") == [(7,)]


def test_a_file_taken_in_within_the_clocks_tick_is_looked_into_once_more(tmp_path: Path) -> None:
    path = deliver(tmp_path / "in", "a.csv", PURCHASE)
    moment = NOW.replace(tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path), now=NOW + timedelta(seconds=1))
        assert landing.anything_new(warehouse, source_of(tmp_path))
        take_in(warehouse, source_of(tmp_path), now=NOW + timedelta(days=1))
        assert not landing.anything_new(warehouse, source_of(tmp_path))


def test_a_touched_file_that_has_not_settled_is_not_looked_into(tmp_path: Path) -> None:
    path = deliver(tmp_path / "in", "a.csv", PURCHASE)
    os.utime(path, (0, 0))
    source = source_of(tmp_path, settle_seconds=600)
    moment = NOW.replace(tzinfo=UTC).timestamp()
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source)
        os.utime(path, (moment, moment))
        assert take_in(warehouse, source, now=NOW + timedelta(seconds=300)).unsettled_files == ("a.csv",)
        assert landing.anything_new(warehouse, source)
        take_in(warehouse, source, now=NOW + timedelta(seconds=601))
        assert not landing.anything_new(warehouse, source)


def test_a_change_within_the_clocks_tick_is_seen(tmp_path: Path) -> None:
    """Same size, same time of change: only the content tells, as long as the last look was that near."""
    path = deliver(tmp_path / "in", "a.csv", PURCHASE)
    moment = NOW.replace(tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))
    with warehouse_in(tmp_path) as warehouse:
        take_in(warehouse, source_of(tmp_path), now=NOW + timedelta(seconds=1))
        path.write_text(path.read_text().replace(",6,", ",7,"))
        os.utime(path, (moment, moment))
        take_in(warehouse, source_of(tmp_path), now=NOW + timedelta(days=1))
        assert lines(warehouse, "quantity") == [(7,)]


def test_a_file_still_being_written_is_left_for_the_next_night(tmp_path: Path) -> None:
    path = deliver(tmp_path / "in", "a.csv", PURCHASE)
    now = datetime.now(UTC).replace(tzinfo=None)
    with warehouse_in(tmp_path) as warehouse:
        staged = stage(warehouse, source_of(tmp_path, settle_seconds=600), now=now)
        assert (staged.files, staged.unsettled_files) == (0, ("a.csv",))
        os.utime(path, (now.timestamp() - 86400 * 2,) * 2)
        assert stage(warehouse, source_of(tmp_path, settle_seconds=600), now=now).files == 1


def test_append_mode_adds_and_replace_mode_replaces(tmp_path: Path) -> None:
    with warehouse_in(tmp_path) as warehouse:
        for number in range(3):
            deliver(tmp_path / "in", "a.csv", PURCHASE.replace("536365", f"N{number}"))
            take_in(warehouse, source_of(tmp_path, mode="append"))
        assert lines(warehouse, "invoice_no") == [("N0",), ("N1",), ("N2",)]
        deliver(tmp_path / "in", "a.csv", PURCHASE)
        take_in(warehouse, source_of(tmp_path))
        assert lines(warehouse, "invoice_no") == [("536365",)]
        statuses = warehouse.select("SELECT status FROM landing.loads ORDER BY load_id")
    assert [row["status"] for row in statuses] == ["replaced"] * 3 + ["accepted"]


def test_links_are_followed(tmp_path: Path) -> None:
    target = deliver(tmp_path / "elsewhere", "t.csv", PURCHASE)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").symlink_to(target)
    with warehouse_in(tmp_path) as warehouse:
        assert take_in(warehouse, source_of(tmp_path)).lines == 1


def test_what_cannot_be_opened_is_named_with_all_the_others(tmp_path: Path) -> None:
    deliver(tmp_path / "in", "good.csv", PURCHASE)
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    (tmp_path / "in" / "folder.csv").mkdir()
    (tmp_path / "in" / "empty.csv").touch()
    with warehouse_in(tmp_path) as warehouse:
        with pytest.raises(DeliveryError) as raised:
            stage(warehouse, source_of(tmp_path))
        named = warehouse.select("SELECT unit, status FROM landing.loads ORDER BY unit")
    assert [(row["unit"], row["status"]) for row in named] == [
        ("empty.csv", "rejected"),
        ("link.csv", "rejected"),
        ("pipe.csv", "rejected"),
    ]
    for part in (
        "3 files",
        "empty.csv: the file is empty",
        "link.csv: it is a link that leads nowhere",
        "pipe or a device",
    ):
        assert part in str(raised.value)


def test_a_file_that_vanishes_while_the_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = deliver(tmp_path / "in", "a.csv", PURCHASE)
    deliver(tmp_path / "in", "b.csv", PURCHASE)
    listed = [str(path), str(path.with_name("b.csv"))]
    path.unlink()
    monkeypatch.setattr("glob.glob", lambda *args, **options: listed)
    assert [unit.name for unit in list_units(str(tmp_path / "in" / "*.csv"))] == ["b.csv"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none/*.csv", "none does not exist.*Create it or correct the path"),
        ("in/*.parquet", r"No file matches .*in/\*\.parquet, and none ever came"),
        ("in", r"is a folder.*in/\*\.csv"),
    ],
)
def test_a_path_that_leads_to_nothing(tmp_path: Path, path: str, message: str) -> None:
    deliver(tmp_path / "in", "a.csv", PURCHASE)
    with warehouse_in(tmp_path) as warehouse, pytest.raises(DeliveryError, match=message):
        landing.anything_new(warehouse, SourceParams(path=str(tmp_path / path))) or stage(
            warehouse, SourceParams(path=str(tmp_path / path))
        )


def test_folders_and_files_that_may_not_be_read(tmp_path: Path) -> None:
    """In a process of another user where the tests run as root, whom nothing stops."""
    deliver(tmp_path / "in", "sub/a.csv", PURCHASE)
    secret = deliver(tmp_path / "in", "b.csv", PURCHASE)
    (tmp_path / "in" / "sub").chmod(0)
    secret.chmod(0)
    code = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from warehouse.deliveries import list_units, _fingerprint, _why_unreadable
from warehouse.errors import DeliveryError
from pathlib import Path
if os.getuid() == 0: os.setgid(65534); os.setuid(65534)
try: list_units({str(tmp_path / "in" / "*" / "*.csv")!r})
except DeliveryError as error: print(error)
path = Path({str(secret)!r})
try: _fingerprint(path)
except OSError as error: print(_why_unreadable(path, error))
"""
    for folder in [tmp_path / "in", *list(tmp_path.parents)[:-2], tmp_path]:
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    try:
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    finally:
        (tmp_path / "in" / "sub").chmod(0o755)
    assert "in/sub may not be read by this user" in said
    assert "it may not be read by this user; give it read permission" in said


def test_units_have_the_same_names_however_the_path_is_written(tmp_path: Path) -> None:
    file = tmp_path / "in" / "deeper" / "a.csv"
    file.parent.mkdir(parents=True)
    file.touch()
    for pattern in ("in/**/*.csv", "./in/**/*.csv", "in//**/*.csv", "in/./**/*.csv", "in/**/./*.csv"):
        assert [(unit.name, unit.path) for unit in list_units(f"{tmp_path}/{pattern}")] == [("deeper/a.csv", file)]
