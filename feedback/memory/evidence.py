"""What the report says of each channel, published beside the feed for readers that never open the warehouse.

`<memory>/<brand>/EVIDENCE.json` is replaced by each run that builds a report or withholds one; it carries its own hash
and the time of the run, and is refused when it is older than a feed may be.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from feedback.memory.cached_file import CachedFile
from feedback.memory.pointer import MemoryDamaged, json_object
from feedback.memory.reader import CLOCKS_DIFFER, MAX_STALENESS, folder_of
from feedback.patterns.contract import instant
from feedback.storage import canonical_json
from feedback.storage.atomic_files import write_atomically

EVIDENCE = "EVIDENCE.json"
LARGEST = 16 * 1024 * 1024
DAMAGED = "the published evidence is damaged"
NOTHING_YET = "no run has published evidence yet"


@dataclass(frozen=True)
class Evidence:
    """The evidence of one run; `document` is the file, `checked_at` its time, `withheld` why it names no channel."""

    document: dict[str, Any]
    checked_at: datetime
    withheld: str | None

    @property
    def sha256(self) -> str:
        """The hash that names it."""
        return str(self.document["content_sha256"])


def publish_evidence(
    memory: Path,
    brand: str,
    *,
    run_id: str,
    now: datetime,
    channels: Sequence[dict[str, Any]] = (),
    about: dict[str, Any] | None = None,
    withheld: Sequence[str] = (),
) -> Path:
    """Replace the brand's evidence: `channels` as a report prints them, or the reasons why it is `withheld`.

    Evidence of a later time stays: a run as of an earlier day rebuilds a report, and what agents read does not go
    back. Returns the file. Raises ValueError for a brand that is no plain id.
    """
    path = folder_of(memory, brand) / EVIDENCE
    body: dict[str, Any] = {
        "spec": "evidence/1",
        "brand": brand,
        "run_id": run_id,
        "checked_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "withheld": " ".join(withheld) or None,
        "about": about or {},
        "channels": list(channels),
    }
    body["content_sha256"] = canonical_json.sha256(body)
    try:
        before = evidence_of(path.read_bytes(), brand)
        if before.checked_at > instant(body["checked_at"]) or before.document == body:
            return path
    except (OSError, MemoryDamaged):
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, canonical_json.canonical(body))
    return path


def evidence_of(content: bytes, brand: str) -> Evidence:
    """The evidence in the bytes of a file. Raises MemoryDamaged for another hash, another brand or another form."""
    document = json_object(content, DAMAGED)
    try:
        whole = {key: value for key, value in document.items() if key != "content_sha256"}
        if canonical_json.sha256(whole) != document["content_sha256"] or document["spec"] != "evidence/1":
            raise MemoryDamaged(DAMAGED)
        if document["brand"] != brand:
            raise MemoryDamaged("the published evidence belongs to another brand")
        withheld = document["withheld"]
        rows = document["channels"]
        named = all(isinstance(row, dict) and isinstance(row["channel"], str) for row in rows)
        if not named or not isinstance(document["about"], dict) or not isinstance(withheld, str | None):
            raise MemoryDamaged(DAMAGED)
        return Evidence(document, instant(document["checked_at"]), withheld)
    except MemoryDamaged:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise MemoryDamaged(DAMAGED) from error


class EvidenceReader:
    """The evidence of the brands of one memory folder, read again when a file changes."""

    def __init__(self, memory: Path, *, max_staleness: timedelta = MAX_STALENESS) -> None:
        self._memory, self._max_staleness = memory, max_staleness
        self._files: dict[str, CachedFile[Evidence]] = {}

    def current(self, brand: str, now: datetime) -> Evidence:
        """The brand's evidence. Raises MemoryDamaged with the reason where there is none that may be used now."""
        file = self._files.get(brand)
        if file is None:
            path = folder_of(self._memory, brand) / EVIDENCE
            file = self._files[brand] = CachedFile(path, lambda c: evidence_of(c, brand), most_bytes=LARGEST)
        try:
            evidence = file.value()
        except FileNotFoundError:
            raise MemoryDamaged(NOTHING_YET) from None
        except OSError as error:
            raise MemoryDamaged(DAMAGED) from error
        age = now - evidence.checked_at
        if age > self._max_staleness:
            hours = int(age.total_seconds() // 3600)
            raise MemoryDamaged(f"the evidence was published {hours} hours ago; run the pipeline")
        if age < -CLOCKS_DIFFER:
            raise MemoryDamaged("the evidence is dated in the future; a clock is wrong")
        if evidence.withheld is not None:
            raise MemoryDamaged(f"the report is withheld, and with it the numbers of the channels: {evidence.withheld}")
        return evidence


def evidence_body(evidence: Evidence, channels: Sequence[str] | None = None) -> bytes:
    """The answer to a reader: all channels, or those of `channels`."""
    rows = [row for row in evidence.document["channels"] if channels is None or row["channel"] in channels]
    return json.dumps({**evidence.document, "channels": rows, "stale": False}, ensure_ascii=False).encode()
