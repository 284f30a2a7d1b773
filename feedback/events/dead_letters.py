"""Events that a target did not take after all attempts: kept in a file of its own, to be delivered again on request."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from feedback.memory.cloud_events import cloud_event
from feedback.memory.store import StoredEvent
from feedback.storage.atomic_files import sync_folder, write_atomically
from feedback.storage.canonical_json import canonical


class DeadLetters:
    """`<folder>/dead-letters/<target>.jsonl`: one line per event, readable by its owner only."""

    def __init__(self, folder: Path, target: str) -> None:
        self.path = folder / "dead-letters" / f"{target}.jsonl"

    def add(self, event: StoredEvent, reason: str, attempts: int, at: datetime) -> None:
        """Adds an event, and is on the disk when it returns; one that is there already is not added again."""
        if any(letter["event"].get("id") == event.event_id for letter in self.letters()):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        letter = {
            "seq": event.seq,
            "at": at.isoformat(timespec="seconds"),
            "attempts": attempts,
            "reason": reason,
            "event": cloud_event(event),
        }
        whole = self._complete()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(len(whole))  # a line that a crash cut off was never acknowledged
            file.seek(0, os.SEEK_END)
            file.write(canonical(letter) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self.path.parent)

    def letters(self) -> list[dict[str, Any]]:
        """The letters, oldest first; a line that is none is passed over."""
        found = []
        for line in self._complete().splitlines():
            try:
                letter = json.loads(line)
            except ValueError:
                continue
            if isinstance(letter, dict) and isinstance(letter.get("event"), dict) and type(letter.get("seq")) is int:
                found.append(letter)
        return found

    def remove(self, identities: set[str]) -> None:
        """Drops the letters of events that were delivered after all."""
        kept = [letter for letter in self.letters() if letter["event"].get("id") not in identities]
        write_atomically(self.path, b"".join(canonical(letter) + b"\n" for letter in kept))

    def _complete(self) -> bytes:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return b""
        return content[: content.rfind(b"\n") + 1]
