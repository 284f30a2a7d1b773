"""The memory behind the feed: immutable, hashed snapshots per brand and one pointer, written by the pipeline only.

Layout: `<memory>/<brand>/feed-<seq>.json` (never changed once pointed to) and `<memory>/<brand>/CURRENT.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from feedback.patterns.cards import Card, newest, usable
from feedback.patterns.contract import instant
from feedback.patterns.identity import content_sha256
from feedback.storage.atomic_files import write_atomically
from feedback.storage.canonical_json import canonical
from feedback.storage.damaged_files import set_aside
from models.error import PlumblineError

BRAND = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")
POINTER = "CURRENT.json"
MAX_STALENESS = timedelta(hours=72)
CLOCKS_DIFFER = timedelta(hours=1)
SERVED = ("provisional", "promoted", "watch")


class MemoryBusy(PlumblineError, RuntimeError):
    """Another process is publishing to the same brand."""


class ChangesGone(PlumblineError, LookupError):
    """The requested history is no longer stored: read the whole snapshot instead."""


@dataclass(frozen=True)
class Feed:
    """What a reader may use now. `reason` is None, or says why `cards` is empty (fail closed)."""

    brand: str
    feed_seq: int
    sha256: str | None
    checked_at: str | None
    cards: tuple[Card, ...]
    held_back: tuple[str, ...] = ()
    reason: str | None = None


def folder_of(memory: Path, brand: str) -> Path:
    """The brand's folder. Raises ValueError for a name that is not a plain id, since it could leave `memory`."""
    if not BRAND.match(brand):
        raise ValueError(f"brand {brand!r} is not a plain id of a-z, 0-9, _ and -")
    return memory / brand


def publish(memory: Path, brand: str, cards: Iterable[Card], now: datetime, *, wait_seconds: float = 10) -> Feed:
    """Make the newest versions of the brand's cards the current feed; returns the feed as a reader sees it.

    `cards`: all stored versions or the newest ones, retired and blocked included (readers learn of them from
    `changes_after`). Unchanged cards only renew the pointer's `checked_at`, the time of the last check. Nothing is
    written when the current feed was checked after `now`. After a crash at any point readers see the feed before or
    after; publishing again completes it. A damaged pointer or snapshot is set aside; a new one gets the next number.
    Raises ValueError for a card of another brand or with a wrong hash, MemoryBusy when another process is publishing.
    """
    if now.tzinfo is None:
        raise ValueError(f"now={now} has no time zone; the memory is dated in UTC")
    folder = folder_of(memory, brand)
    heads = newest(cards)
    for card in heads.values():
        if card["scope"]["brand"] != brand:
            raise ValueError(f"{card['pattern_id']} belongs to brand {card['scope']['brand']!r}, not to {brand!r}")
        if card["content_sha256"] != content_sha256(card):
            raise ValueError(f"{card['pattern_id']}@{card['version']}: content_sha256 is not the hash of its content")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".writer.lock", timeout=wait_seconds):
            _publish_locked(folder, brand, heads, now.astimezone(UTC))
    except Timeout as error:
        raise MemoryBusy(
            "another process is publishing to it", file=folder.name, fix="try again when it is done"
        ) from error
    return read(memory, brand, now)


def damaged(memory: Path, brand: str) -> Path | None:
    """The file of the brand's current feed that is missing or damaged: its pointer, or the snapshot it names."""
    folder = folder_of(memory, brand)
    pointer = _json(folder / POINTER)
    if pointer is None:
        return folder / POINTER
    return None if _snapshot(folder, pointer) is not None else folder / f"feed-{pointer['feed_seq']}.json"


def current_file(memory: Path, brand: str) -> Path | None:
    """The snapshot file that the brand's pointer names; None before the first publication."""
    folder = folder_of(memory, brand)
    pointer = _json(folder / POINTER)
    return folder / f"feed-{pointer['feed_seq']}.json" if pointer else None


def _publish_locked(folder: Path, brand: str, heads: Mapping[str, Card], now: datetime) -> None:
    broken = damaged(folder.parent, brand)
    if broken is not None and broken.exists():
        set_aside(broken)
    pointer = _json(folder / POINTER)
    # A run as of an earlier day rebuilds a report; what agents read now must not go back to that day.
    head = _snapshot(folder, pointer) if pointer else None
    if pointer is not None and head is not None and _z(now) < pointer["checked_at"]:
        return
    current_heads = {p: {k: c[k] for k in ("version", "state", "content_sha256")} for p, c in sorted(heads.items())}
    previous = head["heads"] if head else {}
    if pointer is not None and head is not None and current_heads == previous:
        _point(folder, pointer["feed_seq"], pointer["sha256"], pointer["prev_sha256"], now)
        return
    served = [c for _, c in sorted(heads.items()) if c["state"] in SERVED]
    changes = [{"pattern_id": p, **current_heads[p]} for p in current_heads if current_heads[p] != previous.get(p)]
    changes += [{"pattern_id": p, **previous[p], "state": "retired"} for p in previous if p not in current_heads]
    seq = _next_seq(folder, pointer)
    before = pointer["sha256"] if pointer is not None and head is not None else None
    snapshot = {
        "spec": "feed/1",
        "brand": brand,
        "feed_seq": seq,
        "published_at": _z(now),
        "prev_seq": head["feed_seq"] if head else 0,
        "prev_sha256": before,
        "heads": current_heads,
        "changes": changes,
        "cards": served,
    }
    content = canonical(snapshot)
    digest = hashlib.sha256(content).hexdigest()
    write_atomically(folder / f"feed-{seq}.json", content)
    _point(folder, seq, digest, before, now)


def _next_seq(folder: Path, pointer: Mapping[str, Any] | None) -> int:
    """One above every number ever written: a snapshot without a pointer, or a damaged one, keeps its number."""
    names = [re.match(r"feed-(\d+)\.json", file.name) for file in folder.glob("feed-*.json*")]
    written = [int(name[1]) for name in names if name]
    return max([*written, pointer["feed_seq"] if pointer else 0]) + 1


def _point(folder: Path, seq: int, digest: str, before: str | None, now: datetime) -> None:
    pointer = {"feed_seq": seq, "sha256": digest, "prev_sha256": before, "checked_at": _z(now)}
    write_atomically(folder / POINTER, canonical(pointer))


def read(memory: Path, brand: str, now: datetime, *, max_staleness: timedelta = MAX_STALENESS) -> Feed:
    """The brand's current cards, or none with the reason: nothing published, too old, damaged, wrong clock.

    Cards that are not yet valid or past `expires_at` are held back. Damaged files give a reason, not an error.
    Raises ValueError for a brand name that is not a plain id.
    """
    folder = folder_of(memory, brand)
    try:
        pointer = _parsed(folder / POINTER, (folder / POINTER).read_bytes())
    except FileNotFoundError:
        return Feed(brand, 0, None, None, (), reason="nothing was published yet")
    except OSError:
        pointer = None
    if pointer is None:
        return Feed(brand, 0, None, None, (), reason="the pointer file is damaged")
    about = (brand, pointer["feed_seq"], pointer["sha256"], pointer["checked_at"])
    try:
        age = now - instant(pointer["checked_at"])
    except ValueError:
        return Feed(*about, (), reason="the pointer file is damaged")
    if age > max_staleness:
        hours = int(age.total_seconds() // 3600)
        return Feed(*about, (), reason=f"the feed was last checked {hours} hours ago; run the pipeline")
    if age < -CLOCKS_DIFFER:
        return Feed(*about, (), reason="the feed is dated in the future; a clock is wrong")
    snapshot = _snapshot(folder, pointer)
    if snapshot is None or snapshot.get("brand") != brand:
        return Feed(*about, (), reason="the snapshot does not have the hash that its pointer records")
    ready = tuple(c for c in snapshot["cards"] if usable(c, now))
    ids = {c["pattern_id"] for c in ready}
    return Feed(*about, ready, tuple(c["pattern_id"] for c in snapshot["cards"] if c["pattern_id"] not in ids))


def changes_after(memory: Path, brand: str, after: int) -> list[dict[str, Any]]:
    """What happened to the patterns since the feed with `feed_seq` = `after`, oldest first.

    Each change: feed_seq, pattern_id, version, state, content_sha256: references only; the numbers are on the cards.
    Raises ChangesGone when a snapshot in between is no longer stored.
    """
    folder = folder_of(memory, brand)
    pointer = _json(folder / POINTER)
    batches: list[list[dict[str, Any]]] = []
    seq, digest = (pointer["feed_seq"], pointer["sha256"]) if pointer else (0, None)
    while seq > after:
        snapshot = _snapshot(folder, {"feed_seq": seq, "sha256": digest})
        if snapshot is None:
            raise ChangesGone(
                f"the history of brand {brand} after {after} is no longer stored", fix="read the whole snapshot"
            )
        batches.append([{"feed_seq": seq, **change} for change in snapshot["changes"]])
        seq, digest = snapshot["prev_seq"], snapshot["prev_sha256"]
    return [change for batch in reversed(batches) for change in batch]


def prune(memory: Path, brand: str, now: datetime, *, keep: timedelta = timedelta(days=90)) -> list[str]:
    """Delete snapshots published longer than `keep` ago, never the current one; returns the deleted names."""
    folder = folder_of(memory, brand)
    pointer = _json(folder / POINTER)
    deleted = []
    for path in sorted(folder.glob("feed-*.json")):
        snapshot = _json(path)
        if pointer is None or snapshot is None or snapshot["feed_seq"] >= pointer["feed_seq"]:
            continue
        if now - instant(snapshot["published_at"]) > keep:
            path.unlink()
            deleted.append(path.name)
    return deleted


def _snapshot(folder: Path, pointer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The snapshot that a pointer names; None unless its bytes have the recorded hash."""
    try:
        content = (folder / f"feed-{int(pointer['feed_seq'])}.json").read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != pointer["sha256"]:
        return None
    snapshot: dict[str, Any] = json.loads(content)
    return snapshot


def _json(path: Path) -> dict[str, Any] | None:
    """A JSON object, None when the file is missing or not one with a feed_seq."""
    try:
        return _parsed(path, path.read_bytes())
    except OSError:
        return None


def _parsed(path: Path, content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except ValueError:
        return None
    complete = isinstance(document, dict) and isinstance(document.get("feed_seq"), int)
    if path.name == POINTER:
        complete = complete and all(isinstance(document.get(k), str) for k in ("sha256", "checked_at"))
        complete = complete and "prev_sha256" in document
    return document if complete else None


def _z(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
