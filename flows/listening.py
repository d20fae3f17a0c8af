"""Progress of a run: bars on a terminal, nothing where nobody looks (what happens is logged there)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.progress import listener


@contextmanager
def listening(quiet: bool) -> Iterator[None]:
    """Show the steps of the run in the block on standard error, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(finished_text="[green]done"), TextColumn("{task.description:<22}"), BarColumn(24))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        token = listener.set(_Bars(progress))
        try:
            yield
        finally:
            listener.reset(token)


class _Bars:
    """One line a step."""

    def __init__(self, progress) -> None:  # type: ignore[no-untyped-def]
        self.progress = progress
        self.running: list[int] = []

    def begin(self, step: str) -> None:
        self.running.append(self.progress.add_task(step.replace("_", " "), total=None))

    def advance(self, done: int, total: int) -> None:
        self.progress.update(self.running[-1], completed=done, total=total)

    def end(self, step: str, seconds: float) -> None:
        bar = self.running.pop()
        total = self.progress.tasks[bar].total or 1
        self.progress.update(bar, completed=total, total=total)
