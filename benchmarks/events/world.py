"""The made-up history that every trial writes: change number `i` is a function of seed and `i` alone."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from feedback.memory.store import Change, Event, Version

START = datetime(2026, 1, 5, tzinfo=UTC)
STATES = ("provisional", "promoted", "watch", "retired")
BRAND = "acme"


class History:
    """An endless history of versions of `subjects` patterns."""

    def __init__(self, seed: int, subjects: int = 25) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a simulator, no secret
        self._subjects = subjects
        self._changes: list[Change] = []
        self._newest: dict[str, int] = {}

    def change(self, i: int) -> Change:
        """Change number `i`, counted from 0."""
        while len(self._changes) <= i:
            subject = f"pat_{self._random.randrange(self._subjects):08d}"
            number = self._newest.get(subject, 0) + 1
            self._newest[subject] = number
            state = self._random.choice(STATES)
            body = {"version": number, "state": state, "salt": self._random.randrange(10**9)}
            version = Version("pattern", subject, number, state, body)
            at = START + timedelta(minutes=len(self._changes))
            data = {"pattern_id": subject, "version": number, "state": state, "content_sha256": version.sha256}
            self._changes.append(Change(version, Event("pattern.changed", subject, at, data)))
        return self._changes[i]

    def heads(self, length: int) -> dict[str, tuple[int, str, str]]:
        """Version, state and hash of every subject after the first `length` changes, as every reader must end."""
        heads: dict[str, tuple[int, str, str]] = {}
        for i in range(length):
            version = self.change(i).version
            heads[version.subject] = (version.version, version.state, version.sha256)
        return heads
