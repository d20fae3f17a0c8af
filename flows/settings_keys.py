"""Names of the settings: which there are, which an environment or a file sets, and what to say about a wrong one."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

#: What the environment variables of the settings begin with.
PREFIX = "RESEGMENT__"

Fields = Mapping[str, FieldInfo]

_IN_WORDS = {
    "model_type": "Input should be a section of keys",
    "tuple_type": "Input should be a list",
    "dict_type": "Input should be a table of names and values",
}


def section_model(field: FieldInfo) -> type[BaseModel] | None:
    """Model of a field that is a section of the file; None for a plain value."""
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def setting_fields(model: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    """Every single setting of `model` by its dotted key, as "model.k", in the order of the file."""
    fields = {}
    for name, field in model.model_fields.items():
        inner = section_model(field)
        fields.update(setting_fields(inner, f"{prefix}{name}.") if inner else {prefix + name: field})
    return fields


def secret_keys(fields: Fields) -> set[str]:
    """Keys whose values are shown nowhere."""
    return {key for key, field in fields.items() if field.annotation is SecretStr}


def flat_values(values: Mapping[str, Any], fields: Fields, prefix: str = "") -> dict[str, Any]:
    """Nested `values` by dotted key; a plain value where a section should be keeps the section's name."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if prefix + name in fields or not isinstance(value, Mapping):
            flat[prefix + name] = value
        else:
            flat.update(flat_values(value, fields, f"{prefix}{name}."))
    return flat


def environment_name(key: str) -> str:
    """Environment variable of a setting: RESEGMENT__MODEL__K for "model.k"."""
    return PREFIX + key.upper().replace(".", "__")


def environment_keys(fields: Fields, environ: Mapping[str, str]) -> dict[str, str | None]:
    """Variables of `environ` that begin with the prefix, and the key each one sets; None where there is no such key."""
    names = [name for name in sorted(environ) if name.upper().startswith(PREFIX)]
    return {name: _environment_key(name, fields) for name in names}


def _environment_key(name: str, fields: Fields) -> str | None:
    path = name[len(PREFIX) :].lower().replace("__", ".")
    if path in fields:
        return path
    parent = path.rpartition(".")[0]
    return parent if parent in fields and get_origin(fields[parent].annotation) is dict else None


def environment_problems(fields: Fields, environ: Mapping[str, str]) -> Iterator[str]:
    """One line per variable that is no setting, or that should be JSON and is not."""
    for name, key in environment_keys(fields, environ).items():
        if key is None:
            names = {environment_name(known)[len(PREFIX) :].lower(): environment_name(known) for known in fields}
            yield f"environment {name}: no such setting; {_nearest(name[len(PREFIX) :], names)}"
        elif name.upper() == environment_name(key) and get_origin(fields[key].annotation) in (tuple, dict):
            try:
                json.loads(environ[name])
            except ValueError:
                example = '["a", "b"]' if get_origin(fields[key].annotation) is tuple else '{"a": "b"}'
                yield f"environment {name} = {environ[name]!r}: not JSON; write it as {example}"


def unknown_keys(values: Mapping[str, Any], model: type[BaseModel], file: str) -> Iterator[str]:
    """One line per key of a file's `values` that `model` does not have."""
    return _unknown_keys(values, model, setting_fields(model), file, "")


def _unknown_keys(
    values: Mapping[str, Any], model: type[BaseModel], fields: Fields, file: str, section: str
) -> Iterator[str]:
    for name, value in values.items():
        field = model.model_fields.get(name)
        inner = section_model(field) if field else None
        if field is None:
            kind = "section" if isinstance(value, Mapping) else "key"
            elsewhere = [_written(key) for key in fields if key.rpartition(".")[2] == name]
            hint = f"did you mean {elsewhere[0]}?" if elsewhere else _nearest(name, _names(model, section))
            yield f"{file}: {_in_section(section)}unknown {kind} {name!r}; {hint}"
        elif inner and isinstance(value, Mapping):
            yield from _unknown_keys(value, inner, fields, file, f"{section}.{name}".strip("."))


def _in_section(section: str) -> str:
    return f"[{section}] " if section else ""


def _written(key: str) -> str:
    """`key` as one speaks of it: "[model] k" for "model.k"."""
    section, _, name = key.rpartition(".")
    return _in_section(section) + name


def _names(model: type[BaseModel], section: str) -> dict[str, str]:
    """Names in one section, and how each is shown: keys as they are, sections in brackets."""
    return {
        name: f"[{section}.{name}]".replace("[.", "[") if section_model(field) else name
        for name, field in model.model_fields.items()
    }


def _nearest(name: str, shown: Mapping[str, str]) -> str:
    close = get_close_matches(name.lower(), shown, n=1)
    if close:
        return f"did you mean {shown[close[0]]}?"
    return f"known are {', '.join(shown.values())}" if len(shown) < 20 else "`resegment config` lists them all"


def key_lines(text: str) -> dict[str, int]:
    """Line numbers of the keys and section heads of a TOML file, as far as they are written plainly."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if head := re.match(r"\s*\[([\w.-]+)\]", line):
            section = f"{head[1]}."
            lines.setdefault(head[1], number)
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            lines.setdefault(section + key[1], number)
    return lines


def value_problem(error: ErrorDetails, sources: Mapping[str, str], secrets: Collection[str] = ()) -> str:
    """One line for one of pydantic's errors; `sources` says per dotted key which file or variable set it.

    Values of the keys in `secrets` are not repeated.
    """
    path = [str(part) for part in error["loc"]]
    message = _IN_WORDS.get(error["type"], error["msg"].removeprefix("Value error, "))
    key = next((".".join(path[:size]) for size in range(len(path), 0, -1) if ".".join(path[:size]) in sources), None)
    if key is None:
        return _section_problem(".".join(path), message, sources)
    shown = "(not shown)" if key in secrets else repr(error["input"])
    if sources[key].startswith("environment "):
        return f"{sources[key]} = {shown}: {message}"
    section = key.rpartition(".")[0]
    name = ".".join(path).removeprefix(f"{section}.")
    return f"{sources[key]}: {_in_section(section)}{name} = {shown}: {message}"


def _section_problem(section: str, message: str, sources: Mapping[str, str]) -> str:
    setters = {source for key, source in sources.items() if key.startswith(f"{section}.") and source != "default"}
    return f"{', '.join(sorted(setters)) or 'configuration'}: [{section}] {message}"
