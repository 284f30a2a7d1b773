"""From creative tests to the feed and back: the whole way in one piece, as the pipeline walks it every week."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from made_cards import RUN

from feedback.memory import changes_after, publish
from feedback.patterns import Card, extract_headlines, next_versions, problems
from feedback.serve import feed_list
from models.patterns import LearnSpec, PromotionPolicy, replay

START = date(2025, 1, 6)
WEEKS = 26


def headline_tests() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Plain headlines; a number adds .25, a question takes .25 of log-odds, the rest does nothing."""
    rng = np.random.default_rng(12)
    tests, texts = [], []
    for week in range(WEEKS):
        for b in range(12):
            story = rng.normal(0, 0.65)
            for v in range(3):
                number, question, you = rng.random(3) < 0.5
                words = ["Better", "7" if number else "some", "reports for", "your" if you else "any", "team"]
                logit = -4.2 + story + 0.25 * number - 0.25 * question + rng.normal(0, 0.2)
                variant = f"w{week}b{b}v{v}"
                clicks = int(rng.binomial(3000, 1 / (1 + np.exp(-logit))))
                tests.append((f"w{week}b{b}", variant, "linkedin", START + timedelta(weeks=week), 3000, clicks))
                texts.append((variant, " ".join(words) + ("?" if question else "")))
    columns = ["brief", "variant", "channel", "week", "trials", "successes"]
    headlines = pl.DataFrame(texts, schema=["variant", "headline"], orient="row")
    return pl.DataFrame(tests, schema=columns, orient="row"), extract_headlines(headlines)


def test_what_works_reaches_the_agents_in_its_true_size_and_twice_is_once(tmp_path: Path) -> None:
    tests, features = headline_tests()
    end = START + timedelta(weeks=WEEKS)
    now = datetime(end.year, end.month, end.day, 6, tzinfo=UTC)
    spec = LearnSpec(placebo_draws=0)
    decided = replay(tests, features, PromotionPolicy(), as_of=end, weeks=12, seed=1, spec=spec)
    cards = next_versions([], decided, now, RUN)
    assert [problems(c) for c in cards] == [[] for _ in cards]
    publish(tmp_path, "acme", cards, now)

    shown = feed_list(tmp_path, "acme", "linkedin", now=now)
    acted = {c["features"][0]["key"]: c for c in shown if c["state"] == "promoted"}
    assert set(acted) == {"headline.number", "headline.question"}
    assert {k: c["kind"] for k, c in acted.items()} == {"headline.number": "do", "headline.question": "avoid"}
    for card in acted.values():
        claim = card["evidence"]["estimates"][0]
        assert claim["ci90"][0] - 0.05 <= 0.25 <= claim["ci90"][1] + 0.05

    again = replay(tests, features, PromotionPolicy(), as_of=end, weeks=12, seed=1, spec=spec)
    assert next_versions(cards, again, now + timedelta(hours=3), replace(RUN, run_id="run_2")) == []
    before = {p.name: p.read_bytes() for p in (tmp_path / "acme").glob("*.json")}
    publish(tmp_path, "acme", cards, now)
    assert {p.name: p.read_bytes() for p in (tmp_path / "acme").glob("*.json")} == before


def test_a_second_week_adds_versions_and_the_outbox_tells_of_them(tmp_path: Path) -> None:
    tests, features = headline_tests()
    stored: list[Card] = []
    told = 0
    decided = []
    for week in range(WEEKS - 3, WEEKS + 1):
        end = START + timedelta(weeks=week)
        now = datetime(end.year, end.month, end.day, 6, tzinfo=UTC)
        decided = replay(
            tests, features, PromotionPolicy(), as_of=end, weeks=8, seed=1, spec=LearnSpec(placebo_draws=0)
        )
        stored += next_versions(stored, decided, now, RUN)
        publish(tmp_path, "acme", stored, now)
        news = changes_after(tmp_path, "acme", told)
        current = {(c["pattern_id"], c["version"]) for c in stored}
        assert {(c["pattern_id"], c["version"]) for c in news} <= current
        told = max([told, *(c["feed_seq"] for c in news)])
    versions = [c["version"] for c in stored if c["features"][0]["key"] == "headline.number"]
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) >= 2
    assert decided
