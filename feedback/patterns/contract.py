"""Whether a card may be stored: the published schema first, then the rules that a schema cannot express."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from feedback.patterns.identity import content_sha256
from feedback.patterns.statement import complaints as statement_complaints
from feedback.patterns.vocabulary import VOCABULARY, FeatureDefinition
from feedback.storage.canonical_json import canonical
from models.error import PlumblineError

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

MIN_CONTRASTS, MIN_P_PROMOTED = 20, 0.80
TIER_OF = {
    "platform_lift": "A",
    "geo_holdout": "A",
    "within_brief_randomised": "B",
    "switchback": "C",
    "platform_ab_divergent": "CD",
    "observational": "D",
    "human_rule": "D",
}


class CardRefused(PlumblineError, ValueError):
    """A card that breaks the contract; the message lists every reason."""


@cache
def schema() -> dict[str, Any]:
    """The published contract, spec pattern/1, as a JSON Schema."""
    loaded: dict[str, Any] = json.loads(files("feedback.patterns").joinpath("pattern.schema.json").read_text("utf-8"))
    return loaded


@cache
def _validator() -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    validator: Validator = extend(Draft202012Validator, {"pattern": _pattern})(schema())
    return validator


def _pattern(_: Validator, pattern: str, text: object, __: object) -> Iterator[ValidationError]:
    """A schema's patterns are ECMAScript's: `$` ends the text, `\\d` is one of ten digits; Python's are wider."""
    from jsonschema import ValidationError

    if isinstance(text, str) and re.search(re.sub(r"\$$", r"\\Z", pattern), text, re.ASCII) is None:
        yield ValidationError(f"{text!r} does not match {pattern!r}")


def instant(text: str) -> datetime:
    """A card's time, always UTC and written with Z. Raises ValueError otherwise."""
    if not text.endswith("Z"):
        raise ValueError(f"{text!r} is not a UTC time like 2026-11-20T06:00:00Z")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def problems(card: Mapping[str, Any], vocabulary: Mapping[str, FeatureDefinition] = VOCABULARY) -> list[str]:
    """Every reason why the card must not be stored; empty when it may be."""
    faults = [f"{e.json_path}: {e.message}" for e in sorted(_validator().iter_errors(card), key=lambda e: e.json_path)]
    if faults:
        return faults
    faults += _times(card)
    faults += _estimates(card)
    faults += _features(card, vocabulary)
    design, tier = card["evidence"]["design"], card["evidence"]["tier"]
    if tier not in TIER_OF[design]:
        faults.append(f"evidence.tier {tier}: design {design} is tier {' or '.join(TIER_OF[design])}")
    supersedes, version = card.get("supersedes"), card["version"]
    if (
        supersedes
        and supersedes.startswith(card["pattern_id"] + "@")
        and supersedes != f"{card['pattern_id']}@{version - 1}"
    ):
        faults.append(f"supersedes {supersedes}: version {version} follows {version - 1}")
    try:
        canonical(card)
    except ValueError as error:
        return [*faults, f"card has no canonical form: {error}"]
    if card["content_sha256"] != content_sha256(card):
        faults.append(
            f"content_sha256 {card['content_sha256'][:12]}…: the content hashes to {content_sha256(card)[:12]}…"
        )
    return faults


def accept(card: Mapping[str, Any], vocabulary: Mapping[str, FeatureDefinition] = VOCABULARY) -> None:
    """Raises CardRefused naming the card and all its problems."""
    faults = problems(card, vocabulary)
    if faults:
        name = f"{card.get('pattern_id', 'card')}@{card.get('version', '?')}"
        raise CardRefused(f"{name} breaks the contract: " + "; ".join(faults))


def _times(card: Mapping[str, Any]) -> list[str]:
    named = {k: card[k] for k in ("valid_from", "expires_at", "recorded_at")}
    named["governance.review_due"] = card["governance"]["review_due"]
    start, end = card["evidence"]["window"]
    named |= {"evidence.window[0]": start, "evidence.window[1]": end}
    faults = []
    for name, text in named.items():
        try:
            instant(text)
        except ValueError as error:
            faults.append(f"{name}: {error}")
    if faults:
        return faults
    if instant(card["expires_at"]) <= instant(card["valid_from"]):
        faults.append(f"expires_at {card['expires_at']} is not after valid_from {card['valid_from']}")
    if instant(end) < instant(start):
        faults.append(f"evidence.window ends {end} before it starts {start}")
    return faults


def _estimates(card: Mapping[str, Any]) -> list[str]:
    faults = []
    for i, e in enumerate(card["evidence"]["estimates"]):
        low, high = e["ci90"]
        if not low <= e["shrunk"] <= high:
            faults.append(f"evidence.estimates[{i}]: shrunk {e['shrunk']} lies outside ci90 [{low}, {high}]")
    if card["state"] == "promoted" and card["trust"] == "measured":
        first = card["evidence"]["estimates"][0]
        if first["n_contrasts"] < MIN_CONTRASTS:
            faults.append(f"promoted on {first['n_contrasts']} contrasts, needs {MIN_CONTRASTS}")
        if card["kind"] != "neutral" and (first["shrunk"] <= 0 or first["p_gt_0"] < MIN_P_PROMOTED):
            faults.append(f"promoted with shrunk {first['shrunk']} and p_gt_0 {first['p_gt_0']}: needs > 0 and >= 0.8")
    return faults


def _features(card: Mapping[str, Any], vocabulary: Mapping[str, FeatureDefinition]) -> list[str]:
    faults, labels = [], []
    for f in card["features"]:
        definition = vocabulary.get(f["key"])
        if definition is None:
            faults.append(f"feature {f['key']} is not in the vocabulary")
            continue
        labels.append(definition.label)
        if (f["extractor"], f["extractor_version"]) != (definition.extractor, definition.version):
            faults.append(
                f"feature {f['key']} was read by {f['extractor']} {f['extractor_version']}, the vocabulary has"
                f" {definition.extractor} {definition.version}"
            )
    return faults + statement_complaints(card["statement"], labels)
