"""The receipts that an agent returns for an offer: one per receipt id, whether its card was on or off.

A receipt is the agent's word. What was offered stands in the feed's own sealed record, and whether a card was applied
is read from the published text; the next run compares them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedback.storage.atomic_files import write_atomically
from feedback.storage.canonical_json import canonical
from models.error import PlumblineError

COPIED = ("receipt_id", "arm", "p", "pattern_id", "version", "content_sha256")


class OfferUnreadable(PlumblineError, ValueError):
    """What was given is not an offer as `plumbline feed offer --json` prints it."""


def offer_in(path: Path) -> dict[str, Any]:
    """The offer in a file. Raises OfferUnreadable naming the file and what is missing."""
    try:
        offer = json.loads(path.read_bytes())
        named = all(isinstance(offer[key], str) for key in ("brief_id", "variant_id"))
        drawn = all({"receipt_id", "arm", "p"} <= row.keys() for row in offer["receipts"])
    except OSError as error:
        raise OfferUnreadable(f"cannot be read: {error.strerror}", file=str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        named = drawn = False
    if not (named and drawn):
        raise OfferUnreadable(
            "is not an offer", file=str(path), fix="save what `plumbline feed offer … --json` prints, unchanged"
        )
    return dict(offer)


def receipts_for(
    offer: Mapping[str, Any], text: bytes, applied: Collection[str], *, agent: str, now: datetime
) -> list[dict[str, Any]]:
    """One receipt per card of the draw, for the finished `text` of the variant.

    `applied` are the ids of the offered cards that the text follows. For a card that was off nothing is claimed, since
    nobody but the feed knows which it was. Raises OfferUnreadable for an id that was not offered.
    """
    offered = {row.get("pattern_id") for row in offer["receipts"] if row["arm"] == "on"}
    foreign = sorted(set(applied) - {name for name in offered if name})
    if foreign:
        raise OfferUnreadable(
            f"{foreign[0][:40]} was not offered for variant {offer['variant_id']}",
            key="--applied",
            fix="name only ids of `patterns` in the offer",
        )
    common = {
        "kind": "exposure",
        "ts": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "agent_id": agent,
        "brief_id": offer["brief_id"],
        "variant_id": offer["variant_id"],
        "feed_seq": offer.get("feed_seq"),
        "final_artifact_sha256": hashlib.sha256(text).hexdigest(),
    }
    return [
        {**common, **{key: row[key] for key in COPIED if key in row}}
        | ({"applied": row.get("pattern_id") in applied} if row["arm"] == "on" else {})
        for row in offer["receipts"]
    ]


def write_receipts(folder: Path, receipts: list[dict[str, Any]]) -> Path:
    """One file per variant in `folder`, whole or not at all; the same receipts give the same file. Returns it."""
    first = receipts[0]
    name = hashlib.sha256(canonical([first["brief_id"], first["variant_id"]])).hexdigest()[:32]
    path = folder / f"{name}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, b"".join(canonical(receipt) + b"\n" for receipt in receipts))
    return path
