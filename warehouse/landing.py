"""Landing: deliveries are staged, looked at by the checks, then accepted all together or rejected all together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from warehouse import merges, rules, threads
from warehouse.closing import closed_before
from warehouse.database import pull
from warehouse.deliveries import Offer, Unit, offered, touched
from warehouse.errors import DeliveryError, UnsettledDeliveryError
from warehouse.file_reader import STILL_WRITTEN, Delivered, FileReader, load_row, next_load_id
from warehouse.formats import shape_of
from warehouse.params import Duplicates, FileFormat, SourceKind, SourceParams
from warehouse.store import Warehouse, scratch_folder
from warehouse.unreadable import REMOVED, UnreadableFileError, all_problems

Progress = Callable[[int, int], None]
#: Files read by one statement: enough that starting it does not count, few enough that memory stays bounded.
_CHUNK_BYTES, _CHUNK_FILES = 256 << 20, 500


@dataclass(frozen=True)
class Staged:
    """What lies staged: files (or slices of a database) and lines of this night's deliveries."""

    files: int
    lines: int
    unchanged_files: int
    unsettled_files: tuple[str, ...]


def stage(
    warehouse: Warehouse,
    source: SourceParams,
    shop_zone: str,
    now: datetime,
    progress: Progress,
    password: str | None = None,
    reread: bool | None = None,
) -> Staged:
    """Read what is new into `landing.staged_lines`; `now` is UTC without a zone, `progress(files done, files)`.

    With `reread` files (or rows) that were taken in already are read again, each in the place of the load it was;
    without, False says that rules of reading that changed are for new ones only.

    Raises
    ------
    DeliveryError
        Some files cannot be read: each is named with its reason. They are in the ledger as rejected, nothing is staged.
        Or a database cannot be read: what was pulled stays staged, and the next run carries on after it.
    WarehouseError
        No fault of a file: the disk is full, memory ran out. Nothing of a file is staged.
    MergeError
        The file of merged customers cannot be used, which is better known before anything is read.
    RulesChangedError
        Files would be read otherwise than those before, and `reread` is None.
    """
    rules.refuse_silent_change(warehouse, source, shop_zone, reread)
    if source.kind is SourceKind.DATABASE:
        merges.prepare(warehouse, source)
        staged, unchanged = pull(warehouse, source, shop_zone, now, progress, password, reread=bool(reread))
        return Staged(staged, _counted(warehouse), unchanged, ())
    discard_staged(warehouse)
    merges.prepare(warehouse, source)
    offer = offered(warehouse, source, now, reread=bool(reread))
    if offer.times:
        with warehouse.transaction():
            warehouse.run("landing/keep_times", times=list(offer.times), now=now)
    threads.fit_delivery(warehouse, sum(unit.size_bytes for unit in offer.new))
    try:
        problems = _read(warehouse, source, shop_zone, now, offer, progress)
    except BaseException:
        discard_staged(warehouse)
        raise
    if problems:
        reject(warehouse, source, problems, now)
        unsettled = set(problems.values()) <= {STILL_WRITTEN, REMOVED}
        error = UnsettledDeliveryError if unsettled else DeliveryError
        raise error(all_problems({unit.path: problem for unit, problem in problems.items()}))
    return Staged(len(offer.new), _counted(warehouse), offer.unchanged, offer.unsettled)


def accept(warehouse: Warehouse, source: SourceParams, now: datetime) -> bool:
    """Move what is staged into lines, invoices, totals and ledger, and merge customers; return whether there was any.

    If equal lines are to be judged otherwise than before, all of them are. Runs inside the caller's transaction and
    leaves the temporary table `changed_invoices` for the features.
    """
    changed = merges.prepare(warehouse, source) or rules.changed_duplicates(warehouse, source)
    staged = warehouse.rows("landing/staged_loads")[0]
    if not changed and not staged["loads"]:
        return False
    warehouse.run("landing/touch_staged", source=source.name)
    if staged["replacing"]:
        warehouse.run("landing/remove_replaced")
    if staged["replays"]:
        warehouse.run("quarantine/take_back")
    warehouse.run("landing/move_lines", source=source.name)
    rules.judge_anew(warehouse, source)
    warehouse.run("landing/judge_duplicates", keep=source.duplicates is Duplicates.KEEP)
    merges.apply(warehouse)
    closed = rebuild_touched(warehouse)
    if closed:
        warehouse.run("merges/move_closed")
    warehouse.run("landing/close_loads", now=now)
    return True


def rebuild_touched(warehouse: Warehouse) -> bool:
    """Rebuild the invoices and totals of `touched_invoices`, `touched_days` and `lost_pairs` from their lines.

    What was made of closed days stays as it is; returns whether there are any. Runs inside the caller's transaction.
    """
    closed = closed_before(warehouse) is not None
    if closed:
        warehouse.run("landing/leave_closed")
    warehouse.run("landing/rebuild_invoices")
    warehouse.run("landing/rebuild_totals")
    return closed


def anything_new(warehouse: Warehouse, source: SourceParams) -> bool:
    """Whether a file is new or was touched since it was taken in, customers were merged, or equal lines judged anew.

    Of files only names, sizes and times are looked at. A database may always have something: a row changed in the
    look-back window shows in its content alone.
    """
    if source.kind is SourceKind.DATABASE:
        return True
    rejudged = rules.changed_duplicates(warehouse, source) is not None
    return bool(touched(warehouse, source)) or rejudged or merges.prepare(warehouse, source) > 0


def replayed_lines(warehouse: Warehouse, source: SourceParams) -> int:
    """How many lines have left the quarantine by a replay."""
    query = "SELECT sum(replayed_lines) FROM landing.loads WHERE status = 'accepted' AND source = $source"
    return int(warehouse.value(query, {"source": source.name}) or 0)


def discard_staged(warehouse: Warehouse) -> None:
    """Forget what a run that was stopped left staged; its files are offered again."""
    if warehouse.value("SELECT count(*) FROM landing.loads WHERE status = 'staged'"):
        with warehouse.transaction():
            warehouse.run("landing/discard_staged")


def reject(warehouse: Warehouse, source: SourceParams, problems: dict[Unit, str], now: datetime) -> None:
    """Leave a ledger row for each unreadable file and drop everything staged with it."""
    discard_staged(warehouse)
    first = next_load_id(warehouse)
    loads = [
        load_row(first + number, unit, source, now, problem) for number, (unit, problem) in enumerate(problems.items())
    ]
    with warehouse.transaction():
        warehouse.run("landing/insert_loads", loads=loads)


def reject_staged(warehouse: Warehouse, reason: str) -> None:
    """Refuse what is staged because a check stopped the run; the ledger keeps a row with the reason."""
    with warehouse.transaction():
        warehouse.run("landing/reject_staged", reason=reason)


def _counted(warehouse: Warehouse) -> int:
    """Write what was delivered into the ledger; returns the number of lines."""
    with warehouse.transaction():
        warehouse.run("landing/count_staged")
    return int(warehouse.value("SELECT count(*) FROM landing.staged_lines"))


def _read(
    warehouse: Warehouse, source: SourceParams, shop_zone: str, now: datetime, offer: Offer, progress: Progress
) -> dict[Unit, str]:
    """Stage what is offered; return the files that cannot be read, in the order they were offered."""
    problems = dict(offer.unreadable)
    total = len(offer.new) + len(problems)
    with scratch_folder(warehouse.params) as folder:
        reader = FileReader(warehouse, source, shop_zone, now, folder)
        done = len(problems)
        for chunk in _chunks(_look_at(warehouse, offer, source, problems)):
            problems.update(reader.read(chunk))
            done += len(chunk)
            progress(done, total)
        reader.close()
    return dict(sorted(problems.items(), key=lambda item: item[0].name))


def _look_at(
    warehouse: Warehouse, offer: Offer, source: SourceParams, problems: dict[Unit, str]
) -> Iterator[Delivered]:
    first = next_load_id(warehouse)
    for number, unit in enumerate(offer.new):
        try:
            yield Delivered(first + number, unit, shape_of(warehouse.connection, unit, source))
        except UnreadableFileError as error:
            problems[unit] = str(error)


def _chunks(files: Iterator[Delivered]) -> Iterator[list[Delivered]]:
    """Neighbouring files of one shape, up to the limits."""
    for shape, alike in groupby(files, key=lambda file: file.shape):
        chunk: list[Delivered] = []
        size = 0
        for file in alike:
            full = chunk and (size + file.unit.size_bytes > _CHUNK_BYTES or len(chunk) >= _CHUNK_FILES)
            if full or (chunk and shape.format is FileFormat.XLSX):
                yield chunk
                chunk, size = [], 0
            chunk.append(file)
            size += file.unit.size_bytes
        yield chunk
