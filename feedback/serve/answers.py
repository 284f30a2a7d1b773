"""How the feed answers: JSON, headers that let no browser guess, frame or share it, refusals with their reason."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFETY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)


def problem(status: int, message: str, **more: Any) -> Response:
    """A refusal; `error` is the sentence for whoever reads it, `more` what a program may want to know."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return json_bytes(json.dumps({"error": message, **more}, ensure_ascii=False).encode(), status, headers)


def json_bytes(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer whose body is written already."""
    return Response(body, status, headers, media_type="application/json")


async def unknown_route(request: Request, _: Exception) -> Response:
    """404 in the form of every other refusal."""
    return problem(404, f"there is no {request.url.path[:80]}; /openapi.json lists what can be read")


async def read_only(request: Request, _: Exception) -> Response:
    """405 in the form of every other refusal."""
    return problem(405, f"{request.method[:20]} is not possible: the feed is read only, use GET")


class SafeHeaders:
    """Adds the safety headers to every answer, also to those that a middleware or the router gives."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the wrapped application does, with the headers added."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SAFETY]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
