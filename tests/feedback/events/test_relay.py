"""The relay: in order, at least once, nothing lost, whatever the receivers do."""

from __future__ import annotations

import json
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from receiver import KEY, Receiver, receiving

from feedback.events.dead_letters import DeadLetters
from feedback.events.redis_target import RedisTarget
from feedback.events.relay import Relay
from feedback.events.settings import RedisStream, Webhook
from feedback.events.target import DeliveryFailed, Target
from feedback.events.webhook_target import WebhookTarget
from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.sql_store import SqlStore
from feedback.memory.store import Change, Event, StoreDamaged, StoredEvent, Version

if TYPE_CHECKING:
    from memory_stores import OpenStore

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


@dataclass
class Ear:
    """A target that takes what it is given, except while `deaf`."""

    name: str = "ear"
    types: tuple[str, ...] = ()
    deaf: bool = False
    final: bool = False
    heard: list[int] = field(default_factory=list)

    def check(self) -> None:
        pass

    def send(self, event: StoredEvent) -> None:
        if self.deaf:
            raise DeliveryFailed("deaf", final=self.final)
        self.heard.append(event.seq)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return EmbeddedStore(tmp_path / "memory", "acme")


def fill(store: SqlStore, *numbers: int, kind: str = "pattern.promoted") -> None:
    for n in numbers:
        version = Version("pattern", f"pat_{n}", 1, "promoted", {"n": n})
        store.commit([Change(version, Event(kind, f"pat_{n}", NOW, {"n": n}))])


def relay_of(store: SqlStore, *targets: Target, folder: Path, clock: Clock | None = None, attempts: int = 3) -> Relay:
    return Relay(store, targets, folder=folder, clock=clock or Clock(), max_attempts=attempts)


def test_each_target_gets_everything_once_and_goes_on_where_it_was(store: SqlStore, tmp_path: Path) -> None:
    fill(store, *range(250))
    all_of_it, some = Ear(), Ear("some", types=("report.issued",))
    relay = relay_of(store, all_of_it, some, folder=tmp_path)
    assert [(r.delivered, r.waiting, r.healthy) for r in relay.run_once()] == [(250, 0, True), (0, 0, True)]
    fill(store, 900, kind="report.issued")
    again = relay_of(store, all_of_it, some, folder=tmp_path)
    assert [r.delivered for r in again.run_once()] == [1, 1]
    assert all_of_it.heard == list(range(1, 252))
    assert some.heard == [251]


def test_a_failing_target_waits_longer_each_time_and_holds_nobody_else_back(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1, 2)
    clock, deaf, ear = Clock(), Ear("deaf", deaf=True), Ear()
    relay = relay_of(store, deaf, ear, folder=tmp_path, clock=clock)
    first, other = relay.run_once()
    assert (first.delivered, first.waiting, first.problem, other.delivered) == (0, 2, "deaf", 2)
    clock.now += timedelta(seconds=4)
    deaf.deaf = False
    assert relay.run_once()[0].delivered == 0
    clock.now += timedelta(seconds=2)
    assert relay.run_once()[0].delivered == 2
    assert deaf.heard == [1, 2]
    assert store.delivery("deaf").error is None


def test_an_event_that_is_never_taken_is_kept_and_the_next_one_goes_out(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1, 2)
    clock, ear = Clock(), Ear(deaf=True)
    relay = relay_of(store, ear, folder=tmp_path, clock=clock, attempts=2)
    relay.run_once()
    clock.now += timedelta(hours=1)
    report = relay.run_once()[0]
    assert (report.set_aside, report.waiting) == (1, 1)
    assert not report.healthy
    letters = DeadLetters(tmp_path, "ear")
    assert [(m["seq"], m["attempts"], m["reason"]) for m in letters.letters()] == [(1, 2, "deaf")]
    assert stat.S_IMODE(letters.path.stat().st_mode) == 0o600
    clock.now += timedelta(hours=1)
    ear.deaf = False
    assert relay.run_once()[0].delivered == 1
    assert ear.heard == [2]
    assert [(r.delivered, r.waiting) for r in relay.redeliver()] == [(1, 0)]
    assert ear.heard == [2, 1]
    assert letters.letters() == []
    assert store.delivery("ear").dead == 0


def test_a_receiver_that_is_gone_for_good_is_not_tried_again(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1)
    assert relay_of(store, Ear(deaf=True, final=True), folder=tmp_path).run_once()[0].set_aside == 1


def test_a_letter_cut_off_by_a_crash_is_no_letter_and_is_written_again(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1, 2)
    one, two = store.events_after(0)
    letters = DeadLetters(tmp_path, "ear")
    letters.add(one, "deaf", 3, NOW)
    with letters.path.open("ab") as file:
        file.write(b'{"seq":2,"event":{"id"')
    assert [m["seq"] for m in letters.letters()] == [1]
    letters.add(two, "deaf", 3, NOW)
    letters.add(two, "deaf", 3, NOW)
    assert [m["seq"] for m in letters.letters()] == [1, 2]


def test_a_log_begun_anew_is_told_from_its_start(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1, 2, 3)
    ear = Ear()
    relay_of(store, ear, folder=tmp_path).run_once()
    new = EmbeddedStore(tmp_path / "new", "acme")
    fill(new, 7)
    new.record(store.delivery("ear"))
    assert relay_of(new, ear, folder=tmp_path).run_once()[0].delivered == 1
    assert ear.heard == [1, 2, 3, 1]


def test_a_letter_of_a_log_that_is_gone_is_kept_and_nothing_is_sent_in_its_place(
    store: SqlStore, tmp_path: Path
) -> None:
    fill(store, 1, 2)
    letters = DeadLetters(tmp_path, "ear")
    for event in store.events_after(0):
        letters.add(event, "deaf", 3, NOW)
    new, ear = EmbeddedStore(tmp_path / "new", "acme"), Ear()
    fill(new, 9)
    (report,) = relay_of(new, ear, folder=tmp_path).redeliver()
    assert (report.delivered, report.waiting, ear.heard) == (0, 2, [])
    assert "not in this log any more" in str(report.problem) or "does not exist" in str(report.problem)


def test_a_relay_writes_into_the_log_that_another_process_began_anew(tmp_path: Path) -> None:
    relaying, healing = EmbeddedStore(tmp_path, "acme"), EmbeddedStore(tmp_path, "acme")
    fill(relaying, 1, 2)
    ear = Ear()
    relay_of(relaying, ear, folder=tmp_path).run_once()
    healing.path.rename(healing.path.with_name("events.db.damaged"))
    fill(healing, 5)
    assert relay_of(relaying, ear, folder=tmp_path).run_once()[0].delivered == 1
    assert [relay_of(relaying, ear, folder=tmp_path).run_once()[0].delivered for _ in range(2)] == [0, 0]
    assert healing.delivery("ear").seq == 1


def test_nothing_is_sent_of_a_log_that_was_tampered_with(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1, 2)
    with store.writing() as rows:
        rows("drop trigger memory_outbox_no_update")
        rows("update memory_outbox set subject = 'pat_evil' where seq = 1")
    ear = Ear()
    with pytest.raises(StoreDamaged):
        relay_of(store, ear, folder=tmp_path).run_once()
    assert ear.heard == []


def test_a_preview_sends_and_writes_nothing(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1, 2)
    ear = Ear()
    assert [r.waiting for r in relay_of(store, ear, folder=tmp_path).preview()] == [2]
    assert ear.heard == []
    assert store.deliveries() == ()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def hook(receiver: Receiver, *allowed: str, key: bytes = KEY, timeout: float = 5) -> WebhookTarget:
    webhook = Webhook(name="cms", url=receiver.url, secret="PLUMBLINE_HOOK")
    return WebhookTarget(webhook, key, clock=lambda: datetime.now(UTC), allow_hosts=allowed, timeout_seconds=timeout)


def test_a_webhook_is_delivered_signed_and_as_a_cloud_event(
    store: SqlStore, tmp_path: Path, receiver: Receiver
) -> None:
    fill(store, 1, 2)
    assert relay_of(store, hook(receiver, "127.0.0.1"), folder=tmp_path).run_once()[0].delivered == 2
    assert receiver.sequences == [1, 2]
    assert receiver.headers[0]["content-type"] == "application/cloudevents+json"
    assert receiver.headers[0]["webhook-id"] == receiver.seen[0]["id"]
    assert receiver.headers[0]["Host"] == receiver.url.split("/")[2]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_anything_but_success_is_tried_again_and_no_redirect_is_followed(
    store: SqlStore, tmp_path: Path, receiver: Receiver, status: int
) -> None:
    fill(store, 1)
    receiver.answers = [status]
    report = relay_of(store, hook(receiver, "127.0.0.1"), folder=tmp_path).run_once()[0]
    assert (report.delivered, report.waiting, report.set_aside) == (0, 1, 0)
    assert str(status) in str(report.problem)
    assert len(receiver.headers) == 1


def test_a_private_address_is_never_called_and_its_events_wait(
    store: SqlStore, tmp_path: Path, receiver: Receiver
) -> None:
    fill(store, 1)
    relay = relay_of(store, hook(receiver), folder=tmp_path, attempts=1)
    for _ in range(3):
        report = relay.run_once()[0]
        assert (report.delivered, report.set_aside, report.waiting) == (0, 0, 1)
        assert "not on the public internet" in str(report.problem)
    assert receiver.headers == []
    assert "not on the public internet" in str(relay.preview()[0].problem)
    assert "public internet" in str(store.delivery("cms").error)


def test_a_receiver_with_another_secret_gets_nothing_accepted(
    store: SqlStore, tmp_path: Path, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(store, 1)
    report = relay_of(store, hook(receiver, "127.0.0.1", key=b"x" * 32), folder=tmp_path).run_once()[0]
    assert report.delivered == 0
    assert receiver.seen == []


def test_a_receiver_that_answers_byte_by_byte_does_not_hold_the_relay_back(store: SqlStore) -> None:
    fill(store, 1)
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        answering, _ = listening.accept()
        with suppress(OSError), answering:
            for _ in range(100):
                answering.sendall(b"H")
                time.sleep(0.1)

    Thread(target=drip, daemon=True).start()
    webhook = Webhook(
        name="slow", url=f"http://localhost:{listening.getsockname()[1]}/in", secret="PLUMBLINE_WEBHOOK_SLOW"
    )
    slow = WebhookTarget(webhook, KEY, clock=lambda: NOW, allow_hosts=("localhost",), timeout_seconds=0.3)
    began = time.monotonic()
    with pytest.raises(DeliveryFailed):
        slow.send(store.events_after(0)[0])
    assert time.monotonic() - began < 5  # ten seconds if each byte began the wait anew
    listening.close()


def test_nobody_listening_is_a_sentence(store: SqlStore, tmp_path: Path) -> None:
    with receiving() as receiver:
        target = hook(receiver, "127.0.0.1", timeout=1)
    fill(store, 1)
    assert "127.0.0.1: " in str(relay_of(store, target, folder=tmp_path).run_once()[0].problem)


@pytest.mark.slow
def test_the_stream_holds_each_event_once_and_in_order(open_store: OpenStore, redis_url: str, tmp_path: Path) -> None:
    import redis

    store = open_store()
    fill(store, *range(30))
    client = redis.Redis.from_url(redis_url)
    client.flushall()

    def target() -> RedisTarget:
        return RedisTarget(redis_url, RedisStream(stream="plumbline:acme"))

    assert relay_of(store, target(), folder=tmp_path).run_once()[0].delivered == 30
    # A relay that died before it wrote down how far it got delivers again; Redis refuses the repetition.
    for event in store.events_after(0, 30):
        target().send(event)
    entries = client.xrange("plumbline:acme")
    assert [entry[0] for entry in entries] == [f"{n}-0".encode() for n in range(1, 31)]
    assert json.loads(entries[4][1][b"event"])["sequence"] == "0000000000000005"
    # A server that comes back without its data gets them again.
    client.flushall()
    assert relay_of(store, target(), folder=tmp_path).run_once()[0].delivered == 30
    # A stream of another log is not written over.
    other = open_store("other")
    fill(other, 77)
    with pytest.raises(DeliveryFailed, match="belongs to another log"):
        target().send(other.events_after(0)[0])
    client.close()


def test_a_redis_that_is_away_is_a_sentence_without_its_password(store: SqlStore, tmp_path: Path) -> None:
    fill(store, 1)
    away = RedisTarget("redis://:hunter2@127.0.0.1:1/0", RedisStream(stream="s"), timeout_seconds=1)
    problem = relay_of(store, away, folder=tmp_path).run_once()[0].problem
    assert "PLUMBLINE_REDIS_URL" in str(problem)
    assert "hunter2" not in str(problem)
