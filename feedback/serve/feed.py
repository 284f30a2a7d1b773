"""The feed over HTTP, read only: it opens only snapshot files and serves no card rather than a stale one."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from feedback.memory import ChangesGone, Feed, changes_after, read
from feedback.memory.snapshots import MAX_STALENESS
from feedback.patterns.cards import Card

FILTERS = ("channel", "state", "kind")
HEADERS = {"X-Content-Type-Options": "nosniff"}
Answer = Callable[[Request], Awaitable[Response]]


def utc_now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


def feed_list(memory_dir: Path | str, brand: str, channel: str | None = None, *, now: datetime) -> list[Card]:
    """Cards that an agent may see now: current, valid, in state provisional, promoted or watch; [] when stale.

    Agents act on state promoted; provisional is an experiment and watch is a card in doubt, both for people and for
    the assignment of experiments. Cards come as stored, so their `content_sha256` can be checked.
    """
    return _filtered(read(Path(memory_dir), brand, now), {"channel": channel} if channel else {})


def app(
    memory_dir: Path | str,
    *,
    brand: str | None = None,
    token: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    max_staleness: timedelta = MAX_STALENESS,
) -> Starlette:
    """GET /v1/patterns, /v1/changes and /v1/health over the snapshots of `memory_dir`.

    `brand` set: only this brand exists. `token` set: every route except the bare health status requires it as a
    bearer token. Stale or damaged memory gives an empty list with its reason, never old cards.
    """
    memory = Path(memory_dir)

    def requested_brand(request: Request) -> str | Response:
        name = request.query_params.get("brand") or brand
        if name is None:
            return _problem(400, "name a brand: /v1/patterns?brand=…")
        if (brand is not None and name != brand) or not _is_published(memory, name):
            return _problem(404, "no such brand")
        return name

    def guarded(answer: Answer) -> Answer:
        async def check(request: Request) -> Response:
            if token is not None and not _authorised(request, token):
                refused = _problem(401, "a valid bearer token is required")
                refused.headers["WWW-Authenticate"] = "Bearer"
                return refused
            return await answer(request)

        return check

    async def patterns(request: Request) -> Response:
        unknown = sorted(set(request.query_params) - {"brand", *FILTERS})
        if unknown:
            return _problem(400, f"unknown parameter {unknown[0]}; use one of brand, {', '.join(FILTERS)}")
        name = requested_brand(request)
        if isinstance(name, Response):
            return name
        feed = read(memory, name, clock(), max_staleness=max_staleness)
        cards = _filtered(feed, {k: request.query_params[k] for k in FILTERS if k in request.query_params})
        body = {
            "brand": name,
            "feed_seq": feed.feed_seq,
            "snapshot_sha256": feed.sha256,
            "checked_at": feed.checked_at,
            "stale": feed.reason is not None,
            "reason": feed.reason,
            "act_on": [c["pattern_id"] for c in cards if c["state"] == "promoted"],
            "patterns": cards,
        }
        headers = {**HEADERS, "X-Feed-Seq": str(feed.feed_seq)}
        if feed.reason is not None:
            return JSONResponse(body, headers={**headers, "Cache-Control": "no-store"})
        etag = _etag(feed)
        headers |= {"ETag": etag, "Cache-Control": "private, max-age=60", "Vary": "Authorization"}
        if etag in [t.strip() for t in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return JSONResponse(body, headers=headers)

    async def changes(request: Request) -> Response:
        name = requested_brand(request)
        if isinstance(name, Response):
            return name
        after = request.query_params.get("after", "0")
        if not after.isdecimal() or len(after) > 15:
            return _problem(400, f"after={after[:20]!r} is not a feed_seq")
        try:
            changes_since = changes_after(memory, name, int(after))
        except ChangesGone as gone:
            return _problem(410, str(gone))
        head = max([int(after), *(c["feed_seq"] for c in changes_since)])
        return JSONResponse({"brand": name, "changes": changes_since, "head_seq": head}, headers=HEADERS)

    async def health(request: Request) -> Response:
        brands = [brand] if brand else sorted(p.parent.name for p in memory.glob("*/CURRENT.json"))
        feeds = [read(memory, b, clock(), max_staleness=max_staleness) for b in brands if b is not None]
        good = bool(feeds) and all(f.reason is None for f in feeds)
        body: dict[str, Any] = {"status": "ok" if good else "stale"}
        if token is None or _authorised(request, token):
            body["feeds"] = [
                {"brand": f.brand, "feed_seq": f.feed_seq, "checked_at": f.checked_at, "reason": f.reason}
                for f in feeds
            ]
        return JSONResponse(body, status_code=200 if good else 503, headers={**HEADERS, "Cache-Control": "no-store"})

    return Starlette(
        routes=[
            Route("/v1/patterns", guarded(patterns), methods=["GET"]),
            Route("/v1/changes", guarded(changes), methods=["GET"]),
            Route("/v1/health", health, methods=["GET"]),
        ]
    )


def serve(
    memory_dir: Path | str,
    *,
    brand: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8100,
    token: str | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Serve the feed until interrupted. Raises ValueError for a host other machines can reach when no token is set."""
    import uvicorn

    uvicorn.run(
        local_or_guarded(memory_dir, brand=brand, host=host, token=token, clock=clock),
        host=host,
        port=port,
        log_level="info",
    )


def local_or_guarded(
    memory_dir: Path | str, *, brand: str | None, host: str, token: str | None, clock: Callable[[], datetime] = utc_now
) -> Starlette:
    """The app as `serve` runs it: without a token it answers this machine only, and only under this machine's names."""
    if token is not None:
        if len(token) < 16:
            raise ValueError(f"the feed's token has {len(token)} characters; use at least 16 random ones")
        return app(memory_dir, brand=brand, token=token, clock=clock)
    if not _loopback(host):
        raise ValueError(f"host {host} can be reached by other machines: set a token, or serve on 127.0.0.1")
    served = app(memory_dir, brand=brand, clock=clock)
    # A page in a browser could point its own name at 127.0.0.1; it cannot fake the Host header.
    names = ["127.0.0.1", "localhost", "[::1]", "[", host]
    served.user_middleware.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False))
    return served


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authorised(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # Hashed first, so that neither length nor content of the token shows in the time taken.
    same = hmac.compare_digest(hashlib.sha256(given.encode()).digest(), hashlib.sha256(token.encode()).digest())
    return scheme.lower() == "bearer" and same


def _is_published(memory: Path, brand: str) -> bool:
    try:
        return read(memory, brand, utc_now()).reason != "nothing was published yet"
    except ValueError:
        return False


def _filtered(feed: Feed, filters: dict[str, str]) -> list[Card]:
    cards = list(feed.cards)
    if "channel" in filters:
        cards = [c for c in cards if filters["channel"] in c["scope"]["channels"]]
    for name in ("state", "kind"):
        if name in filters:
            cards = [c for c in cards if c[name] == filters[name]]
    return cards


def _etag(feed: Feed) -> str:
    """The snapshot's hash; cards held back by the clock change the response, so they change the tag."""
    if not feed.held_back:
        return f'"{feed.sha256}"'
    return f'"{feed.sha256}-{hashlib.sha256(" ".join(feed.held_back).encode()).hexdigest()[:12]}"'


def _problem(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status, headers={**HEADERS, "Cache-Control": "no-store"})
