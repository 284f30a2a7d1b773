"""What is read from a piece of content: declared before read, and unknown is never absent."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from feedback.patterns import VOCABULARY
from feedback.patterns.dimensions import DIMENSIONS
from feedback.patterns.piece_features import Piece, piece_features, vocabulary_version
from models.worlds.written_pieces import CTAS, FILLED, OFFERS, OPENINGS, PROOFS, TONES, written_text


def read(**given: Any) -> dict[str, tuple[str | None, str]]:
    """namespace -> (feature, basis), the last one where a namespace has several."""
    piece = {"headline": None, "text": None, "language": "en", "format": None, "features": None} | given
    return {row.namespace: (row.feature, row.basis) for row in piece_features(Piece(**piece))}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Are your reports late? Learn more.", {"hook": "question", "cta": "learn_more", "proof": "none"}),
        ("en", "How to save time. 7 out of 10 teams do.", {"hook": "how_to", "proof": "statistic"}),
        ("en", "Save 20 % off today.", {"offer": "discount", "proof": "none"}),
        ("en", "According to a study it works. Free for 30 days.", {"proof": "source", "offer": "free_trial"}),
        ("en", "Hurry, last chance. Buy now.", {"tone": "urgent", "cta": "buy"}),
        ("de", "Sind Ihre Berichte spät? Jetzt kostenlos testen.", {"hook": "question", "cta": "trial"}),
        ("de", "Schluss mit Fehlern. Laut einer Umfrage hilft es.", {"hook": "problem", "proof": "source"}),
        ("de", "Als der Monat endete. 20 % Rabatt, ohne Kreditkarte.", {"hook": "story", "offer": "discount"}),
        ("de-AT", "Du kannst es. Demo buchen.", {"tone": "casual", "cta": "demo"}),
    ],
)
def test_rules_read_a_text_in_their_own_language(language: str, text: str, expected: dict[str, str]) -> None:
    found = read(text=text, language=language)
    assert {name: found[name] for name in expected} == {k: (f"{k}.{v}", "extracted") for k, v in expected.items()}


def test_a_declared_value_wins_over_the_text() -> None:
    found = read(text="Are you late? Book a demo.", features={"hook": "Story", "cta.buy": True})
    assert found["hook"] == ("hook.story", "declared")
    assert found["cta"] == ("cta.buy", "declared")
    assert found["proof"] == ("proof.none", "extracted")


@pytest.mark.parametrize(
    ("given", "namespace", "expected"),
    [
        pytest.param({"features": {"tone": "dry"}}, "tone", (None, "unknown"), id="value outside the list"),
        pytest.param({"features": {"cta": "demo", "cta.buy": 1}}, "cta", ("cta.demo", "declared"), id="named twice"),
        pytest.param({"features": {"cta.demo": 1, "cta.buy": 1}}, "cta", (None, "unknown"), id="two values"),
        pytest.param({"text": "Vos rapports ?", "language": "fr"}, "hook", None, id="a language without rules"),
        pytest.param({"text": "Late?", "language": None}, "hook", None, id="no language"),
        pytest.param({"text": "  "}, "hook", None, id="an empty text"),
        pytest.param({"text": "日本語の文章", "language": "ja"}, "length", None, id="words cannot be counted"),
        pytest.param({"headline": "Wie geht das?", "language": "de"}, "headline", None, id="a German headline"),
        pytest.param({"features": {}}, "headline", (None, "declared"), id="an object lists what is there"),
        pytest.param({"features": {"audience": "C-Suite"}}, "audience", ("audience.c_suite", "declared"), id="who"),
        pytest.param({"features": {"audience": "<b>"}}, "audience", (None, "unknown"), id="audience with markup"),
        pytest.param({"format": "newsletter-long"}, "format", None, id="a format of the company's own"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_never_guessed(given: dict[str, Any], namespace: str, expected: Any) -> None:
    assert read(**given).get(namespace) == expected


def test_every_made_up_text_of_the_demo_is_read_as_it_was_written() -> None:
    sentences = {"hook": OPENINGS, "proof": PROOFS, "offer": OFFERS, "cta": CTAS, "tone": TONES, "length": FILLED}
    names = tuple(sentences)
    for values in product(*sentences.values()):
        parts = dict(zip(names, values, strict=True))
        found = read(text=written_text(parts))
        assert {name: found[name][0] for name in names} == {name: f"{name}.{value}" for name, value in parts.items()}


def test_the_usual_value_has_no_card_and_every_other_value_has_one() -> None:
    for name, dimension in DIMENSIONS.items():
        assert f"{name}.{dimension.usual}" not in VOCABULARY
        assert all(f"{name}.{value}" in VOCABULARY for value in dimension.nouns)
    assert vocabulary_version() == vocabulary_version()
