"""Writes the pages of docs/ that are made from what runs: data-dictionary.md and configuration.md (`make docs`)."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from flows.settings import LoadedSettings, Settings, describe, example_toml
from flows.settings_keys import environment_name, setting_fields

FOLDER = Path(__file__).parent
CONTRACT = FOLDER.parent / "warehouse" / "contract.toml"
_HEAD = "<!-- Written by `make docs` from {source}; change that instead. -->\n\n"


def pages() -> dict[str, str]:
    """Text of each page by its file name."""
    return {"data-dictionary.md": _data_dictionary(), "configuration.md": _configuration()}


def _data_dictionary() -> str:
    lines = [
        "# Data dictionary",
        "",
        "The tables of every published `segments.duckdb`. Names and types are a promise: a change is in CHANGELOG.md.",
        "The same is in the file itself: `FROM data_dictionary`, and as comments on tables and columns.",
    ]
    for table, description in tomllib.loads(CONTRACT.read_text(encoding="utf-8")).items():
        lines += ["", f"## {table}", "", description["comment"], "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {kind} | {meaning} |" for name, kind, meaning in description["columns"]]
    return _HEAD.format(source="warehouse/contract.toml") + "\n".join(lines) + "\n"


def _configuration() -> str:
    head = [
        "# Configuration",
        "",
        "One file, `resegment.toml`, in the working directory or named by `--config`. A value in the environment wins",
        "over the file, the file over the preset, the preset over the defaults. An unknown key is an error that names",
        "the nearest one. Relative paths start at the folder of the file. `resegment config` shows what is in force.",
        "",
        *_sections(),
        "## A file to start from",
        "",
        "`resegment config --example` prints it: every setting with its default, commented out.",
        "",
        "```toml",
        example_toml().rstrip(),
        "```",
    ]
    return _HEAD.format(source="the settings") + "\n".join(head) + "\n"


def _sections() -> Iterator[str]:
    defaults = LoadedSettings(Settings(), dict.fromkeys(setting_fields(Settings), "default"), None)
    sections: dict[str, list[str]] = {}
    for one in describe(defaults):
        section, _, name = one.key.rpartition(".")
        meaning = one.description.replace("|", "\\|") or f"what the source calls our `{name}`"
        sections.setdefault(section, []).append(f"| `{name}` | {_default(one.value)} | {meaning} |")
    for section, rows in sections.items():
        yield from (f"## [{section}]" if section else "## Top of the file", "")
        if section:
            yield from (f"In the environment `{environment_name(section)}__` and the name in capitals.", "")
        yield from ("| setting | default | meaning |", "|---|---|---|", *rows, "")


def _default(value: object) -> str:
    return "not set" if value is None else "empty" if value in ("", {}, []) else f"`{value}`".replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
