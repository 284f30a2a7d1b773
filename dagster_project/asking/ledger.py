"""The books of the panel: every slot with its state, every call with its cost; the truth after any crash.

One SQLite file, because an answer, the state of its slot and its cost must become visible together or not at all, and
because the warehouse is closed to others while a run goes on and may be rebuilt from landing/. Money is kept in
millionths of a US dollar.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from dagster_project.asking.day_plan import Slot
from dagster_project.asking.spending import MICRO, CapReached, room
from dagster_project.workspace.ai_settings import Llm
from models.error import PlumblineError

_SCHEMA = """
create table if not exists slot (
    answer_id text primary key, day text not null, position integer not null, slot text not null,
    state text not null, attempts integer not null default 0, line text, batch integer,
    told text);
create index if not exists slot_of_day on slot (day, state);
create table if not exists cost (
    entry_id text primary key, charged_at text not null, day text not null, purpose text not null, engine text,
    model text not null, answer_id text, state text not null, estimate_usd integer not null,
    held_usd integer not null, actual_usd integer,
    cost_source text);
create index if not exists cost_of_day on cost (day);
create table if not exists batch (
    batch integer primary key autoincrement, day text not null, published integer not null);
create table if not exists panel (
    period text not null, version integer not null, sha256 text not null, frozen_at text not null, reason text,
    prompts text not null, primary key (period, version));
"""
PENDING, ASKING, ANSWERED, FAILED = "pending", "asking", "answered", "failed"


class LedgerError(PlumblineError):
    """The books of the panel cannot be opened, or another process is using them."""


class Ledger:
    """The open books; use `opened`. Every method is one transaction that is on the disk when it returns."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self.con = con
        self.recovered = 0

    def recover(self) -> None:
        """Close what a process that died left open; `recovered` counts its calls whose outcome is unknown.

        The provider may have answered and charged such a call, so its estimate stays charged. Its answer was never
        seen: the slot is asked again.
        """
        with self.con:
            self.con.execute("update cost set state = 'unknown', cost_source = 'estimate' where state = 'reserved'")
            found = self.con.execute("update slot set state = ? where state = ?", (PENDING, ASKING))
        self.recovered = found.rowcount

    def plan(self, slots: Sequence[Slot]) -> None:
        """Enter the slots that are not known yet as pending, in their order."""
        with self.con:
            self.con.executemany(
                "insert or ignore into slot (answer_id, day, position, slot, state) values (?, ?, ?, ?, ?)",
                [(s.answer_id, s.day.isoformat(), place, s.as_text(), PENDING) for place, s in enumerate(slots)],
            )

    def states(self, slots: Iterable[Slot]) -> dict[str, str]:
        """The state of each slot that is known, by its answer_id."""
        known = dict(self.con.execute("select answer_id, state from slot"))
        return {s.answer_id: known[s.answer_id] for s in slots if s.answer_id in known}

    def reserve(
        self,
        caps: Llm,
        day: date,
        *,
        model: str,
        estimate: Decimal,
        most: Decimal | None = None,
        purpose: str = "collect",
        slot: Slot | None = None,
    ) -> str:
        """Take `most` (US dollars, `estimate` if not given) out of the caps before a call; returns the entry to settle.

        Raises CapReached, naming the cap, where it does not fit; then nothing is written.
        """
        held = estimate if most is None else most
        with self.con:
            self.con.execute("begin immediate")
            left, cap = room(self.con, caps, day, purpose)
            if held > left:
                raise CapReached(
                    f"{max(left, Decimal(0)):.4f} US dollars are left and the next answer may cost {held:.4f}",
                    file="plumbline.yaml",
                    key=cap,
                    fix="the same command goes on tomorrow, or once the cap is raised",
                )
            entry = uuid.uuid4().hex
            self.con.execute(
                "insert into cost values (?, ?, ?, ?, ?, ?, ?, 'reserved', ?, ?, null, null)",
                (
                    entry, _instant(), day.isoformat(), purpose, slot.engine if slot else None, model,
                    slot.answer_id if slot else None, int(estimate * MICRO), int(held * MICRO),
                ),
            )  # fmt: skip
            if slot is not None:
                self.con.execute(
                    "update slot set state = ?, attempts = attempts + 1 where answer_id = ?", (ASKING, slot.answer_id)
                )
        return entry

    def settle(
        self,
        entry: str,
        *,
        actual: Decimal | None,
        source: str,
        slot: Slot | None = None,
        line: dict[str, Any] | None = None,
    ) -> None:
        """Charge a call, and in the same transaction keep its answer and mark its slot as answered.

        `actual` None: the price is unknown, the estimate is charged.
        """
        with self.con:
            self.con.execute(
                "update cost set state = ?, actual_usd = ?, cost_source = ? where entry_id = ?",
                (
                    "unknown" if actual is None else "settled",
                    None if actual is None else int(actual * MICRO),
                    source,
                    entry,
                ),
            )
            if slot is not None and line is not None:
                self._keep(slot, ANSWERED, line)

    def release(self, entry: str) -> None:
        """Give a reservation back: the provider refused the call, so it costs nothing."""
        with self.con:
            self.con.execute("update cost set state = 'released' where entry_id = ?", (entry,))

    def fail(self, slot: Slot, line: dict[str, Any]) -> None:
        """Keep that a slot has no answer after every attempt; a later call of the command asks it again."""
        with self.con:
            self._keep(slot, FAILED, line)

    def put_back(self, slot: Slot) -> None:
        """A slot whose call did not take place is pending again."""
        with self.con:
            self.con.execute("update slot set state = ? where answer_id = ?", (PENDING, slot.answer_id))

    def close_day(self, lines: Iterable[tuple[Slot, dict[str, Any]]]) -> None:
        """Keep for each slot that was not asked why it was not; it stays pending and can still be asked on its day."""
        with self.con:
            for slot, line in lines:
                self._keep(slot, PENDING, line)
                self.con.execute("update slot set told = ? where answer_id = ?", (line["error_kind"], slot.answer_id))

    def told(self) -> dict[str, str]:
        """The reason that was delivered last for each slot that is open, by its answer_id."""
        return dict(self.con.execute("select answer_id, told from slot where state = 'pending' and told is not null"))

    def _keep(self, slot: Slot, state: str, line: dict[str, Any]) -> None:
        self.con.execute(
            "update slot set state = ?, line = ?, batch = null where answer_id = ?",
            (state, json.dumps(line, ensure_ascii=False, default=str), slot.answer_id),
        )

    def highest_cost(self, engine: str) -> Decimal | None:
        """The dearest answer of the engine so far, in US dollars; None before the first."""
        row = self.con.execute(
            "select max(actual_usd) from cost where engine = ? and state = 'settled'", (engine,)
        ).fetchone()
        return None if row[0] is None else Decimal(row[0]) / MICRO

    def mean_cost(self, engine: str, model: str, last: int = 200) -> Decimal | None:
        """Mean price of the engine's newest answers by this model, in US dollars; None with fewer than twenty."""
        row = self.con.execute(
            "select count(*), avg(actual_usd) from (select actual_usd from cost where engine = ? and model = ?"
            " and state = 'settled' order by charged_at desc limit ?)",
            (engine, model, last),
        ).fetchone()
        return Decimal(row[1]) / MICRO if row[0] >= 20 else None


@contextmanager
def opened(folder: Path) -> Iterator[Ledger]:
    """The books in `folder`, locked against other processes, and recovered from one that died.

    Raises LedgerError where another process holds them or the file is damaged.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / "asking.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LedgerError(
            "another `plumbline ask` is running in this workspace", fix="wait for it, or stop it with Ctrl-C"
        ) from None
    try:
        with read(folder / "ledger.sqlite", create=True) as ledger:
            ledger.recover()
            yield ledger
    finally:
        lock.release()


@contextmanager
def read(path: Path, *, create: bool = False) -> Iterator[Ledger]:
    """The books as they stand, without the lock: for reading beside a process that asks.

    Raises LedgerError where the file is no ledger.
    """
    try:
        con = sqlite3.connect(path if create else f"{path.as_uri()}?mode=ro", uri=not create, timeout=30)
        try:
            con.execute("pragma busy_timeout = 30000")
            if create:
                con.execute("pragma journal_mode = wal")
                con.execute("pragma synchronous = full")
                con.executescript(_SCHEMA)
                path.chmod(0o600)
            yield Ledger(con)
        finally:
            con.close()
    except sqlite3.DatabaseError as error:
        raise LedgerError(
            f"{path.name} cannot be used ({error})",
            file=f"{path.parent.name}/{path.name}",
            fix="restore it from a backup; published answers are in landing/, open slots and caps only there",
        ) from error


def _instant() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
