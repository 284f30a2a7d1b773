"""The shared memory of content agents: complete, hashed and dated snapshots, or none."""

from __future__ import annotations

from feedback.memory.pointer import MemoryDamaged
from feedback.memory.reader import ChangesGone, Current, Feed, MemoryReader, changes_after, read
from feedback.memory.snapshots import MemoryBusy, current_file, damaged, prune, publish

__all__ = [
    "ChangesGone",
    "Current",
    "Feed",
    "MemoryBusy",
    "MemoryDamaged",
    "MemoryReader",
    "changes_after",
    "current_file",
    "damaged",
    "prune",
    "publish",
    "read",
]
