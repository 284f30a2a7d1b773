"""What a row of the content log says about a piece: declared values first, then what the rules read, never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from feedback.patterns.dimensions import DIMENSIONS
from feedback.patterns.vocabulary import HEADLINE, HEADLINE_VERSION, headline_features
from feedback.storage.canonical_json import sha256

Basis = Literal["declared", "extracted", "unknown"]
AUDIENCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
HEADLINE_LANGUAGE = "en"


@dataclass(frozen=True)
class Piece:
    """A row of the content log: texts, language, format and the declared features, as delivered."""

    headline: str | None
    text: str | None
    language: str | None
    format: str | None
    features: Mapping[str, Any] | None


@dataclass(frozen=True)
class PieceFeature:
    """One namespace of a piece. `feature` None: read, and none of its features is there (or `basis` is unknown).

    `delivered` is the value outside the vocabulary, for the message.
    """

    namespace: str
    feature: str | None
    basis: Basis
    version: str | None = None
    delivered: str | None = None


def vocabulary_version() -> str:
    """Changes with any version of any extractor and with the lists of values: what was read before is read again."""
    lists = {d.name: [d.version, *d.values] for d in DIMENSIONS.values()}
    return sha256({"headline": [HEADLINE_VERSION, *HEADLINE], **lists})[:16]


def piece_features(piece: Piece) -> list[PieceFeature]:
    """Every namespace about which the piece says something, with its features.

    A declared value wins over the text. A text in a language that no rule knows, or without a language, says nothing,
    and a declared value outside the list is `unknown`: neither counts as "the feature is absent".
    """
    declared = dict(piece.features or {})
    rows = list(_headline(piece, declared))
    for name, dimension in DIMENSIONS.items():
        given, value = _declared(declared, name)
        if not given and name == "format" and piece.format:
            given, value = True, _plain(piece.format)
        if given:
            known = value if value in dimension.values else None
            if known is None and name == "format":
                continue  # the column serves other figures too and may hold any word
            rows.append(
                PieceFeature(name, f"{name}.{known}", "declared", dimension.version)
                if known
                else PieceFeature(name, None, "unknown", dimension.version, value)
            )
            continue
        text = _opening_text(piece) if name == "hook" else piece.text
        if dimension.read is None or text is None or not text.strip():
            continue
        found = dimension.read(text, (piece.language or "").strip().lower()[:2])
        if found is not None:
            rows.append(PieceFeature(name, f"{name}.{found}", "extracted", dimension.version))
    rows += _audience(declared)
    rows += [PieceFeature(key.partition(".")[0], feature, "declared") for key, feature in _rest(declared)]
    return rows


def _headline(piece: Piece, declared: dict[str, Any]) -> Iterator[PieceFeature]:
    """The object of features lists what a headline has, so a key that it lacks is absent."""
    keys = [key for key in declared if key.startswith("headline.")]
    present = [key for key in keys if _is_true(declared.pop(key))]
    if keys or (piece.features is not None and not piece.headline and not piece.text):
        basis: Basis = "declared"
    elif piece.headline and (piece.language or "").strip().lower()[:2] == HEADLINE_LANGUAGE:
        basis, present = "extracted", headline_features(piece.headline)
    else:
        return
    version = HEADLINE_VERSION
    yield from (PieceFeature("headline", key, basis, version) for key in present)
    if not present:
        yield PieceFeature("headline", None, basis, version)


def _declared(declared: dict[str, Any], name: str) -> tuple[bool, str]:
    """(whether the dimension is declared, its value): `hook: question` and `hook.question: true` say the same."""
    single = declared.pop(name, None)
    dotted = [key for key in declared if key.startswith(f"{name}.")]
    values = [key.partition(".")[2] for key in dotted if _is_true(declared.pop(key))]
    if single is not None and str(single).strip():
        values = [_plain(str(single))]
    if len(values) > 1:
        return True, " and ".join(sorted(values))
    return bool(values), values[0] if values else ""


def _audience(declared: dict[str, Any]) -> Iterator[PieceFeature]:
    value = declared.pop("audience", None)
    if value is None or not str(value).strip():
        return
    name = _plain(str(value))
    known = AUDIENCE.fullmatch(name) is not None
    yield (
        PieceFeature("audience", f"audience.{name}", "declared")
        if known
        else PieceFeature("audience", None, "unknown", None, name)
    )


def _rest(declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys of the company's own: kept, and learned from only once a person has admitted them."""
    for key, value in declared.items():
        if not _is_true(value):
            continue
        own = str(value).strip()
        plain = isinstance(value, (bool, int, float)) or own.lower() in ("true", "present") or _is_number(own)
        yield key, key if plain else f"{key}={own}"


def _opening_text(piece: Piece) -> str | None:
    return piece.headline or piece.text


def _plain(value: str) -> str:
    return re.sub(r"[\s-]+", "_", value.strip().lower())


def _is_true(value: Any) -> bool:
    if value is None or isinstance(value, (dict, list)):
        return False
    if isinstance(value, (bool, int, float)):
        return bool(value)
    text = str(value).strip().lower()
    return text not in ("", "false", "absent", "null", "none", "no") and not (_is_number(text) and float(text) == 0)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
