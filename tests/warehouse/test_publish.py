"""Publishing and what `reconcile` makes of what a stopped run left."""

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from support_disk import closed_to_others, fill, let_others_in, mounted, without_root_rights
from support_nights import new_warehouse
from support_versions import NOW, write_candidate

from warehouse import publish, published_file, reading, serving, store, versions
from warehouse.errors import DiskFullError, ServingError, WarehouseError
from warehouse.store import Warehouse

DAYS = [date(2011, 1, day) for day in (1, 2, 3, 4)]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    with new_warehouse(tmp_path) as opened:
        yield opened


@pytest.fixture
def folder(warehouse: Warehouse) -> Path:
    return warehouse.params.serving


def candidate(warehouse: Warehouse, day: int, customers: int = 3) -> int:
    return write_candidate(warehouse, DAYS[day], {f"{number}": 1 + (number + day) % 2 for number in range(customers)})


def published(warehouse: Warehouse, day: int) -> int:
    version_id = candidate(warehouse, day)
    publish.publish(warehouse, version_id, NOW)
    return version_id


def half_published(warehouse: Warehouse, day: int) -> int:
    """A candidate with its directory, as a run leaves it that is stopped before `current` is swapped."""
    version_id = candidate(warehouse, day)
    row = versions.version(warehouse, version_id)
    with publish.publishing(warehouse) as together:
        publish.prepare(warehouse, row, together)
        publish.build(warehouse, row, together)
    return version_id


def statuses(warehouse: Warehouse) -> dict[int, str]:
    rows = warehouse.select("SELECT version_id, status FROM segments.versions ORDER BY version_id")
    return {row["version_id"]: row["status"] for row in rows}


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in (folder / "versions").iterdir())


def shown(folder: Path) -> int:
    """The version readers see, by the link, the pointer and the tables alike."""
    by_table = {
        reading.query(folder, f"SELECT DISTINCT version_id FROM {table}")[1][0][0]
        for table in ("customer_segments", "segment_profiles")
    }
    pointer = publish.current_pointer(folder)
    assert pointer is not None
    assert by_table == {pointer["version_id"]} == {serving.linked_version(folder)}
    assert (folder / pointer["path"]).samefile(reading.current_file(folder))
    return pointer["version_id"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_published_version_is_read_only_and_open_to_all_readers(warehouse: Warehouse, folder: Path) -> None:
    version_id = published(warehouse, 0)
    file = publish.version_file(folder, version_id)
    modes = [mode(path) for path in (file, file.parent, folder / "versions", folder, folder / "current.json")]
    assert modes == [0o444, 0o555, 0o755, 0o755, 0o644]
    assert [path.name for path in file.parent.iterdir()] == ["segments.duckdb"]
    assert (folder / "current").readlink() == Path(f"versions/{version_id:06d}")
    with without_root_rights(), pytest.raises(PermissionError):
        file.with_suffix(".new").touch()


def test_folders_above_a_new_serving_folder_are_open_to_readers_too(tmp_path: Path) -> None:
    with new_warehouse(tmp_path) as warehouse:  # a run's umask is 077
        deep = warehouse.params.model_copy(update={"serving": tmp_path / "srv" / "shop" / "serving"})
        publish.write_status(deep.serving, {"status": "failed"})
        published(Warehouse(warehouse.connection, deep), 0)
    assert [mode(tmp_path / part) for part in ("srv", "srv/shop", "srv/shop/serving")] == [0o755] * 3
    assert mode(deep.serving / "status.json") == 0o644


def test_a_folder_that_was_there_keeps_its_mode(warehouse: Warehouse, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o2750)
    published(warehouse, 0)
    assert mode(folder) == 0o2750


def test_every_client_since_1_0_can_read_the_file(warehouse: Warehouse, folder: Path) -> None:
    file = publish.version_file(folder, published(warehouse, 0))
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS published (READ_ONLY)")
        (tags,) = connection.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = 'published'"
        ).fetchall()[0]
    assert tags["storage_version"].startswith("v1.0.0")


def test_nothing_to_do_after_a_run_that_ended(warehouse: Warehouse, folder: Path) -> None:
    assert publish.reconcile(warehouse, NOW) == []
    published(warehouse, 0)
    assert publish.reconcile(warehouse, NOW) == []
    assert (statuses(warehouse), entries(folder), shown(folder)) == ({1: "published"}, ["000001"], 1)


def test_candidates_stored_ahead_are_dropped_in_one_line(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 0)
    for day in (1, 2, 3):
        candidate(warehouse, day)
    assert publish.reconcile(warehouse, NOW) == ["dropped the unchecked versions 2 to 4"]
    assert (statuses(warehouse), entries(folder)) == ({1: "published"}, ["000001"])


def test_a_candidate_without_a_directory_is_dropped(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 0)
    candidate(warehouse, 1)
    assert publish.reconcile(warehouse, NOW) == ["dropped the unchecked version 2"]
    assert (statuses(warehouse), shown(folder)) == ({1: "published"}, 1)
    assert warehouse.value("SELECT count(*) FROM segments.assignments WHERE version_id = 2") == 0
    assert published(warehouse, 1) == 2


def test_a_complete_directory_is_published(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 0)
    built = half_published(warehouse, 1)
    before = publish.version_file(folder, built).stat().st_ino
    assert publish.reconcile(warehouse, NOW) == ["finished publishing version 2"]
    assert (statuses(warehouse), shown(folder)) == ({1: "published", 2: "published"}, 2)
    assert publish.version_file(folder, built).stat().st_ino == before
    assert warehouse.value("SELECT moved FROM segments.versions WHERE version_id = 2") == 3


def test_the_link_wins_over_the_row(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 0)
    half_published(warehouse, 1)
    (folder / "current").unlink()
    (folder / "current").symlink_to("versions/000002")  # killed before current.json and the commit
    assert publish.reconcile(warehouse, NOW) == ["finished publishing version 2"]
    assert (statuses(warehouse), shown(folder)) == ({1: "published", 2: "published"}, 2)


def test_a_complete_directory_of_an_earlier_date_does_not_become_current(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 1)
    half_published(warehouse, 0)
    publish.reconcile(warehouse, NOW)
    assert (statuses(warehouse), shown(folder)) == ({1: "published", 2: "published"}, 1)


def test_what_is_half_built_or_belongs_to_no_version_is_deleted(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 0)
    candidate(warehouse, 1)
    for name in (".building-000002", "000007"):
        (folder / "versions" / name).mkdir()
        (folder / "versions" / name / "segments.duckdb").write_bytes(b"half")
        (folder / "versions" / name / "segments.duckdb.wal").write_bytes(b"half")
        (folder / "versions" / name).chmod(0o555)
    done = publish.reconcile(warehouse, NOW)
    assert done == [
        "removed the unfinished .building-000002",
        "removed 000007, which no version belongs to",
        "dropped the unchecked version 2",
    ]
    assert (entries(folder), shown(folder)) == (["000001"], 1)


def test_an_empty_directory_of_a_candidate_is_no_version(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 0)
    candidate(warehouse, 1)
    (folder / "versions" / "000002").mkdir()
    assert publish.reconcile(warehouse, NOW) == ["dropped the unchecked version 2"]
    assert (entries(folder), shown(folder)) == (["000001"], 1)


def test_what_is_not_ours_is_left_alone(warehouse: Warehouse, folder: Path, tmp_path: Path) -> None:
    published(warehouse, 0)
    there = folder / "versions"
    (there / "lost+found").mkdir()
    for name in ("README.txt", ".DS_Store", "12", "٠٠٠٠٠٩", "000008"):
        (there / name).write_text("mine")
    (there / "000009").symlink_to(tmp_path)
    before = entries(folder)
    assert publish.reconcile(warehouse, NOW) == []
    assert entries(folder) == before


def test_a_write_ahead_log_beside_a_published_file_is_removed(warehouse: Warehouse, folder: Path) -> None:
    file = publish.version_file(folder, published(warehouse, 0))
    before = file.read_bytes()
    writing = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('DELETE FROM customer_segments'); os.kill(os.getpid(), 9)"
    )
    file.parent.chmod(0o755)
    file.chmod(0o644)
    subprocess.run([sys.executable, "-c", writing, file], check=False)
    assert reading.query(folder, "SELECT count(*) FROM customer_segments")[1] == [(0,)]
    file.chmod(0o444)
    assert publish.reconcile(warehouse, NOW) == ["removed segments.duckdb.wal beside version 1"]
    assert reading.query(folder, "SELECT count(*) FROM customer_segments")[1] == [(3,)]
    assert (file.read_bytes() == before, mode(file.parent)) == (True, 0o555)


def test_leftovers_of_a_broken_swap_do_not_matter(warehouse: Warehouse, folder: Path) -> None:
    published(warehouse, 0)
    (folder / ".current.next").symlink_to("versions/000009")
    for name in (".current.json.next", ".status.json.next"):
        (folder / name).write_text("{half")
    published(warehouse, 1)
    publish.write_status(folder, {"status": "done"})
    assert shown(folder) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["current", "current.json", "status.json", "versions"]


def test_another_warehouse_does_not_take_over_the_folder(warehouse: Warehouse, folder: Path, tmp_path: Path) -> None:
    for day in (0, 1):
        published(warehouse, day)
    (tmp_path / "other").mkdir()
    with new_warehouse(tmp_path / "other") as other:
        shared = Warehouse(other.connection, other.params.model_copy(update={"serving": folder}))
        with pytest.raises(ServingError, match="shows version 2, which this warehouse never made"):
            publish.reconcile(shared, NOW)
        assert (entries(folder), shown(folder)) == (["000001", "000002"], 2)
        (folder / "current").unlink()
        publish.reconcile(shared, NOW)
        assert entries(folder) == []
        assert published(shared, 0) == 1
    assert shown(folder) == 1


def test_a_failed_build_leaves_nothing_and_may_be_tried_again(
    warehouse: Warehouse, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(warehouse, 0)
    built = candidate(warehouse, 1)
    with monkeypatch.context() as broken:
        broken.setitem(published_file.contract()["customer_segments_in_words"], "view", "FROM nowhere {words}")
        with pytest.raises(WarehouseError):
            publish.publish(warehouse, built, NOW)
    assert (entries(folder), shown(folder)) == (["000001"], 1)
    assert warehouse.select("SELECT database_name FROM duckdb_databases() WHERE database_name = 'publication'") == []
    assert publish.publish(warehouse, built, NOW)
    assert shown(folder) == 2


def test_a_full_disk_leaves_what_is_published_and_the_next_try_succeeds(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 12) as disk, new_warehouse(tmp_path) as warehouse:
        folder = disk / "serving"
        small = Warehouse(warehouse.connection, warehouse.params.model_copy(update={"serving": folder}))
        published(small, 0)
        built = candidate(small, 1)
        for room in (0, 8192, 1 << 20):
            full = fill(disk, leave=room)
            with pytest.raises(DiskFullError, match="The disk is full: no space left to write"):
                publish.publish(small, built, NOW)
            assert (entries(folder), shown(folder), statuses(small)) == (
                ["000001"],
                1,
                {1: "published", 2: "candidate"},
            )
            full.unlink()
        assert publish.publish(small, built, NOW)
        assert shown(folder) == 2


def test_a_serving_folder_that_cannot_be_written(warehouse: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "serving", Path("/proc/serving")):
        moved = Warehouse(warehouse.connection, warehouse.params.model_copy(update={"serving": place}))
        with pytest.raises(ServingError, match=f"The published versions cannot be written: {place}"):
            publish.reconcile(moved, NOW)
        with pytest.raises(ServingError):
            publish.write_status(place, {})


def test_a_serving_folder_of_somebody_else(warehouse: Warehouse, folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o555)
    let_others_in(folder.parent)
    with without_root_rights(), pytest.raises(ServingError, match=r"no right to write|permission denied"):
        serving.prepare(folder)


@pytest.mark.skipif(closed_to_others(store.ROOM), reason="the project lies in a folder that is closed to other users")
def test_a_version_is_renamed_by_an_ordinary_user_too(tmp_path: Path) -> None:
    """A directory without write permission can be renamed in its place, and removed by its owner."""
    let_others_in(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    with without_root_rights(), new_warehouse(home) as warehouse:
        published(warehouse, 0)
        (home / "serving" / "versions" / "000005").mkdir(mode=0o555)
        published(warehouse, 1)
        assert publish.reconcile(warehouse, NOW) == ["removed 000005, which no version belongs to"]
        assert shown(home / "serving") == 2


def test_the_status_can_be_read_at_any_time(folder: Path) -> None:
    publish.write_status(folder, {"status": "done", "as_of": DAYS[0]})
    assert json.loads((folder / "status.json").read_text()) == {"status": "done", "as_of": "2011-01-01"}
    assert reading.status(folder) == {"status": "done", "as_of": "2011-01-01"}
