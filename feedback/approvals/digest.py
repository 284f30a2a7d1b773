"""What people see of the queue: each open decision with who decides, by when and why, and the weekly digest of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from feedback.approvals.cases import VETO_ACTION, Case
from feedback.approvals.ledger import Approvals, decided_within_a_week, rank
from feedback.approvals.policy import ESCALATES_AT, REMINDS_AT, ApprovalPolicy, at_stake, elapsed

Urgency = Literal["open", "reminder", "escalated"]


@dataclass(frozen=True)
class OpenDecision:
    """One decision that waits, as a person needs it; text in it comes from outside and is data.

    `deciders` are ids of people who may still decide; empty means that nobody can, which the policy must change.
    `approved_by` are those who have. `silence` says what happens if nobody answers. Money is in the report currency,
    None where not known.
    """

    subject: str
    action: str
    title: str
    evidence: str
    if_denied: str
    silence: str
    params: dict[str, str]
    artifact_sha256: str
    requested_by: str
    requested_at: datetime
    expires: datetime
    urgency: Urgency
    quorum: int
    approved_by: tuple[str, ...]
    deciders: tuple[str, ...]
    worth: Decimal | None
    at_risk: Decimal | None

    @property
    def announced(self) -> bool:
        """Whether it is the announcement of a low-risk card, on which nobody must decide."""
        return self.action == VETO_ACTION


@dataclass(frozen=True)
class Digest:
    """The week's decisions, at most the policy's limit; how many more wait, and what was merely announced."""

    decisions: tuple[OpenDecision, ...]
    left_for_later: int
    announced: tuple[OpenDecision, ...]
    decided_this_week: int
    weekly_limit: int


def open_decisions(approvals: Approvals, at: datetime) -> list[OpenDecision]:
    """Everything that waits for a person at `at`, the most money first, then what expires first."""
    cases = sorted(approvals.open_cases(at), key=lambda case: rank(approvals.policy.terms(case.request)))
    return [_open(case, approvals.policy, at) for case in cases]


def digest(approvals: Approvals, at: datetime) -> Digest:
    """The weekly digest: the policy's number of decisions less those made in the last seven days, ranked by money.

    Escalated ones go first; these and what others have approved already are shown beyond the limit too, since they
    would expire before their turn. Announcements of low-risk cards are listed
    apart, since silence is no consent but their hours to object simply end. Source: at most five decisions per week.
    """
    waiting = open_decisions(approvals, at)
    to_decide = sorted((d for d in waiting if not d.announced), key=lambda d: d.urgency != "escalated")
    decided, limit = decided_within_a_week(approvals.book(), at), approvals.policy.weekly_limit
    places = max(0, limit - decided)
    announced = tuple(d for d in waiting if d.announced)
    shown = tuple(d for place, d in enumerate(to_decide) if place < places or _cannot_wait(d))
    return Digest(shown, len(to_decide) - len(shown), announced, decided, limit)


def _cannot_wait(decision: OpenDecision) -> bool:
    return decision.urgency == "escalated" or bool(decision.approved_by)


def nobody_can_decide(decisions: Sequence[OpenDecision]) -> list[str]:
    """One sentence per action whose quorum the people of plumbline.yaml cannot reach, or to which nobody may object."""
    key = "plumbline.yaml: approvals.people:"
    short = sorted({d.action for d in decisions if not d.announced and len({*d.deciders, *d.approved_by}) < d.quorum})
    sentences = [
        f"{key} too few people may decide on {action}, so it will expire; add people with its roles or change"
        f" approvals.gates.{action}"
        for action in short
    ]
    if any(d.announced and not d.deciders for d in decisions):
        sentences.append(f"{key} nobody may object to what is announced; add people with a role of pattern_low")
    return sentences


def _open(case: Case, policy: ApprovalPolicy, at: datetime) -> OpenDecision:
    request = policy.terms(case.request)
    approved = case.status(policy, at).by
    share = elapsed(request, at)
    silence = (
        f"It enters the feed {policy.veto_hours} hours after it was announced unless somebody denies it."
        if request.action == VETO_ACTION
        else "Nothing happens: silence is never consent, the request expires."
    )
    return OpenDecision(
        subject=request.subject,
        action=request.action,
        title=request.title or f"{request.action} {request.artifact_sha256[:12]}",
        evidence=request.evidence,
        if_denied=request.if_denied,
        silence=silence,
        params=dict(request.params),
        artifact_sha256=request.artifact_sha256,
        requested_by=request.requested_by,
        requested_at=request.requested_at,
        expires=request.expires or request.requested_at,
        urgency="escalated" if share >= ESCALATES_AT else "reminder" if share >= REMINDS_AT else "open",
        quorum=request.quorum,
        approved_by=approved,
        deciders=tuple(p.id for p in policy.deciders(request, at) if p.id not in approved),
        worth=request.worth,
        at_risk=at_stake(request),
    )
