"""Suites of expectations as files: reading them and saying clearly what is wrong with one.

Great Expectations logs and drops an expectation it cannot understand; a check that silently does not run is worse than
none, so every expectation is built here, one by one, and a bad one is an error.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The suites that come with the project.
FOLDER = Path(__file__).parent


class SuiteError(Exception):
    """A suite of expectations cannot be run as it is written; the message names the file and what to mend."""


@dataclass(frozen=True)
class Suite:
    """One file: the table it judges (`schema.table`), whether that is copied first, and GX's expectations as dicts."""

    name: str
    path: Path
    schema: str
    table: str
    copy: bool
    expectations: tuple[dict[str, Any], ...]


def load_suite(name: str, parameters: dict[str, Any], folder: Path | None = None) -> Suite:
    """Read `<folder>/<name>.json`.

    Raises SuiteError if the file is missing, is not a suite in GX's JSON, does not name its table in `meta`, or uses a
    `$PARAMETER` that is not in `parameters`.
    """
    path = (folder or FOLDER) / f"{name}.json"
    content = _read(path)
    expectations = content.get("expectations")
    if not isinstance(expectations, list) or not all(isinstance(one, dict) for one in expectations):
        raise SuiteError(f'{path}: "expectations" must be a list of objects with "type" and "kwargs"')
    if not expectations:
        raise SuiteError(f"{path}: the suite holds no expectation; add one or leave the suite out")
    meta = content.get("meta") or {}
    schema, table = _table(path, meta)
    for number, expectation in enumerate(expectations, start=1):
        _check_parameters(f"{path}: {_label(number, expectation)}", expectation, parameters)
    return Suite(name, path, schema, table, bool(meta.get("copy", False)), tuple(expectations))


def build_suite(suite: Suite) -> Any:
    """Great Expectations' own suite of `suite`, in which `meta["position"]` tells the expectation's place in the file.

    Raises SuiteError for an expectation GX does not know or whose arguments it refuses.
    """
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    built = []
    for number, expectation in enumerate(suite.expectations, start=1):
        meta = {**(expectation.get("meta") or {}), "position": number - 1}
        try:
            built.append(ExpectationConfiguration(**{**expectation, "meta": meta}).to_domain_obj())
        except Exception as error:
            raise SuiteError(f"{suite.path}: {_label(number, expectation)} is not valid: {_reason(error)}") from error
    return ExpectationSuite(name=suite.name, expectations=built)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.json"))) or "none"
        raise SuiteError(f"{path}: there is no such suite; the folder has: {known}") from None
    except json.JSONDecodeError as error:
        raise SuiteError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise SuiteError(f'{path}: must be one JSON object with "name", "meta" and "expectations"')
    return content


def _table(path: Path, meta: Any) -> tuple[str, str]:
    name = meta.get("table") if isinstance(meta, dict) else None
    parts = name.split(".") if isinstance(name, str) else []
    if len(parts) != 2 or not all(parts):
        raise SuiteError(f'{path}: "meta" must name the judged table, as {{"table": "checks.batch"}}')
    return parts[0], parts[1]


def _label(number: int, expectation: dict[str, Any]) -> str:
    return f"expectation {number} ({expectation.get('type', 'without a type')})"


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:400] or type(error).__name__


def _check_parameters(where: str, expectation: dict[str, Any], parameters: dict[str, Any]) -> None:
    from great_expectations.core.suite_parameters import SuiteParameterParser

    for expression in _expressions(expectation.get("kwargs")):
        names = set(re.findall(r"\b[A-Za-z_]\w*", str(expression))) - SuiteParameterParser.fn.keys()
        for name in sorted(names - parameters.keys()):
            known = ", ".join(sorted(parameters)) or "none"
            raise SuiteError(f"{where} uses the unknown $PARAMETER {name!r}; known are: {known}")


def _expressions(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "$PARAMETER" in value:
            yield value["$PARAMETER"]
        for inner in value.values():
            yield from _expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _expressions(inner)
