"""What every store of the memory promises: versions that are only ever added, and their events in the same transaction.

`EmbeddedStore` keeps it in one file per brand, `PostgresStore` in a database that several writers and readers share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from feedback.storage.canonical_json import sha256
from models.error import PlumblineError

CHAIN_START = "0" * 64


class StoreError(PlumblineError):
    """The store could not be read or written; nothing of the transaction was kept."""


class StoreUnavailable(StoreError, RuntimeError):
    """The database did not answer, or another writer held it for too long: the same command may be run again."""


class StoreDamaged(StoreError, ValueError):
    """The store holds something that Plumbline did not write: a changed row, a gap, or a file that is no database."""


class VersionConflict(StoreError, ValueError):
    """Another writer was first: the version exists with another content, or the one before it is missing."""


class EventsGone(StoreError, LookupError):
    """The reader has applied an event that this log never held: the log was begun anew, so read everything again."""


@dataclass(frozen=True)
class Version:
    """One version of one thing that is kept for good: `kind` and `subject` name the thing, `body` is its content."""

    kind: str
    subject: str
    version: int
    state: str
    body: dict[str, Any]

    @property
    def sha256(self) -> str:
        """SHA-256 of the body's canonical JSON."""
        return sha256(self.body)


@dataclass(frozen=True)
class Event:
    """What happened, as references and never as figures. The same type, subject and data are the same event.

    `time` says when it happened and is no part of the identity: a run that is repeated may know it differently.
    """

    type: str
    subject: str
    time: datetime
    data: dict[str, Any]

    def event_id(self, brand: str) -> str:
        """SHA-256 over brand, type, subject and data."""
        return sha256({"brand": brand, "type": self.type, "subject": self.subject, "data": self.data})


@dataclass(frozen=True)
class Change:
    """A version, and the event that says so; both are stored or neither. Some versions are nobody's news."""

    version: Version
    event: Event | None


@dataclass(frozen=True)
class StoredEvent:
    """An event as the store numbers it: `seq` counts from 1 without gaps per brand, `chain` seals all up to here."""

    brand: str
    seq: int
    event_id: str
    type: str
    subject: str
    time: str
    data: dict[str, Any]
    version_sha256: str
    chain: str


@dataclass(frozen=True)
class Delivery:
    """How far one target has got: everything up to `seq` is delivered, set aside or not wanted by it."""

    target: str
    seq: int = 0
    attempts: int = 0
    retry_at: str | None = None
    error: str | None = None
    dead: int = 0


@dataclass(frozen=True)
class StoreState:
    """The newest version of everything and the number of the newest event, read at one instant."""

    seq: int
    versions: tuple[Version, ...]


def chained(previous: str, event: StoredEvent) -> str:
    """The seal of an event that follows the seal `previous`: SHA-256 over both and the version it speaks of."""
    told = {
        "brand": event.brand,
        "seq": event.seq,
        "id": event.event_id,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "data": event.data,
        "version_sha256": event.version_sha256,
    }
    return sha256({"previous": previous, "event": told})


class MemoryStore(Protocol):
    """A store of one brand. Every method raises StoreUnavailable or StoreDamaged where the store cannot be trusted."""

    @property
    def brand(self) -> str:
        """The brand; rows of another brand do not exist for this store."""

    def commit(self, changes: Iterable[Change]) -> int:
        """Adds the versions and events that are not there yet, all in one transaction; returns how many events.

        What is there already, with the same content, is passed over, so a step that is repeated adds nothing.
        Raises VersionConflict, and keeps nothing, for a version that exists with another content or whose
        predecessor is missing.
        """

    def events_after(self, after: int, limit: int = 100) -> tuple[StoredEvent, ...]:
        """The next events in order, at most `limit`. Raises EventsGone where `after` is above the newest."""

    def head(self) -> int:
        """The number of the newest event; 0 before the first."""

    def state(self, kind: str) -> StoreState:
        """The newest version of every subject of a kind with the event number that belongs to it, consistently."""

    def versions(self, kind: str) -> tuple[Version, ...]:
        """All versions of a kind, by subject and version."""

    def delivery(self, target: str) -> Delivery:
        """How far a target has got; a target that was never served is at 0."""

    def deliveries(self) -> tuple[Delivery, ...]:
        """All targets that were ever served, by name."""

    def record(self, delivery: Delivery) -> None:
        """Keeps how far a target has got."""

    def relaying(self, target: str) -> AbstractContextManager[bool]:
        """Whether this process is the one that serves the target while the block runs; False where another one is."""

    def close(self) -> None:
        """Gives up the connection; the next call opens another one."""


def missing_or_conflicting(change: Change, stored_sha256: str | None, newest: int) -> bool:
    """Whether a version has to be added. Raises VersionConflict as `MemoryStore.commit` says."""
    version = change.version
    name = f"{version.kind} {version.subject}@{version.version}"
    if stored_sha256 is not None:
        if stored_sha256 == version.sha256:
            return False
        raise VersionConflict(
            f"{name} exists with another content: another writer was first",
            fix="run again: the next run continues from what is stored",
        )
    if version.version != newest + 1:
        raise VersionConflict(
            f"{name} does not follow version {newest}, the newest that is stored",
            fix="run again: the next run continues from what is stored",
        )
    return True


def verified(events: Sequence[StoredEvent], after: int, seal: str) -> tuple[StoredEvent, ...]:
    """The events, if they follow one another from the seal of event `after`. Raises StoreDamaged where they do not."""
    previous, seq = seal, after
    for event in events:
        seq += 1
        if event.seq != seq:
            raise StoreDamaged(
                f"event {seq} of brand {event.brand} is missing", fix="restore the store from a backup and run again"
            )
        told = Event(event.type, event.subject, datetime.min, event.data)
        if event.event_id != told.event_id(event.brand) or event.chain != chained(previous, event):
            raise StoreDamaged(
                f"event {seq} of brand {event.brand} is not what was written: its content, or that of an event before"
                " it, was changed",
                fix="restore the store from a backup and run again",
            )
        previous = event.chain
    return tuple(events)
