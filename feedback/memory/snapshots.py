"""The memory behind the feed: immutable, hashed snapshots per brand and one pointer, written by the pipeline only.

Layout: `<memory>/<brand>/feed-<seq>.json` (never changed once pointed to) and `<memory>/<brand>/CURRENT.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from feedback.memory.pointer import POINTER, MemoryDamaged, is_seq, json_object, pointer_of
from feedback.memory.reader import Feed, folder_of, read
from feedback.memory.stored_snapshot import SERVED, snapshot_of
from feedback.patterns.cards import Card, newest
from feedback.patterns.contract import instant
from feedback.patterns.identity import content_sha256
from feedback.storage.atomic_files import write_atomically
from feedback.storage.canonical_json import canonical
from feedback.storage.damaged_files import set_aside
from models.error import PlumblineError


class MemoryBusy(PlumblineError, RuntimeError):
    """Another process is publishing to the same brand."""


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
    pointer = _pointer(folder)
    if pointer is None:
        return folder / POINTER
    return None if _snapshot(folder, pointer) is not None else folder / f"feed-{pointer['feed_seq']}.json"


def current_file(memory: Path, brand: str) -> Path | None:
    """The snapshot file that the brand's pointer names; None before the first publication."""
    folder = folder_of(memory, brand)
    pointer = _pointer(folder)
    return folder / f"feed-{pointer['feed_seq']}.json" if pointer else None


def _publish_locked(folder: Path, brand: str, heads: Mapping[str, Card], now: datetime) -> None:
    broken = damaged(folder.parent, brand)
    if broken is not None and broken.exists():
        set_aside(broken)
    pointer = _pointer(folder)
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


def prune(memory: Path, brand: str, now: datetime, *, keep: timedelta = timedelta(days=90)) -> list[str]:
    """Delete snapshots published longer than `keep` ago, never the current one; returns the deleted names."""
    folder = folder_of(memory, brand)
    pointer = _pointer(folder)
    deleted = []
    for path in sorted(folder.glob("feed-*.json")):
        try:
            snapshot = json_object(path.read_bytes(), "no snapshot")
            old = now - instant(str(snapshot.get("published_at"))) > keep
        except (OSError, ValueError):
            continue
        seq = snapshot.get("feed_seq")
        if old and pointer is not None and is_seq(seq) and seq < pointer["feed_seq"]:
            path.unlink()
            deleted.append(path.name)
    return deleted


def _snapshot(folder: Path, pointer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The snapshot that a pointer names; None unless a reader would accept it."""
    name = pointer["feed_seq"]
    try:
        content = (folder / f"feed-{name}.json").read_bytes()
        snapshot_of(content, brand=folder.name, feed_seq=name, sha256=pointer["sha256"])
    except (OSError, MemoryDamaged):
        return None
    snapshot: dict[str, Any] = json.loads(content)
    return snapshot


def _pointer(folder: Path) -> dict[str, Any] | None:
    """The brand's pointer; None where it is missing or damaged."""
    try:
        content = (folder / POINTER).read_bytes()
        pointer_of(content)
    except (OSError, MemoryDamaged):
        return None
    pointer: dict[str, Any] = json.loads(content)
    return pointer


def _z(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
