"""Values and names as SQL text, for the few statements that cannot bind them."""

from collections.abc import Iterable


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A column's or table's name, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def listed(expressions: Iterable[str]) -> str:
    """Expressions as a list of SQL."""
    return "[" + ", ".join(expressions) + "]"
