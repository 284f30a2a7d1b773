"""A snapshot file as readers may trust it: bytes with the recorded hash, and each card as the contract asks.

Cards are kept as the bytes they were stored in, with the few fields that readers select by, so that ten thousand of
them take tens of megabytes and are sent without being written again.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from feedback.memory.pointer import MemoryDamaged, is_seq, is_sha256, json_object
from feedback.patterns.contract import instant, schema
from feedback.patterns.statement import complaints

SERVED = ("promoted", "provisional", "watch")
KINDS = ("do", "avoid", "neutral")
SELECTED_BY = ("pattern_id", "version", "state", "kind", "valid_from", "expires_at", "content_sha256", "scope")
LARGEST_SNAPSHOT = 512 * 1024 * 1024
WRONG_HASH = "the snapshot does not have the hash that its pointer records"
ANOTHER_BRAND = "the snapshot belongs to another brand"
NOT_AS_WRITTEN = "the snapshot is not in the form that the pipeline writes"


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card of the feed: its canonical JSON, and what it is selected by; times in seconds since 1970."""

    pattern_id: str
    state: str
    kind: str
    channels: tuple[str, ...]
    valid_from: float
    expires_at: float
    json: bytes

    def usable(self, seconds: float) -> bool:
        """Whether the card has begun and not expired at `seconds` since 1970."""
        return self.valid_from <= seconds < self.expires_at


@dataclass(frozen=True)
class History:
    """What one snapshot changed, and which snapshot it followed."""

    changes: tuple[dict[str, Any], ...]
    prev_seq: int
    prev_sha256: str | None


@dataclass(frozen=True)
class Snapshot:
    """One immutable feed. `cards` come in reading order: promoted first, then what to do before what to avoid."""

    feed_seq: int
    sha256: str
    history: History
    heads: dict[str, dict[str, Any]]
    cards: tuple[StoredCard, ...]
    by_id: dict[str, StoredCard]


def snapshot_of(content: bytes, *, brand: str, feed_seq: int, sha256: str) -> Snapshot:
    """The snapshot in the bytes of a file that the pointer names.

    Raises MemoryDamaged with the reason: another hash, another brand or number, a card that breaks its contract or has
    another hash than it says.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise MemoryDamaged(WRONG_HASH)
    try:
        texts, rest = _split(content.decode(), brand)
    except MemoryDamaged:
        raise
    except (ValueError, IndexError, RecursionError) as error:
        raise MemoryDamaged(NOT_AS_WRITTEN) from error
    history = _history(rest, brand, feed_seq)
    heads = rest.get("heads")
    if not isinstance(heads, dict) or not all(_is_head(head) for head in heads.values()):
        raise MemoryDamaged(NOT_AS_WRITTEN)
    cards = [_stored(text, card, brand, heads) for text, card in texts]
    if len({card.pattern_id for card in cards}) != len(cards):
        raise MemoryDamaged("the snapshot holds a pattern twice")
    if len(cards) != sum(head["state"] in SERVED for head in heads.values()):
        raise MemoryDamaged("the snapshot lacks a card that it names as current")
    cards.sort(key=lambda card: (SERVED.index(card.state), KINDS.index(card.kind), card.pattern_id))
    return Snapshot(feed_seq, sha256, history, heads, tuple(cards), {card.pattern_id: card for card in cards})


def history_of(content: bytes, *, brand: str, feed_seq: int, sha256: str) -> History:
    """What an earlier snapshot changed, without its cards. Raises MemoryDamaged as `snapshot_of` does."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise MemoryDamaged(WRONG_HASH)
    return _history(json_object(content, NOT_AS_WRITTEN), brand, feed_seq)


def _split(text: str, brand: str) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]:
    """Each card with its text, and the snapshot without its cards; one card at a time, to keep memory small."""
    start = f'{{"brand":"{brand}","cards":['
    if not text.startswith(start):
        if json_object(text.encode(), NOT_AS_WRITTEN).get("brand") != brand:
            raise MemoryDamaged(ANOTHER_BRAND)
        raise MemoryDamaged(NOT_AS_WRITTEN)
    decoder = json.JSONDecoder(parse_float=_finite, parse_int=_exact, parse_constant=_refused)
    cards: list[tuple[str, dict[str, Any]]] = []
    at = len(start)
    while text[at] != "]":
        card, end = decoder.raw_decode(text, at)
        cards.append((text[at:end], _checked(card)))
        at = end + 1 if text[end] == "," else end
    rest: dict[str, Any] = decoder.decode(f'{{"brand":"{brand}"{text[at + 1 :]}')
    return cards, rest


def _checked(card: Any) -> dict[str, Any]:
    fault = next(_validator().iter_errors(card), None)
    if fault is not None:
        named = card.get("pattern_id") if isinstance(card, dict) else None
        raise MemoryDamaged(f"a card of the snapshot breaks its contract ({str(named)[:40]}: {fault.message[:200]})")
    faults = complaints(card["statement"])
    if faults:
        raise MemoryDamaged(f"the statement of card {card['pattern_id']} cannot be shown to an agent: {faults[0]}")
    return {name: card[name] for name in SELECTED_BY}


def _stored(text: str, card: dict[str, Any], brand: str, heads: dict[str, dict[str, Any]]) -> StoredCard:
    name, digest = card["pattern_id"], card["content_sha256"]
    if card["scope"]["brand"] != brand:
        raise MemoryDamaged(f"card {name} of the snapshot belongs to another brand")
    # The snapshot is canonical JSON, so the card's own canonical form is its text without the field of the hash.
    if hashlib.sha256(text.replace(f'"content_sha256":"{digest}",', "", 1).encode()).hexdigest() != digest:
        raise MemoryDamaged(f"card {name} of the snapshot does not have the hash that it records")
    if card["state"] not in SERVED or heads.get(name) != {k: card[k] for k in ("version", "state", "content_sha256")}:
        raise MemoryDamaged(f"card {name} of the snapshot is not the current version that the snapshot names")
    try:
        valid_from, expires_at = (instant(card[k]).timestamp() for k in ("valid_from", "expires_at"))
    except (ValueError, OverflowError) as error:
        raise MemoryDamaged(f"card {name} of the snapshot has a time that is not UTC") from error
    channels = tuple(card["scope"]["channels"])
    return StoredCard(name, card["state"], card["kind"], channels, valid_from, expires_at, text.encode())


def _history(document: dict[str, Any], brand: str, feed_seq: int) -> History:
    if document.get("brand") != brand:
        raise MemoryDamaged(ANOTHER_BRAND)
    if document.get("spec") != "feed/1" or document.get("feed_seq") != feed_seq:
        raise MemoryDamaged("the snapshot is not the one that its pointer names")
    changes, prev_seq, prev = document.get("changes"), document.get("prev_seq"), document.get("prev_sha256", "")
    if not isinstance(changes, list) or not is_seq(prev_seq) or not (prev is None or is_sha256(prev)):
        raise MemoryDamaged(NOT_AS_WRITTEN)
    if prev_seq >= feed_seq or not all(_is_head(c) and isinstance(c.get("pattern_id"), str) for c in changes):
        raise MemoryDamaged(NOT_AS_WRITTEN)
    return History(tuple(changes), prev_seq, prev)


def _is_head(value: Any) -> bool:
    whole = isinstance(value, dict) and is_seq(value.get("version")) and isinstance(value.get("state"), str)
    return whole and is_sha256(value.get("content_sha256"))


@cache
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema())


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def _exact(text: str) -> int:
    number = int(text)
    if abs(number) > 2**53 - 1:
        raise ValueError(f"{text[:20]} is beyond the numbers that JSON readers keep exactly")
    return number


def _refused(text: str) -> float:
    raise ValueError(f"{text} is not JSON")
