"""Values and names as SQL text, for the few statements that cannot bind them."""


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A column's or table's name, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'
