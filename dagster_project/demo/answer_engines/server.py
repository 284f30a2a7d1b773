"""The HTTP server of the local engines: it knows the provider by the path, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from dagster_project.demo.answer_engines import shapes
from dagster_project.demo.answer_engines.reply import Fault, Market, Reply, by_trigger

HOST = "127.0.0.1"
BODIES: Mapping[str, Callable[[Reply, str], dict[str, Any]]] = {
    "openai": shapes.openai_responses,
    "xai": shapes.openai_responses,
    "azure": shapes.openai_responses,
    "chat": shapes.openai_chat,
    "anthropic": shapes.anthropic,
    "pplx": shapes.perplexity,
    "gemini": shapes.gemini,
}
STATUS: Mapping[Fault, int] = {"rate_limited": 429, "server_error": 500, "unavailable": 503, "refused_key": 401}


@dataclass(frozen=True)
class Request:
    """One call as it arrived; `status` is what it was answered with, 0 where the connection was cut."""

    provider: str
    path: str
    key_header: str
    prompt: str
    body: dict[str, Any]
    status: int
    complete: bool


class AnswerEngines:
    """Use as a context manager; `base(provider)` is the endpoint for plumbline.yaml.

    Without `market` the answer is always the same one, changed by trigger words in the question.
    """

    def __init__(
        self, market: Market | None = None, *, port: int = 0, slow_seconds: float = 3.0, pause_seconds: float = 0.0
    ) -> None:
        self.market, self.slow_seconds, self.pause_seconds = market, slow_seconds, pause_seconds
        self.requests: list[Request] = []
        self._hits: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"engines": self})
        self._server = _Server((HOST, port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> AnswerEngines:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def base(self, provider: str) -> str:
        """The endpoint of openai, xai, azure, chat, anthropic, pplx or gemini."""
        root = f"http://{HOST}:{self.port}/{provider}"
        return f"{root}/v1" if provider in ("openai", "xai", "chat") else root

    def served_answers(self) -> Counter[tuple[str, str]]:
        """How many complete answers each (provider, question) was given."""
        return Counter((r.provider, r.prompt) for r in self.requests if r.status == 200 and r.complete)

    def calls(self, provider: str, prompt: str) -> int:
        """How often this question has arrived, answered or not."""
        return self._hits[provider, prompt]

    def replies(self, provider: str, prompt: str) -> Reply:
        """The reply to the next call with this question."""
        with self._lock:
            self._hits[provider, prompt] += 1
            hit, draw = self._hits[provider, prompt], self._hits.total()
        return self.market.reply(prompt, hit, draw) if self.market else by_trigger(prompt, hit)

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no event: it timed out, or it was killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engines: AnswerEngines

    def log_message(self, format: str, *args: Any) -> None:  # the signature is the standard library's
        """Nothing is printed."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        provider = self.path.strip("/").split("/")[0]
        prompt = asked(body)
        reply = self.engines.replies(provider, prompt)
        if self.engines.pause_seconds:
            time.sleep(self.engines.pause_seconds)
        if reply.fault == "slow":
            time.sleep(self.engines.slow_seconds)
        status = STATUS.get(reply.fault, 0 if reply.fault == "cut_off" else 200)
        headers = ("x-api-key", "api-key", "x-goog-api-key", "authorization")
        key_header = next((h for h in headers if self.headers.get(h)), "")
        whole = reply.fault == "none"
        sent = self._send(status, self._content(reply, provider, body), reply.fault)
        self.engines.note(Request(provider, self.path, key_header, prompt, body, status, sent and whole))

    def _content(self, reply: Reply, provider: str, body: dict[str, Any]) -> bytes:
        if reply.fault in STATUS:
            kind = "rate_limit_error" if reply.fault == "rate_limited" else reply.fault
            error = {"message": f"{reply.fault} for key sk-…{self._key()[-4:]}", "type": kind, "code": reply.fault}
            return json.dumps({"error": error}).encode()
        if reply.fault == "html":
            return b"<html><body>Bad gateway</body></html>"
        model = body.get("model") or self.path.split("/models/")[-1].split(":")[0]
        name = (
            "chat" if self.path.endswith("/chat/completions") and provider in ("openai", "xai", "azure") else provider
        )
        content = json.dumps(BODIES[name](reply, model)).encode()
        return content[: len(content) // 2] if reply.fault == "truncated_json" else content

    def _key(self) -> str:
        return str(self.headers.get("authorization") or self.headers.get("x-api-key") or "")

    def _send(self, status: int, content: bytes, fault: Fault) -> bool:
        if not status:
            self.close_connection = True
            return False
        try:
            self.send_response(status)
            self.send_header("content-type", "text/html" if fault == "html" else "application/json")
            self.send_header("content-length", str(len(content)))
            if fault == "rate_limited":
                self.send_header("retry-after", "1")
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
        except OSError:
            self.close_connection = True
            return False
        return True


def asked(body: dict[str, Any]) -> str:
    """The question in a request of any provider's form."""
    if "input" in body:
        return _text(body["input"])
    if "messages" in body:
        return _text(body["messages"][-1]["content"])
    return _text(body.get("contents", [{"parts": []}])[-1]["parts"])


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_text(v) for v in value)
    return _text(value.get("text") or value.get("content") or value.get("parts") or "")
