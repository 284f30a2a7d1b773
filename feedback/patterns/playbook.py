"""Corrections that people keep making: candidates for a rule of the brand, which a person writes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["review", "approval"]
PLAIN_REASON = re.compile(r"[a-z][a-z0-9_ -]{0,39}")


@dataclass(frozen=True)
class Correction:
    """One draft returned or one request denied: by whom, when, why, and what it was about."""

    source: Kind
    reason: str
    person: str
    at: datetime
    about: str


@dataclass(frozen=True)
class PlaybookCandidate:
    """A reason that repeats: how often, from how many people, and the newest case."""

    source: Kind
    reason: str
    times: int
    people: int
    first_at: datetime
    last_at: datetime
    example: str

    @property
    def message(self) -> str:
        """What was seen and what to do; it claims no effect."""
        what = "Drafts came back" if self.source == "review" else "Requests were denied"
        return (
            f"{what} {self.times} times for {self.reason!r}, by {self.people} people. Write what they expect into a"
            " document in brand/, so that drafts meet it; the candidate disappears when they do."
        )


def playbook_candidates(
    corrections: Iterable[Correction], now: datetime, *, times: int, people: int, days: int
) -> list[PlaybookCandidate]:
    """Reasons given at least `times` times by at least `people` persons in the last `days`, most frequent first.

    A reason that is not a plain class (a sentence, markup) is nobody's class and is left out: it is text from outside.
    """
    groups: dict[tuple[Kind, str], list[Correction]] = {}
    for correction in corrections:
        if now - timedelta(days=days) < correction.at <= now and PLAIN_REASON.fullmatch(correction.reason):
            groups.setdefault((correction.source, correction.reason), []).append(correction)
    found = []
    for (source, reason), cases in groups.items():
        persons = {case.person for case in cases}
        if len(cases) < times or len(persons) < people:
            continue
        newest = max(cases, key=lambda case: (case.at, case.about))
        first = min(case.at for case in cases)
        found.append(PlaybookCandidate(source, reason, len(cases), len(persons), first, newest.at, newest.about))
    return sorted(found, key=lambda c: (-c.times, c.source, c.reason))
