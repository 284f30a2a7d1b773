"""The feed as processes that listen on a port: several workers on one socket, with bounds on connections."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from feedback.serve.access import SHORTEST_TOKEN, Access
from feedback.serve.feed import app, utc_now

TOKEN_VARIABLE = "PLUMBLINE_FEED_TOKEN"  # noqa: S105 - the variable's name, not a token


@dataclass(frozen=True)
class FixedClock:
    """A clock that always says the same, for a workspace whose day is set."""

    now: datetime

    def __call__(self) -> datetime:
        """The day that was set."""
        return self.now


@dataclass
class FeedApplication:
    """The feed as it is handed to each worker, which makes of it an application, and a cache, of its own."""

    memory: Path
    brand: str | None
    token: str | None = field(repr=False)
    hosts: tuple[str, ...] | None
    clock: Callable[[], datetime]
    guarded: bool
    brand_documents: Path | None
    _application: Starlette | None = field(default=None, repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as `feedback.serve.app` does."""
        if self._application is None:
            self._application = app(
                self.memory,
                brand=self.brand,
                token=self.token,
                clock=self.clock,
                hosts=self.hosts,
                guarded=self.guarded,
                brand_documents=self.brand_documents,
            )
        await self._application(scope, receive, send)


def serve(
    memory_dir: Path | str,
    *,
    brand: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8100,
    token: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    workers: int = 1,
    brand_documents: Path | None = None,
) -> None:
    """Serve the feed until interrupted, by `workers` processes that share the port.

    Raises ValueError for a host that other machines can
    reach when no token is set, for a short token and for fewer than one worker; OSError for a port in use.
    """
    import uvicorn

    from feedback.serve.connections import uvicorn_settings
    from feedback.serve.workers import run_workers

    if workers < 1:
        raise ValueError(f"workers={workers}: at least 1 process must serve")
    served = application(memory_dir, brand=brand, host=host, token=token, clock=clock, brand_documents=brand_documents)
    config = uvicorn.Config(
        served,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        **uvicorn_settings(),
    )
    bound = listener(host, port)
    shown = f"[{host}]" if ":" in host else host
    print(f"the feed is served on http://{shown}:{bound.getsockname()[1]} until Ctrl-C", flush=True)
    try:
        if workers > 1:
            run_workers(config, bound, workers)
        else:
            uvicorn.Server(config).run(sockets=[bound])
    except KeyboardInterrupt:
        pass
    finally:
        bound.close()


def application(
    memory_dir: Path | str,
    *,
    brand: str | None,
    host: str,
    token: str | None,
    clock: Callable[[], datetime] = utc_now,
    brand_documents: Path | None = None,
) -> FeedApplication:
    """The feed as `serve` runs it. Without a token it answers this machine only, and only under this machine's names.

    Raises ValueError as `serve` does.
    """
    memory = Path(memory_dir)
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ValueError(f"the feed's token has {len(token)} characters; use at least {SHORTEST_TOKEN} random ones")
    if Access(memory, token).guarded:
        return FeedApplication(memory, brand, token, None, clock, True, brand_documents)
    if not is_loopback(host):
        raise ValueError(
            f"host {host} can be reached by other machines: set a token (`plumbline feed token new`), or serve on"
            " 127.0.0.1"
        )
    # A page in a browser could point its own name at 127.0.0.1; it cannot fake the Host header.
    return FeedApplication(
        memory, brand, None, ("127.0.0.1", "localhost", "[::1]", "[", host), clock, False, brand_documents
    )


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; port 0 takes a free one. Raises OSError for a port in use."""
    from feedback.serve.connections import BACKLOG

    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)  # from here on a connection waits rather than being refused
        bound.set_inheritable(True)
    except BaseException:
        bound.close()
        raise
    return bound


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
