"""Errors a person reads: what was wrong, where, and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def signals_raised() -> Iterator[None]:
    """A signal whose handler raises in the middle of a query ends the block as Ctrl-C does.

    DuckDB reports it as a RuntimeError, whatever was raised, which is easily taken for something that went wrong.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise


class ResegmentError(Exception):
    """Base of every error resegment raises on purpose."""


def reason_of(error: OSError | UnicodeError) -> str:
    """Why the system, or a text's encoding, refused a file, in a few words."""
    if isinstance(error, UnicodeError):
        return "it is no text in UTF-8"
    if isinstance(error, FileExistsError) and error.filename and Path(error.filename).is_file():
        return "it is a file, and a folder is needed"
    return (error.strerror or str(error)).lower()


class TransientError(ResegmentError):
    """Nothing is wrong that waiting does not mend: the same run may succeed a little later."""


class WarehouseError(ResegmentError):
    """The private warehouse cannot be opened or a statement on it failed; a note carries the whole statement."""


class DiskFullError(WarehouseError):
    """There is no room left on a disk; readers are not affected and the next run goes on from there."""


class WarehouseLockedError(TransientError):
    """Another process writes to the warehouse."""


class SparkError(WarehouseError):
    """Spark cannot be used, or a step on it failed; nothing of the run was changed."""


class SparkUnreachableError(SparkError, TransientError):
    """The master does not answer, or has nobody to do the work; it may a little later."""


class ServingError(WarehouseError):
    """The folder of published versions cannot be written, or belongs to another warehouse."""


class DeliveryError(ResegmentError):
    """A delivery cannot be read; nothing of this night's deliveries was accepted."""


class QuarantineError(ResegmentError):
    """What was asked cannot be done with the quarantine; nothing was changed."""


class RulesChangedError(ResegmentError):
    """Files would be read otherwise than those before, and nobody has said what that is to mean."""


class UnsettledDeliveryError(DeliveryError, TransientError):
    """Files are still being written, or went while they were read."""


class SourceUnreachableError(DeliveryError, TransientError):
    """A source that has delivered before is not there; a disk may not be mounted, a server not answer."""


class MergeError(ResegmentError):
    """The file of merged customers cannot be used; nothing was changed."""


class FeatureError(ResegmentError):
    """The shop's own features cannot be used."""


class ErasureKeyError(ResegmentError):
    """The key that tells erased customers is missing, damaged or another one."""


class ErasureError(ResegmentError):
    """Customers cannot be erased as asked."""


class VersionError(ResegmentError):
    """What was asked cannot be done with that version."""


class NothingPublishedError(ResegmentError):
    """There is no published version to read yet."""


class UnreadableVersionError(ResegmentError):
    """The file of a published version is damaged or gone, or this user may not read it."""
