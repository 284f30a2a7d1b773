"""What an answer claims about a brand, right or wrong by a fact sheet: numbers and yes-or-no features, by rules only.

A claim is a place, a fact and a verdict; the words of the answer are never returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from models.visibility.reading.folding import folded
from models.visibility.reading.names import Mention

Verdict = Literal["supported", "contradicted", "outdated"]
_SENTENCE = re.compile(r"[^.!?\n。！？]+(?:[.!?](?=\d)[^.!?\n。！？]+)*")
_NUMBER = re.compile(r"\d{1,3}(?:[ ,.'’]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?")
NEAR = 60  # characters between a cue and its number


@dataclass(frozen=True)
class Fact:
    """One version of one fact about a brand: `value` for a number, None for a feature.

    `cues` are the words by which a claim is recognised ("starts at", "SOC 2"), `denials` those that deny a feature.
    `true` says whether a feature is there. A fact whose `valid_to` has passed is kept: who repeats it is outdated.
    """

    fact_id: str
    brand: str
    cues: tuple[str, ...]
    value: float | None = None
    true: bool = True
    denials: tuple[str, ...] = ()
    severity: Literal["low", "medium", "high"] = "medium"
    valid_from: date | None = None
    valid_to: date | None = None

    def __post_init__(self) -> None:
        if not self.cues:
            raise ValueError(f"fact {self.fact_id}: give at least one cue, the words by which a claim is recognised")
        if self.value is not None and self.denials:
            raise ValueError(f"fact {self.fact_id}: a number has a value, a feature has denials; not both")

    def holds_on(self, day: date) -> bool:
        """Whether this version was in force on that day."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True)
class Claim:
    """A claim of an answer: `start`, `end` are code points of the sentence, `value` the number that it gives."""

    fact_id: str
    brand: str
    verdict: Verdict
    severity: str
    start: int
    end: int
    value: float | None = None


def claims(text: str, mentions: list[Mention], facts: Iterable[Fact], day: date) -> list[Claim]:
    """Checkable claims, in order of place: sentences that name exactly one brand and hold a cue of one of its facts.

    A number nearest to the cue is compared with the versions in force on `day` (supported), else with earlier ones
    (outdated), else it is contradicted. A feature is supported or contradicted by cue or denial. Sentences about
    several brands are left out, because nothing here can tell which of them a number belongs to.
    """
    by_id: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        by_id.setdefault((fact.brand, fact.fact_id), []).append(fact)
    found: list[Claim] = []
    for part in _SENTENCE.finditer(text):
        brands = {m.brand for m in mentions if part.start() <= m.start < part.end()}
        if len(brands) != 1:
            continue
        sentence = folded(part[0]).text
        for (brand, fact_id), versions in by_id.items():
            if brand not in brands:
                continue
            read = (
                _number(sentence, versions, day) if versions[0].value is not None else _feature(sentence, versions, day)
            )
            if read is not None:
                verdict, value = read
                found.append(Claim(fact_id, brand, verdict, versions[-1].severity, part.start(), part.end(), value))
    return found


def _number(sentence: str, versions: list[Fact], day: date) -> tuple[Verdict, float] | None:
    for cue in versions[0].cues:
        at = sentence.find(folded(cue).text)
        if at < 0:
            continue
        after = at + len(folded(cue).text)
        number = _NUMBER.search(sentence, after, after + NEAR)
        if number is None:
            continue
        value = _parsed(number[0])
        now = [fact.value for fact in versions if fact.holds_on(day)]
        if value in now:
            return "supported", value
        return ("outdated" if value in [fact.value for fact in versions] else "contradicted"), value
    return None


def _feature(sentence: str, versions: list[Fact], day: date) -> tuple[Verdict, None] | None:
    now = next((fact for fact in versions if fact.holds_on(day)), None)
    if now is None:
        return None
    if any(folded(denial).text in sentence for denial in now.denials):
        return ("contradicted" if now.true else "supported"), None
    if any(folded(cue).text in sentence for cue in now.cues):
        return ("supported" if now.true else "contradicted"), None
    return None


def _parsed(number: str) -> float:
    """A number as people write it: the last mark before one or two digits is the decimal one, all others group."""
    digits = re.sub(r"[ '’]", "", number)
    decimal = re.search(r"[.,](\d{1,2})$", digits)
    if decimal:
        return float(re.sub(r"[.,]", "", digits[: decimal.start()]) + "." + decimal[1])
    return float(re.sub(r"[.,]", "", digits))
