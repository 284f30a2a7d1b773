"""The feed over HTTP, read only: it opens only published files and serves no card rather than a stale one."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feedback.memory import ChangesGone, Current, MemoryDamaged, MemoryReader, read
from feedback.memory.brand_documents import BrandDocument, BrandDocumentError, BrandFolder, brand_body, in_force
from feedback.memory.evidence import EvidenceReader, evidence_body
from feedback.memory.pointer import LARGEST_SEQ
from feedback.memory.reader import MAX_STALENESS
from feedback.memory.store import EventsGone, StoreError
from feedback.patterns.cards import Card
from feedback.serve.access import Access, Refusal
from feedback.serve.answers import SafeHeaders, json_bytes, problem, read_only, unknown_route
from feedback.serve.event_pages import events_body
from feedback.serve.openapi import openapi
from feedback.serve.pages import PageGone, Pages, about, etag, is_held, refusal_body
from feedback.serve.queries import (
    DEFAULT_LIMIT,
    LARGEST_LIMIT,
    QueryRefused,
    feed_number,
    one_of,
    only_once,
    pattern_query,
    whole_number,
)

Answer = Callable[[Request, Current, datetime], Awaitable[Response]]


def utc_now() -> datetime:
    """The server's clock."""
    return datetime.now(UTC)


def feed_list(memory_dir: Path | str, brand: str, channel: str | None = None, *, now: datetime) -> list[Card]:
    """Cards that an agent may see now: current, valid, in state provisional, promoted or watch; [] when stale.

    Agents act on state promoted; provisional is an experiment and watch is a card in doubt, both for people and for
    the assignment of experiments. Cards come as stored, so their `content_sha256` can be checked.
    """
    cards = read(Path(memory_dir), brand, now).cards
    return [card for card in cards if channel is None or channel in card["scope"]["channels"]]


class FeedRoutes:
    """The answers of the feed to a reader; each gets the request, the feed of the brand, and the time."""

    def __init__(
        self,
        memory: Path,
        *,
        brand: str | None,
        access: Access,
        clock: Callable[[], datetime],
        max_staleness: timedelta,
        brand_documents: Path | None,
    ) -> None:
        self._brand, self._clock, self._memory = brand, clock, memory
        self._evidence = EvidenceReader(memory, max_staleness=max_staleness)
        self._documents = BrandFolder(brand_documents) if brand_documents else None
        self._reader = MemoryReader(memory, max_staleness=max_staleness)
        self._access = access
        self._pages = Pages(self._reader)

    def guarded(self, answer: Answer, *parameters: str) -> Callable[[Request], Awaitable[Response]]:
        """The route of an answer: for readers with a valid token, about a brand they may see, with known parameters."""

        async def checked(request: Request) -> Response:
            now = self._clock()
            grant = self._access.check(request.headers.get("authorization", ""))
            if isinstance(grant, Refusal):
                return problem(grant.status, grant.reason)
            try:
                request.state.parameters = only_once(request.query_params.multi_items(), ("brand", *parameters))
                brand = request.query_params.get("brand") or self._brand or grant.brand
                if brand is None:
                    return problem(400, f"name a brand: {request.url.path[:80]}?brand=…")
                foreign = any(only is not None and only != brand for only in (self._brand, grant.brand))
                current = None if foreign else self._published(brand, now)
                if current is None:
                    return problem(404, "no such brand")
                return await answer(request, current, now)
            except BrandDocumentError as fault:
                return problem(503, str(fault), stale=True, reason=str(fault))
            except QueryRefused as refused:
                return problem(400, str(refused))
            except (ChangesGone, EventsGone, PageGone) as gone:
                return problem(410, str(gone))
            except (MemoryDamaged, StoreError) as damage:
                return problem(503, damage.problem, stale=True, reason=damage.problem)

        return checked

    async def patterns(self, request: Request, current: Current, now: datetime) -> Response:
        """A page of the cards that may be used now; none, with the reason, when the feed is stale or damaged."""
        query = pattern_query(request.state.parameters)
        headers = _feed_headers(current)
        if current.snapshot is None:
            body = json.dumps(refusal_body(current), ensure_ascii=False).encode()
            return json_bytes(body, headers=headers | {"Cache-Control": "no-store"})
        page = self._pages.page(current, query, now)
        return _tagged(request, page.body, page.etag, headers)

    async def pattern(self, request: Request, current: Current, now: datetime) -> Response:
        """One current card by its id; 410 for one that is no longer to be used, 404 for one that never was."""
        name = request.path_params["pattern_id"][:40]
        if current.snapshot is None:
            return _unavailable(current)
        card = current.snapshot.by_id.get(name)
        if card is None:
            head = current.snapshot.heads.get(name)
            if head is None:
                return problem(404, f"no pattern {name!r} of this brand")
            return problem(410, f"pattern {name} is {head['state']}: do not use it", state=head["state"])
        if not card.usable(now.timestamp()):
            return problem(410, f"pattern {name} is not valid at this time: do not use it", state=card.state)
        start = json.dumps(about(current) | {"act_on": card.state == "promoted"}, ensure_ascii=False).encode()
        body = start[:-1] + b',"pattern":' + card.json + b"}"
        return _tagged(request, body, etag(current.snapshot.sha256, card.pattern_id), _feed_headers(current))

    async def changes(self, request: Request, current: Current, now: datetime) -> Response:
        """What happened since a feed number, as references in order."""
        after = feed_number(request.state.parameters)
        if current.snapshot is None:
            return _unavailable(current)
        body = self._pages.changes(current, after)
        return json_bytes(body, headers=_feed_headers(current) | {"Cache-Control": "no-store"})

    async def events(self, request: Request, current: Current, now: datetime) -> Response:
        """What happened after an event's number, in order, as CloudEvents; also while the feed itself is stale."""
        asked = request.state.parameters
        after = whole_number("after", asked.get("after", "0"), 0, LARGEST_SEQ, what="number of an event")
        limit = whole_number("limit", asked.get("limit", str(DEFAULT_LIMIT)), 1, LARGEST_LIMIT)
        body = await run_in_threadpool(events_body, self._memory, current.brand, after, limit)
        if body is None:
            return problem(404, "no events are kept beside this feed: none happened yet, or they are in PostgreSQL")
        return json_bytes(body, headers={"Cache-Control": "no-store"})

    async def channel_evidence(self, request: Request, current: Current, now: datetime) -> Response:
        """What the last report says of each channel, or of one."""
        evidence = self._evidence.current(current.brand, now)
        channel = request.state.parameters.get("channel")
        known = [row["channel"] for row in evidence.document["channels"]]
        if channel is not None:
            one_of("channel", channel, known)
        body = evidence_body(evidence, None if channel is None else (channel,))
        tag = etag(evidence.sha256, *([channel] if channel else []))
        return _tagged(request, body, tag, {"X-Checked-At": evidence.document["checked_at"]})

    async def brand_documents(self, request: Request, current: Current, now: datetime) -> Response:
        """The brand's documents that are in force today."""
        documents = in_force(self._kept_documents(), now)
        if not documents:
            return problem(404, "no brand document is in force: people keep them as Markdown in the workspace's brand/")
        body, digest = brand_body(current.brand, documents)
        return _tagged(request, body, etag(digest), {})

    async def brand_document(self, request: Request, current: Current, now: datetime) -> Response:
        """One version of a document by its hash, also when it is no longer in force."""
        digest = request.path_params["sha256"]
        found = [document for document in self._kept_documents() if document.sha256 == digest]
        if not found:
            return problem(404, f"no brand document has the hash {digest[:64]!r}")
        body = json.dumps({"brand": current.brand, "document": found[0].as_json()}, ensure_ascii=False).encode()
        return _tagged(request, body, etag(digest), {})

    def _kept_documents(self) -> list[BrandDocument]:
        return self._documents.documents() if self._documents else []

    async def openapi(self, _: Request) -> Response:
        """The description of every route; it holds nothing of any brand."""
        return json_bytes(json.dumps(openapi(), ensure_ascii=False).encode())

    async def health(self, request: Request) -> Response:
        """200 when every feed can be used, 503 otherwise; which and why only for readers with a token."""
        now = self._clock()
        grant = self._access.check(request.headers.get("authorization", ""))
        brands = [self._brand] if self._brand else self._reader.brands()
        feeds = [self._reader.current(brand, now) for brand in brands]
        good = bool(feeds) and all(feed.reason is None for feed in feeds)
        body: dict[str, object] = {"status": "ok" if good else "stale"}
        if not isinstance(grant, Refusal):
            shown = [feed for feed in feeds if grant.brand in (None, feed.brand)]
            body["feeds"] = [{"brand": feed.brand, **about(feed)} for feed in shown]
        return json_bytes(json.dumps(body).encode(), 200 if good else 503, {"Cache-Control": "no-store"})

    def _published(self, brand: str, now: datetime) -> Current | None:
        try:
            current = self._reader.current(brand, now)
        except ValueError:
            return None
        return current if current.published else None


def app(
    memory_dir: Path | str,
    *,
    brand: str | None = None,
    token: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    max_staleness: timedelta = MAX_STALENESS,
    hosts: tuple[str, ...] | None = None,
    guarded: bool = False,
    brand_documents: Path | None = None,
) -> Starlette:
    """GET /v1/patterns, /v1/patterns/{id}, /v1/changes and /v1/health over the snapshots of `memory_dir`.

    `brand` set: only this brand exists. `token` set, or tokens made for the memory: every route except the bare health
    status requires one as a bearer token. Stale or damaged memory gives no card but the reason. `hosts` set: requests
    under another name in the Host header are refused. `guarded`: a token is required even when none is left.
    `brand_documents`: the folder of the brand's voice and guidelines. /openapi.json describes every route.
    """
    memory = Path(memory_dir)
    access = Access(memory, token, always=guarded)
    routes = FeedRoutes(
        memory, brand=brand, access=access, clock=clock, max_staleness=max_staleness, brand_documents=brand_documents
    )
    middleware = [Middleware(SafeHeaders)]
    if hosts is not None:
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False))
    return Starlette(
        routes=[
            Route("/v1/patterns", routes.guarded(routes.patterns, "channel", "state", "kind", "limit", "after")),
            Route("/v1/patterns/{pattern_id}", routes.guarded(routes.pattern)),
            Route("/v1/changes", routes.guarded(routes.changes, "after")),
            Route("/v1/events", routes.guarded(routes.events, "after", "limit")),
            Route("/v1/evidence/channels", routes.guarded(routes.channel_evidence, "channel")),
            Route("/v1/brand", routes.guarded(routes.brand_documents)),
            Route("/v1/brand/{sha256}", routes.guarded(routes.brand_document)),
            Route("/v1/health", routes.health),
            Route("/openapi.json", routes.openapi),
        ],
        middleware=middleware,
        exception_handlers={404: unknown_route, 405: read_only},
    )


def _unavailable(current: Current) -> Response:
    return problem(503, str(current.reason), brand=current.brand, **about(current))


def _feed_headers(current: Current) -> dict[str, str]:
    pointer = current.pointer
    headers = {"X-Feed-Seq": str(pointer.feed_seq if pointer else 0)}
    return headers | {"X-Checked-At": pointer.checked_at} if pointer else headers


def _tagged(request: Request, body: bytes, tag: str, headers: dict[str, str]) -> Response:
    headers = headers | {"ETag": tag, "Cache-Control": "private, max-age=60", "Vary": "Authorization"}
    if is_held(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return json_bytes(body, headers=headers)
