"""The command request: an agent or a person asks for a decision on one file, and later uses it, once."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from dagster_project.commands.approvals.open_ledger import now_of, open_ledger
from dagster_project.commands.terminal import NO, USAGE, JsonOption, WorkspaceArgument, as_json, out, stop
from dagster_project.workspace.approval_ledger import tokens_of
from feedback.approvals import Permission, Request
from feedback.approvals.policy import PIPELINE, ApprovalPolicy, amount_of
from feedback.approvals.request import AGENT
from feedback.approvals.tokens import VARIABLE, identified
from feedback.storage.damaged_files import sha256_of


def request(
    ws: WorkspaceArgument,
    action: Annotated[str, typer.Argument(help="The gate: publish, redistribute, spend, audience, compliance …")],
    artifact: Annotated[Path, typer.Argument(metavar="FILE", help="Exactly what shall be done; its hash is bound.")],
    by: Annotated[str, typer.Option("--by", help="Who asks: an agent of the roster, or a person.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Bound as well, e.g. amount=900.")
    ] = None,
    title: Annotated[str, typer.Option(help="What people read; the file's name where it is left out.")] = "",
    evidence: Annotated[str, typer.Option(help="What speaks for it, with its range.")] = "",
    worth: Annotated[str | None, typer.Option(help="Expected gain in the report currency.")] = None,
    at_risk: Annotated[str | None, typer.Option("--at-risk", help="What may be lost, in the report currency.")] = None,
    use: Annotated[
        str | None, typer.Option("--use", metavar="WHAT", help="Use the approval now, once, for this act.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Ask people for a decision on a file, or with --use act on their approval: exit 0 only when it may be done."""
    if not artifact.is_file():
        stop(USAGE, f"{artifact} is not a file: name the file that shall be published, sent or paid for")
    with open_ledger(ws) as (workspace, settings, approvals):
        now = now_of(settings)
        if by == PIPELINE:
            stop(NO, f"--by {by}: only a run asks as {by}; name the agent or the person who asks")
        if settings.approvals.person(by) is not None:
            required = settings.approvals.require_token
            identified(tokens_of(workspace), by, os.environ.get(VARIABLE), required=required)
        params = {"brand": settings.company.brand, **_params(param or [])}
        try:
            asked = Request(
                action=action,
                artifact_sha256=sha256_of(artifact),
                params=params,
                requested_by=by,
                requested_at=now,
                title=title or artifact.name,
                evidence=evidence,
                worth=_money("--worth", worth),
                at_risk=_money("--at-risk", at_risk),
            )
        except ValidationError as error:
            fault = error.errors()[0]
            stop(USAGE, f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}")
        permission = _permission(approvals.policy, asked)
        if permission.verdict == "never":
            stop(NO, permission.reason)
        if permission.verdict == "free":
            _say({"subject": asked.subject, "state": "free", "by": [], "reason": permission.reason}, json_)
            return
        if use is not None:
            people = approvals.consume(asked, at=now, used_for=use)
            _say({"subject": asked.subject, "state": "consumed", "by": list(people), "reason": None}, json_)
            return
        subject = approvals.ask(asked)
        status = approvals.status(subject, now)
        _say({"subject": subject, "state": status.state, "by": list(status.by), "reason": permission.reason}, json_)


def _permission(policy: ApprovalPolicy, asked: Request) -> Permission:
    if asked.requested_by.startswith(AGENT):
        return policy.permission(asked.requested_by, asked.action, amount=amount_of(asked))
    return Permission("ask", f"{asked.action} waits for a person")


def _params(given: list[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in params or name == "brand":
            stop(USAGE, f"--param {text}: write NAME=VALUE, each name once; the brand is the workspace's")
        params[name] = value
    return params


def _money(option: str, text: str | None) -> Decimal | None:
    try:
        amount = Decimal(text) if text is not None else None
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount is not None and not amount.is_finite():
        stop(USAGE, f"{option} {text} is not an amount: write for example 1200.50")
    return amount


def _say(document: dict[str, object], json_: bool) -> None:
    if json_:
        as_json(document)
        return
    people = ", ".join(document["by"]) if isinstance(document["by"], list) else ""
    detail = f" by {people}" if people else f"; {document['reason']}" if document["reason"] else ""
    out.print(f"{str(document['subject'])[:12]} is {document['state']}{detail}", markup=False, emoji=False)
