"""The settings as a commented TOML file."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from flows.settings_keys import section_model


def commented_toml(model: type[BaseModel]) -> str:
    """TOML of all settings of `model`: descriptions after "# ", default values commented out by "#" alone."""
    return "\n".join(_lines(model, model().model_dump(mode="json"), ""))


def _lines(model: type[BaseModel], values: dict[str, Any], section: str) -> Iterator[str]:
    fields = model.model_fields
    for name in (name for name in fields if not section_model(fields[name])):
        if fields[name].description:
            yield f"# {fields[name].description}"
        yield f"#{name} = {_toml(values[name])}" if values[name] is not None else f"# {name} is not set"
    for name, inner in ((name, section_model(field)) for name, field in fields.items()):
        if inner:
            path = f"{section}.{name}".strip(".")
            yield from ("", *_about(inner), f"[{path}]")
            yield from _lines(inner, values[name], path)


def _about(model: type[BaseModel]) -> list[str]:
    text = re.sub(r"^Section `\[[\w.]+\]`[:.]\s*", "", model.__doc__ or "")
    return [f"# {line.strip()}" for line in text.strip().splitlines()]


def _toml(value: Any) -> str:
    # JSON's texts, numbers and lists are TOML as they are.
    return json.dumps(value, ensure_ascii=False)
