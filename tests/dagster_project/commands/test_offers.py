"""`plumbline feed offer`: cards for one variant, the record in landing/, and a sentence where there is none."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from dagster_project.cli import app
from feedback.memory import publish
from feedback.patterns import CardRun, next_versions
from models.patterns import LearnSpec, PromotionPolicy, replay

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


@pytest.fixture
def ws(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_FEED_KEY", "k" * 40)
    (tmp_path / "landing").mkdir()
    (tmp_path / "plumbline.yaml").write_text("company: {brand: acme}\nclock: 2026-11-16\n")
    return tmp_path


@pytest.fixture
def cards():
    """A card that tells variants with a number apart from those without, learned from 40 made-up briefs."""
    tests, features = [], []
    for b in range(40):
        for v, clicks in enumerate((150 + b, 190 + b)):
            week = date(2026, 9, 28) + timedelta(weeks=b % 6)
            tests.append((f"b{b}", f"b{b}v{v}", "linkedin", week, 3000, clicks))
        features.append((f"b{b}v1", "headline.number"))
    columns = ["brief", "variant", "channel", "week", "trials", "successes"]
    decisions = replay(
        pl.DataFrame(tests, schema=columns, orient="row"),
        pl.DataFrame(features, schema=["variant", "feature"], orient="row"),
        PromotionPolicy(),
        as_of=date(2026, 11, 16),
        weeks=3,
        seed=1,
        spec=LearnSpec(placebo_draws=0),
    )
    run = CardRun("acme", "run_1", "git:1", "4e" * 32, "marts/hook_test.sql@1")
    return next_versions([], decisions, NOW, run)


def asked(ws, *more):
    return CliRunner().invoke(app, ["feed", "offer", str(ws), "--brief", "b9", "--channel", "linkedin", *more])


def test_an_offer_is_recorded_once_and_shows_only_cards_that_are_on(ws, cards):
    publish(ws / "memory", "acme", cards, NOW)
    answers = [asked(ws, "--variant", str(i), "--json") for i in range(8)]
    assert {a.exit_code for a in answers} == {0}
    assert [asked(ws, "--variant", str(i), "--json").stdout for i in range(8)] == [a.stdout for a in answers]
    documents = [json.loads(a.stdout) for a in answers]
    assert {len(d["patterns"]) for d in documents} == {0, 1}
    for d in documents:
        assert [r["arm"] for r in d["receipts"]] == ["on" if d["patterns"] else "off"]
    lines = [json.loads(f.read_text()) for f in (ws / "landing" / "receipts" / "offers").glob("*.jsonl")]
    assert len(lines) == 8
    assert {line["kind"] for line in lines} == {"offer"}


def test_without_a_feed_or_a_fitting_card_it_says_so(ws, cards):
    nothing = asked(ws)
    assert nothing.exit_code == 3
    assert "nothing was published yet" in nothing.stderr
    publish(ws / "memory", "acme", cards, NOW)
    foreign = CliRunner().invoke(app, ["feed", "offer", str(ws), "--brief", "b9", "--channel", "radio"])
    assert foreign.exit_code == 1
    assert "no card of the feed holds for channel radio" in foreign.stderr
    impossible = CliRunner().invoke(app, ["feed", "offer", str(ws), "--brief", "b\t9", "--channel", "linkedin"])
    assert impossible.exit_code == 2
    assert "control characters" in impossible.stderr


def test_an_empty_feed_says_why_instead_of_listing_no_cards(ws, cards):
    nothing = CliRunner().invoke(app, ["feed", "list", str(ws), "--json"])
    assert nothing.exit_code == 3
    assert "lists no cards: nothing was published yet" in nothing.stderr


def test_neutral_cards_are_listed_only_on_request(ws, cards):
    from feedback.patterns.identity import content_sha256

    neutral = [
        dict(card, kind="neutral", pattern_id=f"pat_{'0' * 8}{i:02}", state="provisional")
        for card in cards
        for i in (1, 2)
    ]
    neutral = [card | {"content_sha256": content_sha256(card)} for card in neutral]
    publish(ws / "memory", "acme", [*cards, *neutral], NOW)

    def listed(*more):
        answer = CliRunner().invoke(app, ["feed", "list", str(ws), "--json", *more])
        return [card["kind"] for card in json.loads(answer.stdout)["patterns"]]

    assert listed() == ["do"]
    assert listed("--neutral") == ["do", "neutral", "neutral"]
