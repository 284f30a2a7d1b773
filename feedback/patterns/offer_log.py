"""Each variant is dealt to once: the offer is on the disk before anybody sees it, and later questions get it again."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from feedback.patterns.cards import Card, usable
from feedback.patterns.exposure import EpochKey, Offer, is_sealed, offer
from feedback.storage.atomic_files import PART, sync_folder
from feedback.storage.canonical_json import canonical
from models.patterns.assignment import ExposureRules


def deal(
    folder: Path,
    cards: Iterable[Card],
    *,
    master: bytes,
    brand: str,
    brief_id: str,
    variant_ix: int,
    channel: str,
    feed_seq: int,
    now: datetime,
    variant_id: str | None = None,
    rules: ExposureRules | None = None,
) -> Offer:
    """The variant's offer: as first dealt and recorded in `folder`, or dealt and recorded now.

    `folder` is landing/receipts/offers of the workspace; one file per variant, on the disk before this returns.
    A variant keeps its first draw whatever happens to the cards, but a card that was since retired, blocked, replaced
    or has expired is no longer shown. A variant to which no card could be dealt leaves no file. Several processes may
    deal at once: the first file counts. Raises ValueError as `offer` and for a variant that was dealt for another
    channel or under another name, OSError where the record cannot be written.
    """
    menu = list(cards)
    made = offer(
        menu,
        key=EpochKey.of(master, now),
        brand=brand,
        brief_id=brief_id,
        variant_ix=variant_ix,
        channel=channel,
        feed_seq=feed_seq,
        now=now,
        variant_id=variant_id,
        rules=rules,
    )
    name = hashlib.sha256(canonical([brand, brief_id, variant_ix])).hexdigest()[:32]
    path = folder / f"{name}.jsonl"
    earlier = _sealed_records(path, master)
    if earlier is None and made.records:
        earlier = _recorded(path, made.records, master)
    if not earlier:
        return made
    dealt = earlier[0]
    if dealt["channel"] != channel or (variant_id is not None and dealt["variant_id"] != variant_id):
        raise ValueError(
            f"variant {variant_ix} of brief {brief_id} was dealt for channel {dealt['channel']} as"
            f" {dealt['variant_id']}: a variant has one offer; take the next number for another channel or name"
        )
    shown = {(c["pattern_id"], c["version"]): c for c in menu if usable(c, now)}
    on = ((r["pattern_id"], r["version"]) for r in earlier if r["arm"] == "on")
    return Offer(tuple(shown[card] for card in on if card in shown), earlier)


def _recorded(path: Path, records: tuple[dict[str, Any], ...], master: bytes) -> tuple[dict[str, Any], ...]:
    """Write the records unless another process was faster; returns those on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}")
    try:
        with part.open("wb") as file:
            file.write(b"".join(canonical(record) + b"\n" for record in records))
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)  # unlike a rename it fails where a file exists
    except FileExistsError:
        faster = _sealed_records(path, master)
        if faster is not None:
            return faster
        os.replace(part, path)  # not as the feed wrote it: landing refuses such lines anyway
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)
    return records


def _sealed_records(path: Path, master: bytes) -> tuple[dict[str, Any], ...] | None:
    """The records of a file; None where it is missing or not exactly as the feed wrote it."""
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return None
    if not records or not all(isinstance(r, dict) and is_sealed(r, master) for r in records):
        return None
    return tuple(records)
