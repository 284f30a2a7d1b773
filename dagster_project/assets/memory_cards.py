"""Pattern cards between the warehouse of a run and the memory's store, which is what counts when the two differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

import duckdb

from feedback.memory.store import MemoryStore
from feedback.patterns import Card


def stored_cards(con: duckdb.DuckDBPyConnection, store: MemoryStore) -> list[Card]:
    """All card versions: those of the store, and those of the warehouse that no run has handed over yet.

    A warehouse that was made again, or another machine's, so continues from the versions that readers have seen.
    Raises StoreDamaged or StoreUnavailable where the store cannot be read.
    """
    from feedback.events.happenings import PATTERN

    rows = con.execute("select card from feedback.pattern_card").fetchall()
    cards = {(card["pattern_id"], card["version"]): card for card in (json.loads(row[0]) for row in rows)}
    cards |= {(version.subject, version.version): version.body for version in store.versions(PATTERN)}
    return [card for _, card in sorted(cards.items(), key=lambda pair: pair[0])]


def keep_card(con: duckdb.DuckDBPyConnection, card: Card, run_id: str) -> None:
    """Writes a card version into the warehouse; one with the same number gives way where its content differs."""
    con.execute(
        "insert into feedback.pattern_card values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set"
        " state = excluded.state, kind = excluded.kind, card = excluded.card,"
        " content_sha256 = excluded.content_sha256, recorded_at = excluded.recorded_at, run_id = excluded.run_id"
        " where pattern_card.content_sha256 <> excluded.content_sha256",
        [
            card["pattern_id"],
            card["version"],
            card["state"],
            card["kind"],
            card["scope"]["brand"],
            json.dumps(card),
            card["content_sha256"],
            datetime.fromisoformat(card["recorded_at"].replace("Z", "+00:00")).replace(tzinfo=None),
            run_id,
        ],
    )


def tell_of_cards(store: MemoryStore, cards: Iterable[Card]) -> int:
    """Hands new card versions to the store, each with its event; returns the number of events.

    Raises VersionConflict where another machine has stored another version of the same number meanwhile: nothing is
    published then, and the next run continues from that version.
    """
    from feedback.events.happenings import PATTERN, card_changes

    ours = (card for card in cards if card["scope"]["brand"] == store.brand)
    return store.commit(card_changes(ours, store.versions(PATTERN)))
