"""What the gates cost and what they protect, and how many decisions people owe: both from the ledger alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeVar

from feedback.approvals.cases import VETO_ACTION, Book, Case
from feedback.approvals.policy import ApprovalPolicy, at_stake

Verdict = Literal["too few", "costs more than it protects", "protects more than it costs", "changes nothing", "changes"]
T = TypeVar("T")
FEWEST, LITTLE_CHANGE, Z_95 = 20, 0.05, 1.645
FEWEST_TIMED = 5
WEEKS, RUBBER_STAMP_SECONDS, RUBBER_STAMP_ALARM, DEBT_ALARM = 4, 10.0, 0.30, 1.0


@dataclass(frozen=True)
class GateCost:
    """One gate's record. Waits are hours from request to the last decision.

    Medians are Kaplan-Meier: what still waits or expired counts as having waited at least that long; None where fewer
    than the share was ever decided. `changed` are denials that were not approved later. `share_changed_high` is the
    upper 95 % bound (Wilson). `lost` is the worth of what expired undecided, `protected` the amount at risk in what was
    denied; both report currency, None unless every such request states it.
    """

    action: str
    requests: int
    open: int
    decided: int
    expired: int
    changed: int
    share_changed: float | None
    share_changed_high: float | None
    median_wait_hours: float | None
    p85_wait_hours: float | None
    hours_waited: float
    lost: Decimal | None
    protected: Decimal | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class DecisionDebt:
    """How people keep up: announcements of low-risk cards, on which nobody must decide, are left out.

    Rates are over the last four weeks; `opened_per_decided` above 1 means that the queue grows and is None before the
    first decision. `share_under_10_s` is of decisions made on the page, where the time is known; its alarm needs five.
    Times are in hours.
    """

    open: int
    p85_age_hours: float | None
    opened_per_week: float
    decided_per_week: float
    opened_per_decided: float | None
    median_decision_hours: float | None
    timed_decisions: int
    share_under_10_s: float | None
    abandoned: float | None
    overturned_denials: float | None
    bypasses: int
    alarms: tuple[str, ...]


def gate_costs(book: Book, policy: ApprovalPolicy, at: datetime) -> list[GateCost]:
    """Each gate that was ever asked, the longest total wait first, with a verdict.

    With money known: a gate costs more than it protects when what expired undecided was worth more than what it held
    back was at risk. Without: it changes nothing when at most 5 % of requests are changed by it (upper 95 % bound).
    Below 20 decided or expired requests nothing is concluded.
    """
    by_action: dict[str, list[Case]] = {}
    for case in book.cases:
        by_action.setdefault(case.request.action, []).append(case)
    costs = [_cost(action, cases, policy, at) for action, cases in by_action.items()]
    return sorted(costs, key=lambda cost: (-cost.hours_waited, cost.action))


def decision_debt(book: Book, policy: ApprovalPolicy, at: datetime) -> DecisionDebt:
    """The measures of decision debt at a moment, with an alarm where one is past its limit."""
    cases = [case for case in book.cases if case.request.action != VETO_ACTION]
    states = [_state(case, policy, at) for case in cases]
    waiting = [case for case, state in zip(cases, states, strict=True) if state == "open"]
    since = at - timedelta(weeks=WEEKS)
    opened = sum(since < case.request.requested_at <= at for case in cases) / WEEKS
    finished = [case for case, state in zip(cases, states, strict=True) if state == "decided"]
    decided = sum(since < (case.decided_at or since) <= at for case in finished) / WEEKS
    seconds = [
        deed.seconds_shown
        for case in cases
        for deed in (*case.approvals, case.denial)
        if deed is not None and deed.seconds_shown is not None
    ]
    quick = _share(seconds, lambda shown: shown < RUBBER_STAMP_SECONDS)
    ratio = opened / decided if decided else None
    denied = [case for case in cases if case.denial is not None]
    alarms = []
    if (ratio is not None and ratio > DEBT_ALARM) or (ratio is None and opened):
        alarms.append("more decisions are requested than made: raise limits of gates or delegate")
    if quick is not None and quick > RUBBER_STAMP_ALARM and len(seconds) >= FEWEST_TIMED:
        alarms.append(f"{quick:.0%} of decisions on the page took under 10 s: nobody can have read what was shown")
    return DecisionDebt(
        open=len(waiting),
        p85_age_hours=_rank([_hours(case.request.requested_at, at) for case in waiting], 0.85),
        opened_per_week=opened,
        decided_per_week=decided,
        opened_per_decided=ratio,
        median_decision_hours=_kaplan_meier(_waits(cases, policy, at), 0.5),
        timed_decisions=len(seconds),
        share_under_10_s=quick,
        abandoned=_share([s for s in states if s != "open"], lambda state: state == "expired"),
        overturned_denials=_share(denied, lambda case: _approved_later(case, cases)),
        bypasses=sum(case.bypass is not None for case in cases),
        alarms=tuple(alarms),
    )


def _cost(action: str, cases: Sequence[Case], policy: ApprovalPolicy, at: datetime) -> GateCost:
    states = [_state(case, policy, at) for case in cases]
    decided, expired = states.count("decided"), states.count("expired")
    changed = [c for c in cases if c.denial is not None and not _approved_later(c, cases)]
    waits = _waits(cases, policy, at)
    closed = decided + expired
    lost = _money(c.request.worth for c, state in zip(cases, states, strict=True) if state == "expired")
    protected = _money(at_stake(c.request) for c in changed)
    high = _wilson_high(len(changed), closed) if closed else None
    hours = sum(wait for wait, _ in waits)
    verdict, reason = _verdict(closed, high, lost, protected, hours)
    return GateCost(
        action=action,
        requests=len(cases),
        open=states.count("open"),
        decided=decided,
        expired=expired,
        changed=len(changed),
        share_changed=len(changed) / closed if closed else None,
        share_changed_high=high,
        median_wait_hours=_kaplan_meier(waits, 0.5),
        p85_wait_hours=_kaplan_meier(waits, 0.85),
        hours_waited=hours,
        lost=lost,
        protected=protected,
        verdict=verdict,
        reason=reason,
    )


def _verdict(
    closed: int, high: float | None, lost: Decimal | None, protected: Decimal | None, hours: float
) -> tuple[Verdict, str]:
    if closed < FEWEST or high is None:
        return "too few", f"{closed} decided or expired; at least {FEWEST} are needed to judge"
    if lost is not None and protected is not None and (lost or protected):
        if lost > protected:
            return "costs more than it protects", f"{lost:,.0f} expired undecided, {protected:,.0f} was held back"
        return "protects more than it costs", f"{protected:,.0f} was held back, {lost:,.0f} expired undecided"
    waited = f"{hours:,.0f} hours waited in all, worth not known in money"
    if high < LITTLE_CHANGE:
        return "changes nothing", f"at most {high:.1%} of requests are changed by it; {waited}"
    return "changes", f"up to {high:.0%} of requests are changed by it; {waited}"


def _state(case: Case, policy: ApprovalPolicy, at: datetime) -> Literal["open", "decided", "expired"]:
    state = case.status(policy, at).state
    if state == "pending":
        return "open"
    # An approval that expired unused was decided all the same.
    fulfilled = policy.fulfilled(case.request, [deed.by for deed in case.approvals])
    return "expired" if state == "expired" and not fulfilled else "decided"


def _waits(cases: Iterable[Case], policy: ApprovalPolicy, at: datetime) -> list[tuple[float, bool]]:
    """Hours waited and whether they ended in a decision; an expired or open request is cut off there."""
    waits = []
    for case in cases:
        state, asked = _state(case, policy, at), case.request.requested_at
        if state == "decided":
            end = case.decided_at or (case.end.at if case.end else at)
        else:
            end = min(at, policy.terms(case.request).expires or at)
        waits.append((_hours(asked, end), state == "decided"))
    return waits


def _kaplan_meier(waits: Sequence[tuple[float, bool]], share: float) -> float | None:
    """The wait by which `share` of requests are decided; None if that share is never reached."""
    surviving = 1.0
    for wait in sorted({hours for hours, decided in waits if decided}):
        at_risk = sum(hours >= wait for hours, _ in waits)
        surviving *= 1 - sum(hours == wait and decided for hours, decided in waits) / at_risk
        if surviving <= 1 - share + 1e-12:
            return wait
    return None


def _approved_later(denied: Case, cases: Iterable[Case]) -> bool:
    return any(c.line > denied.line and c.request.subject == denied.request.subject and c.approvals for c in cases)


def _money(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum, 0 for no request at all, None when one of them is not known in money."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total += max(amount, Decimal(0))
    return total


def _wilson_high(hits: int, n: int) -> float:
    """Upper one-sided 95 % bound of a share. Source: Wilson (1927)."""
    share, z2 = hits / n, Z_95**2
    centre, spread = share + z2 / (2 * n), Z_95 * (share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5
    return min(1.0, (centre + spread) / (1 + z2 / n))


def _share(items: Sequence[T], is_one: Callable[[T], bool]) -> float | None:
    return sum(map(is_one, items)) / len(items) if items else None


def _rank(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _hours(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() / 3600)
