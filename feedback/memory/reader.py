"""The memory as a server reads it: each file once per change, and for every refusal the reason.

What is published by a run is seen by the next call; nothing is read, hashed or parsed again before.
"""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from feedback.memory.cached_file import CachedFile
from feedback.memory.pointer import LARGEST_POINTER, POINTER, POINTER_DAMAGED, MemoryDamaged, Pointer, pointer_of
from feedback.memory.stored_snapshot import (
    LARGEST_SNAPSHOT,
    WRONG_HASH,
    History,
    Snapshot,
    StoredCard,
    history_of,
    snapshot_of,
)
from feedback.patterns.cards import Card
from models.error import PlumblineError

BRAND = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
MAX_STALENESS = timedelta(hours=72)
CLOCKS_DIFFER = timedelta(hours=1)
NOTHING_YET = "nothing was published yet"
MOST_HISTORY = 4096


class ChangesGone(PlumblineError, LookupError):
    """The requested history is no longer stored, or never was: read the whole snapshot instead."""


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


@dataclass(frozen=True)
class Current:
    """The brand's feed now: a snapshot, or the reason why there is none. `pointer` is None where it is unreadable."""

    brand: str
    pointer: Pointer | None
    snapshot: Snapshot | None
    reason: str | None

    @property
    def published(self) -> bool:
        """Whether the brand exists here: anything was ever published, readable or not."""
        return self.reason != NOTHING_YET


@dataclass(frozen=True)
class Validity:
    """The instants at which cards of a snapshot begin or expire, in order: between two of them nothing changes."""

    snapshot: Snapshot
    instants: tuple[float, ...]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Validity:
        return cls(snapshot, tuple(sorted({t for card in snapshot.cards for t in (card.valid_from, card.expires_at)})))

    def span(self, now: datetime) -> int:
        """The number of the span between two such instants that `now` lies in."""
        return bisect_right(self.instants, now.timestamp())


def usable_cards(snapshot: Snapshot, now: datetime) -> tuple[StoredCard, ...]:
    """The cards of a snapshot that have begun and not expired, in reading order."""
    at = now.timestamp()
    return tuple(card for card in snapshot.cards if card.usable(at))


def folder_of(memory: Path, brand: str) -> Path:
    """The brand's folder. Raises ValueError for a name that is not a plain id, since it could leave `memory`."""
    if not BRAND.fullmatch(brand):
        raise ValueError(f"brand {brand!r} is not a plain id of a-z, 0-9, _ and -")
    return memory / brand


class MemoryReader:
    """Reads the snapshots of one memory folder; keeps what it has read until the file on the disk changes.

    `max_staleness`: a feed that the pipeline last checked longer ago than this is refused.
    """

    def __init__(self, memory: Path, *, max_staleness: timedelta = MAX_STALENESS) -> None:
        self.memory, self.max_staleness = memory, max_staleness
        self._pointers: dict[str, CachedFile[Pointer]] = {}
        self._snapshots: dict[str, tuple[Pointer, CachedFile[Snapshot]]] = {}
        self._validity: dict[str, Validity] = {}
        self._histories: OrderedDict[tuple[str, int, str], CachedFile[History]] = OrderedDict()

    def current(self, brand: str, now: datetime) -> Current:
        """The brand's current snapshot, or the reason why there is none: nothing published, too old, damaged, or dated
        in the future. Raises ValueError for a brand name that is not a plain id.
        """
        try:
            pointer = self._pointer(brand)
        except FileNotFoundError:
            return Current(brand, None, None, NOTHING_YET)
        except (OSError, MemoryDamaged):
            return Current(brand, None, None, POINTER_DAMAGED)
        age = now - pointer.checked
        if age > self.max_staleness:
            hours = int(age.total_seconds() // 3600)
            return Current(brand, pointer, None, f"the feed was last checked {hours} hours ago; run the pipeline")
        if age < -CLOCKS_DIFFER:
            return Current(brand, pointer, None, "the feed is dated in the future; a clock is wrong")
        try:
            return Current(brand, pointer, self._snapshot(brand, pointer), None)
        except OSError:
            return Current(brand, pointer, None, WRONG_HASH)
        except MemoryDamaged as damage:
            return Current(brand, pointer, None, damage.problem)

    def validity(self, current: Current) -> Validity:
        """When the cards of a readable feed begin and expire. Raises ValueError for a feed without a snapshot."""
        if current.snapshot is None:
            raise ValueError(f"the feed of {current.brand} cannot be read: {current.reason}")
        kept = self._validity.get(current.brand)
        if kept is None or kept.snapshot is not current.snapshot:
            kept = self._validity[current.brand] = Validity.of(current.snapshot)
        return kept

    def changes_after(self, brand: str, after: int) -> tuple[list[dict[str, Any]], int]:
        """What happened to the patterns since the feed with number `after`, oldest first, and the newest number.

        Raises MemoryDamaged where the pointer or the snapshot it names cannot be trusted, ChangesGone where a snapshot
        in between is no longer stored or `after` is above the newest number, ValueError for a brand that is no id.
        """
        folder = folder_of(self.memory, brand)
        try:
            pointer = self._pointer(brand)
        except FileNotFoundError:
            head, digest = 0, None
        except OSError as error:
            raise MemoryDamaged(POINTER_DAMAGED) from error
        else:
            head, digest = pointer.feed_seq, pointer.sha256
        if after > head:
            raise ChangesGone(
                f"feed {after} of brand {brand} does not exist, the newest is {head}", fix="read the whole snapshot"
            )
        batches: list[list[dict[str, Any]]] = []
        seq = head
        while seq > after:
            try:
                history = self._history(folder, brand, seq, digest or "")
            except (OSError, MemoryDamaged) as error:
                if seq == head:
                    reason = error.problem if isinstance(error, MemoryDamaged) else WRONG_HASH
                    raise MemoryDamaged(reason) from error
                raise ChangesGone(
                    f"the history of brand {brand} after {after} is no longer stored", fix="read the whole snapshot"
                ) from error
            batches.append([{"feed_seq": seq, **change} for change in history.changes])
            seq, digest = history.prev_seq, history.prev_sha256
        return [change for batch in reversed(batches) for change in batch], head

    def brands(self) -> list[str]:
        """The brands that have a folder with a pointer here, sorted."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.memory) if BRAND.fullmatch(entry.name))
        except OSError:
            return []
        return [name for name in names if (self.memory / name / POINTER).exists()]

    def _pointer(self, brand: str) -> Pointer:
        file = self._pointers.get(brand)
        if file is None:
            file = CachedFile(folder_of(self.memory, brand) / POINTER, pointer_of, most_bytes=LARGEST_POINTER)
            pointer = file.value()  # a brand that does not exist takes no memory
            self._pointers[brand] = file
            return pointer
        return file.value()

    def _snapshot(self, brand: str, pointer: Pointer) -> Snapshot:
        seq, digest = pointer.feed_seq, pointer.sha256
        kept = self._snapshots.get(brand)
        if kept is None or (kept[0].feed_seq, kept[0].sha256) != (seq, digest):
            self._snapshots.pop(brand, None)
            self._validity.pop(brand, None)
            file = CachedFile(
                folder_of(self.memory, brand) / f"feed-{seq}.json",
                lambda content: snapshot_of(content, brand=brand, feed_seq=seq, sha256=digest),
                most_bytes=LARGEST_SNAPSHOT,
            )
            kept = self._snapshots[brand] = (pointer, file)
        return kept[1].value()

    def _history(self, folder: Path, brand: str, seq: int, digest: str) -> History:
        key = (brand, seq, digest)
        file = self._histories.get(key)
        if file is None:
            file = self._histories[key] = CachedFile(
                folder / f"feed-{seq}.json",
                lambda content: history_of(content, brand=brand, feed_seq=seq, sha256=digest),
                most_bytes=LARGEST_SNAPSHOT,
            )
            if len(self._histories) > MOST_HISTORY:
                self._histories.popitem(last=False)
        return file.value()


def read(memory: Path, brand: str, now: datetime, *, max_staleness: timedelta = MAX_STALENESS) -> Feed:
    """The brand's current cards, or none with the reason: nothing published, too old, damaged, wrong clock.

    Cards that are not yet valid or past `expires_at` are held back. Damaged files give a reason, not an error.
    Cards come sorted by id. Raises ValueError for a brand name that is not a plain id.
    """
    current = MemoryReader(memory, max_staleness=max_staleness).current(brand, now)
    pointer, snapshot = current.pointer, current.snapshot
    if pointer is None:
        return Feed(brand, 0, None, None, (), reason=current.reason)
    about = (brand, pointer.feed_seq, pointer.sha256, pointer.checked_at)
    if snapshot is None:
        return Feed(*about, (), reason=current.reason)
    ready = sorted(usable_cards(snapshot, now), key=lambda card: card.pattern_id)
    ids = {card.pattern_id for card in ready}
    held_back = tuple(sorted(card.pattern_id for card in snapshot.cards if card.pattern_id not in ids))
    return Feed(*about, tuple(json.loads(card.json) for card in ready), held_back)


def changes_after(memory: Path, brand: str, after: int) -> list[dict[str, Any]]:
    """What happened to the patterns since the feed with `feed_seq` = `after`, oldest first.

    Each change: feed_seq, pattern_id, version, state, content_sha256: references only; the numbers are on the cards.
    Raises MemoryDamaged and ChangesGone as `MemoryReader.changes_after` does.
    """
    return MemoryReader(memory).changes_after(brand, after)[0]
