"""Progress of a flow run in Prefect's pages: a bar that knows from the run before how long each step takes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tasks.progress import Listener, listener, logger
from tasks.wrapper import inside_flow_run

#: Often enough for a person; each update is a request.
_EVERY_SECONDS = 2.0


@contextmanager
def followed(seconds_before: Mapping[str, float]) -> Iterator[None]:
    """Show the steps of the flow run in the block, if there is one, beside whatever shows them already."""
    if not inside_flow_run():
        yield
        return
    artifact = _Artifact(seconds_before, listener.get())
    token = listener.set(artifact)
    well = False
    try:
        yield
        well = True
    finally:
        listener.reset(token)
        artifact.close(well)


class _Artifact:
    """A listener that tells the next one, and Prefect from time to time."""

    def __init__(self, seconds_before: Mapping[str, float], other: Listener) -> None:
        self.weights, self.other = dict(seconds_before), other
        self.whole = sum(self.weights.values())
        self.done: set[str] = set()
        self.step, self.told, self.id = "", -_EVERY_SECONDS, None

    def begin(self, step: str) -> None:
        self.other.begin(step)
        self.step = step
        self._tell(0.0)

    def advance(self, done: int, total: int) -> None:
        self.other.advance(done, total)
        self._tell(done / total if total else 0.0)

    def end(self, step: str, seconds: float, *, well: bool) -> None:
        self.other.end(step, seconds, well=well)
        if well:
            self.done.add(step)

    def close(self, well: bool) -> None:
        self.told = -_EVERY_SECONDS
        self._send(100.0 if well else self._percent(0.0), "ended" if well else f"stopped in: {self.step}")

    def _percent(self, part: float) -> float:
        """Of the steps' time in the run before; a first run has nothing to go by and only names its step."""
        past = sum(self.weights.get(step, 0.0) for step in self.done)
        now = self.weights.get(self.step, 0.0) * part if self.step not in self.done else 0.0
        return 100 * (past + now) / self.whole if self.whole else 0.0

    def _tell(self, part: float) -> None:
        if time.monotonic() - self.told >= _EVERY_SECONDS:
            self.told = time.monotonic()
            self._send(self._percent(part), self.step.replace("_", " "))

    def _send(self, percent: float, told: str) -> None:
        """Whatever is wrong with the server, a night does not stop for its progress bar."""
        try:
            self.id = self._written(round(percent, 1), told)
        except Exception as error:
            logger.debug("progress was not shown: %s", error)

    def _written(self, percent: float, told: str) -> Any:
        from prefect.artifacts import Artifact
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import ArtifactUpdate

        if self.id is None:
            return Artifact(type="progress", key="resegment-progress", description=told, data=percent).create().id  # type: ignore[union-attr]
        get_client(sync_client=True).update_artifact(self.id, ArtifactUpdate(data=percent, description=told))
        return self.id
