"""From weekly decisions to card versions: append only, and only when something relevant has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from feedback.patterns.card_estimates import estimates_of
from feedback.patterns.contract import accept, instant
from feedback.patterns.identity import content_sha256, pattern_id
from feedback.patterns.statement import write
from feedback.patterns.vocabulary import VOCABULARY, FeatureDefinition
from feedback.storage.canonical_json import six_digits

if TYPE_CHECKING:  # the statistics' packages: a server that only reads cards must not load them
    from models.patterns.decision import Decision, Key
    from models.patterns.money import MoneyEffect

Card = dict[str, Any]
REVIEW_DAYS = 91
NEVER_COMPARED = ("version", "recorded_at", "supersedes", "content_sha256")
# Which run, which code and which state of the data gave the numbers is provenance: equal numbers are no new claim.
PROVENANCE = ("run_id", "code_version", "query_ref", "data_snapshot_sha256")


@dataclass(frozen=True)
class Approval:
    """A person's consent to exactly one subject (the SHA-256 of what that person was shown)."""

    person: str
    subject: str


@dataclass(frozen=True)
class CardRun:
    """Where this run's cards come from and to whom they belong.

    `data_snapshot_sha256` is of tests and features. `approvals` are keyed by pattern id, so that consent to a feature
    on one channel is never taken for another. Examples and money are keyed as decisions are: feature, kind, channels.
    """

    brand: str
    run_id: str
    code_version: str
    data_snapshot_sha256: str
    query_ref: str
    design: str = "within_brief_randomised"
    confounders_checked: tuple[str, ...] = ("srm", "week")
    prior_pack: str | None = None
    seed_ref: str = "feed-key-unset"
    explore_floor: float = 0.3
    formats: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    exemplars: Mapping[Key, Sequence[str]] = field(default_factory=dict)
    counterexamples: Mapping[Key, Sequence[str]] = field(default_factory=dict)
    money: Mapping[Key, MoneyEffect] = field(default_factory=dict)
    vocabulary: Mapping[str, FeatureDefinition] = field(default_factory=lambda: VOCABULARY)


def newest(cards: Iterable[Card]) -> dict[str, Card]:
    """The current version of every pattern."""
    latest: dict[str, Card] = {}
    for card in cards:
        newest_so_far = latest.get(card["pattern_id"])
        if newest_so_far is None or card["version"] > newest_so_far["version"]:
            latest[card["pattern_id"]] = card
    return latest


def next_versions(current: Iterable[Card], decisions: Iterable[Decision], now: datetime, run: CardRun) -> list[Card]:
    """The card versions that this week's decisions add; existing versions are never touched.

    `current`: stored cards of the brand, all versions or the newest ones. Decisions may span weeks: the newest per
    pattern counts. A card that differs from its current version only in version, time of recording and run is not
    written, so the same inputs give no new version. A candidate gets a card only if the pattern had one before (it
    returned from retirement). A `now` before the newest recording adds none either: a rerun of an earlier day is not
    news. `now` must carry a time zone. Raises CardRefused for a card that breaks the contract,
    ValueError for a feature that no person admitted to the vocabulary.
    """
    if now.tzinfo is None:
        raise ValueError(f"now={now} has no time zone; cards are written in UTC")
    current_cards = {k: c for k, c in newest(current).items() if c["scope"]["brand"] == run.brand}
    if any(instant(c["recorded_at"]) > now for c in current_cards.values()):
        return []
    latest: dict[Any, Decision] = {}
    for d in sorted(decisions, key=lambda d: d.week):
        latest[d.key] = d
    versions = []
    for _, decision in sorted(latest.items()):
        card = _card(decision, current_cards, now, run)
        if card is not None:
            accept(card, run.vocabulary)
            versions.append(card)
    return versions


def retract(cards: Iterable[Card], run_id: str, now: datetime, *, design: bool = False) -> list[Card]:
    """Versions that retract every current card whose evidence came from a run (a late split alarm, a wrong join).

    `design` is True when the test itself was flawed, False when its data were.
    """
    reason = "retracted_design" if design else "retracted_data"
    retracted = []
    for card in newest(cards).values():
        if card["evidence"]["run_id"] == run_id and card["state"] not in ("retired", "blocked"):
            retracted.append(_ended(card, "retired", reason, now))
    return sorted(retracted, key=lambda c: c["pattern_id"])


def block(card: Card, now: datetime) -> Card:
    """A new version that takes a card out of use at once, from any state, by a person's order."""
    return _ended(card, "blocked", "human_block", now)


def _ended(card: Card, state: str, reason: str, now: datetime) -> Card:
    ended = {**card, "state": state, "retire_reason": reason, "exposure": {**card["exposure"], "p_assign": 0.0}}
    return _sealed(ended, card, now)


def _card(d: Decision, current: Mapping[str, Card], now: datetime, run: CardRun) -> Card | None:
    definition = run.vocabulary.get(d.feature)
    if definition is None and d.state == "candidate":
        return None
    if definition is None:
        raise ValueError(f"feature {d.feature} is not in the vocabulary; a person admits new keys first")
    features = _features(d, definition)
    scope = _scope(d, run)
    outcome = d.estimate.outcome if d.estimate else None
    previous = current.get(pattern_id(d.kind, features, scope, outcome)) if outcome else _by_scope(current, d, scope)
    if d.state in ("retired", "blocked"):
        # No agent has ever seen this pattern, so there is nothing to retract.
        if previous is None:
            return None
        ended = _ended(previous, d.state, d.retire_reason or "below_rule", now)
        return None if _same(ended, previous) else ended
    if d.estimate is None or d.expires is None or (d.state == "candidate" and previous is None):
        return None
    # A pattern that returns from retirement on old tests stays retired until newer tests arrive.
    if d.expires <= d.since:
        return None
    identity = pattern_id(d.kind, features, scope, d.estimate.outcome)
    approval = run.approvals.get(identity)
    card = {
        "spec": "pattern/1",
        "pattern_id": identity,
        "state": d.state,
        "kind": d.kind,
        "statement": write(d.kind, d.feature, definition.noun, d.channels),
        "features": features,
        "scope": scope,
        "evidence": {
            "design": run.design,
            "tier": d.tier,
            "estimates": estimates_of(d.estimate, d.tier, run.money.get(d.key)),
            "run_id": run.run_id,
            "code_version": run.code_version,
            "data_snapshot_sha256": run.data_snapshot_sha256,
            "query_ref": run.query_ref,
            "window": [_z(d.estimate.first_week), _z(d.estimate.last_week + timedelta(days=7))],
            "exemplars": list(run.exemplars.get(d.key, ()))[:5],
            "counterexamples": list(run.counterexamples.get(d.key, ()))[:5],
            "confounders_checked": list(run.confounders_checked),
            "prior_pack": run.prior_pack,
        },
        "exposure": {
            "p_assign": d.p_assign,
            "unit": "variant",
            "seed_ref": run.seed_ref,
            "explore_floor": run.explore_floor,
        },
        "governance": {
            "risk": d.risk,
            "approved_by": approval.person if approval else None,
            "approved_how": "person" if approval else None,
            "approval_subject": approval.subject if approval else None,
            "review_due": _z(d.estimate.last_week + timedelta(days=7 + REVIEW_DAYS)),
        },
        "valid_from": _z(d.since),
        "expires_at": _z(d.expires),
        "conflicts_with": [],
        "retire_reason": None,
        "trust": "measured",
    }
    sealed = _sealed(card, previous, now)
    return None if previous is not None and _same(sealed, previous) else sealed


def claim(d: Decision, run: CardRun) -> tuple[str, dict[str, Any]] | None:
    """What a person approves when approving this pattern: its id, and what its card says to whom; no figures.

    The same claim with next week's estimate is the same claim: the rules judge the figures, people judge what is said.
    Another wording, scope, risk or tier is another claim. None for a decision without an estimate and for a feature
    outside the vocabulary, neither of which can become a card.
    """
    definition = run.vocabulary.get(d.feature)
    if definition is None or d.estimate is None:
        return None
    features, scope = _features(d, definition), _scope(d, run)
    said = {
        "kind": d.kind,
        "statement": write(d.kind, d.feature, definition.noun, d.channels),
        "features": [{k: f[k] for k in ("key", "op", "value")} for f in features],
        "scope": scope,
        "outcome": d.estimate.outcome,
        "risk": d.risk,
        "tier": d.tier,
    }
    return pattern_id(d.kind, features, scope, d.estimate.outcome), said


def _features(d: Decision, definition: FeatureDefinition) -> list[dict[str, Any]]:
    return [
        {
            "key": d.feature,
            "op": "present",
            "value": None,
            "extractor": definition.extractor,
            "extractor_version": definition.version,
            "extractor_kappa": None,
        }
    ]


def _scope(d: Decision, run: CardRun) -> dict[str, Any]:
    return {
        "brand": run.brand,
        "channels": list(d.channels),
        "formats": list(run.formats),
        "audiences": list(run.audiences),
        "markets": list(run.markets),
        "lifecycle": [],
    }


def _by_scope(current: Mapping[str, Card], d: Decision, scope: Mapping[str, Any]) -> Card | None:
    """The card of a decision without an estimate: identified by what it says instead of by its identity hash."""
    for card in current.values():
        same = card["features"][0]["key"] == d.feature if card["features"] else False
        if same and card["kind"] == d.kind and card["scope"] == scope:
            return card
    return None


def _sealed(card: Card, previous: Card | None, now: datetime) -> Card:
    version = previous["version"] + 1 if previous else 1
    sealed: Card = six_digits({k: v for k, v in card.items() if k not in NEVER_COMPARED})
    sealed |= {
        "version": version,
        "recorded_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "supersedes": f"{previous['pattern_id']}@{previous['version']}" if previous else None,
    }
    return sealed | {"content_sha256": content_sha256(sealed)}


def _same(a: Card, b: Card) -> bool:
    def claim(card: Card) -> Card:
        rest = {k: v for k, v in card.items() if k not in NEVER_COMPARED}
        # A new quarter's key draws anew; it does not change what the card claims.
        rest |= {"exposure": {k: v for k, v in card["exposure"].items() if k != "seed_ref"}}
        return rest | {"evidence": {k: v for k, v in card["evidence"].items() if k not in PROVENANCE}}

    return content_sha256(claim(a)) == content_sha256(claim(b))


def _z(day: date) -> str:
    return datetime.combine(day, time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def useful(cards: Iterable[Card]) -> list[Card]:
    """What to do and what to avoid, strongest first; cards shown to make no difference only settle debates."""
    return ranked(card for card in cards if card["kind"] != "neutral")


def ranked(cards: Iterable[Card]) -> list[Card]:
    """Promoted cards before experiments and doubtful ones, then by the size of the effect to expect, then by id."""
    order = {"promoted": 0, "provisional": 1, "watch": 2}

    def place(card: Card) -> tuple[bool, int, float, str]:
        estimates = card["evidence"]["estimates"]
        effect = estimates[0]["shrunk"] if estimates else 0.0
        return card["kind"] == "neutral", order.get(card["state"], 3), -effect, card["pattern_id"]

    return sorted(cards, key=place)


def usable(card: Card, now: datetime) -> bool:
    """Whether an agent may be shown this card now: provisional, promoted or watch, begun and not expired."""
    if card["state"] not in ("provisional", "promoted", "watch"):
        return False
    return instant(card["valid_from"]) <= now < instant(card["expires_at"])
