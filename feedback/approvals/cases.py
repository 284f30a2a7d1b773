"""The cases of the ledger: each request with what was decided on it, read from the lines in order.

A line that breaks a rule counts for nothing, however well it is chained: it is kept as `Void` with its reason. Writing
asks the same question (`objection`) and, beyond it, what today's policy says (`refusal`); a line that was right when it
was written stays right when a person leaves or a gate changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from feedback.approvals.policy import ApprovalPolicy
from feedback.approvals.request import AGENT, REASONS, ApprovalStatus, Request, State

BYPASS_HOURS = 8
VETO_ACTION = "pattern_low"
PERSON = "person"


@dataclass(frozen=True)
class Deed:
    """One thing done to a request: by whom, when, how that person was identified, and the line that says so."""

    event: str
    by: str
    at: datetime
    line: int
    identified: str = "stated"
    reason: str | None = None
    seconds_shown: float | None = None
    used_for: str | None = None


@dataclass(frozen=True)
class Void:
    """A line that counts for nothing, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Case:
    """One request and what followed. The same subject requested again after its end is a new case."""

    request: Request
    line: int
    approvals: tuple[Deed, ...] = ()
    denial: Deed | None = None
    bypass: Deed | None = None
    end: Deed | None = None

    def outcome(self, at: datetime) -> ApprovalStatus:
        """The state as the lines alone tell it: `pending` also stands for approvals whose people nobody has checked."""
        people = tuple(deed.by for deed in self.approvals)
        if self.denial is not None:
            return ApprovalStatus(state="denied", by=(self.denial.by,), reason=self.denial.reason)
        if self.end is not None:
            state: State = "passed" if self.end.event == "passed" else "consumed"
            return ApprovalStatus(state=state, by=people or ((self.bypass.by,) if self.bypass else ()))
        over = self.request.expires is not None and at >= self.request.expires
        return ApprovalStatus(state="expired" if over else "pending", by=people)

    def status(self, policy: ApprovalPolicy, at: datetime) -> ApprovalStatus:
        """The state at a moment. Before its use an approval counts only while the policy still names the person."""
        told = self.outcome(at)
        if told.state != "pending":
            return told
        request = policy.terms(self.request)
        counted = tuple(d.by for d in self.approvals if policy.may_decide(request, d.by, d.at) is None)
        if request.expires is not None and at >= request.expires:
            return ApprovalStatus(state="expired", by=counted)
        if policy.fulfilled(request, counted):
            return ApprovalStatus(state="approved", by=counted)
        if self.bypass is not None and at < self.bypass.at + timedelta(hours=BYPASS_HOURS):
            return ApprovalStatus(state="bypassed", by=(self.bypass.by,), reason=self.bypass.reason)
        return ApprovalStatus(state="pending", by=counted)

    @property
    def decided_at(self) -> datetime | None:
        """When the last decision was made; None while nobody has decided."""
        deeds = [*self.approvals, *(d for d in (self.denial, self.bypass) if d is not None)]
        return max((deed.at for deed in deeds), default=None)


@dataclass(frozen=True)
class Book:
    """All cases, oldest first, and the lines that count for nothing."""

    cases: tuple[Case, ...] = ()
    void: tuple[Void, ...] = ()
    newest: Mapping[str, int] = field(default_factory=dict)

    def case(self, subject: str) -> Case | None:
        """The newest case of a subject."""
        return self.cases[self.newest[subject]] if subject in self.newest else None

    def uncounted(self, policy: ApprovalPolicy) -> tuple[Void, ...]:
        """Every line that counts for nothing: void ones, and approvals of open cases by people without a say."""
        strangers = [
            Void(deed.line, reason)
            for case in self.cases
            if case.end is None and case.denial is None
            for deed in case.approvals
            if (reason := policy.may_decide(policy.terms(case.request), deed.by, deed.at)) is not None
        ]
        return tuple(sorted((*self.void, *strangers), key=lambda void: void.line))


def objection(case: Case | None, event: Mapping[str, Any]) -> str | None:
    """Why an event cannot follow on this case, whatever the policy says; None if it can."""
    subject, kind, at = str(event["subject"])[:12], event["event"], datetime.fromisoformat(event["at"])
    if case is None:
        return f"no decision was requested on {subject}"
    state, what = case.outcome(at).state, f"{case.request.action} {subject}"
    if at < case.request.requested_at:
        return f"{what} was requested only later"
    if kind == "passed" and case.request.action != VETO_ACTION:
        return f"{what} waits for a person: only the announcement of a low-risk card can pass without one"
    if kind == "consumed" and state == "pending" and not case.approvals and case.bypass is None:
        return f"{what} is pending: nobody has approved it"
    if kind in ("consumed", "passed"):
        return None if state == "pending" else _not_usable(what, state)
    by = str(event["by"])
    if event.get("how") != PERSON or by.startswith(AGENT):
        return f"{by!r} is not a person: a machine never approves"
    if by == case.request.requested_by:
        return f"{by!r} requested {what} and may not decide on it: a second person must"
    if kind == "denied" and event.get("reason") not in REASONS:
        return f"{event.get('reason')!r} is not a reason for a denial; use one of {', '.join(REASONS)}"
    if kind == "denied" and state in ("consumed", "passed") and case.request.action.startswith("pattern_"):
        return None
    if state != "pending":
        return f"{what} is {state}: there is nothing left to decide"
    if kind == "bypassed" and not str(event.get("reason") or "").strip():
        return "a bypass needs its reason"
    if kind == "approved" and by in [deed.by for deed in case.approvals]:
        quorum = case.request.quorum
        return f"{by!r} has already approved {subject}" + (
            f": its quorum of {quorum} needs others" if quorum > 1 else ""
        )
    return None


def refusal(case: Case | None, event: Mapping[str, Any], policy: ApprovalPolicy) -> str | None:
    """Why an event may not be written now: an objection, or what the policy says of the person and the time."""
    reason = objection(case, event)
    if reason is not None or case is None:
        return reason
    kind, at = event["event"], datetime.fromisoformat(event["at"])
    request, state = policy.terms(case.request), case.status(policy, at).state
    what = f"{request.action} {request.subject[:12]}"
    if kind == "consumed":
        return None if state in ("approved", "bypassed") else _not_usable(what, state)
    if kind == "passed":
        early = at - request.requested_at < timedelta(hours=policy.veto_hours)
        return f"{what} may still be denied: {policy.veto_hours} hours are not over" if early else None
    if kind in ("approved", "bypassed") and state != "pending":
        return f"{what} is {state}: there is nothing left to decide"
    return policy.may_decide(request, str(event["by"]), at)


def _not_usable(what: str, state: State) -> str:
    return (
        f"{what} is {state}: an approval is valid for the exact artifact and parameters, once, until it expires;"
        " request a decision on this version"
    )


def read_book(entries: Iterable[Mapping[str, Any]], policy: ApprovalPolicy) -> Book:
    """The cases that the ledger's lines tell of; what breaks a rule is listed as void instead."""
    cases: list[Case] = []
    newest: dict[str, int] = {}
    void: list[Void] = []
    for number, entry in enumerate(entries, 1):
        try:
            reason = _follow(cases, newest, number, entry, policy)
        except (KeyError, ValueError, TypeError) as error:
            reason = f"the line cannot be read: {error.__class__.__name__} {str(error).splitlines()[0][:120]}"
        if reason is not None:
            void.append(Void(number, reason))
    return Book(tuple(cases), tuple(void), newest)


def _follow(
    cases: list[Case], newest: dict[str, int], number: int, entry: Mapping[str, Any], policy: ApprovalPolicy
) -> str | None:
    """Put one line to its case; returns why it counts for nothing, None if it counts."""
    kind = entry["event"]
    if kind == "key_adopted":
        return None
    if kind == "requested":
        return _open(cases, newest, number, entry, policy)
    if kind not in ("approved", "denied", "bypassed", "consumed", "passed"):
        return f"{kind!r} is not an event of this ledger"
    position = newest.get(entry["subject"])
    case = None if position is None else cases[position]
    reason = objection(case, entry)
    if reason is None and case is not None and position is not None:
        cases[position] = _with(case, _deed(number, entry))
    return reason


def _open(
    cases: list[Case], newest: dict[str, int], number: int, entry: Mapping[str, Any], policy: ApprovalPolicy
) -> str | None:
    try:
        request = Request.model_validate({k: v for k, v in entry.items() if k in Request.model_fields})
    except ValidationError as error:
        return f"not a request: {error.errors()[0]['msg']}"
    if policy.gate(request.action) is None:
        return f"there is no gate for {request.action}"
    if request.subject != entry["subject"]:
        return "the subject is not the hash of action, artifact and parameters"
    newest[request.subject] = len(cases)
    cases.append(Case(request, number))
    return None


def _deed(number: int, entry: Mapping[str, Any]) -> Deed:
    seconds = entry.get("seconds_shown")
    return Deed(
        event=entry["event"],
        by=str(entry.get("by", "")),
        at=datetime.fromisoformat(entry["at"]),
        line=number,
        identified=str(entry.get("identified", "stated")),
        reason=entry.get("reason"),
        seconds_shown=float(seconds) if seconds is not None else None,
        used_for=entry.get("used_for"),
    )


def _with(case: Case, deed: Deed) -> Case:
    if deed.event == "approved":
        return replace(case, approvals=(*case.approvals, deed))
    if deed.event == "denied":
        return replace(case, denial=deed)
    if deed.event == "bypassed":
        return replace(case, bypass=deed)
    return replace(case, end=deed)
