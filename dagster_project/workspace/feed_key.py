"""The secret by which the feed draws who receives which card, and seals its own records of it."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from models.error import PlumblineError

VARIABLE, FILE = "PLUMBLINE_FEED_KEY", "feed.key"
LEAST_CHARACTERS = 32
_KEY = re.compile(rb"[0-9a-f]{64}\s*")


class FeedKeyError(PlumblineError, ValueError):
    """The feed's key can be guessed or is damaged."""


def feed_key(root: Path) -> bytes:
    """PLUMBLINE_FEED_KEY, else the file `feed.key` beside plumbline.yaml, made on first use, for its owner only.

    It is not derived: with another key the offers of the past can no longer be told from forged ones, so back the file
    up with plumbline.yaml. Raises FeedKeyError on a variable of fewer than 32 characters or a damaged file.
    """
    existing = existing_feed_key(root)
    if existing is not None:
        return existing
    key = secrets.token_hex(32).encode()
    try:
        descriptor = os.open(root / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process made it a moment ago
        return feed_key(root)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def existing_feed_key(root: Path) -> bytes | None:
    """The key where there is one; None before the first offer. Writes nothing. Raises FeedKeyError as `feed_key`."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        if len(given) < LEAST_CHARACTERS:
            raise FeedKeyError(
                f"has {len(given)} characters", key=VARIABLE, fix=f"use at least {LEAST_CHARACTERS} random ones"
            )
        return given.encode()
    try:
        content = (root / FILE).read_bytes()
    except FileNotFoundError:
        return None
    if not _KEY.fullmatch(content):
        raise FeedKeyError(
            "is damaged: it must hold 64 hexadecimal characters",
            file=FILE,
            fix="restore it from a backup; or delete it, after which offers of the past cannot be verified",
        )
    return content.strip()
