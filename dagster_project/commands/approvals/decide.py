"""Commands with which people decide: approve, deny."""

from __future__ import annotations

import getpass
import os
from datetime import datetime
from typing import Annotated, Any

import typer

from dagster_project.commands.approvals.open_ledger import now_of, open_ledger
from dagster_project.commands.terminal import USAGE, JsonOption, WorkspaceArgument, as_json, out, stop
from dagster_project.workspace.approval_ledger import tokens_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from feedback.approvals import REASONS, Approvals
from feedback.approvals.tokens import VARIABLE, identified

SHORTEST_PREFIX = 8
SubjectArgument = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="The first characters (8 or more) of a subject of `pending`.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who decides: an id of approvals.people or approvals.approvers.")]


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
    with open_ledger(ws) as (workspace, settings, approvals):
        now = now_of(settings)
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
    with open_ledger(ws) as (workspace, settings, approvals):
        now = now_of(settings)
        full = _full(approvals, subject)
        how = _how(workspace, settings, by)
        status = approvals.deny(full, by=by, reason=reason, at=now, identified=how)
        _say(approvals, full, status.state, by, how, now, json_)


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
