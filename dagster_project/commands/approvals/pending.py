"""The command pending: the queue of decisions, and everything around it that needs no decision."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dagster_project.commands.approvals.open_ledger import now_of, open_ledger
from dagster_project.commands.approvals.queue import queued_tests, show_queue
from dagster_project.commands.terminal import (
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    err,
    out,
    rows_as_table,
    stop,
)
from dagster_project.workspace.approval_ledger import anchor_of, approvals_of, tokens_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings, load
from feedback.approvals import Approvals
from models.error import PlumblineError


def pending(
    ws: WorkspaceArgument = Path("data"),
    digest: Annotated[bool, typer.Option("--digest", help="The week's decisions, at most weekly_limit.")] = False,
    gates: Annotated[bool, typer.Option("--gates", help="What each gate costs and protects; decision debt.")] = False,
    agents: Annotated[bool, typer.Option("--agents", help="The roster, and what each agent may do.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Is the ledger whole, signed and anchored?")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="The page for the phone, until Ctrl-C.")] = False,
    host: Annotated[str, typer.Option(help="With --serve: the address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --serve: the port.")] = 8200,
    public_host: Annotated[
        str | None, typer.Option(help="With --serve: the name under which a proxy with TLS shows the page.")
    ] = None,
    new_token: Annotated[str | None, typer.Option(metavar="PERSON", help="Make a person's token; shown once.")] = None,
    revoke_token: Annotated[str | None, typer.Option(metavar="PERSON", help="End a person's token.")] = None,
    adopt_key: Annotated[bool, typer.Option("--adopt-key", help="Sign a ledger that began without a key.")] = False,
    re_anchor: Annotated[
        bool, typer.Option("--re-anchor", help="Anchor the ledger as it stands, after comparing it with a backup.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """What waits for a person: who decides, until when, what is at stake; ranked by money."""
    chosen = [digest, gates, agents, check, serve, new_token, revoke_token, adopt_key, re_anchor]
    if sum(map(bool, chosen)) > 1:
        stop(USAGE, "these options are different questions: give one of them at a time")
    with open_ledger(ws) as (workspace, settings, approvals):
        now = now_of(settings)
        if serve:
            _serve(workspace, settings, host, port, public_host)
        elif new_token or revoke_token:
            _token(workspace, settings, new_token, revoke_token)
        elif adopt_key:
            approvals.adopt_key(now)
            out.print("the ledger is signed from now on; one signed line vouches for the lines before it")
        elif re_anchor:
            out.print(f"{approvals.re_anchor()} lines are anchored in {anchor_of(workspace, settings)}", markup=False)
        elif check:
            _check(approvals, workspace, settings, json_)
        elif gates:
            _gates(approvals, now, json_)
        elif agents:
            _agents(settings, json_)
        else:
            tests = queued_tests(workspace)
            show_queue(approvals, now, settings.report_currency, only_digest=digest, json_=json_, tests=tests)


def _serve(workspace: Workspace, settings: Settings, host: str, port: int, public_host: str | None) -> None:
    from feedback.approvals.page import PageRefused, PageSettings, serve

    def ledger() -> Approvals:
        # Read anew, so that a person who left plumbline.yaml is out at once.
        return approvals_of(workspace, load(workspace.settings_file))

    names = (public_host,) if public_host else ("127.0.0.1", "localhost", "[::1]", "[", host)
    page = PageSettings(
        company=settings.company.name,
        currency=settings.report_currency,
        clock=lambda: now_of(settings),
        hosts=names,
        tls=public_host is not None,
    )
    shown = f"https://{public_host}" if public_host else f"http://{host}:{port}"
    out.print(f"decisions are served on {shown} until Ctrl-C", markup=False, highlight=False)
    try:
        serve(ledger, tokens_of(workspace), page, host=host, port=port)
    except PageRefused as refused:
        stop(USAGE, str(refused))


def _token(workspace: Workspace, settings: Settings, new: str | None, revoke: str | None) -> None:
    tokens, person = tokens_of(workspace), new or revoke or ""
    if revoke:
        if not tokens.revoke(person):
            stop(NO, f"{person} has no token")
        out.print(f"the token of {person} has ended", markup=False)
        return
    if settings.approvals.person(person) is None:
        known = ", ".join(p.id for p in settings.approvals.everybody) or "nobody"
        stop(USAGE, f"plumbline.yaml: approvals.people: {person} is not a person; known: {known}")
    out.print(tokens.new(person), markup=False, highlight=False)
    err.print(f"this is the token of {person}, shown only now; an earlier one has ended", markup=False)


def _check(approvals: Approvals, workspace: Workspace, settings: Settings, json_: bool) -> None:
    outside = not anchor_of(workspace, settings).resolve().is_relative_to(workspace.root)
    try:
        found = approvals.check()
    except PlumblineError as error:
        if json_:
            as_json({"ok": False, "broken": str(error), "lines": None, "signed": None, "uncounted": []})
        else:
            err.print(str(error), markup=False, highlight=False)
        raise typer.Exit(NO) from None
    uncounted = [{"line": void.line, "reason": void.reason} for void in found.void]
    notes = []
    if not found.signed:
        notes.append("no key: whoever can write the file can write it anew; set PLUMBLINE_APPROVAL_KEY or key_file")
    if not outside:
        notes.append("the anchor lies in the workspace: who can cut both is not noticed; set approvals.anchor_file")
    if json_:
        document = {"ok": not uncounted, "broken": None, "lines": found.lines, "signed": found.signed}
        as_json({**document, "anchor": found.anchor, "uncounted": uncounted, "notes": notes})
    else:
        signed = "every line is signed" if found.signed else "none is signed"
        out.print(f"{found.lines} lines follow from each other, {signed}; anchor: {found.anchor}")
        for note in notes:
            err.print(note, markup=False, highlight=False)
        if uncounted:
            rows_as_table("lines that count for nothing", uncounted)
    if uncounted:
        raise typer.Exit(NO)


def _gates(approvals: Approvals, now: datetime, json_: bool) -> None:
    from feedback.approvals.gate_costs import decision_debt, gate_costs

    book = approvals.book()
    costs = [asdict(cost) for cost in gate_costs(book, approvals.policy, now)]
    debt = asdict(decision_debt(book, approvals.policy, now))
    if json_:
        as_json({"at": now, "gates": costs, "decision_debt": debt})
        return
    columns = ("action", "requests", "open", "decided", "expired", "changed", "median_wait_hours", "verdict", "reason")
    rows_as_table("what the gates cost and protect", [{c: cost[c] for c in columns} for cost in costs])
    rows_as_table("decision debt", [{k: v for k, v in debt.items() if k != "alarms"}])
    for alarm in debt["alarms"]:
        err.print(alarm, markup=False, highlight=False)


def _agents(settings: Settings, json_: bool) -> None:
    rows: list[dict[str, Any]] = [agent.model_dump(mode="json") for agent in settings.approvals.agents]
    if json_:
        as_json({"agents": rows})
    else:
        rows_as_table("agents", rows)
