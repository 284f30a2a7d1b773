"""`CURRENT.json`: which snapshot is the brand's current feed, and when the pipeline last checked it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard

from feedback.patterns.contract import instant
from models.error import PlumblineError

POINTER = "CURRENT.json"
LARGEST_POINTER = 64 * 1024
LARGEST_SEQ = 2**53 - 1
SHA256 = re.compile(r"[0-9a-f]{64}")
POINTER_DAMAGED = "the pointer file is damaged"


class MemoryDamaged(PlumblineError, ValueError):
    """A file of the memory is not what the pipeline wrote; `problem` is the reason that readers are told."""


@dataclass(frozen=True)
class Pointer:
    """The current snapshot by number and hash; `checked_at` is as written, `checked` the same instant."""

    feed_seq: int
    sha256: str
    prev_sha256: str | None
    checked_at: str
    checked: datetime


def pointer_of(content: bytes) -> Pointer:
    """The pointer in the bytes of `CURRENT.json`. Raises MemoryDamaged for anything but what `publish` writes."""
    document = json_object(content, POINTER_DAMAGED)
    feed_seq, prev = document.get("feed_seq"), document.get("prev_sha256", "")
    digest, checked_at = document.get("sha256"), document.get("checked_at")
    if not (is_seq(feed_seq) and feed_seq > 0 and is_sha256(digest) and isinstance(checked_at, str)):
        raise MemoryDamaged(POINTER_DAMAGED)
    if not (prev is None or is_sha256(prev)):
        raise MemoryDamaged(POINTER_DAMAGED)
    try:
        checked = instant(checked_at)
    except ValueError as error:
        raise MemoryDamaged(POINTER_DAMAGED) from error
    return Pointer(feed_seq, digest, prev, checked_at, checked)


def json_object(content: bytes, refusal: str) -> dict[str, Any]:
    """The JSON object in `content`. Raises MemoryDamaged with `refusal` for anything else, however deep or long."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MemoryDamaged(refusal) from error
    if not isinstance(document, dict):
        raise MemoryDamaged(refusal)
    return document


def is_seq(value: object) -> TypeGuard[int]:
    """Whether `value` can be the number of a feed: a whole number from 0 that every JSON reader keeps exactly."""
    return type(value) is int and 0 <= value <= LARGEST_SEQ


def is_sha256(value: object) -> TypeGuard[str]:
    """Whether `value` is a SHA-256 in lower-case hexadecimal."""
    return isinstance(value, str) and SHA256.fullmatch(value) is not None
