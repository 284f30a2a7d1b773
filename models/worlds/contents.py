"""Content pieces with features of known effect, their tests within a brief, and the events of their life."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from models.worlds.calendar import monday
from models.worlds.roster import Roster

_FEATURES = (
    "question number starts_number exclaim quote colon ellipsis paren dash two_sentences caps_word short long "
    "long_word you i_my we_our he_his she_her they this_these here why how what who when if just one but_then "
    "watch_see negation superlative neg_word pos_word curiosity people_kids science_data money hyper"
)
FEATURES = tuple(_FEATURES.split())
EFFECT = {
    "number": 0.14,
    "you": 0.10,
    "science_data": 0.08,
    "question": 0.06,
    "exclaim": -0.12,
    "hyper": -0.16,
    "long": -0.09,
    "paren": 0.02,
}
CHANNEL_SHARES = (0.4, 0.3, 0.3)
REASONS = ("tone", "claim", "fact", "brand", "length")
AGENTS = ("agent-copy-1", "agent-copy-2")
EDITORS = ("editor-01", "editor-02", "editor-03")
BRIEF_SD, RESIDUAL_SD = 0.40, 0.05


@dataclass(frozen=True)
class Contents:
    """Pieces (one per variant), events (oldest first) and the true effects in log odds."""

    pieces: pl.DataFrame
    events: pl.DataFrame
    truth: dict[str, Any]


def drawn_contents(roster: Roster, days: Sequence[date], briefs_per_week: float, rng: np.random.Generator) -> Contents:
    """Briefs over the whole window, each with two to four variants tested against each other for one week.

    Success of a variant: Binomial(trials, expit(channel rate + brief + sum of feature effects + residual)).
    Features are assigned at random, so that the within-brief contrast is an experiment. Work gets faster and
    needs fewer corrections over the years.
    """
    prevalence = rng.uniform(0.12, 0.45, len(FEATURES))
    theta = np.array([EFFECT.get(feature, 0.0) for feature in FEATURES])
    channels = roster.content_channels
    shares = np.array(CHANNEL_SHARES[: len(channels)])
    pieces: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    first_use: dict[str, datetime] = {}
    starts = np.sort(rng.uniform(0, len(days) - 1, rng.poisson(briefs_per_week * len(days) / 7)))
    for number, start in enumerate(starts, 1):
        begun = datetime.combine(days[0], time()) + timedelta(days=float(start))
        maturity = float(start) / max(len(days), 730)
        channel = channels[int(rng.choice(len(channels), p=shares / shares.sum()))]
        story = rng.normal(0, BRIEF_SD)
        count = int(rng.choice([2, 3, 4], p=[0.4, 0.4, 0.2]))
        has = rng.random((count, len(FEATURES))) < prevalence
        score = (
            np.log(channel.base_rate / (1 - channel.base_rate))
            + story
            + has @ theta
            + rng.normal(0, RESIDUAL_SD, count)
        )
        trials = rng.integers(6_000, 14_000) + rng.integers(-200, 200, count)
        successes = rng.binomial(trials, 1 / (1 + np.exp(-score)))
        published = begun + timedelta(hours=float(rng.gamma(4.0, 18.0 * (1 - 0.5 * maturity))))
        week = monday(published.date()) + timedelta(days=7)
        for variant in range(count):
            brief_id, variant_id = f"b{number:05d}", f"b{number:05d}-v{variant + 1}"
            names = [f"headline.{FEATURES[i]}" for i in np.flatnonzero(has[variant])]
            life = _Life(f"c-{variant_id}", events, rng)
            life.lived(begun, published, maturity, brief_id, channel.returns)
            for name in names:
                if name.split(".")[1] in EFFECT and rng.random() < 0.3 and maturity > 0.3:
                    life.add("pattern_applied", published, "agent", {"pattern_id": pattern_id(name), "applied": True})
                    first_use.setdefault(name, published)
            closed = datetime.combine(week + timedelta(days=7), time(5))
            outcome = {
                "brief_id": brief_id,
                "variant_id": variant_id,
                "channel": channel.name,
                "week": week.isoformat(),
                "trials": int(trials[variant]),
                "successes": int(successes[variant]),
            }
            life.add("outcome_closed", closed, "system", outcome)
            pieces.append(
                {
                    "content_id": f"c-{variant_id}",
                    "brief_id": brief_id,
                    "variant_id": variant_id,
                    "url": f"https://{roster.own_domain}/c/{variant_id}",
                    "channel": channel.name,
                    "format": channel.format,
                    "language": "en",
                    "published_at": published,
                    "author_type": "agent" if rng.random() < 0.4 + 0.4 * maturity else "mixed",
                    "cost": round(float(rng.gamma(3.0, 25.0)), 2),
                    "text_sha256": hashlib.sha256(f"{variant_id} {names}".encode()).hexdigest(),
                    "features": json.dumps(dict.fromkeys(names, True)),
                }
            )
    for name, moment in sorted(first_use.items()):
        evidence_closed = moment - timedelta(days=9)
        life = _Life(pattern_id(name), events, rng)
        life.add("evidence_closed", evidence_closed, "system", {"pattern_id": pattern_id(name)})
        life.add("pattern_promoted", evidence_closed + timedelta(days=2), "system", {"pattern_id": pattern_id(name)})
    return _tables(pieces, events, days[-1], starts.size)


def _tables(pieces: list[dict[str, Any]], events: list[dict[str, Any]], last: date, briefs: int) -> Contents:
    end = datetime.combine(last, time(23, 59, 59))
    frame = pl.DataFrame(events, infer_schema_length=None).filter(pl.col("ts") <= end).sort("ts", "content_id", "type")
    frame = frame.with_row_index("event_id", offset=1).with_columns(
        pl.format("e{}", pl.col("event_id").cast(pl.String).str.zfill(7))
    )
    effects = {f"headline.{feature}": EFFECT.get(feature, 0.0) for feature in FEATURES}
    truth = {"feature_log_odds": effects, "briefs": briefs, "variants": len(pieces), "residual_sd": RESIDUAL_SD}
    shown = pl.DataFrame(pieces, infer_schema_length=None).filter(pl.col("published_at") <= end)
    return Contents(shown.sort("published_at", "content_id"), frame, truth)


def pattern_id(feature: str) -> str:
    """A stable name for the pattern "use this feature", in lower-case Crockford base32."""
    number = int.from_bytes(hashlib.sha256(feature.encode()).digest()[:8], "big")
    return "pat_" + "".join("0123456789abcdefghjkmnpqrstvwxyz"[(number >> shift) & 31] for shift in range(0, 60, 5))


class _Life:
    """Appends the events of one content to the shared list."""

    def __init__(self, content_id: str, events: list[dict[str, Any]], rng: np.random.Generator) -> None:
        self.content_id, self.events, self.rng = content_id, events, rng

    def add(self, kind: str, ts: datetime, actor: str, payload: dict[str, Any]) -> None:
        who = {"agent": AGENTS, "human": EDITORS, "system": ("plumbline",)}[actor]
        self.events.append(
            {
                "ts": ts.replace(microsecond=0),
                "content_id": self.content_id,
                "type": kind,
                "actor_type": actor,
                "actor_id": str(self.rng.choice(who)),
                "payload": json.dumps(payload),
            }
        )

    def lived(self, begun: datetime, published: datetime, maturity: float, brief_id: str, usual: float) -> None:
        """From brief to publication; drafts come back for correction about `usual` times at first, later less often."""
        rng, span = self.rng, published - begun
        self.add("brief_created", begun, "human", {"brief_id": brief_id})
        returns = int(rng.poisson(usual * (1 - 0.7 * min(maturity, 1.0))))
        for loop in range(returns + 1):
            at = begun + span * (0.15 + 0.6 * loop / (returns + 1))
            self.add("draft_ready", at, "agent", {"version": loop + 1})
            self.add("review_requested", at + span * 0.02, "agent", {"gate": "G2"})
            if loop < returns:
                reason = {"gate": "G2", "reason_class": str(rng.choice(REASONS))}
                self.add("review_returned", at + span * 0.08, "human", reason)
        edit = float(np.clip(rng.normal(0.42 - 0.2 * min(maturity, 1.0), 0.1), 0.0, 0.95))
        approval = {"gate": "G2", "edit_ratio": round(edit, 3), "human_minutes": int(rng.integers(4, 40))}
        self.add("approved", begun + span * 0.92, "human", approval)
        applicable = int(rng.integers(6, 13))
        passed = int(rng.binomial(applicable, 0.86 + 0.1 * min(maturity, 1.0)))
        self.add("brand_check", begun + span * 0.94, "system", {"passed": passed, "applicable": applicable})
        self.add("published", published, "system", {"brief_id": brief_id})
        if rng.random() < 0.05:
            self.add(
                "corrected", published + timedelta(hours=float(rng.uniform(2, 90))), "human", {"reason_class": "fact"}
            )
