"""Errors of the pure core."""


class SegmentationError(ValueError):
    """The given numbers cannot be segmented; the message says which and what to do."""
