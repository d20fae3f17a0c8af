"""Ten clients look at `current` while it changes 200 times: nobody fails, waits or sees two versions mixed.

Every fifth change is a new version, the others move readers between versions there are, which costs next to nothing.
`RESEGMENT_PUBLICATIONS=200` publishes as many new versions instead of 40.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from support_nights import new_warehouse, source_of, take_in, write_files
from support_oracle import Line
from support_versions import NOW, write_candidate

from warehouse import promotion, publish
from warehouse.store import Warehouse

CLIENT = Path(__file__).parent.parent / "support_client.py"
PUBLICATIONS = int(os.environ.get("RESEGMENT_PUBLICATIONS", "40"))
FIRST, READERS, BACK = date(2011, 1, 10), 10, 2
#: Versions that readers have to see.
LAST = set(range(PUBLICATIONS - 5, PUBLICATIONS))


class Changes(list[tuple[float, float, int]]):
    """What `current` was changed to, and when that began and had ended."""

    @contextmanager
    def to(self, version_id: int) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.append((began, time.monotonic(), version_id))

    def allowed(self, begun: float, ended: float) -> set[int]:
        """Versions a look may see: the one that was current when it began, and those that became so meanwhile."""
        before = [version for _, done, version in self if done < begun]
        return {*before[-1:], *(version for began, done, version in self if done >= begun and began <= ended)}


def make(warehouse: Warehouse, number: int) -> int:
    """A candidate with a customer by its number beside three that are in every version."""
    snapshot = {f"c{number % 7}": 1} | {f"always {one}": 1 + (number + one) % 3 for one in range(3)}
    return write_candidate(warehouse, FIRST + timedelta(days=number), snapshot)


def client(serving: Path, how: str, *seen: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, CLIENT, serving, how, *seen], stdin=-1, stdout=-1, stderr=-1, text=True)


def wait_until_seen(version_id: int, seen: Path, readers: list["subprocess.Popen[str]"]) -> None:
    while str(version_id) not in seen.read_text().split():
        assert [reader.poll() for reader in readers] == [None] * len(readers)
        time.sleep(0.01)


def told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate("")
    assert process.returncode == 0, err
    return dict(json.loads(out))


def test_ten_readers_while_current_changes_200_times(tmp_path: Path) -> None:
    lines = tuple(Line(str(day), invoiced_at=f"2011-01-{day:02d} 10:00:00", customer_id="always 1") for day in (3, 4))
    write_files(tmp_path / "files", {"a.csv": lines})
    changes = Changes()
    with new_warehouse(tmp_path) as warehouse, ExitStack() as stack:
        take_in(warehouse, source_of(tmp_path / "files"), date(2011, 2, 1), NOW)
        publish.publish(warehouse, make(warehouse, 1), NOW)
        changes.append((0, 0, 1))
        serving = warehouse.params.serving
        seen_file = tmp_path / "seen"
        kept = stack.enter_context(client(serving, "keep"))
        readers = [stack.enter_context(client(serving, "again", seen_file)) for _ in range(READERS)]
        for process in (kept, *readers):
            assert process.stdout is not None
            assert process.stdout.readline() == "looked\n"
        for number in range(2, PUBLICATIONS + 2):
            candidate = make(warehouse, number)
            with changes.to(number):
                assert (candidate, publish.publish(warehouse, candidate, NOW)) == (number, True)
            if number in LAST:  # on a busy machine publications would be faster than the next look
                wait_until_seen(number, seen_file, readers)
            for turn in range(1, BACK + 1):
                older = 1 + (number * turn * 7) % (number - 1)
                with changes.to(older):
                    promotion.roll_back(warehouse, older, NOW)
                with changes.to(number):
                    assert promotion.release(warehouse) == number
        stayed, seen = told(kept), [told(reader) for reader in readers]

    assert len(changes) - 1 == PUBLICATIONS * (1 + 2 * BACK) >= 200
    assert [one["failures"] for one in (stayed, *seen)] == [[]] * (READERS + 1)
    assert {version for _, _, version in stayed["looks"]} == {1}
    looks = [look for one in seen for look in one["looks"]]
    assert [look for look in looks if look[2] is False or look[2] not in changes.allowed(*look[:2])] == []
    assert {version for _, _, version in looks} > LAST, len(looks)
