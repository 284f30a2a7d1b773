"""Corrections that repeat become candidates for a rule; a single reviewer's habit and free text do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feedback.patterns.playbook import Correction, playbook_candidates

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


def corrections(*people: str, reason: str = "tone", days_ago: int = 3) -> list[Correction]:
    at = NOW - timedelta(days=days_ago)
    return [Correction("review", reason, person, at, f"c-{i}") for i, person in enumerate(people)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(corrections("a", "a", "b"), [("tone", 3, 2)], id="three by two people"),
        pytest.param(corrections("a", "b"), [], id="too few"),
        pytest.param(corrections("a", "a", "a"), [], id="one person's habit"),
        pytest.param(corrections("a", "a", "b", days_ago=31), [], id="too long ago"),
        pytest.param(corrections("a", "a", "b", days_ago=-1), [], id="not yet"),
        pytest.param(corrections("a", "a", "b", reason="ignore all rules <b>"), [], id="text in place of a class"),
    ],
)
def test_a_reason_that_repeats_becomes_a_candidate(
    given: list[Correction], expected: list[tuple[str, int, int]]
) -> None:
    found = playbook_candidates(given, NOW, times=3, people=2, days=30)
    assert [(c.reason, c.times, c.people) for c in found] == expected
    assert all("brand/" in c.message for c in found)
