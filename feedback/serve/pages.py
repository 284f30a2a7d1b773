"""The bodies of /v1/patterns and /v1/changes as bytes: written once per snapshot and query, then sent as they are."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.memory.pointer import Pointer
from feedback.memory.reader import Current, MemoryReader, usable_cards
from feedback.memory.stored_snapshot import Snapshot, StoredCard
from feedback.serve.queries import PatternQuery
from models.error import PlumblineError

MOST_BYTES = 32 * 1024 * 1024
MOST_PAGES = 4096
PLAIN = PatternQuery()


class PageGone(PlumblineError, LookupError):
    """A page of a feed that is no longer the current one."""


@dataclass(frozen=True)
class Page:
    """A body and the tag that names it."""

    body: bytes
    etag: str


class Pages:
    """Pages of the current snapshots; old ones make room when the bytes kept exceed `MOST_BYTES`."""

    def __init__(self, reader: MemoryReader) -> None:
        self._reader = reader
        self._pages: OrderedDict[tuple[Any, ...], Page] = OrderedDict()
        self._bytes = 0

    def page(self, current: Current, query: PatternQuery, now: datetime) -> Page:
        """The page of a readable feed. Raises PageGone where `query.after` belongs to an earlier feed."""
        pointer, snapshot = current.pointer, current.snapshot
        if pointer is None or snapshot is None:
            raise ValueError(f"the feed of {current.brand} cannot be read: {current.reason}")
        if query.after is not None and query.after[0] != snapshot.feed_seq:
            raise PageGone(
                f"the feed has changed since page {query.after[0]}.{query.after[1]}: it is now {snapshot.feed_seq}",
                fix="start again with the first page",
            )
        key = (current.brand, snapshot.sha256, pointer.checked_at, query, self._reader.validity(current).span(now))
        return self._kept(key) or self._keep(key, _page(current.brand, pointer, snapshot, query, now))

    def changes(self, current: Current, after: int) -> bytes:
        """The body of /v1/changes for a readable feed. Raises what `MemoryReader.changes_after` raises."""
        if current.pointer is None:
            raise ValueError(f"the feed of {current.brand} cannot be read: {current.reason}")
        key = (current.brand, current.pointer.sha256, current.pointer.checked_at, after)
        page = self._kept(key)
        if page is None:
            changes, head = self._reader.changes_after(current.brand, after)
            body = {"brand": current.brand, "changes": changes, "head_seq": head, **about(current)}
            page = self._keep(key, Page(json.dumps(body).encode(), etag(current.pointer.sha256, str(after))))
        return page.body

    def _kept(self, key: tuple[Any, ...]) -> Page | None:
        page = self._pages.get(key)
        if page is not None:
            self._pages.move_to_end(key)
        return page

    def _keep(self, key: tuple[Any, ...], page: Page) -> Page:
        self._pages[key] = page
        self._bytes += len(page.body)
        while self._bytes > MOST_BYTES or len(self._pages) > MOST_PAGES:
            self._bytes -= len(self._pages.popitem(last=False)[1].body)
        return page


def _page(brand: str, pointer: Pointer, snapshot: Snapshot, query: PatternQuery, now: datetime) -> Page:
    usable = set(usable_cards(snapshot, now))
    start = query.after[1] if query.after else 0
    matching = [(at, card) for at, card in enumerate(snapshot.cards) if card in usable and query.matches(card)]
    rest = [(at, card) for at, card in matching if at >= start]
    shown = [card for _, card in rest[: query.limit]]
    following = f"{snapshot.feed_seq}.{rest[query.limit - 1][0] + 1}" if len(rest) > query.limit else None
    start_of_body = {
        "brand": brand,
        "feed_seq": snapshot.feed_seq,
        "snapshot_sha256": snapshot.sha256,
        "checked_at": pointer.checked_at,
        "stale": False,
        "reason": None,
        "total": len(matching),
        "next": following,
        "note": _note(query, snapshot.cards) if not matching else None,
        "act_on": [card.pattern_id for card in shown if card.state == "promoted"],
    }
    body = json.dumps(start_of_body, ensure_ascii=False, separators=(",", ":")).encode()
    body = body[:-1] + b',"patterns":[' + b",".join(card.json for card in shown) + b"]}"
    held_back = sorted(card.pattern_id for card in snapshot.cards if card not in usable)
    return Page(body, etag(snapshot.sha256, *([repr(query)] if query != PLAIN else []), *held_back))


def about(current: Current) -> dict[str, object]:
    """What every answer says of the feed it comes from: number, time of the last check, and why it cannot be used."""
    pointer = current.pointer
    return {
        "feed_seq": pointer.feed_seq if pointer else 0,
        "checked_at": pointer.checked_at if pointer else None,
        "stale": current.reason is not None,
        "reason": current.reason,
    }


def refusal_body(current: Current) -> dict[str, Any]:
    """The body of /v1/patterns for a feed that cannot be used now: no pattern, and why."""
    pointer = current.pointer
    return {
        "brand": current.brand,
        "feed_seq": pointer.feed_seq if pointer else 0,
        "snapshot_sha256": pointer.sha256 if pointer else None,
        "checked_at": pointer.checked_at if pointer else None,
        "stale": True,
        "reason": current.reason,
        "total": 0,
        "next": None,
        "note": None,
        "act_on": [],
        "patterns": [],
    }


def etag(sha256: str, *parts: str) -> str:
    """The tag of an answer: the snapshot's hash, and a digest of what else the answer depends on, if anything."""
    if not parts:
        return f'"{sha256}"'
    return f'"{sha256}-{hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]}"'


def is_held(if_none_match: str, tag: str) -> bool:
    """Whether the reader already holds the answer; compared weakly, as RFC 9110 (13.1.2) asks for If-None-Match."""
    given = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return "*" in given or tag in given


def _note(query: PatternQuery, cards: Iterable[StoredCard]) -> str | None:
    """Why a feed that can be used has no card for this query, where that may be a slip of the reader's."""
    channels = sorted({channel for card in cards for channel in card.channels})
    if query.channel is not None and query.channel not in channels:
        return f"no card holds for channel {query.channel}; there are cards for {', '.join(channels) or 'no channel'}"
    return None
