"""One byte form for one JSON value (RFC 8785), so that a hash names a content and not a way of writing it.

Card hashes, snapshots of the feed, the hash chains and the manifests of audit packs all use this form.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value made of dicts, lists, tuples, strings, numbers, booleans and None.

    Raises ValueError for NaN, infinities, whole numbers beyond ±(2**53 - 1), which a double cannot tell apart, lone
    surrogates, keys that are not text, and any other type. Source: RFC 8785.
    """
    return rfc8785.dumps(value)


def sha256(value: Any) -> str:
    """Hex SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def six_digits(value: Any) -> Any:
    """The value with every float rounded to six significant digits: more would be noise that changes hashes."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else value
    if isinstance(value, Mapping):
        return {key: six_digits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [six_digits(item) for item in value]
    return value
