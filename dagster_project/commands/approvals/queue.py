"""How `pending` prints the queue: people read lines, programs one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from dagster_project.commands.approvals.open_ledger import now_of
from dagster_project.commands.terminal import as_json, cell, err, out
from dagster_project.workspace.approval_ledger import approvals_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from feedback.approvals import Approvals
from feedback.approvals.cases import VETO_ACTION
from models.error import PlumblineError

if TYPE_CHECKING:
    from feedback.approvals.digest import OpenDecision


def waiting_lines(workspace: Workspace, settings: Settings, ws: Path) -> list[str]:
    """What the end of a run says of the queue: how many decisions wait; nothing where none does or nobody was asked."""
    if not workspace.approvals.exists():
        return []
    try:
        queue = approvals_of(workspace, settings).pending(now_of(settings))
    except PlumblineError as error:
        return [str(error)]
    waiting = [request for request in queue if request.action != VETO_ACTION]
    what = "1 decision waits" if len(waiting) == 1 else f"{len(waiting)} decisions wait"
    return [f"  {what} for a person: plumbline pending {ws}"] if waiting else []


def queued_tests(workspace: Workspace) -> list[dict[str, Any]]:
    """Tests that winning pieces call for, as the last published run lists them; they need no consent."""
    from dagster_project.commands.status import LATEST, reading

    if workspace.published() is None:
        return []
    with reading(workspace) as con:
        try:
            found = con.execute(
                "select feature, channel, winners, example, contrasts, briefs_needed, message from feedback.test_queue"
                f" where {LATEST} order by priority desc, feature, channel"
            )
        except duckdb.CatalogException:  # a snapshot of an older version
            return []
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def show_queue(
    approvals: Approvals,
    now: datetime,
    currency: str,
    *,
    only_digest: bool,
    json_: bool,
    tests: Sequence[dict[str, Any]] = (),
) -> None:
    """Print what waits: everything, or the week's digest; and how many tests are queued."""
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
                "queued_tests": list(tests),
            }
        )
        return
    if tests:
        out.print(
            f"{len(tests)} {'test is' if len(tests) == 1 else 'tests are'} queued for the next briefs:"
            " plumbline show WS test_queue",
            markup=False,
        )
    if not shown:
        left = (
            f" this week; {week.left_for_later} are open beyond the limit of {week.weekly_limit}"
            if only_digest and week.left_for_later
            else ""
        )
        out.print(f"nothing waits for a decision{left}", markup=False, emoji=False)
    for number, decision in enumerate(shown, 1):
        _print(number, decision, now, currency)
    if only_digest and shown and week.left_for_later:
        out.print(f"{week.left_for_later} more wait; the week's limit is {week.weekly_limit} decisions")
    for decision in week.announced:
        out.print(
            f"announced {decision.subject[:12]}  {cell(decision.title)}. {decision.silence}", markup=False, emoji=False
        )
    for note in notes:
        err.print(note, markup=False, emoji=False, highlight=False)


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
        f"   {', '.join(f'{k}={cell(v)}' for k, v in sorted(d.params.items()) if k != 'brand')}",
        f"   {money or 'not known in money'}; requested by {d.requested_by}; expires in {hours} h",
        f"   {len(d.approved_by)} of {d.quorum} have approved; may decide: {', '.join(d.deciders) or 'nobody'}",
        f"   if denied: {cell(d.if_denied)}" if d.if_denied else "",
        f"   if nobody answers: {d.silence}",
    ]
    for line in filter(str.strip, lines):
        out.print(line, markup=False, emoji=False, highlight=False)


def _plain(decision: OpenDecision) -> dict[str, Any]:
    return asdict(decision)
