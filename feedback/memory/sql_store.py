"""The store's tables and statements, the same for every database; what differs is how it connects and who may write."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC
from typing import Any, Protocol

from feedback.memory.reader import BRAND
from feedback.memory.store import (
    CHAIN_START,
    Change,
    Delivery,
    EventsGone,
    StoreDamaged,
    StoredEvent,
    StoreState,
    Version,
    chained,
    missing_or_conflicting,
    verified,
)
from feedback.storage.canonical_json import canonical, sha256

TABLES = (
    "create table if not exists memory_version (brand text not null, kind text not null, subject text not null,"
    " version bigint not null, state text not null, sha256 text not null, body text not null,"
    " primary key (brand, kind, subject, version))",
    "create table if not exists memory_outbox (brand text not null, seq bigint not null, event_id text not null,"
    " type text not null, subject text not null, time text not null, data text not null, version_sha256 text not null,"
    " chain text not null, primary key (brand, seq), unique (brand, event_id))",
    "create table if not exists memory_delivery (brand text not null, target text not null, seq bigint not null,"
    " attempts bigint not null, retry_at text, error text, dead bigint not null, primary key (brand, target))",
)
INSERT_ONLY = ("memory_version", "memory_outbox")
EVENT = "brand, seq, event_id, type, subject, time, data, version_sha256, chain"
VERSION = "kind, subject, version, state, sha256, body"


class Rows(Protocol):
    """An open connection on which statements with `?` run."""

    def __call__(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs one statement and returns its rows."""


class SqlStore(ABC):
    """`MemoryStore` on a database with transactions; subclasses give the three ways of using a connection."""

    def __init__(self, brand: str) -> None:
        if not BRAND.fullmatch(brand):
            raise ValueError(f"brand {brand!r} is not a plain id of a-z, 0-9, _ and -")
        self._brand = brand

    @property
    def brand(self) -> str:
        """The one brand of this store."""
        return self._brand

    @abstractmethod
    def writing(self) -> AbstractContextManager[Rows]:
        """A transaction that no other writer of the brand runs beside; committed at its end, else undone."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Rows]:
        """A view of the store as it is at one instant."""

    @abstractmethod
    def relaying(self, target: str) -> AbstractContextManager[bool]:
        """See `MemoryStore.relaying`."""

    @abstractmethod
    def close(self) -> None:
        """See `MemoryStore.close`."""

    def commit(self, changes: Iterable[Change]) -> int:
        """See `MemoryStore.commit`."""
        written = 0
        with self.writing() as rows:
            last = rows("select seq, chain from memory_outbox where brand = ? order by seq desc limit 1", [self._brand])
            seq, chain = (int(last[0][0]), str(last[0][1])) if last else (0, CHAIN_START)
            for change in changes:
                if not self._add(rows, change) or change.event is None:
                    continue
                event = change.event
                identity = event.event_id(self._brand)
                if rows(
                    "select 1 from memory_outbox where brand = ? and event_id = ?",
                    [self._brand, identity],
                ):
                    continue
                seq += 1
                at = event.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                stored = StoredEvent(
                    self._brand,
                    seq,
                    identity,
                    event.type,
                    event.subject,
                    at,
                    event.data,
                    change.version.sha256,
                    "",
                )
                chain = chained(chain, stored)
                rows(
                    f"insert into memory_outbox ({EVENT}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        self._brand,
                        seq,
                        identity,
                        event.type,
                        event.subject,
                        at,
                        canonical(event.data).decode(),
                        change.version.sha256,
                        chain,
                    ],
                )
                written += 1
        return written

    def _add(self, rows: Rows, change: Change) -> bool:
        version = change.version
        key = [self._brand, version.kind, version.subject]
        where = "from memory_version where brand = ? and kind = ? and subject = ?"
        same = rows(f"select sha256 {where} and version = ?", [*key, version.version])
        newest = rows(f"select coalesce(max(version), 0) {where}", key)
        if not missing_or_conflicting(change, str(same[0][0]) if same else None, int(newest[0][0])):
            return False
        rows(
            f"insert into memory_version (brand, {VERSION}) values (?, ?, ?, ?, ?, ?, ?)",
            [*key, version.version, version.state, version.sha256, canonical(version.body).decode()],
        )
        return True

    def events_after(self, after: int, limit: int = 100) -> tuple[StoredEvent, ...]:
        """See `MemoryStore.events_after`."""
        with self.reading() as rows:
            found = rows(
                f"select {EVENT} from memory_outbox where brand = ? and seq >= ? order by seq limit ?",
                [self._brand, after, limit + (after > 0)],
            )
        events = [_event(row) for row in found]
        if after == 0:
            return verified(events, 0, CHAIN_START)
        if not events or events[0].seq != after:
            if events:
                raise StoreDamaged(f"event {after} of brand {self._brand} is missing", fix="restore it from a backup")
            raise EventsGone(
                f"event {after} of brand {self._brand} does not exist: the log ends before it or was begun anew",
                fix="read everything again, from 0",
            )
        return verified(events[1:], after, events[0].chain)

    def head(self) -> int:
        """See `MemoryStore.head`."""
        with self.reading() as rows:
            return _head(rows, self._brand)

    def state(self, kind: str) -> StoreState:
        """See `MemoryStore.state`."""
        newest = (
            f"select {VERSION} from memory_version v where brand = ? and kind = ? and version ="
            " (select max(version) from memory_version w where w.brand = v.brand and w.kind = v.kind"
            " and w.subject = v.subject) order by subject"
        )
        with self.reading() as rows:
            return StoreState(_head(rows, self._brand), _versions(rows(newest, [self._brand, kind])))

    def versions(self, kind: str) -> tuple[Version, ...]:
        """See `MemoryStore.versions`."""
        every = f"select {VERSION} from memory_version where brand = ? and kind = ? order by subject, version"
        with self.reading() as rows:
            return _versions(rows(every, [self._brand, kind]))

    def delivery(self, target: str) -> Delivery:
        """See `MemoryStore.delivery`."""
        return next((found for found in self.deliveries() if found.target == target), Delivery(target))

    def deliveries(self) -> tuple[Delivery, ...]:
        """See `MemoryStore.deliveries`."""
        with self.reading() as rows:
            found = rows(
                "select target, seq, attempts, retry_at, error, dead from memory_delivery where brand = ?"
                " order by target",
                [self._brand],
            )
        return tuple(Delivery(str(r[0]), int(r[1]), int(r[2]), r[3], r[4], int(r[5])) for r in found)

    def record(self, delivery: Delivery) -> None:
        """See `MemoryStore.record`."""
        d = delivery
        with self.writing() as rows:
            rows(
                "insert into memory_delivery (brand, target, seq, attempts, retry_at, error, dead)"
                " values (?, ?, ?, ?, ?, ?, ?) on conflict (brand, target) do update set seq = excluded.seq,"
                " attempts = excluded.attempts, retry_at = excluded.retry_at, error = excluded.error,"
                " dead = excluded.dead",
                [self._brand, d.target, d.seq, d.attempts, d.retry_at, d.error, d.dead],
            )


@contextmanager
def as_written() -> Iterator[None]:
    """Turns what a row of another writer breaks (a body that is no JSON, a number that is text) into StoreDamaged."""
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, StoreDamaged):
            raise
        raise StoreDamaged(
            "a row of the memory is not what Plumbline writes", fix="restore it from a backup"
        ) from error


def _head(rows: Rows, brand: str) -> int:
    return int(rows("select coalesce(max(seq), 0) from memory_outbox where brand = ?", [brand])[0][0])


def _event(row: tuple[Any, ...]) -> StoredEvent:
    with as_written():
        data = json.loads(row[6])
        if not isinstance(data, dict):
            raise TypeError("data")
        brand, seq, identity, kind, subject, at, _, digest, chain = row
        return StoredEvent(
            str(brand), int(seq), str(identity), str(kind), str(subject), str(at), data, str(digest), str(chain)
        )


def _versions(found: Iterable[tuple[Any, ...]]) -> tuple[Version, ...]:
    versions = []
    for kind, subject, number, state, digest, body in found:
        with as_written():
            document = json.loads(body)
            if not isinstance(document, dict) or sha256(document) != digest:
                raise StoreDamaged(
                    f"{kind} {subject}@{number} does not have the hash that is stored beside it",
                    fix="restore the store from a backup and run again",
                )
        versions.append(Version(str(kind), str(subject), int(number), str(state), document))
    return tuple(versions)
