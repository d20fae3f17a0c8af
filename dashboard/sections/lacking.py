"""What the report says where there is no picture."""

from dashboard.page import Words


def older(what: str) -> Words:
    """For a table that the file does not have."""
    return Words(f"This version was published by an older release, which kept no {what}.")
