"""The MCP server as a process: over standard input and output for one host, or over HTTP for several readers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from feedback.serve.access import Access, Grant, Refusal
from feedback.serve.answers import problem
from feedback.serve.feed import utc_now
from feedback.serve.mcp_server import FeedPayloads, mcp_server


class TokenGate:
    """Lets requests pass that carry a token of the brand, as the HTTP feed does; every other one is refused."""

    def __init__(self, app: ASGIApp, access: Access, brand: str) -> None:
        self._app, self._access, self._brand = app, access, brand

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the wrapped application does, or with 401 or 503 and the reason."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        grant = self._access.check(Request(scope).headers.get("authorization", ""))
        if isinstance(grant, Grant) and grant.brand not in (None, self._brand):
            grant = Refusal(401, "a valid bearer token is required")
        if isinstance(grant, Refusal):
            await problem(grant.status, grant.reason)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def serve_stdio(
    memory: Path, brand: str, *, clock: Callable[[], datetime] = utc_now, brand_documents: Path | None = None
) -> None:
    """Serve the host that started this process, until it closes standard input. Whoever may start it may read."""
    mcp_server(FeedPayloads(memory, brand, clock=clock, brand_documents=brand_documents)).run("stdio")


def mcp_application(
    memory: Path,
    brand: str,
    *,
    host: str = "127.0.0.1",
    token: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    brand_documents: Path | None = None,
) -> ASGIApp:
    """The server at /mcp as an ASGI application, stateless and guarded as `feedback.serve.serve` is.

    Raises ValueError for a host that other machines can reach without a token, and for a short token.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    from feedback.serve.listening import application

    guarded = application(memory, brand=brand, host=host, token=token).guarded
    server = mcp_server(FeedPayloads(memory, brand, clock=clock, brand_documents=brand_documents))
    local = [f"{name}{port}" for name in ("127.0.0.1", "localhost", "[::1]") for port in ("", ":*")]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=not guarded,
        allowed_hosts=local,
        allowed_origins=[f"http://{name}" for name in local],
    )
    served: Any = server.streamable_http_app(stateless_http=True, transport_security=security, host=host)
    return TokenGate(served, Access(memory, token, always=guarded), brand)


def serve_http(
    memory: Path,
    brand: str,
    *,
    host: str = "127.0.0.1",
    port: int = 8101,
    token: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    brand_documents: Path | None = None,
) -> None:
    """Serve /mcp until interrupted. Raises ValueError as `mcp_application` does, OSError for a port in use."""
    import uvicorn

    from feedback.serve.listening import listener

    served = mcp_application(memory, brand, host=host, token=token, clock=clock, brand_documents=brand_documents)
    bound = listener(host, port)
    print(f"the feed is served to MCP clients on {address(host, bound.getsockname()[1])}/mcp until Ctrl-C", flush=True)
    config = uvicorn.Config(served, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=3)
    try:
        uvicorn.Server(config).run(sockets=[bound])
    except KeyboardInterrupt:
        pass
    finally:
        bound.close()


def address(host: str, port: int) -> str:
    """The URL of a server on `host` and `port`."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
