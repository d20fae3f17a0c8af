"""Tells the outside what a person should look at: a Prefect event inside a flow run, and a POST to the shop's webhook.

Telling is done after the run has let go of the warehouse, and never changes how the run ended.
"""

import http.client
import json
import math
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from tasks.progress import logger
from tasks.wrapper import inside_flow_run

Kind = Literal["failed", "held", "stale", "drift", "crashed"]


class NotifyParams(BaseModel):
    """Section `[notify]`: who is told when a night failed, was held or killed, or found stale or drifted data."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    webhook: SecretStr = Field(
        SecretStr(""), description="http(s) address that gets a POST with JSON; never shown or logged; empty: none"
    )
    timeout_seconds: float = Field(10, gt=0, le=120, description="longest wait for the webhook's answer")

    @field_validator("webhook")
    @classmethod
    def _an_address(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not _is_address(value.get_secret_value()):
            raise ValueError("an address begins with https:// or http:// and a host")
        return value


@dataclass(frozen=True)
class Notice:
    """One thing worth telling; `facts` are plain values for a program."""

    kind: Kind
    message: str
    facts: dict[str, Any] = field(default_factory=dict)


noticed: ContextVar[list[Notice]] = ContextVar("noticed")


def notice(kind: Kind, message: str, **facts: Any) -> None:
    """Keep something the running night found; it is told when the night has ended."""
    kept = noticed.get(None)
    if kept is not None:
        kept.append(Notice(kind, message, facts))


def tell(notices: list[Notice], run: dict[str, Any], params: NotifyParams, *, within_seconds: float = math.inf) -> None:
    """Raise an event and call the webhook for each notice; what goes wrong with that is a warning.

    With `within_seconds` all of it takes no longer, and the events are sent by then: the process is about to end.
    """
    deadline = time.monotonic() + within_seconds
    for one in notices:
        payload = {"event": f"resegment.{one.kind}", "message": one.message} | run | {"facts": one.facts}
        if inside_flow_run():
            _raise_event(payload, str(run["warehouse"]))
        if params.webhook.get_secret_value():
            seconds = min(params.timeout_seconds, max(deadline - time.monotonic(), 0))
            trouble = _within(seconds, partial(_post, params, json.dumps(payload, default=str)))
            if trouble:
                logger.warning("the webhook was not told that the run is %s: %s", one.kind, trouble)
    if inside_flow_run() and math.isfinite(deadline):
        _send_events(max(deadline - time.monotonic(), 0))


def _is_address(text: str) -> bool:
    try:
        return text.startswith(("https://", "http://")) and bool(urlsplit(text).hostname)
    except ValueError:  # its message would repeat part of the text
        return False


def _raise_event(payload: dict[str, Any], warehouse: str) -> None:
    from prefect.events import emit_event

    name = payload["event"]
    resource = {"prefect.resource.id": "resegment.night", "prefect.resource.name": warehouse}
    emit_event(name, resource=resource, payload=payload)


def _send_events(seconds: float) -> None:
    """Prefect sends them in the background, and ends a run that got a signal without waiting for that."""
    from prefect.events.worker import EventsWorker

    EventsWorker.drain_all(timeout=seconds)


def _within(seconds: float, post: Callable[[], str]) -> str:
    """What went wrong, or nothing; looking up a name, or an answer drop by drop, has no time limit of its own."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(post()), name="webhook", daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else f"no answer within {round(seconds, 1):g} s"


def _post(params: NotifyParams, body: str) -> str:
    """What went wrong, or nothing. The address may hold a token, so nothing that could repeat it is passed on."""
    headers = {"Content-Type": "application/json", "User-Agent": "resegment"}
    try:
        request = urllib.request.Request(params.webhook.get_secret_value(), body.encode(), headers)  # noqa: S310
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=params.timeout_seconds):
            return ""
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason: Any = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return f"no answer within {params.timeout_seconds:g} s"
        told = isinstance(reason, OSError) and reason.strerror
        return f"it cannot be reached ({told or type(reason).__name__})"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the POST into a GET without its body, and carry the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None
