"""Files that are there whole or not at all, and outlive a loss of power."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file under a temporary name and put it in place; what a killed run left is begun anew."""
    temporary = path.with_name(f".{path.name}.next")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename = str(path)  # the name people know
        raise
    finally:
        temporary.unlink(missing_ok=True)


def fsync(path: Path) -> None:
    """See to it that a file, or the names in a folder, outlive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
