"""Customers who were erased stay out: their keyed hashes, the key that is a file of its own, and what landing does."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from warehouse.durable import fsync
from warehouse.errors import ErasureError, ErasureKeyError
from warehouse.failures import explaining_files
from warehouse.params import WarehouseParams
from warehouse.store import Warehouse

#: What a staged line of an erased customer keeps until it is counted; everything else is blanked before it is stored.
_KEPT = ("load_id", "line_number", "amount", "shop_day", "outcome", "content_key", "rounded")
_CHECKED = "resegment: customers who were erased"
_BLOCK = 64

#: The two padded keys of HMAC, or two nulls while nobody has been erased.
Pads = Mapping[str, bytes | None]


def key_file(params: WarehouseParams) -> Path:
    """Where the key of the hashes is."""
    return params.erasure_key or params.path.with_name(params.path.name + ".erasure-key")


def pads(warehouse: Warehouse) -> Pads:
    """Parameters `inner_pad` and `outer_pad` of the keyed hashes; nulls while nobody has been erased.

    Raises
    ------
    ErasureKeyError
        There are hashes, and the key is missing or is not theirs.
    """
    check = warehouse.value("SELECT keyed_hash FROM erasure.key_check")
    if check is None:
        return {"inner_pad": None, "outer_pad": None}
    file = key_file(warehouse.params)
    found = _read(file)
    if found is None or _check(warehouse, found) != check:
        state = "is missing" if found is None else "is not the one the erased customers were hashed with"
        raise ErasureKeyError(
            f"The erasure key {file} {state}. Without it erased customers could come back unnoticed, so nothing is "
            "taken in. Restore that file, or name it in [warehouse] erasure_key. If it is lost for good: "
            "`resegment erase --new-key --customers FILE` with everybody who was ever erased."
        )
    return found


def make_key(warehouse: Warehouse) -> Pads:
    """The key of the hashes, made on first use; raises as `pads`. Runs outside a transaction."""
    if warehouse.value("SELECT count(*) FROM erasure.key_check"):
        return pads(warehouse)
    found = _read(key_file(warehouse.params)) or _write(key_file(warehouse.params))
    warehouse.execute("INSERT INTO erasure.key_check VALUES ($hash)", {"hash": _check(warehouse, found)})
    return found


def replace_key(warehouse: Warehouse, customers: int) -> Pads:
    """Another key in place of one that is lost, for a list of so many customers; inside the caller's transaction.

    The hashes of before are forgotten: the caller hashes everybody anew in the same transaction.

    Raises
    ------
    ErasureError
        The key is not lost, or the list is shorter than that of those who were erased.
    """
    kept = int(warehouse.value("SELECT count(DISTINCT customer_hash) FROM erasure.customers"))
    if _is_known(warehouse):
        raise ErasureError(f"The erasure key {key_file(warehouse.params)} is there and right; --new-key is not needed.")
    if customers < kept:
        raise ErasureError(
            f"{kept:,} customers were erased, with those merged with them, and the file names {customers:,}. With "
            "another key the others could come back: name all of them."
        )
    file = key_file(warehouse.params)
    if file.exists():
        file.replace(file.with_name(f"{file.name}.former"))
    found = _write(file)
    warehouse.execute("DELETE FROM erasure.customers")
    warehouse.execute("UPDATE erasure.key_check SET keyed_hash = $hash", {"hash": _check(warehouse, found)})
    return found


def without_erased_sql(select: str) -> str:
    """The staged lines `select` gives, those of erased customers blanked and with the outcome `erased`.

    Needs the parameters of `pads`, not null. Nothing of such a line is written to a file but its day and its money,
    which go when it has been counted.
    """
    kept = ", ".join(f"'{name}'" for name in _KEPT)
    return f"""
SELECT load_id, line_number, amount, CASE WHEN gone AND outcome = 'quarantined' THEN NULL ELSE shop_day END AS shop_day,
    CASE WHEN gone THEN 'erased' ELSE outcome END AS outcome, CASE WHEN gone THEN 0 ELSE content_key END AS content_key,
    CASE WHEN gone THEN false ELSE rounded END AS rounded,
    CASE WHEN gone THEN NULL ELSE COLUMNS(lambda name: name NOT IN ({kept}, 'gone')) END AS "\\0"
FROM (
    SELECT *, customer_id IS NOT NULL AND erasure.is_erased(customer_id, $inner_pad, $outer_pad) AS gone
    FROM ({select})
)"""


def _read(file: Path) -> Pads | None:
    with explaining_files("The erasure key cannot be read", file):
        if not file.exists():
            return None
        text = file.read_text(encoding="ascii", errors="replace").strip()
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _BLOCK // 2:
        raise ErasureKeyError(f"{file} holds no erasure key: it should be {_BLOCK} hexadecimal digits. Restore it.")
    return _pads(key)


def _write(file: Path) -> Pads:
    """A new key, on disk before anything is hashed with it."""
    key = secrets.token_bytes(_BLOCK // 2)
    new = file.with_name(f".{file.name}.new")
    with explaining_files("The erasure key cannot be written", file):
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(key.hex() + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
        fsync(file.parent)
    return _pads(key)


def _pads(key: bytes) -> Pads:
    block = key.ljust(_BLOCK, b"\0")
    return {"inner_pad": bytes(byte ^ 0x36 for byte in block), "outer_pad": bytes(byte ^ 0x5C for byte in block)}


def _is_known(warehouse: Warehouse) -> bool:
    try:
        pads(warehouse)
    except ErasureKeyError:
        return False
    return True


def _check(warehouse: Warehouse, found: Pads) -> str:
    return str(warehouse.value("SELECT erasure.keyed_hash($text, $inner_pad, $outer_pad)", {"text": _CHECKED, **found}))
