"""Messages the runbook quotes are messages the code can print."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TEXT = (REPOSITORY / "docs" / "runbook.md").read_text()
QUOTED = [
    " ".join(line.removeprefix("> ") for line in block.splitlines()) for block in re.findall(r"(?m)(?:^> .*\n)+", TEXT)
]
#: Stands for a value put into a message.
_VALUE = "\0"


def messages() -> Iterator[str]:
    """Texts in the code and the checks, pieces that are put together in one expression as one."""
    for room in ("flows", "tasks", "warehouse", "expectations", "segmentation"):
        for file in (REPOSITORY / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield re.sub("%[sd]", _VALUE, node.value)
                elif isinstance(node, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else _VALUE for part in node.values)
    for file in (REPOSITORY / "expectations").glob("*.json"):
        yield from (one.get("description", "") for one in json.loads(file.read_text())["expectations"])


KNOWN = [" ".join(message.split()) for message in messages()]


def can_be_printed(quote: str) -> bool:
    """Whether the fixed parts of a quote follow one another in one message."""
    parts = [part.strip() for part in quote.split("...") if part.strip(" ()")]
    pattern = ".*".join(re.escape(part) for part in parts)
    return any(re.search(pattern, message, re.DOTALL) for message in KNOWN)


def test_there_are_quotes() -> None:
    assert len(QUOTED) >= 18


@pytest.mark.parametrize("quote", QUOTED)
def test_a_quoted_message_exists(quote: str) -> None:
    assert can_be_printed(quote)


def test_a_message_that_does_not_exist_is_noticed() -> None:
    assert not can_be_printed("The disk is nearly full: no space left to write ...")
    assert not can_be_printed("free some space ... The disk is full")


def test_what_the_first_table_shows_leads_to_a_section() -> None:
    rows = re.findall(r"(?m)^\| (.+) \| \[(.+)\]\(#(.+)\) \|$", TEXT)
    sections = re.findall(r"(?m)^## (.+)$", TEXT)
    assert [title for _, title, _ in rows] == sections
    assert [anchor for _, _, anchor in rows] == [title.lower().replace(" ", "-") for title in sections]
    shown = [text for seen, _, _ in rows for text in re.findall("`(.+?)`", seen)]
    assert [text for text in shown if not any(text in message for message in KNOWN)] == []
