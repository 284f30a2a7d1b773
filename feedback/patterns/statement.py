"""The one sentence on a card: written from templates and checked so that it cannot carry an instruction."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 400
CHANNEL = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")

_PLACE = {"headline": "headline", "body": "body text", "cta": "call to action", "email": "e-mail", "page": "page"}
_FORBIDDEN = (
    (re.compile(r"https?:|www\.|\b[a-z0-9-]+\.(com|org|net|io|ai|de)\b", re.I), "a link"),
    (re.compile(r"[<>{}\[\]`|\\]|\*\*|__"), "markup"),
    (re.compile(r"\b(system|assistant|developer|user)\s*:", re.I), "a role word"),
    (
        re.compile(r"\b(ignore|disregard|forget|override)\b.*\b(instruction|rule|above|previous|prior)", re.I),
        "an order",
    ),
    (re.compile(r"\b(you (must|should|are now)|act as|pretend|call the|execute|run the)\b", re.I), "an order"),
    (re.compile(r"\b(send .* to|prompt|tool call)\b", re.I), "an order"),
)


def write(kind: str, key: str, noun: str, channels: Sequence[str]) -> str:
    """The card's sentence for a feature (`noun` as in the vocabulary) in the scope's channels.

    Raises ValueError for a channel id that is not a plain id: it would be free text on a card.
    """
    for channel in channels:
        if not CHANNEL.fullmatch(channel):
            raise ValueError(f"channel {channel!r} is not a plain id; it would put free text on a card")
    namespace = key.split(".", 1)[0]
    place = _PLACE.get(namespace, "piece")
    where = " and ".join([", ".join(channels[:-1]), channels[-1]]) if len(channels) > 1 else channels[0]
    if kind == "do":
        return f"Use {noun} in the {place} on {where}; such variants did better than others of the same brief."
    if kind == "avoid":
        return f"Avoid {noun} in the {place} on {where}; such variants did worse than others of the same brief."
    if kind == "neutral":
        return f"Decide freely on {noun} in the {place} on {where}; it made no difference worth acting on."
    raise ValueError(f"kind {kind!r}: one of do, avoid, neutral")


def complaints(statement: str, labels: Sequence[str] = ()) -> list[str]:
    """What is wrong with a statement, as sentences; empty when it may appear on a card.

    `labels` are the registered names of the card's features: the statement must contain at least one.
    """
    faults = []
    if not 1 <= len(statement) <= LONGEST:
        faults.append(f"statement has {len(statement)} characters; 1 to {LONGEST} are allowed")
    hidden = [c for c in statement if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")]
    if hidden:
        faults.append(f"statement holds an invisible character (U+{ord(hidden[0]):04X})")
    if unicodedata.normalize("NFKC", statement) != statement:
        faults.append("statement is not in NFKC normal form")
    if len(re.findall(r"[.!?](\s|$)", statement)) > 1:
        faults.append("statement is more than one sentence")
    for pattern, what in _FORBIDDEN:
        if pattern.search(statement):
            faults.append(f"statement holds {what}")
    if labels and not any(label in statement for label in labels):
        faults.append(f"statement names none of its features ({', '.join(labels)})")
    return faults
