"""Offers: which cards a content agent may read for one variant, and the sealed record by which the feed is judged.

The draw itself is `models.patterns.assignment`. Here a card becomes readable only when it is on.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from feedback.patterns.cards import Card, usable
from feedback.patterns.identity import CROCKFORD
from feedback.storage.canonical_json import canonical, six_digits
from models.patterns.assignment import SEPARATOR, ExposureRules, MenuCard, draw

OFFER = "offer"
ID_DIGITS = 26
# What the seal covers: every field of an offer's record except the seal itself.
SEAL = "seal"


@dataclass(frozen=True)
class EpochKey:
    """The secret of one quarter: `name` stands on cards and records, `secret` never leaves the feed's machine."""

    name: str
    secret: bytes

    @classmethod
    def of(cls, master: bytes, day: datetime) -> EpochKey:
        """The key of the quarter that `day` (UTC) lies in, derived from the workspace's own secret."""
        return cls.named(master, cls.name_of(day))

    @staticmethod
    def name_of(day: datetime) -> str:
        """What the quarter's key is called on cards and records, e.g. feed-key-2026-q4."""
        return f"feed-key-{day.year}-q{(day.month - 1) // 3 + 1}"

    @classmethod
    def named(cls, master: bytes, name: str) -> EpochKey:
        """The key of the quarter called `name`, for checking records of the past."""
        return cls(name, hmac.digest(master, b"plumbline feed epoch\x1f" + name.encode(), hashlib.sha256))

    def __repr__(self) -> str:
        return f"EpochKey({self.name!r})"


@dataclass(frozen=True)
class Offer:
    """What one variant was dealt.

    `on` holds the cards that its agent may read. `records` are the feed's own log, one per card of the draw, on or off,
    sealed: append them to landing/receipts, and never show them to an agent, because they name the cards that are off.
    """

    on: tuple[Card, ...]
    records: tuple[dict[str, Any], ...]

    def for_agent(self) -> dict[str, Any]:
        """The answer to the agent: cards that are on, and an opaque receipt id with its probability for every card."""
        first = self.records[0] if self.records else {}
        return {
            "brief_id": first.get("brief_id"),
            "variant_id": first.get("variant_id"),
            "feed_seq": first.get("feed_seq"),
            "patterns": list(self.on),
            "receipts": [
                {"receipt_id": r["receipt_id"], "arm": r["arm"], "p": r["p"]}
                | ({k: r[k] for k in ("pattern_id", "version", "content_sha256")} if r["arm"] == "on" else {})
                for r in self.records
            ],
        }


def offer(
    cards: Iterable[Card],
    *,
    key: EpochKey,
    brand: str,
    brief_id: str,
    variant_ix: int,
    channel: str,
    feed_seq: int,
    now: datetime,
    variant_id: str | None = None,
    rules: ExposureRules | None = None,
) -> Offer:
    """Deal the brand's current cards to variant number `variant_ix` (from 0) of a brief.

    `cards` are those of the snapshot `feed_seq`; only cards that are usable `now`, hold for `channel` and have a
    probability of assignment take part. Deterministic per (key, brand, brief, variant number, cards). `variant_id` is
    the id under which the variant's results will come back, `<brief>-v<number + 1>` where it is not given. Raises
    AssignmentRefused (a ValueError) for an impossible key, id or number, ValueError for a `now` without time zone or
    a card of another brand.
    """
    if now.tzinfo is None:
        raise ValueError(f"now={now} has no time zone; offers are dated in UTC")
    menu: dict[str, Card] = {}
    for card in cards:
        if card["scope"]["brand"] != brand:
            raise ValueError(f"{card['pattern_id']} belongs to brand {card['scope']['brand']!r}, not to {brand!r}")
        if usable(card, now) and channel in card["scope"]["channels"]:
            menu[card["pattern_id"]] = card
    drawn = draw(key.secret, f"{brand}/{brief_id}", variant_ix, (_menu_card(c) for c in menu.values()), rules)
    common = {
        "kind": OFFER,
        "ts": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "brand": brand,
        "brief_id": brief_id,
        "variant_id": variant_id or f"{brief_id}-v{variant_ix + 1}",
        "variant_ix": variant_ix,
        "channel": channel,
        "feed_seq": feed_seq,
        "seed_ref": key.name,
        "pair_role": drawn.role,
    }
    records = [_record(menu[name], p, name in drawn.on, common, key) for name, p in drawn.p.items()]
    # In the order of the cards the list would say which card is off; receipt ids are in no order that an agent knows.
    records.sort(key=lambda record: str(record["receipt_id"]))
    return Offer(tuple(menu[name] for name in drawn.on), tuple(records))


def is_sealed(record: Mapping[str, Any], master: bytes) -> bool:
    """Whether the record is as this workspace's feed wrote it: no field changed, added or removed."""
    seal, name = record.get(SEAL), record.get("seed_ref")
    if not isinstance(seal, str) or not isinstance(name, str):
        return False
    try:
        expected = _seal({k: v for k, v in record.items() if k != SEAL}, EpochKey.named(master, name))
    except ValueError:
        return False
    return hmac.compare_digest(expected.encode(), seal.encode())


def _menu_card(card: Card) -> MenuCard:
    return MenuCard(card["pattern_id"], card["exposure"]["p_assign"], frozenset(card["conflicts_with"]))


def _record(card: Card, p: float, on: bool, common: Mapping[str, Any], key: EpochKey) -> dict[str, Any]:
    version = f"{card['pattern_id']}@{card['version']}"
    name = SEPARATOR.join(
        ("receipt", common["brand"], common["brief_id"], common["variant_id"], str(common["variant_ix"]), version)
    )
    number = int.from_bytes(hmac.digest(key.secret, name.encode(), hashlib.sha256), "big")
    record = {
        "receipt_id": "rcp_" + "".join(CROCKFORD[(number >> 5 * i) & 31] for i in range(ID_DIGITS)),
        **common,
        "pattern_id": card["pattern_id"],
        "version": card["version"],
        "content_sha256": card["content_sha256"],
        "feature": card["features"][0]["key"] if card["features"] else None,
        "follow": card["kind"],
        "arm": "on" if on else "off",
        "p": six_digits(p),
    }
    return record | {SEAL: _seal(record, key)}


def _seal(record: Mapping[str, Any], key: EpochKey) -> str:
    return hmac.new(key.secret, b"offer\x1f" + canonical(dict(record)), hashlib.sha256).hexdigest()
