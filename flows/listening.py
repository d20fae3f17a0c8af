"""Progress of a run: bars on a terminal, a line for each step in a pipe."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from tasks.progress import Listener, listener, logger

if TYPE_CHECKING:
    from rich.progress import Progress

#: Seconds between two lines about a step that takes longer.
_TELL_EVERY = 10.0
#: A step that is over in fewer seconds than these has no line in a log.
_TELL_FROM = 0.05


@contextmanager
def listening(quiet: bool, brief: bool = False) -> Iterator[None]:
    """Show the steps of the run in the block on standard error; with `brief` bars vanish at the end."""
    if quiet:
        yield
    elif sys.stderr.isatty():
        with _progress(brief) as progress, _listened_by(_Bars(progress)):
            yield
    else:
        with _listened_by(_Lines()):
            yield


@contextmanager
def _listened_by(shown: Listener) -> Iterator[None]:
    token = listener.set(shown)
    try:
        yield
    finally:
        listener.reset(token)


def _progress(brief: bool) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
    from rich.text import Text

    class Mark(SpinnerColumn):
        def render(self, task: Task) -> Text:
            ended = {True: Text("done  ", "green"), False: Text("failed", "red")}
            mark: Text = ended.get(task.fields["completed_well"]) or Text.assemble(super().render(task), "     ")  # type: ignore[arg-type]
            return mark

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            if task.finished or not task.total or task.time_remaining is None:
                return Text("")
            return Text(_left(int(task.completed), int(task.total), task.time_remaining), "dim")

    columns = (Mark(), TextColumn("{task.description:<22}"), BarColumn(24), TimeElapsedColumn(), Left())
    return Progress(*columns, console=Console(stderr=True), transient=brief)


class _Bars:
    """One line a step."""

    def __init__(self, progress: "Progress") -> None:
        self.progress = progress
        self.running: list[int] = []

    def begin(self, step: str) -> None:
        bar = self.progress.add_task(step.replace("_", " "), total=None, completed_well=None)
        self.running.append(bar)

    def advance(self, done: int, total: int) -> None:
        self.progress.update(self.running[-1], completed=done, total=total)  # type: ignore[arg-type]

    def end(self, step: str, seconds: float, *, well: bool) -> None:
        bar = self.running.pop()
        total = (self.progress.tasks[bar].total or 1) if well else 1
        completed = total if well else 0
        self.progress.update(bar, completed=completed, total=total, completed_well=well)  # type: ignore[arg-type]
        self.progress.stop_task(bar)  # type: ignore[arg-type]


def _left(done: int, total: int, seconds: float) -> str:
    return f"{done:,} of {total:,}, about {timedelta(seconds=round(seconds))} left"


class _Lines:
    """For the log of whatever started the run; a long step tells now and then how far it is."""

    def __init__(self) -> None:
        self.began: list[tuple[str, float]] = []
        self.told = 0.0

    def begin(self, step: str) -> None:
        self.told = time.monotonic()
        self.began.append((step.replace("_", " "), self.told))

    def advance(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.told < _TELL_EVERY or done >= total:
            return
        self.told = now
        step, began = self.began[-1]
        logger.info("%s: %s", step, _left(done, total, (now - began) / done * (total - done)))

    def end(self, step: str, seconds: float, *, well: bool) -> None:
        self.began.pop()
        if well and seconds >= _TELL_FROM:
            logger.info("%s: %.1f s", step.replace("_", " "), seconds)
        elif not well:
            logger.error("%s failed after %.1f s", step.replace("_", " "), seconds)
