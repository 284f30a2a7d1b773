"""A consumer that keeps what it was told in its own database, by the two rules that docs/methods/events.md gives."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists inbox (id text primary key, sequence integer not null, event text not null);
create table if not exists state (subject text primary key, version integer, state text, sha256 text);
create table if not exists count (what text primary key, n integer not null);
"""
COUNTED = ("repeated", "stale", "injected")


class Consumer:
    """Keeps every event it got, and per subject the newest state; repetitions and wrong order are counted."""

    def __init__(self, path: Path) -> None:
        self._con = sqlite3.connect(path, isolation_level=None, timeout=20)
        self._con.execute("pragma journal_mode = wal")
        self._con.executescript(SCHEMA)

    def take(self, events: list[dict[str, Any]], shuffle: random.Random, cursor: str | None = None) -> None:
        """Applies events, some of them twice and in another order, and keeps the cursor, all in one transaction."""
        import json

        self._con.execute("begin immediate")
        try:
            for event in events:
                added = self._con.execute(
                    "insert or ignore into inbox values (?, ?, ?)",
                    [event["id"], int(event["sequence"]), json.dumps(event)],
                ).rowcount
                if not added:
                    self._count("repeated")
            earlier = self._con.execute("select event from inbox order by random() limit ?", [shuffle.randrange(3)])
            again = [json.loads(row[0]) for row in earlier]
            for _ in again:
                self._count("injected")
            mixed = [*events, *again]
            shuffle.shuffle(mixed)
            for event in mixed:
                self._apply(event)
            if cursor is not None:
                self._con.execute("insert or replace into count values ('cursor', ?)", [cursor])
            self._con.execute("commit")
        except BaseException:
            self._con.execute("rollback")
            raise

    def cursor(self) -> int:
        """Up to which number everything was taken."""
        row = self._con.execute("select n from count where what = 'cursor'").fetchone()
        return int(row[0]) if row else 0

    def ids(self) -> dict[str, int]:
        """Number of every event that ever came, by id."""
        return {str(row[0]): int(row[1]) for row in self._con.execute("select id, sequence from inbox")}

    def heads(self) -> dict[str, tuple[int, str, str]]:
        """What the consumer believes now, as `History.heads` says what is true."""
        rows = self._con.execute("select subject, version, state, sha256 from state")
        return {str(r[0]): (int(r[1]), str(r[2]), str(r[3])) for r in rows}

    def counts(self) -> dict[str, int]:
        """How many events came again, came late, or were injected."""
        rows = dict(self._con.execute("select what, n from count").fetchall())
        return {what: int(rows.get(what, 0)) for what in COUNTED}

    def close(self) -> None:
        """Gives up the database."""
        self._con.close()

    def _apply(self, event: dict[str, Any]) -> None:
        data = event["data"]
        row = self._con.execute("select version from state where subject = ?", [event["subject"]]).fetchone()
        if row is not None and row[0] >= data["version"]:
            self._count("stale")
            return
        self._con.execute(
            "insert or replace into state values (?, ?, ?, ?)",
            [event["subject"], data["version"], data["state"], data["content_sha256"]],
        )

    def _count(self, what: str) -> None:
        self._con.execute(
            "insert into count values (?, 1) on conflict (what) do update set n = n + 1",
            [what],
        )
