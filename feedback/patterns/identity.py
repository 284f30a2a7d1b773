"""What makes two cards the same pattern: brand, kind, features, scope and outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from feedback.storage.canonical_json import canonical, sha256

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
DIGITS = 26


def pattern_id(kind: str, features: Sequence[Mapping[str, Any]], scope: Mapping[str, Any], primary_outcome: str) -> str:
    """`pat_` and the identity hash in Crockford base32; the same for all versions, whatever the estimate says.

    A feature counts by key, op and value: a new extractor version is the same pattern under a better reading.
    Order of features, channels and other scope lists does not matter.
    """
    clauses = sorted(
        ({"key": f["key"], "op": f["op"], "value": f.get("value")} for f in features), key=lambda c: canonical(c)
    )
    where = {k: sorted(v) if isinstance(v, (list, tuple)) else v for k, v in scope.items()}
    for dimension in ("formats", "audiences", "markets", "lifecycle"):
        where.setdefault(dimension, [])
    identity = {"kind": kind, "features": clauses, "scope": where, "outcome": primary_outcome}
    number = int.from_bytes(hashlib.sha256(canonical(identity)).digest(), "big")
    return "pat_" + "".join(CROCKFORD[(number >> 5 * i) & 31] for i in range(DIGITS))


def content_sha256(card: Mapping[str, Any]) -> str:
    """The card's hash over everything but the hash itself."""
    return sha256({k: v for k, v in card.items() if k != "content_sha256"})
