"""The page as a process that listens on a port, on this machine or behind a proxy that speaks TLS."""

from __future__ import annotations

from collections.abc import Callable

from feedback.approvals.ledger import Approvals
from feedback.approvals.page.routes import PageSettings, application
from feedback.approvals.tokens import PeopleTokens
from feedback.serve.listening import is_loopback
from models.error import PlumblineError


class PageRefused(PlumblineError, ValueError):
    """The page cannot be served as asked."""


def serve(
    ledger: Callable[[], Approvals], tokens: PeopleTokens, settings: PageSettings, *, host: str, port: int
) -> None:
    """Serve the page until interrupted.

    Raises PageRefused for an address that other machines can reach unless `settings.tls` says that a proxy with TLS
    stands in front: a token sent in the clear is anybody's. OSError for a port in use.
    """
    import uvicorn

    if not settings.tls and not is_loopback(host):
        raise PageRefused(
            f"host {host} can be reached by other machines, and tokens would cross the network in the clear",
            key="--host",
            fix="put a proxy with TLS in front and name its public host with --public-host, or serve on 127.0.0.1",
        )
    uvicorn.run(
        application(ledger, tokens, settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        limit_concurrency=200,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )
