"""A webhook receiver of the tests: checks signatures as a receiver should, and fails on request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from feedback.events.signatures import key_of, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = key_of(SECRET, "PLUMBLINE_HOOK")


class Receiver(ThreadingHTTPServer):
    """`answers`: the statuses of the next answers; 200 when none is left. `seen`: what came, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/in?from=plumbline"

    @property
    def sequences(self) -> list[int]:
        return [int(event["sequence"]) for event in self.seen]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        given = dict(self.headers.items())
        verify(KEY, given, body, datetime.now(UTC))
        self.server.headers.append(given)
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.seen.append(json.loads(body))
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.server.url}&redirected=yes")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()
