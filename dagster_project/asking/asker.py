"""Asks the slots of a day: retries, pauses, rate limits, many calls at once, and a clean stop at a cap or a signal."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import SystemRandom
from typing import Any

from dagster_project.asking.answer_line import answered, unanswered
from dagster_project.asking.calls import CallFailed, Raw, call
from dagster_project.asking.day_plan import Slot
from dagster_project.asking.ledger import Ledger
from dagster_project.asking.preview import price_of
from dagster_project.asking.reading import ERROR, Reading, read_response
from dagster_project.asking.spending import CapReached
from dagster_project.asking.traces import Traces
from dagster_project.workspace.ai_settings import Engine
from dagster_project.workspace.settings import Settings

FIRST_PAUSE = 1.0  # seconds before the second attempt; doubled for each further one
FAILURES_IN_A_ROW = 10  # slots of one engine without an answer, after which it is left alone
BUDGET, OUTAGE, INTERRUPTED = "budget", "outage", "interrupted"


@dataclass
class Outcome:
    """What a call of the command did: answers by status, why it stopped early, and engines that were given up."""

    statuses: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None
    stop_reason: str | None = None
    engines_out: dict[str, str] = field(default_factory=dict)
    spent_usd: Decimal = Decimal(0)


@dataclass
class _State:
    """One engine while it is asked."""

    engine: Engine
    key: str
    queue: deque[Slot]
    not_before: float = 0.0
    failures: int = 0
    out: str | None = None


class Asker:
    """`clock` says what time it is for the answers; `progress` is called after each slot with its status."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        panel_version: str,
        traces: Traces,
        *,
        clock: Callable[[], datetime],
        progress: Callable[[Slot, str], None],
        library: Any,
    ) -> None:
        self.ledger, self.settings, self.panel_version, self.traces = ledger, settings, panel_version, traces
        self.clock, self.progress, self.library = clock, progress, library
        self.outcome = Outcome()
        self._in_flight = 0
        self._stopping = False
        self._random = SystemRandom()

    def run(self, slots: Sequence[Slot], keys: dict[str, str]) -> Outcome:
        """Ask these slots; `keys` are the secrets by engine. Every answer is in the books when this returns."""
        engines = {e.name: e for e in self.settings.ai.engines}
        states = []
        for name, key in keys.items():
            mine = deque(s for s in slots if s.engine == name)
            if mine:
                states.append(_State(engines[name], key, mine))
        asyncio.run(self._all(states))
        self.outcome.engines_out = {s.engine.name: s.out for s in states if s.out}
        return self.outcome

    async def _all(self, states: list[_State]) -> None:
        self._finished = asyncio.Condition()
        loop, workers = asyncio.get_running_loop(), []
        for state in states:
            workers += [asyncio.create_task(self._worker(state)) for _ in range(state.engine.concurrency)]

        def on_signal() -> None:
            if self._stopping:  # asked twice: do not wait for the answers that are under way
                for worker in workers:
                    worker.cancel()
            self.stop(INTERRUPTED, "a signal; the answers under way were waited for")

        handled = []
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, on_signal)
                handled.append(number)
            except (ValueError, RuntimeError, NotImplementedError):
                break  # not in the main thread: whoever runs this handles signals
        try:
            results = await asyncio.gather(*workers, return_exceptions=True)
        finally:
            for number in handled:
                loop.remove_signal_handler(number)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result

    def stop(self, reason: str, sentence: str) -> None:
        """Begin no further call; those under way are waited for."""
        if not self._stopping:
            self._stopping, self.outcome.stop_reason, self.outcome.stopped = True, reason, sentence

    async def _worker(self, state: _State) -> None:
        while state.queue and not self._stopping and not state.out:
            slot = state.queue.popleft()
            try:
                status = await self._slot(state, slot)
            except BaseException:
                self._stopping = True
                raise
            if status is not None:
                self.outcome.statuses[status] += 1
                self.progress(slot, status)

    async def _slot(self, state: _State, slot: Slot) -> str | None:
        """The status with which the slot ended; None where it stays open."""
        engine, why, timed_out = state.engine, "", False
        for attempt in range(1, engine.attempts + 1):
            if not await self._turn(state):
                self.ledger.put_back(slot)
                return None
            entry = await self._reserved(state, slot)
            if entry is None:
                self.ledger.put_back(slot)
                return None
            asked_at, began = self.clock(), time.monotonic()
            try:
                raw = await call(self.library, engine, slot.prompt.prompt_text, _country(slot), state.key)
            except CallFailed as failed:
                self.traces.write(slot, engine, seconds=time.monotonic() - began, attempt=attempt, error=failed.kind)
                await self._charged(entry, failed, engine)
                if failed.engine_is_out:
                    state.out = failed.kind
                    self.ledger.put_back(slot)
                    return None
                why, timed_out = failed.kind, failed.timed_out
                if not failed.again:
                    break
                await self._pause(state, attempt, failed.pause)
                continue
            reading = read_response(raw.response, engine.by_route)
            self._trace(slot, engine, time.monotonic() - began, attempt, raw, reading)
            line = answered(slot, engine, self.panel_version, asked_at, raw, reading, attempt)
            final = reading.status != ERROR
            self.ledger.settle(
                entry, actual=raw.cost_usd, source=raw.cost_source, slot=slot if final else None, line=line
            )
            self.outcome.spent_usd += raw.cost_usd if raw.cost_usd is not None else price_of(engine, self.ledger)
            await self._landed()
            if final:
                state.failures = 0
                return reading.status
            why, timed_out = reading.error_kind or ERROR, False
            await self._pause(state, attempt, None)
        return self._failed(state, slot, why, "timeout" if timed_out else ERROR)

    def _failed(self, state: _State, slot: Slot, why: str, status: str) -> str:
        attempts = state.engine.attempts
        self.ledger.fail(
            slot,
            unanswered(slot, state.engine, self.panel_version, self.clock(), status=status, why=why, attempts=attempts),
        )
        state.failures += 1
        if state.failures >= FAILURES_IN_A_ROW:
            state.out = f"{state.failures} questions in a row without an answer, the last with {why}"
        return status

    async def _turn(self, state: _State) -> bool:
        """Wait until the engine's rate limit allows a call; False where asking stopped meanwhile."""
        now = time.monotonic()
        begin = max(now, state.not_before)
        state.not_before = begin + 60 / state.engine.per_minute
        while begin > time.monotonic() and not self._stopping:
            await asyncio.sleep(min(0.2, max(0.0, begin - time.monotonic())))
        return not self._stopping and not state.out

    async def _reserved(self, state: _State, slot: Slot) -> str | None:
        """An entry in the books; None where the cap is reached, and then asking stops.

        Side by side, calls are held at the most that each can cost, so that together they cannot exceed a cap. Where
        that no longer fits, one call at a time goes on at the usual price: the cap is exceeded by one answer at most.
        """
        engine = state.engine
        price = price_of(engine, self.ledger)
        seen = self.ledger.highest_cost(engine.name)
        most = max(engine.ceiling_usd, price, 2 * seen if seen is not None else Decimal(0))
        while not self._stopping:
            for held in (most, price) if not self._in_flight else (most,):
                try:
                    entry = self.ledger.reserve(
                        self.settings.llm, slot.day, model=engine.model or "", estimate=price, most=held, slot=slot
                    )
                except CapReached as reached:
                    refusal = reached
                    continue
                self._in_flight += 1
                return entry
            if not self._in_flight:
                self.stop(BUDGET, str(refusal))
                return None
            async with self._finished:
                await self._finished.wait()
        return None

    async def _charged(self, entry: str, failed: CallFailed, engine: Engine) -> None:
        if failed.may_be_charged:
            self.ledger.settle(entry, actual=None, source="estimate")
            self.outcome.spent_usd += price_of(engine, self.ledger)
        else:
            self.ledger.release(entry)
        await self._landed()

    async def _landed(self) -> None:
        self._in_flight -= 1
        async with self._finished:
            self._finished.notify_all()

    async def _pause(self, state: _State, attempt: int, told: float | None) -> None:
        """Before the next attempt: what the provider told, for the whole engine, or a doubling wait with chance."""
        if attempt == state.engine.attempts:
            return
        seconds = told if told is not None else FIRST_PAUSE * 2 ** (attempt - 1) * self._random.uniform(0.5, 1.5)
        if told is not None:
            state.not_before = max(state.not_before, time.monotonic() + told)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping:
            await asyncio.sleep(min(0.2, max(0.0, until - time.monotonic())))

    def _trace(self, slot: Slot, engine: Engine, seconds: float, attempt: int, raw: Raw, reading: Reading) -> None:
        self.traces.write(
            slot,
            engine,
            seconds=seconds,
            attempt=attempt,
            error=reading.error_kind,
            **{
                "gen_ai.response.model": reading.served_model,
                "gen_ai.response.id": raw.response.get("id"),
                "gen_ai.response.finish_reasons": [reading.finish_reason] if reading.finish_reason else None,
                "gen_ai.usage.input_tokens": reading.input_tokens,
                "gen_ai.usage.output_tokens": reading.output_tokens,
                "plumbline.cost_usd": None if raw.cost_usd is None else float(raw.cost_usd),
                "plumbline.search_calls": len(reading.queries),
            },
        )


def _country(slot: Slot) -> str | None:
    """The country of the question's locale, as `DE` of `de-DE`."""
    _, _, country = slot.prompt.locale.partition("-")
    return country or None
