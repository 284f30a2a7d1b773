"""The processes of a trial, each written so that it may die at any instant: writer, relay, reader, webhook receiver."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from benchmarks.events.consumer import Consumer
from benchmarks.events.world import BRAND, History
from feedback.events.redis_target import RedisTarget
from feedback.events.relay import Relay
from feedback.events.settings import RedisStream, Webhook
from feedback.events.signatures import SignatureRefused, key_of, verify
from feedback.events.target import DeliveryFailed, Target
from feedback.events.webhook_target import WebhookTarget
from feedback.memory.cloud_events import cloud_event
from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.postgres_store import PostgresStore
from feedback.memory.sql_store import SqlStore
from feedback.memory.store import StoreUnavailable

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - made up for the benchmark
HOOK, STREAM = "hook", "plumbline:acme"
QUICK = (timedelta(milliseconds=20),)


@dataclass(frozen=True)
class Place:
    """Where a trial happens. `dsn` and `redis_url` are None where its store has none."""

    folder: Path
    seed: int
    port: int
    dsn: str | None = None
    redis_url: str | None = None

    def store(self) -> SqlStore:
        """A connection to the store under trial."""
        return PostgresStore(self.dsn, BRAND) if self.dsn else EmbeddedStore(self.folder / "memory", BRAND)

    @property
    def goal(self) -> int | None:
        """At how many changes the writers end; None while the kills go on."""
        file = self.folder / "goal"
        return int(file.read_text()) if file.exists() else None


def writer(place: Place, dice: random.Random) -> None:
    """Writes the history in order, from where the store stands, and some of what is there once more."""
    store, history = place.store(), History(place.seed)
    at = None
    while at is None or place.goal is None or at < place.goal:
        try:
            if at is None:
                at = max(0, store.head() - dice.randrange(4))
            last = at + dice.randrange(1, 4)
            store.commit([history.change(i) for i in range(at, min(last, place.goal or last))])
        except StoreUnavailable:
            time.sleep(0.02)
            continue
        at = last
        time.sleep(dice.uniform(0.0, 0.02))


def relay(place: Place, dice: random.Random) -> None:
    """Relays until the trial ends."""
    store = place.store()
    hook = Webhook(name=HOOK, url=f"http://127.0.0.1:{place.port}/", secret="PLUMBLINE_HOOK")  # noqa: S106 - a variable's name
    targets: list[Target] = [
        WebhookTarget(hook, key_of(SECRET, "PLUMBLINE_HOOK"), clock=_now, allow_hosts=("127.0.0.1",), timeout_seconds=2)
    ]
    if place.redis_url:
        targets.append(RedisTarget(place.redis_url, RedisStream(stream=STREAM)))
    one = Relay(store, targets, folder=place.folder, clock=_now, max_attempts=10**6, waits=QUICK)
    while True:
        try:
            one.run_once()
        except StoreUnavailable:
            store.close()
        time.sleep(dice.uniform(0.0, 0.02))


def reader(place: Place, dice: random.Random) -> None:
    """Reads the log (the stream where there is one) after its cursor and applies what it read in another order."""
    consumer, store = Consumer(place.folder / "reader.db"), place.store()
    while True:
        after = consumer.cursor()
        try:
            events = (
                _from_stream(place, after)
                if place.redis_url
                else [cloud_event(e) for e in store.events_after(after, dice.randrange(1, 30))]
            )
        except (StoreUnavailable, DeliveryFailed):
            store.close()
            events = []
        numbers = [int(event["sequence"]) for event in events]
        if numbers != list(range(after + 1, after + 1 + len(numbers))):
            raise AssertionError(f"the reader was at {after} and got {numbers[:10]}: events out of order or missing")
        if events:
            consumer.take(events, dice, str(numbers[-1]))
        time.sleep(dice.uniform(0.0, 0.02))


def _from_stream(place: Place, after: int) -> list[dict[str, Any]]:
    import redis

    client = redis.Redis.from_url(str(place.redis_url))
    try:
        entries: Any = client.xrange(STREAM, min=f"({after}-0", count=30)
        return [json.loads(fields[b"event"]) for _, fields in entries]
    finally:
        client.close()


def receiver(place: Place, dice: random.Random) -> None:
    """Takes webhooks; of ten deliveries about one is refused before it is kept, and one after, as a lost answer is."""
    consumer = Consumer(place.folder / "receiver.db")
    key = key_of(SECRET, "PLUMBLINE_HOOK")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            luck = dice.random()
            try:
                verify(key, dict(self.headers.items()), body, _now())
            except SignatureRefused:
                self._answer(401)
                return
            if luck < 0.05:
                self._answer(503)
                return
            consumer.take([json.loads(body)], dice)
            self._answer(500 if luck > 0.95 else 204)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    while True:
        try:
            server = HTTPServer(("127.0.0.1", place.port), Handler)
        except OSError:
            time.sleep(0.02)
            continue
        server.serve_forever(poll_interval=0.05)


def _now() -> datetime:
    return datetime.now(UTC)


# Two of those that must exclude each other: a second writer and a second relay run beside the first all the time.
ROLES = {"writer": writer, "writer 2": writer, "relay": relay, "relay 2": relay, "reader": reader, "receiver": receiver}
