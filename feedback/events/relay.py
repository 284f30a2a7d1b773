"""The relay: from the store to the targets, in order, at least once, each target at its own pace.

A target that fails holds back its own later events and nobody else's. An event counts as delivered only when the target
has said so; a relay that dies in between delivers it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feedback.events.addresses import AddressRefused
from feedback.events.dead_letters import DeadLetters
from feedback.events.redis_target import RedisTarget
from feedback.events.target import DeliveryFailed, Target
from feedback.memory.store import Delivery, EventsGone, MemoryStore, StoredEvent

# Waits before the second and later attempts, as Standard Webhooks suggests; the last one repeats.
WAITS = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
BATCH = 100


@dataclass(frozen=True)
class TargetReport:
    """What one pass did for one target. `waiting` counts the events that it has still to get."""

    target: str
    delivered: int = 0
    set_aside: int = 0
    waiting: int = 0
    seq: int = 0
    retry_at: str | None = None
    problem: str | None = None

    @property
    def healthy(self) -> bool:
        """Whether everything was delivered that there was to deliver."""
        return self.problem is None and self.set_aside == 0

    def as_json(self) -> dict[str, Any]:
        """The report with whether it is healthy."""
        return asdict(self) | {"healthy": self.healthy}


class Relay:
    """Serves the targets of one brand. `folder` is where dead letters go; `clock` says when."""

    def __init__(
        self,
        store: MemoryStore,
        targets: Sequence[Target],
        *,
        folder: Path,
        clock: Callable[[], datetime],
        max_attempts: int = 10,
        waits: Sequence[timedelta] = WAITS,
    ) -> None:
        self._store, self._targets, self._folder = store, targets, folder
        self._clock, self._max_attempts, self._waits = clock, max_attempts, waits

    def run_once(self) -> list[TargetReport]:
        """One pass over all targets: delivers what is due, and says per target what came of it.

        Raises StoreUnavailable or StoreDamaged where the events cannot be trusted: then nothing is sent.
        """
        return [self._serve(target) for target in self._targets]

    def preview(self) -> list[TargetReport]:
        """What a pass would deliver, and whether each address could be called; sends and writes nothing."""
        reports = []
        for target in self._targets:
            state = self._store.delivery(target.name)
            problem = None
            try:
                due = sum(_wants(target, event) for event in self._events(state.seq))
                target.check()
            except (AddressRefused, DeliveryFailed, EventsGone) as error:
                due, problem = 0, str(error)
            reports.append(TargetReport(target.name, 0, 0, due, state.seq, state.retry_at, problem))
        return reports

    def redeliver(self) -> list[TargetReport]:
        """Sends the dead letters again, from the store and not from the file, and drops those that were taken.

        A letter of an event that the store does not hold (its log was begun anew) is kept and named: nothing else is
        sent in its place. One letter that is refused again does not hold back the later ones.
        """
        reports = []
        for target in self._targets:
            letters = DeadLetters(self._folder, target.name)
            done: set[str] = set()
            problem = None
            with self._store.relaying(target.name) as ours:
                for seq, wanted in (
                    sorted((x["seq"], str(x["event"].get("id"))) for x in letters.letters()) if ours else ()
                ):
                    try:
                        event = next(iter(self._store.events_after(seq - 1, 1)), None)
                        if event is None or event.event_id != wanted:
                            raise EventsGone(f"event {wanted} is not in this log any more; its letter is kept")
                        target.send(event)
                        done.add(wanted)
                    except (AddressRefused, DeliveryFailed, EventsGone) as error:
                        problem = str(error)
                if done:
                    letters.remove(done)
                    state = self._store.delivery(target.name)
                    self._store.record(replace(state, dead=len(letters.letters())))
            left = len(letters.letters())
            reports.append(TargetReport(target.name, len(done), 0, left, problem=problem if ours else _BUSY))
        return reports

    def _serve(self, target: Target) -> TargetReport:
        with self._store.relaying(target.name) as ours:
            if not ours:
                return TargetReport(target.name, problem=_BUSY)
            state = self._rewound(target, self._store.delivery(target.name))
            if isinstance(state, TargetReport):
                return state
            if state.retry_at is not None and _utc(self._clock()) < state.retry_at:
                return self._report(target, state, 0, 0, state.error)
            return self._deliver(target, state)

    def _deliver(self, target: Target, state: Delivery) -> TargetReport:
        delivered = set_aside = 0
        while True:
            try:
                events = self._store.events_after(state.seq, BATCH)
            except EventsGone:
                # The log was begun anew under this target: all of it is news.
                state = replace(state, seq=0, attempts=0, retry_at=None, error=None)
                self._store.record(state)
                continue
            if not events:
                return self._report(target, state, delivered, set_aside, None)
            for event in events:
                if not _wants(target, event):
                    state = replace(state, seq=event.seq)
                    continue
                try:
                    target.send(event)
                except AddressRefused as refusal:
                    state = replace(state, error=str(refusal))
                    self._store.record(state)
                    return self._report(target, state, delivered, set_aside, str(refusal))
                except DeliveryFailed as failure:
                    state, dead = self._failed(target, event, state, failure)
                    if not dead:
                        return self._report(target, state, delivered, set_aside, str(failure))
                    set_aside += 1
                    continue
                delivered += 1
                state = replace(state, seq=event.seq, attempts=0, retry_at=None, error=None)
                self._store.record(state)
            self._store.record(state)

    def _failed(
        self, target: Target, event: StoredEvent, state: Delivery, failure: DeliveryFailed
    ) -> tuple[Delivery, bool]:
        attempts, now = state.attempts + 1, self._clock()
        dead = failure.final or attempts >= self._max_attempts
        if dead:
            letters = DeadLetters(self._folder, target.name)
            letters.add(event, str(failure), attempts, now)
            state = Delivery(target.name, event.seq, dead=len(letters.letters()), error=str(failure))
        else:
            wait = self._waits[min(attempts - 1, len(self._waits) - 1)]
            state = replace(state, attempts=attempts, retry_at=_utc(now + wait), error=str(failure))
        self._store.record(state)
        return state, dead

    def _rewound(self, target: Target, state: Delivery) -> Delivery | TargetReport:
        """A stream that has lost its end (a server without its disk) gets from the store what it lost."""
        if not isinstance(target, RedisTarget):
            return state
        try:
            newest = target.newest()
        except DeliveryFailed as failure:
            return self._report(target, state, 0, 0, str(failure))
        return replace(state, seq=newest) if newest < state.seq else state

    def _report(
        self, target: Target, state: Delivery, delivered: int, set_aside: int, problem: str | None
    ) -> TargetReport:
        try:
            waiting = sum(_wants(target, event) for event in self._events(state.seq))
        except EventsGone:
            waiting = self._store.head()
        return TargetReport(target.name, delivered, set_aside, waiting, state.seq, state.retry_at, problem)

    def _events(self, after: int) -> Iterable[StoredEvent]:
        while True:
            batch = self._store.events_after(after, BATCH)
            yield from batch
            if len(batch) < BATCH:
                return
            after = batch[-1].seq


_BUSY = "another relay is serving it"


def _wants(target: Target, event: StoredEvent) -> bool:
    return not target.types or event.type in target.types


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
