"""Commands with which people decide: pending, approve, deny."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.commands.terminal import (
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    cell,
    err,
    opened,
    out,
    sentences_for_trouble,
    stop,
)
from dagster_project.warehouse import run_record
from dagster_project.workspace.approval_ledger import approvals_of, tokens_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from feedback.approvals import REASONS, ApprovalRefused, Approvals, KeyUnusable
from feedback.approvals.tokens import VARIABLE, TokenRefused, identified

if TYPE_CHECKING:
    from feedback.approvals.digest import OpenDecision

SHORTEST_PREFIX = 8
SubjectArgument = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="The first characters (8 or more) of a subject of `pending`.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who decides: an id of approvals.people or approvals.approvers.")]


def pending(
    ws: WorkspaceArgument = Path("data"),
    digest: Annotated[bool, typer.Option("--digest", help="The week's decisions, at most weekly_limit.")] = False,
    json_: JsonOption = False,
) -> None:
    """What waits for a person: who decides, until when, what is at stake; ranked by money."""
    with _ledger(ws) as (_, settings, approvals):
        _list(approvals, _now(settings), settings.report_currency, only_digest=digest, json_=json_)


def approve(
    ws: WorkspaceArgument,
    subject: SubjectArgument,
    by: ByOption,
    bypass: Annotated[
        str | None,
        typer.Option("--bypass", metavar="REASON", help="In an emergency: act without the quorum, for 8 hours."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Consent to exactly one subject, as a named person; a quorum may need others too."""
    with _ledger(ws) as (workspace, settings, approvals):
        now = _now(settings)
        full = _full(approvals, subject)
        how = _how(workspace, settings, by)
        if bypass is not None:
            status = approvals.bypass(full, by=by, reason=bypass, at=now, identified=how)
        else:
            status = approvals.approve(full, by=by, at=now, identified=how)
        _say(approvals, full, status.state, by, how, now, json_)


def deny(
    ws: WorkspaceArgument,
    subject: SubjectArgument,
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", help=f"The class of the reason: {', '.join(REASONS)}.")],
    json_: JsonOption = False,
) -> None:
    """Deny one subject with the class of the reason; one denial ends the request, whatever its quorum."""
    if reason not in REASONS:
        stop(USAGE, f"--reason {reason} is no class of reasons: use one of {', '.join(REASONS)}")
    with _ledger(ws) as (workspace, settings, approvals):
        now = _now(settings)
        full = _full(approvals, subject)
        how = _how(workspace, settings, by)
        status = approvals.deny(full, by=by, reason=reason, at=now, identified=how)
        _say(approvals, full, status.state, by, how, now, json_)


@contextmanager
def _ledger(ws: Path) -> Iterator[tuple[Workspace, Settings, Approvals]]:
    """The ledger of a workspace; refusals leave with 1, a key that cannot be used with 2, a broken ledger with 3."""
    workspace, settings = opened(ws)
    with sentences_for_trouble():
        try:
            yield workspace, settings, approvals_of(workspace, settings)
        except (ApprovalRefused, TokenRefused) as refused:
            stop(NO, str(refused))
        except KeyUnusable as unusable:
            stop(USAGE, str(unusable))


def _now(settings: Settings) -> datetime:
    return run_record.now(settings).replace(tzinfo=UTC, microsecond=0)


def _full(approvals: Approvals, prefix: str) -> str:
    """The subject that begins with `prefix`; leaves with 2 where none or several do."""
    wanted = prefix.strip().lower()
    if len(wanted) < SHORTEST_PREFIX:
        stop(USAGE, f"{prefix!r} is too short: give at least {SHORTEST_PREFIX} characters of the subject")
    subjects = [subject for subject in approvals.book().newest if subject.startswith(wanted)]
    if len(subjects) != 1:
        what = "no request has" if not subjects else f"{len(subjects)} requests have"
        stop(USAGE, f"{what} a subject that begins with {prefix}: `plumbline pending WS` lists them")
    return subjects[0]


def _how(workspace: Workspace, settings: Settings, by: str) -> str:
    required = settings.approvals.require_token
    return identified(tokens_of(workspace), by, os.environ.get(VARIABLE), required=required)


def _say(approvals: Approvals, subject: str, state: str, by: str, how: str, now: datetime, json_: bool) -> None:
    case = approvals.book().case(subject)
    status = approvals.status(subject, now)
    document: dict[str, Any] = {"subject": subject, "state": state, "by": list(status.by), "identified": how}
    document["reason"] = status.reason
    if case is not None:
        document["action"] = case.request.action
        document["quorum"] = approvals.policy.terms(case.request).quorum
    if json_:
        as_json(document)
        return
    known = "by token" if how == "token" else f"only as stated by the system user {_user()}"
    out.print(f"{document.get('action')} {subject[:12]} is {state}; {by} was identified {known}", markup=False)
    if state == "pending":
        out.print(f"{len(status.by)} of {document.get('quorum')} people have approved: it waits for the others")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _list(approvals: Approvals, now: datetime, currency: str, *, only_digest: bool, json_: bool) -> None:
    from feedback.approvals.digest import digest, nobody_can_decide, open_decisions

    week = digest(approvals, now)
    everything = open_decisions(approvals, now)
    shown = list(week.decisions) if only_digest else [d for d in everything if not d.announced]
    notes = nobody_can_decide([*shown, *week.announced])
    if json_:
        as_json(
            {
                "at": now,
                "currency": currency,
                "pending": [_plain(d) for d in shown],
                "announced": [_plain(d) for d in week.announced],
                "left_for_later": week.left_for_later if only_digest else 0,
                "decided_this_week": week.decided_this_week,
                "weekly_limit": week.weekly_limit,
                "notes": notes,
            }
        )
        return
    if not shown:
        left = f"; {week.left_for_later} wait for next week" if only_digest and week.left_for_later else ""
        out.print(f"nothing waits for a decision{left}", markup=False)
    for number, decision in enumerate(shown, 1):
        _print(number, decision, now, currency)
    if only_digest and shown and week.left_for_later:
        out.print(f"{week.left_for_later} more wait; the week's limit is {week.weekly_limit} decisions")
    for decision in week.announced:
        out.print(f"announced {decision.subject[:12]}  {cell(decision.title)}. {decision.silence}", markup=False)
    for note in notes:
        err.print(note, markup=False, highlight=False)


def _print(number: int, d: OpenDecision, now: datetime, currency: str) -> None:
    hours = int((d.expires - now).total_seconds() // 3600)
    urgent = {"open": "", "reminder": " REMINDER", "escalated": " ESCALATED"}[d.urgency]
    money = "; ".join(
        f"{name} {currency} {amount:,.0f}"
        for name, amount in (("worth", d.worth), ("at risk", d.at_risk))
        if amount is not None
    )
    lines = [
        f"{number}. {d.subject[:12]}  {d.action}{urgent}  {cell(d.title)}",
        f"   {cell(d.evidence)}" if d.evidence else "",
        f"   {money or 'not known in money'}; requested by {d.requested_by}; expires in {hours} h",
        f"   {len(d.approved_by)} of {d.quorum} have approved; may decide: {', '.join(d.deciders) or 'nobody'}",
        f"   if denied: {cell(d.if_denied)}" if d.if_denied else "",
        f"   if nobody answers: {d.silence}",
    ]
    for line in filter(None, lines):
        out.print(line, markup=False, highlight=False)


def _plain(decision: OpenDecision) -> dict[str, Any]:
    return asdict(decision)
