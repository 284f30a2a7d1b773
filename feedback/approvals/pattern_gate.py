"""The gate of pattern cards: what the statistics would promote and a person must agree to first.

The rules of `models.patterns` judge whether a pattern works; this gate asks whether the brand may say it. Cards of risk
brand, claim or regulated wait for people. Low-risk cards are announced and wait for the hours in which anybody may
object. What was denied is blocked.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from feedback.approvals.cases import Book, Case
from feedback.approvals.ledger import ApprovalRefused, Approvals
from feedback.approvals.policy import PIPELINE, ApprovalPolicy
from feedback.approvals.request import Request
from feedback.patterns import VOCABULARY, Approval, Card, CardRun, claim, newest
from feedback.storage.canonical_json import sha256
from models.error import PlumblineError
from models.patterns.decision import Decision, Key
from models.patterns.estimates import Estimate

ASKED_AGAIN_AFTER = timedelta(days=28)
IN_FEED_BY_CONSENT = ("promoted", "watch")


@dataclass(frozen=True)
class GatedPatterns:
    """Decisions as they may become cards, the consents they carry (by pattern id), and how many wait or were denied.

    `decisions` are those of earlier weeks as they were, then the newest per pattern as the gate leaves it.
    """

    decisions: tuple[Decision, ...]
    approvals: Mapping[str, Approval]
    waiting: int
    denied: int


class UnknownRisk(PlumblineError, ValueError):
    """A risk is set for a feature that does not exist, so the feature that was meant would pass without a person."""


def known_risks(policy: ApprovalPolicy) -> None:
    """Raises UnknownRisk for a feature in `approvals.risks` outside the vocabulary; a namespace may be new."""
    for feature in policy.risks:
        if "." in feature and feature not in VOCABULARY:
            near = difflib.get_close_matches(feature, VOCABULARY, n=3, cutoff=0)
            raise UnknownRisk(
                f"{feature} is not in the vocabulary",
                file="plumbline.yaml",
                key="approvals.risks",
                value=feature,
                fix=f"correct it ({', '.join(near)}?) or name its namespace",
            )


def gated(
    decisions: Iterable[Decision],
    stored: Iterable[Card],
    run: CardRun,
    approvals: Approvals,
    now: datetime,
    *,
    may_ask: bool = True,
) -> GatedPatterns:
    """The decisions after the gate, which judges the newest per pattern.

    A promotion without consent stays an experiment (`provisional`) and a request is put to people. With consent the
    approval is used for exactly this card version; a card that already carries it keeps it while it stays in the feed.
    A denial blocks the card, except for `not_now`, which holds it and asks again after four weeks. A card that a person
    blocked stays blocked. `may_ask` False (a run of an earlier day) neither asks nor uses anything. Raises ChainBroken
    or LedgerBroken when the ledger cannot be trusted, UnknownRisk for a risk of no known feature: nothing is
    promoted then.
    """
    known_risks(approvals.policy)
    heads = {k: c for k, c in newest(stored).items() if c["scope"]["brand"] == run.brand}
    latest: dict[Key, Decision] = {}
    in_order = sorted(decisions, key=lambda d: d.week)
    for decision in in_order:
        latest[decision.key] = decision
    earlier = [decision for decision in in_order if latest[decision.key] is not decision]
    pieces = [_piece(decision, run, heads, now) for _, decision in sorted(latest.items())]
    before = approvals.book()
    approvals.ask_all(
        [p.request for p in pieces if p.request is not None and may_ask and _asks(p, before, approvals.policy, now)]
    )
    book = approvals.book()
    after, consents = [], {}
    for piece in pieces:
        case = book.case(piece.request.subject) if piece.request else None
        decision, consent = _judged(piece, case, approvals, now, may_ask)
        after.append(decision)
        if consent is not None:
            consents[piece.pattern_id] = consent
    waiting = sum(
        d.state == "provisional" and p.decision.state == "promoted" for d, p in zip(after, pieces, strict=True)
    )
    return GatedPatterns((*earlier, *after), consents, waiting, sum(d.state == "blocked" for d in after))


@dataclass(frozen=True)
class _Piece:
    decision: Decision
    pattern_id: str
    request: Request | None
    card: Card | None

    def act(self, case: Case | None) -> str:
        """The card version for which an approval is used: the next one.

        Without any stored card of a pattern whose approval was used, the warehouse is being made again: the same act.
        """
        used_for = case.end.used_for if case is not None and case.end is not None else None
        if self.card is None and used_for and used_for.startswith(f"{self.pattern_id}@"):
            return used_for
        return f"{self.pattern_id}@{self.card['version'] + 1 if self.card else 1}"

    @property
    def in_feed(self) -> bool:
        return self.card is not None and self.card["state"] in IN_FEED_BY_CONSENT

    @property
    def carries_consent(self) -> bool:
        """Whether the current card stands in the feed on consent to this very claim."""
        if self.card is None or self.request is None or not self.in_feed:
            return False
        return bool(self.card["governance"]["approval_subject"] == self.request.subject)


def _piece(decision: Decision, run: CardRun, heads: Mapping[str, Card], now: datetime) -> _Piece:
    said = claim(decision, run)
    if said is None or decision.estimate is None:
        return _Piece(decision, "", None, None)
    identity, document = said
    request = Request(
        action=f"pattern_{decision.risk}",
        artifact_sha256=sha256(document),
        params={"brand": run.brand, "pattern_id": identity, "risk": decision.risk},
        requested_by=PIPELINE,
        requested_at=now,
        title=document["statement"][:300],
        evidence=_evidence(decision, decision.estimate),
        if_denied="The card is blocked and leaves the feed; with reason not_now it stays an experiment for four weeks.",
    )
    return _Piece(decision, identity, request, heads.get(identity))


def _asks(piece: _Piece, book: Book, policy: ApprovalPolicy, now: datetime) -> bool:
    """Whether people must be asked: a promotion without consent, and not denied for good or a short while ago."""
    if piece.decision.state != "promoted" or piece.request is None or (piece.card or {}).get("state") == "blocked":
        return False
    if piece.decision.risk == "low" and (policy.veto_hours == 0 or piece.in_feed):
        return False
    case = book.case(piece.request.subject)
    if case is None:
        return True
    if case.denial is not None:
        return case.denial.reason == "not_now" and now - case.denial.at >= ASKED_AGAIN_AFTER
    if case.end is not None:
        used_here = case.end.used_for == piece.act(case)
        return not (used_here or piece.carries_consent)
    return case.status(policy, now).state == "expired"


def _judged(
    piece: _Piece, case: Case | None, approvals: Approvals, now: datetime, may_use: bool
) -> tuple[Decision, Approval | None]:
    decision = piece.decision
    if piece.card is not None and piece.card["state"] == "blocked":
        return _blocked(decision, "a person blocked it"), None
    if decision.state not in ("provisional", "promoted", "watch") or piece.request is None:
        return decision, None
    if case is not None and case.denial is not None:
        if case.denial.reason != "not_now":
            return _blocked(decision, f"denied: {case.denial.reason}"), None
        return (_held(decision, "denied for now") if decision.state != "provisional" else decision), None
    if decision.state != "promoted":
        consent = _consent(case, approvals) if piece.carries_consent and case is not None else None
        return decision, consent
    if decision.risk == "low" and (approvals.policy.veto_hours == 0 or piece.in_feed):
        return decision, None
    if piece.carries_consent and case is not None and case.end is not None:
        return decision, _consent(case, approvals)
    return _used(piece, case, approvals, now) if may_use else (_held(decision, _why(decision)), None)


def _used(piece: _Piece, case: Case | None, approvals: Approvals, now: datetime) -> tuple[Decision, Approval | None]:
    """The decision with its approval used up for this card version; held where nobody has approved yet."""
    assert piece.request is not None
    policy, low = approvals.policy, piece.decision.risk == "low"
    approved = case is not None and (case.end is not None or case.status(policy, now).state in ("approved", "bypassed"))
    try:
        if low and not (approved and case is not None and (case.approvals or case.bypass)):
            approvals.pass_veto(piece.request, at=now, used_for=piece.act(case))
            return piece.decision, None
        approvals.consume(piece.request, at=now, used_for=piece.act(case))
    except ApprovalRefused:
        return _held(piece.decision, _why(piece.decision)), None
    assert case is not None
    return piece.decision, _consent(case, approvals)


def _consent(case: Case, approvals: Approvals) -> Approval:
    """Who agreed, as a card may tell it: the name that the policy gives, never an e-mail address."""
    ids = [deed.by for deed in case.approvals] or ([case.bypass.by] if case.bypass else [])
    people = [approvals.policy.person(actor) for actor in ids]
    names = [p.name or f"a person ({', '.join(p.roles[:2])})" for p in people if p is not None]
    return Approval(", ".join(names) or "a person named in the ledger", case.request.subject)


def _why(decision: Decision) -> str:
    if decision.risk == "low":
        return "announced: it enters the feed unless somebody denies it"
    return f"risk {decision.risk}: needs a person's approval"


def _held(decision: Decision, why: str) -> Decision:
    p_assign = 0.0 if decision.kind == "neutral" else 0.5
    return replace(decision, state="provisional", p_assign=p_assign, reason="an experiment until decided", unmet=(why,))


def _blocked(decision: Decision, why: str) -> Decision:
    return replace(decision, state="blocked", retire_reason="human_block", p_assign=0.0, reason=why, unmet=())


def _evidence(decision: Decision, estimate: Estimate) -> str:
    if estimate.outcome == "ctr_log_odds":
        low, mid, high = (100 * math.expm1(x) for x in (estimate.low, estimate.shrunk, estimate.high))
        size = f"about {mid:+.1f} % clicks when followed (90 % interval {low:+.1f} to {high:+.1f} %)"
    else:
        size = f"{estimate.shrunk:+.3g} {estimate.outcome} (90 % interval {estimate.low:+.3g} to {estimate.high:+.3g})"
    return f"Tier {decision.tier}, {estimate.n_contrasts} tests inside briefs; {size}."
