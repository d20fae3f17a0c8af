"""A webhook of a shop: a real server on 127.0.0.1."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hunter2-token"


@dataclass
class Service:
    """A webhook that keeps what it was sent and answers as it is told to."""

    status: int = 204
    seconds: float = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/{TOKEN}?key={TOKEN}"

    def received(self, number: int) -> list[dict[str, Any]]:
        """What it was sent, once that many came: who tells may give up before they do, and they come all the same."""
        deadline = time.monotonic() + 60
        while len(self.got) < number:
            assert time.monotonic() < deadline, f"only {len(self.got)} came"
            time.sleep(0.02)
        return self.got


@contextmanager
def listening() -> Iterator[Service]:
    """It listens during the block."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/json"
            assert self.path == f"/{TOKEN}?key={TOKEN}"
            service.got.append(json.loads(body))
            time.sleep(service.seconds)
            self.send_response(service.status)
            self.send_header("Location", f"http://127.0.0.1:{service.port}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield service
    server.shutdown()
    server.server_close()
