"""Pieces of content with their texts: opening, proof, offer, call to action, tone and length of known effect.

Each brief has two to four variants that differ in these parts at random, so what a rule reads from the text can be
compared with what the world put into it. A random stream of its own keeps all other rows of a company as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.worlds.calendar import monday
from models.worlds.contents import BRIEF_SD, CHANNEL_SHARES, EFFECT, FEATURES, RESIDUAL_SD
from models.worlds.roster import Roster

SHARE_OF_BRIEFS = 1.2
ORDERS_PER_SUCCESS, ORDER_VALUE = 0.03, 80.0
AUDIENCES = ("executive", "practitioner")
# Sentences per value; no sentence may carry a word that a rule reads as another dimension's value.
OPENINGS = {
    "statement": "Good reports need little work.",
    "question": "Are your reports late again?",
    "how_to": "How to close the month calmly.",
    "number": "Teams save 6 hours each month.",
    "problem": "Most teams waste a week on reports.",
    "story": "Last spring our team was late every month.",
    "news": "Introducing calm month ends.",
}
PROOFS = {
    "none": "",
    "statistic": "It cuts time by 41 percent.",
    "customer": "Teams at Brightwell say the same.",
    "source": "A recent survey shows it.",
}
OFFERS = {"none": "", "discount": "The first year is discounted.", "free_trial": "No credit card is needed."}
CTAS = {
    "none": "",
    "demo": "Book a demo.",
    "trial": "Start for free.",
    "learn_more": "Learn more on our site.",
}
TONES = {"plain": "", "urgent": "Hurry, the quarter ends.", "casual": "It's easier than it sounds."}
FILLERS = (
    "The figures arrive in one place and everybody reads the same page.",
    "A change in one sheet is carried to all others within minutes.",
    "Whoever asks for a number sees where it came from.",
    "Notes stay beside the figures that they explain.",
    "Each step is recorded and can be followed afterwards.",
    "The books and the report agree to the cent.",
    "Roles decide who may read and who may write.",
    "Regions and products can be told apart in every table and chart.",
    "Access ends on the day on which somebody leaves the company.",
    "Old versions remain readable for as long as they are kept.",
)
FILLED = {"short": 0, "medium": 3, "long": len(FILLERS)}
# The values that the company varies; fewer than it could, so that each is tested often.
PARTS: Mapping[str, tuple[str, ...]] = {
    "hook": ("statement", "question", "problem"),
    "proof": ("none", "statistic", "customer"),
    "offer": ("none", "discount"),
    "cta": ("none", "demo", "trial"),
    "tone": ("plain", "urgent", "casual"),
    "length": tuple(FILLED),
    "visual": ("none", "person", "chart"),
}
PART_EFFECT = {
    "hook.question": 0.13,
    "offer.discount": 0.11,
    "visual.person": 0.12,
    "tone.urgent": -0.14,
    "length.long": -0.12,
    "cta.demo": -0.11,
}
# The one effect that depends on who reads.
PROOF_BY_AUDIENCE = {"executive": 0.28, "practitioner": 0.06}


@dataclass(frozen=True)
class WrittenPieces:
    """Pieces with their texts, the events of their results, and the true effects in log odds."""

    pieces: pl.DataFrame
    events: pl.DataFrame
    truth: dict[str, Any]


def written_text(parts: Mapping[str, str]) -> str:
    """The text of a piece with these values of hook, proof, offer, call to action, tone and length."""
    sentences = [
        OPENINGS[parts["hook"]],
        TONES[parts["tone"]],
        *FILLERS[: FILLED[parts["length"]]],
        PROOFS[parts["proof"]],
        OFFERS[parts["offer"]],
        CTAS[parts["cta"]],
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def written_pieces(
    roster: Roster, days: Sequence[date], briefs_per_week: float, rng: np.random.Generator
) -> WrittenPieces:
    """Briefs over the whole window whose variants differ in the parts of their texts, in picture and in headline.

    Success of a variant: Binomial(trials, expit(channel rate + brief + sum of effects + residual)). The audience is the
    brief's, the same for all its variants.
    """
    channels = roster.content_channels
    shares = np.array(CHANNEL_SHARES[: len(channels)])
    prevalence = rng.uniform(0.12, 0.45, len(FEATURES))
    theta = np.array([EFFECT.get(feature, 0.0) for feature in FEATURES])
    end = datetime.combine(days[-1], time(23, 59, 59))
    pieces: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    starts = np.sort(rng.uniform(0, len(days) - 1, rng.poisson(SHARE_OF_BRIEFS * briefs_per_week * len(days) / 7)))
    for number, start in enumerate(starts, 1):
        published = datetime.combine(days[0], time(9)) + timedelta(days=float(start))
        channel = channels[int(rng.choice(len(channels), p=shares / shares.sum()))]
        story, audience = rng.normal(0, BRIEF_SD), AUDIENCES[int(rng.integers(2))]
        usual = np.log(channel.base_rate / (1 - channel.base_rate)) + story
        traffic = int(rng.integers(8_000, 14_000))
        for variant in range(int(rng.choice([2, 3, 4], p=[0.4, 0.4, 0.2]))):
            parts = {name: values[int(rng.integers(len(values)))] for name, values in PARTS.items()}
            has = rng.random(len(FEATURES)) < prevalence
            score = usual + has @ theta + effect_of(parts, audience) + rng.normal(0, RESIDUAL_SD)
            trials = traffic + int(rng.integers(-200, 200))
            successes = int(rng.binomial(trials, 1 / (1 + np.exp(-score))))
            brief_id, variant_id = f"w{number:05d}", f"w{number:05d}-v{variant + 1}"
            text = written_text(parts)
            if published > end:
                continue
            pieces.append(
                {
                    "content_id": f"c-{variant_id}",
                    "brief_id": brief_id,
                    "variant_id": variant_id,
                    "url": f"https://{roster.own_domain}/c/{variant_id}",
                    "channel": channel.name,
                    "format": channel.format,
                    "language": "en",
                    "published_at": published.replace(microsecond=0),
                    "author_type": "mixed",
                    "cost": round(float(rng.gamma(3.0, 25.0)), 2),
                    "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
                    "features": json.dumps({f"headline.{FEATURES[i]}": True for i in np.flatnonzero(has)}),
                    "text": text,
                    "visual": parts["visual"],
                    "audience": audience,
                }
            )
            week = monday(published.date()) + timedelta(days=7)
            closed = datetime.combine(week + timedelta(days=7), time(5))
            if closed > end:
                continue
            orders = rng.binomial(successes, ORDERS_PER_SUCCESS)
            value = round(float(rng.gamma(4.0 * orders, ORDER_VALUE / 4)) if orders else 0.0, 2)
            outcome = {"brief_id": brief_id, "variant_id": variant_id, "channel": channel.name,
                       "week": week.isoformat(), "trials": trials, "successes": successes,
                       "value": value}  # fmt: skip
            events.append(
                {
                    "event_id": f"w{len(events) + 1:07d}",
                    "ts": closed,
                    "content_id": f"c-{variant_id}",
                    "type": "outcome_closed",
                    "actor_type": "system",
                    "actor_id": "plumbline",
                    "payload": json.dumps(outcome),
                }
            )
    truth = {"part_log_odds": PART_EFFECT, "proof.statistic by audience": PROOF_BY_AUDIENCE, "briefs": len(starts),
             "value_per_success": ORDERS_PER_SUCCESS * ORDER_VALUE}  # fmt: skip
    return WrittenPieces(pl.DataFrame(pieces), pl.DataFrame(events), truth)


def effect_of(parts: Mapping[str, str], audience: str) -> float:
    """The true effect in log odds of a piece's parts on one audience."""
    proof = PROOF_BY_AUDIENCE[audience] if parts["proof"] == "statistic" else 0.0
    return proof + sum(PART_EFFECT.get(f"{name}.{value}", 0.0) for name, value in parts.items())
