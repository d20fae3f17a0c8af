"""Who does something, when, and how it ended."""

import getpass
import os
import socket
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment in UTC, without a zone, as the warehouse keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def who() -> str:
    """User and host of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # as in a container whose user has no name
        user = f"user {os.getuid()}"
    return f"{user} on {socket.gethostname()}"


def words_of(error: BaseException) -> str:
    """What is kept of the error that ended a run; of a signal, whose text is an exit code or nothing, its kind."""
    return (isinstance(error, Exception) and str(error)) or type(error).__name__
