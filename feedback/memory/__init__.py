"""The shared memory of content agents: complete, hashed and dated snapshots, or none."""

from __future__ import annotations

from feedback.memory.snapshots import (
    ChangesGone,
    Feed,
    MemoryBusy,
    changes_after,
    current_file,
    damaged,
    prune,
    publish,
    read,
)

__all__ = ["ChangesGone", "Feed", "MemoryBusy", "changes_after", "current_file", "damaged", "prune", "publish", "read"]
