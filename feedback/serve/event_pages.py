"""The log of events as the feed's server shows it: in order, after a number, from the embedded store."""

from __future__ import annotations

import json
from pathlib import Path

from feedback.memory.cloud_events import cloud_event
from feedback.memory.embedded_store import EmbeddedStore


def events_body(memory: Path, brand: str, after: int, limit: int) -> bytes | None:
    """The next events of a brand as JSON: `events`, `next_after` and `head`, the number of the newest.

    None where no log lies in the memory: nothing happened yet, or the store is in PostgreSQL. Raises EventsGone for a
    number above the newest, StoreDamaged for a log that was tampered with.
    """
    store = EmbeddedStore(memory, brand)
    if not store.path.exists():
        return None
    events = store.events_after(after, limit)
    page = {
        "brand": brand,
        "head": store.head(),
        "next_after": events[-1].seq if events else after,
        "events": [cloud_event(event) for event in events],
    }
    return json.dumps(page, ensure_ascii=False).encode()
