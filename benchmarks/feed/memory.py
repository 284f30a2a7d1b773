"""A memory with many cards of a made-up brand, each valid under the contract and with its own hash."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from feedback.memory import publish
from feedback.patterns.contract import schema
from feedback.patterns.identity import CROCKFORD, content_sha256

BRAND = "acme"
CHANNELS = ("google_ads", "linkedin", "meta", "email", "tiktok", "website")


def card_text() -> dict[str, Any]:
    """The example card of the published contract."""
    example: dict[str, Any] = json.loads(json.dumps(schema()["examples"][0]))
    return example


def cards(count: int, now: datetime) -> list[dict[str, Any]]:
    """`count` promoted cards on six channels in turn, valid for a year from the day before `now`."""
    example = card_text()
    times = {
        "valid_from": _z(now - timedelta(days=1)),
        "expires_at": _z(now + timedelta(days=365)),
        "recorded_at": _z(now),
        "supersedes": None,
        "version": 1,
    }
    made = []
    for number in range(count):
        card = example | times | {"pattern_id": f"pat_{_digits(number)}"}
        card["kind"] = ("do", "avoid")[number % 2]
        card["scope"] = example["scope"] | {"brand": BRAND, "channels": [CHANNELS[number % len(CHANNELS)]]}
        made.append(card | {"content_sha256": content_sha256(card)})
    return made


def write(folder: Path, count: int, now: datetime) -> list[str]:
    """Publish `count` cards to the memory in `folder`; returns their ids."""
    made = cards(count, now)
    publish(folder, BRAND, made, now)
    return [card["pattern_id"] for card in made]


def _digits(number: int) -> str:
    return "".join(CROCKFORD[(number >> 5 * place) & 31] for place in range(9, -1, -1))


def _z(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
