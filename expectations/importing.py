"""Great Expectations in half the time it would take by itself: docs/adr/0002 has the measurements.

It imports a charting library and SciPy's statistics for expectations this project has none of; these two are loaded
when something touches them. It imports pyspark wherever that is installed, which it is for other things here. And its
thousands of classes are long-lived, so looking for garbage among them is wasted.
"""

import atexit
import gc
import importlib.util
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

#: Imported by Great Expectations and used by three of its expectations (distributions) only.
_LATE = ("altair", "scipy.stats")


def import_great_expectations() -> ModuleType:
    """Import Great Expectations, without telemetry; the first time takes about a second."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    warnings.filterwarnings("ignore", module=r"great_expectations(\.|$)")
    if "great_expectations" not in sys.modules:
        with without_collecting(), _finding(_LateFinder(_LATE)), _finding(_HidingFinder("pyspark")):
            import great_expectations  # noqa: F401
    return sys.modules["great_expectations"]


@contextmanager
def without_collecting() -> Iterator[None]:
    """No garbage collection in the block, and none until the program ends among what is there then: for imports."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
        atexit.register(gc.unfreeze)  # DuckDB's binding reports whatever is left at the very end as leaked
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _finding(finder: Any) -> Iterator[None]:
    """Modules first imported in the block are looked for by `finder` before all others."""
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _LateFinder:
    """Finds modules of certain names as usual, to be executed when one of their attributes is asked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in self.names else None
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


class _HidingFinder:
    """Makes what of a package is not imported yet look as if it were not installed, to the thread that made this."""

    def __init__(self, name: str) -> None:
        self.name, self.thread = name, threading.get_ident()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name.partition(".")[0] == self.name and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"{name} is left out", name=name)
