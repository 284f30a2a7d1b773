"""One trial: all processes at work on one store, random ones killed and started again, then the reckoning."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from benchmarks.events.consumer import COUNTED, Consumer
from benchmarks.events.roles import HOOK, ROLES, STREAM, Place
from benchmarks.events.world import History
from feedback.events.dead_letters import DeadLetters
from feedback.memory.store import StoredEvent

PATIENCE_SECONDS = 180
EVENTS_AFTER_LAST_KILL = 20


@dataclass
class Reckoning:
    """What a trial did, and everything that is not as promised; no `faults` means it held."""

    store: str
    kills: Counter[str] = field(default_factory=Counter)
    events: int = 0
    repeated: int = 0
    stale: int = 0
    injected: int = 0
    lost: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def trial(name: str, place: Place, kills: int) -> Reckoning:
    """Kills `kills` times, lets the writers finish and the deliveries catch up, and compares everybody's state."""
    import psycopg  # noqa: F401 - loaded here once, or the processes would be killed while they import it
    import redis  # noqa: F401 - the same

    began = time.monotonic()
    dice = random.Random(place.seed)  # noqa: S311 - a simulator, no secret
    reckoning = Reckoning(name)
    running = {role: _started(role, place, dice) for role in ROLES}
    try:
        for _ in range(kills):
            time.sleep(dice.uniform(0.03, 0.25))
            role = dice.choice(list(ROLES))
            _restart_fallen(running, place, dice, reckoning)
            _kill(running[role])
            reckoning.kills[role] += 1
            running[role] = _started(role, place, dice)
        store = place.store()
        goal = store.head() + EVENTS_AFTER_LAST_KILL
        (place.folder / "goal").write_text(str(goal))
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and not _caught_up(place, goal):
            _restart_fallen(running, place, dice, reckoning, finished=("writer", "writer 2"))
            time.sleep(0.1)
        store.close()
    finally:
        for process in running.values():
            _kill(process)
    _judge(place, goal, reckoning)
    reckoning.seconds = time.monotonic() - began
    return reckoning


def _started(role: str, place: Place, dice: random.Random) -> ForkProcess:
    context = multiprocessing.get_context("fork")
    own = random.Random(dice.getrandbits(64))  # noqa: S311 - a simulator, no secret
    process = context.Process(target=ROLES[role], args=(place, own), name=role, daemon=True)
    process.start()
    return process


def _kill(process: ForkProcess) -> None:
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def _restart_fallen(
    running: dict[str, ForkProcess],
    place: Place,
    dice: random.Random,
    reckoning: Reckoning,
    finished: tuple[str, ...] = (),
) -> None:
    """A process that ended by itself with an error is a fault, and is started again so that the trial goes on."""
    for role, process in running.items():
        if process.is_alive() or (role in finished and process.exitcode == 0):
            continue
        reckoning.faults.append(f"{role} ended by itself with {process.exitcode}")
        running[role] = _started(role, place, dice)


def _caught_up(place: Place, goal: int) -> bool:
    consumers = [Consumer(place.folder / name) for name in ("receiver.db", "reader.db")]
    try:
        store = place.store()
        head = store.head()
        store.close()
        return head >= goal and all(len(consumer.ids()) >= head for consumer in consumers)
    finally:
        for consumer in consumers:
            consumer.close()


def _judge(place: Place, goal: int, reckoning: Reckoning) -> None:
    history, store = History(place.seed), place.store()
    expected = [history.change(i) for i in range(goal)]
    events: list[StoredEvent] = []
    while len(page := store.events_after(len(events), 500)):
        events += page
    reckoning.events = len(events)
    versions = {(v.subject, v.version): v.sha256 for v in store.versions("pattern")}
    faults = reckoning.faults
    if versions != {(c.version.subject, c.version.version): c.version.sha256 for c in expected}:
        faults.append("the versions in the store are not the history")
    if [e.data for e in events] != [c.event.data for c in expected if c.event]:
        faults.append("the events in the store are not the history in order")
    if [e.seq for e in events] != list(range(1, len(events) + 1)):
        faults.append("the numbers of the events have gaps")
    ids, heads = {e.event_id for e in events}, history.heads(goal)
    for name in ("receiver", "reader"):
        consumer = Consumer(place.folder / f"{name}.db")
        missing = ids - consumer.ids().keys()
        reckoning.lost += len(missing)
        if missing:
            faults.append(f"the {name} never got {len(missing)} events")
        if consumer.ids().keys() - ids:
            faults.append(f"the {name} got events that nobody wrote")
        if consumer.heads() != heads:
            faults.append(f"the {name}'s final state is not the writer's")
        for what in COUNTED:
            setattr(reckoning, what, getattr(reckoning, what) + consumer.counts()[what])
        consumer.close()
    if DeadLetters(place.folder, HOOK).letters():
        faults.append("there are dead letters although the receiver came back")
    if place.redis_url:
        faults += _stream_faults(place.redis_url, [e.event_id for e in events])
    store.close()


def _stream_faults(url: str, ids: list[str]) -> list[str]:
    import redis

    client = redis.Redis.from_url(url)
    entries: Any = client.xrange(STREAM)
    client.close()
    right = [(f"{n}-0".encode(), one.encode()) for n, one in enumerate(ids, 1)]
    if [(entry, fields[b"id"]) for entry, fields in entries] != right:
        return ["the stream does not hold every event once and in order"]
    return []


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def place_of(folder: Path, seed: int, dsn: str | None = None, redis_url: str | None = None) -> Place:
    """A place in a folder that exists and is empty."""
    return Place(folder, seed, free_port(), dsn, redis_url)
