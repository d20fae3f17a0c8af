"""Files that are there whole or not at all, and outlive a loss of power."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file of this mode, whatever the umask, under a temporary name and put it in place.

    What a killed run left is begun anew.
    """
    temporary = temporary_name(path)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename = str(path)  # the name people know
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """Under which a file is written before it takes its place."""
    return path.with_name(f".{path.name}.next")


def make_folder(folder: Path) -> None:
    """Like mkdir with parents, but open to readers whatever the umask; a folder that is there keeps its mode."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        one.chmod(0o755)
        fsync(one.parent)
    folder.mkdir(exist_ok=True)  # raises if it is a file


def fsync(path: Path) -> None:
    """See to it that a file, or the names in a folder, outlive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
