"""Errors a person reads: what was wrong, where, and what to do next."""


class ResegmentError(Exception):
    """Base of every error resegment raises on purpose."""


class WarehouseError(ResegmentError):
    """The private warehouse cannot be opened or a statement on it failed."""


class WarehouseLockedError(ResegmentError):
    """Another process writes to the warehouse."""


class DeliveryError(ResegmentError):
    """A delivery cannot be read; nothing of this night's deliveries was accepted."""


class NothingPublishedError(ResegmentError):
    """There is no published version to read yet."""
