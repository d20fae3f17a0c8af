"""Disks that are full and folders that may not be written, made for real; tests skip where the machine forbids it."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, megabytes: int = 4) -> Iterator[Path]:
    """A small file system of its own in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid():
        pytest.skip("mounting a small file system needs root")
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        made = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Write a file that takes all the room but `leave` bytes; delete it to make room."""
    full = folder / ".full"
    with full.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    if leave:
        os.truncate(full, full.stat().st_size - leave)
    return full


@contextmanager
def without_root_rights() -> Iterator[None]:
    """Root may write anywhere, so let somebody else do it in this process; nothing changes for other users."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def closed_to_others(folder: Path) -> bool:
    """Whether somebody without root's rights could not read below this folder, as below that of `mktemp -d`."""
    return os.geteuid() == 0 and any(one.stat().st_mode & 0o005 != 0o005 for one in (folder, *folder.parents))


def let_others_in(folder: Path) -> None:
    """Make pytest's private folders passable for other users."""
    for one in (folder, *folder.parents):
        if one.stat().st_mode & 0o077 == 0:
            one.chmod(0o755)
