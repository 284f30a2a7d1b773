"""A feed of pattern cards on trial at the simulated company: offers, receipts, drafts, reviews, results, known worth.

Every brief is a pair: one variant may be dealt cards, its partner is not. What a card is worth is the true effect of
its feature, so the trial's true lift can be computed. A random stream of its own keeps all other rows as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from dagster_project.demo.content_files import json_lines
from dagster_project.demo.deliveries import monthly
from dagster_project.demo.export import Export
from feedback.patterns.exposure import EpochKey, Offer, offer
from feedback.patterns.identity import content_sha256, pattern_id
from models.pattern_rules import ExposureRules
from models.patterns.assignment import MenuCard, inclusion_probabilities
from models.worlds.calendar import monday
from models.worlds.contents import BRIEF_SD, EFFECT, RESIDUAL_SD
from models.worlds.roster import ContentChannel, Roster
from models.worlds.written_pieces import FILLERS

# Feature, what the card says, share of variants that carry it without a card.
CARDS = (("number", "do", 0.30), ("you", "do", 0.25), ("hyper", "avoid", 0.35))
P_ASSIGN, FOLLOWED, ALL_PAIRS = 0.9, 0.85, 1.0
BRIEFS, WEEKS_BEFORE_THE_END = 56, 7
VALUE_PER_SUCCESS, KILLED, UNANSWERED = 4.0, 0.35, 0.03
AGENT, EDITORS, AUDITOR = "agent:writer", ("editor-01", "editor-02"), "plumbline"
RULES = ExposureRules(pair_share=ALL_PAIRS)


@dataclass
class Trial:
    """What the trial delivers, each row with its day, and what is true about it."""

    pieces: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[str, Any] = field(default_factory=dict)


def feed_secret(seed: int) -> bytes:
    """The content of the demo's feed.key: made up from the seed, so that the same demo has the same draws."""
    return hashlib.sha256(f"plumbline demo feed {seed}".encode()).hexdigest().encode()


def trial_exports(trial: Trial, first: date, last: date) -> Iterator[Export]:
    """Monthly files beside the other exports of the same sources."""
    for delivery in monthly(first, last, reread=0):
        for source, rows in (("content", trial.pieces), ("content_events", trial.events), ("receipts", trial.receipts)):
            due = [_without_day(row) for row in rows if delivery.first <= row["day"] <= delivery.last]
            if due:
                yield Export(f"{source}/{delivery.on}-trial.jsonl", json_lines(due), len(due))


def _without_day(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "day"}


def feed_trial(roster: Roster, days: Sequence[date], seed: int) -> Trial:
    """Pairs of variants over the months before the last seven weeks, dealt to by the feed's own draw.

    A dealt card is followed in 85 % of the cases. Log odds of a success: the channel's rate, the brief, the features of
    the variant and a residual; both variants get the same traffic. A success is worth 4 units of money on average.
    """
    rng = np.random.default_rng([seed, 907])
    trial = Trial()
    brand = roster.brand.lower()
    channels = roster.content_channels[:2]
    cards = [_card(name, kind, brand, [c.name for c in channels], days[0]) for name, kind, _ in CARDS]
    key = feed_secret(seed)
    first = max(days[0], days[-1] - timedelta(days=210))
    span = (days[-1] - timedelta(weeks=WEEKS_BEFORE_THE_END) - first).days
    differences, worths = [], []
    for number in range(BRIEFS):
        begun = datetime.combine(first, time(9)) + timedelta(days=span * number / BRIEFS)
        channel = channels[int(rng.integers(len(channels)))]
        brief = _Brief(f"f{number + 1:04d}", channel, begun, float(rng.normal(0, BRIEF_SD)))
        trials = int(rng.integers(7_000, 12_000))
        chances = {}
        for variant in (0, 1):
            dealt = offer(
                cards,
                key=EpochKey.of(key, begun),
                brand=brand,
                brief_id=brief.name,
                variant_ix=variant,
                channel=channel.name,
                feed_seq=1,
                now=begun.replace(tzinfo=UTC) + timedelta(minutes=5),
                rules=RULES,
            )
            features = _features(dealt, rng)
            odds = np.log(channel.base_rate / (1 - channel.base_rate)) + brief.story + rng.normal(0, RESIDUAL_SD)
            odds += sum(EFFECT[name] for name in features)
            chances[str(dealt.records[0]["pair_role"])] = (float(odds), float(1 / (1 + np.exp(-odds))))
            _lived(trial, brief, dealt, features, (trials, float(odds)), roster, rng)
        differences.append(chances["on"][0] - chances["off"][0])
        worths.append(trials * (chances["on"][1] - chances["off"][1]) * VALUE_PER_SUCCESS)
    trial.truth = {
        "pairs": BRIEFS,
        "lift": _true_lift(cards),
        "lift_of_these_pairs": float(np.mean(differences)),
        "worth_per_piece_of_these_pairs": float(np.mean(worths)),
        "value_per_success": VALUE_PER_SUCCESS,
        "followed": FOLLOWED,
        "effects": {f"headline.{name}": EFFECT[name] for name, _, _ in CARDS},
    }
    return trial


@dataclass(frozen=True)
class _Brief:
    name: str
    channel: ContentChannel
    begun: datetime
    story: float


def _true_lift(cards: Sequence[dict[str, Any]]) -> float:
    """Expected difference in log odds between the variant that may be dealt cards and its partner."""
    menu = [MenuCard(card["pattern_id"], P_ASSIGN) for card in cards]
    # The inclusion probability averages over both variants of a pair; one of the two is dealt none.
    p = {name: q / (1 - ALL_PAIRS / 2) for name, q in inclusion_probabilities(menu, RULES).items()}
    total = 0.0
    for card, (name, kind, usual) in zip(cards, CARDS, strict=True):
        changed = 1 - usual if kind == "do" else -usual
        total += p[card["pattern_id"]] * FOLLOWED * changed * EFFECT[name]
    return total


def _card(name: str, kind: str, brand: str, channels: list[str], begun: date) -> dict[str, Any]:
    """What an offer needs of a card; the card itself was the feed's at the time."""
    clause = {"key": f"headline.{name}", "op": "present", "value": None}
    scope = {"brand": brand, "channels": channels}
    card: dict[str, Any] = {
        "pattern_id": pattern_id(kind, [clause], scope, "ctr_log_odds"),
        "version": 1,
        "state": "promoted",
        "kind": kind,
        "features": [clause],
        "scope": scope,
        "exposure": {"p_assign": P_ASSIGN},
        "conflicts_with": [],
        "valid_from": f"{begun}T00:00:00Z",
        "expires_at": f"{begun + timedelta(days=1400)}T00:00:00Z",
    }
    return card | {"content_sha256": content_sha256(card)}


def _features(dealt: Offer, rng: np.random.Generator) -> list[str]:
    """The features of the finished variant: as usual, unless a dealt card is followed."""
    on = {card["features"][0]["key"].split(".")[1] for card in dealt.on}
    present = []
    for name, kind, usual in CARDS:
        carries, follows = rng.random() < usual, rng.random() < FOLLOWED
        if name in on and follows:
            carries = kind == "do"
        if carries:
            present.append(name)
    return present


def _lived(
    trial: Trial,
    brief: _Brief,
    dealt: Offer,
    features: list[str],
    shown: tuple[int, float],
    roster: Roster,
    rng: np.random.Generator,
) -> None:
    """A variant from brief to result, the drafts that were killed on the way, and the agent's receipts."""
    trials, odds = shown
    variant = str(dealt.records[0]["variant_id"])
    content, begun = f"c-{variant}", brief.begun
    span = timedelta(hours=float(rng.gamma(4.0, 9.0)))
    published = begun + span
    log = _Log(trial.events, roster.currency, rng)
    task = {"brief_id": brief.name, "task_kind": brief.channel.format, "channel": brief.channel.name}
    log.add(content, begun, "brief_created", EDITORS[0], task)
    if rng.random() < KILLED:
        rejected = f"{content}-draft"
        log.add(rejected, begun, "brief_created", EDITORS[0], task)
        log.draft(rejected, begun + span * 0.1, _text(rng))
        who = (EDITORS[0], AGENT, AUDITOR)[int(rng.integers(3))]
        log.add(rejected, begun + span * float(rng.uniform(0.2, 1.2)), "killed", who, {"stage": "review"})
    draft = _text(rng)
    log.draft(content, begun + span * 0.15, draft)
    for scorer, noise in (("model", 0.15), ("model", 0.15), ("human", 0.3)):
        score = {"scorer": scorer, "score": round(odds + float(rng.normal(0, noise)), 3)}
        log.add(content, begun + span * 0.3, "scored", AUDITOR if scorer == "model" else EDITORS[1], score)
    if rng.random() < 0.25:
        log.add(
            content, begun + span * 0.4, "review_returned", EDITORS[1], {"reason_class": "tone", "human_minutes": 6}
        )
        log.draft(content, begun + span * 0.6, draft)
    minutes = int(rng.integers(4, 25))
    log.add(content, begun + span * 0.9, "approved", EDITORS[0], {"gate": "G2", "human_minutes": minutes})
    log.add(
        content, begun + span * 0.95, "brand_check", AUDITOR, {"passed": int(rng.binomial(8, 0.95)), "applicable": 8}
    )
    log.add(content, published, "published", AUDITOR, {"brief_id": brief.name, "text": _edited(draft, rng)})
    week = monday(published.date()) + timedelta(days=7)
    successes = int(rng.binomial(trials, 1 / (1 + np.exp(-odds))))
    result = {
        "brief_id": brief.name,
        "variant_id": variant,
        "channel": brief.channel.name,
        "week": week.isoformat(),
        "trials": trials,
        "successes": successes,
        "value": round(float(rng.gamma(2.0, VALUE_PER_SUCCESS / 2, successes).sum()), 2),
    }
    log.add(content, datetime.combine(week + timedelta(days=7), time(5)), "outcome_closed", AUDITOR, result)
    trial.pieces.append(
        {
            "day": published.date(),
            "content_id": content,
            "brief_id": brief.name,
            "variant_id": variant,
            "url": f"https://{roster.own_domain}/c/{variant}",
            "channel": brief.channel.name,
            "format": brief.channel.format,
            "language": "en",
            "brand": roster.brand.lower(),
            "published_at": _utc(published),
            "author_type": "agent",
            "cost": round(float(rng.gamma(3.0, 12.0)), 2),
            "currency": roster.currency,
            "features": dict.fromkeys((f"headline.{name}" for name in features), True),
        }
    )
    trial.receipts += [{"day": begun.date()} | record for record in dealt.records]
    if rng.random() >= UNANSWERED:
        trial.receipts += [_receipt(record, published, features) for record in dealt.records]


def _receipt(record: dict[str, Any], published: datetime, features: list[str]) -> dict[str, Any]:
    """The agent's answer: what it applied; of a card that is off it knows neither name nor content."""
    answer = {name: record[name] for name in ("receipt_id", "brief_id", "variant_id", "arm", "p")}
    answer |= {"kind": "exposure", "ts": _utc(published), "actor_id": AGENT, "day": published.date()}
    if record["arm"] == "off":
        return answer
    carries = record["feature"].split(".")[1] in features
    applied = carries if record["follow"] == "do" else not carries
    named = {name: record[name] for name in ("pattern_id", "version", "content_sha256")}
    return answer | named | {"applied": str(applied).lower()}


def _text(rng: np.random.Generator) -> str:
    return " ".join(FILLERS[i] for i in rng.permutation(len(FILLERS))[:6])


def _edited(draft: str, rng: np.random.Generator) -> str:
    """The draft with about a third of its words replaced by a person."""
    share = float(np.clip(rng.normal(0.3, 0.1), 0, 0.9))
    words = draft.split(" ")
    return " ".join("calmly" + w[-1] * w.endswith(".") if rng.random() < share else w for w in words)


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Log:
    """Appends events with ids of the trial's own."""

    def __init__(self, events: list[dict[str, Any]], currency: str, rng: np.random.Generator) -> None:
        self.events, self.currency, self.rng = events, currency, rng

    def add(self, content: str, at: datetime, kind: str, who: str, payload: dict[str, Any]) -> None:
        """One event; who acts tells whether it is a person, an agent or a rule."""
        actor = "human" if who in EDITORS else "agent" if who == AGENT else "system"
        self.events.append(
            {
                "day": at.date(),
                "event_id": f"t{len(self.events) + 1:06d}",
                "ts": _utc(at),
                "content_id": content,
                "type": kind,
                "actor_type": actor,
                "actor_id": who,
                "payload": payload,
            }
        )

    def draft(self, content: str, at: datetime, text: str) -> None:
        """A draft by the agent with what the language model used for it."""
        tokens = int(self.rng.integers(2_000, 9_000))
        cost = {"tokens": tokens, "model_cost": round(tokens * 1e-5, 4), "currency": self.currency}
        self.add(content, at, "draft_ready", AGENT, {"text": text} | cost)
