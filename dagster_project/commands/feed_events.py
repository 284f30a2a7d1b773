"""`plumbline feed events` and `feed relay`: what happened, and its delivery to those who asked to be told."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.commands.terminal import (
    NO,
    USAGE,
    JsonOption,
    as_json,
    err,
    opened,
    out,
    rows_as_table,
    sentences_for_trouble,
    stop,
)
from dagster_project.warehouse import run_record
from dagster_project.workspace.memory_store import EventSettingsError, event_targets, memory_store, tell_of_approvals
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings

if TYPE_CHECKING:
    from feedback.events.relay import Relay, TargetReport
    from feedback.memory.sql_store import SqlStore

WorkspaceFolder = Annotated[Path, typer.Argument(metavar="WS")]


def list_events(
    ws: WorkspaceFolder = Path("data"),
    after: Annotated[int, typer.Option(min=0, max=2**53 - 1, help="Only events after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    json_: JsonOption = False,
) -> None:
    """The brand's events in order, as CloudEvents, and how far each target has got; writes nothing."""
    from feedback.memory.cloud_events import cloud_event
    from feedback.memory.store import EventsGone

    workspace, settings = opened(ws)
    store = _store(workspace, settings)
    with sentences_for_trouble():
        try:
            events = store.events_after(after, limit)
        except EventsGone as gone:
            stop(NO, str(gone))
        head, deliveries = store.head(), store.deliveries()
        store.close()
    if json_:
        as_json(
            {
                "brand": store.brand,
                "head": head,
                "next_after": events[-1].seq if events else after,
                "events": [cloud_event(event) for event in events],
                "deliveries": [asdict(d) | {"waiting": head - d.seq} for d in deliveries],
            }
        )
        return
    rows = [{"number": e.seq, "time": e.time, "type": e.type, "subject": e.subject, **_state(e.data)} for e in events]
    rows_as_table(f"events of {store.brand}", rows, most=limit)
    if deliveries:
        rows_as_table(
            "deliveries",
            [
                {
                    "target": d.target,
                    "up to": d.seq,
                    "of": head,
                    "dead letters": d.dead,
                    "tried": d.attempts,
                    "next try": d.retry_at,
                    "problem": d.error,
                }
                for d in deliveries
            ],
        )


def relay_events(
    ws: WorkspaceFolder = Path("data"),
    follow: Annotated[bool, typer.Option("--follow", help="Go on until stopped, looking every few seconds.")] = False,
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="With --follow: seconds between two looks.")] = 5.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be delivered.")] = False,
    dead_letters: Annotated[bool, typer.Option("--dead-letters", help="Deliver what was given up once more.")] = False,
    json_: JsonOption = False,
) -> None:
    """Deliver new events to the webhooks and the Redis stream under `events` in plumbline.yaml.

    In order and at least once; a target that fails is tried again later by the next pass. Exit 1 where a target has
    a problem or an event was given up.
    """
    workspace, settings = opened(ws)
    if sum((follow, dry_run, dead_letters)) > 1:
        stop(USAGE, "use one of --follow, --dry-run and --dead-letters: they are different things to do")
    store = _store(workspace, settings)
    relay = _relay(workspace, settings, store)
    with sentences_for_trouble():
        if follow:
            _follow(workspace, settings, store, relay, every, json_=json_)
            return
        problems = [] if dry_run or dead_letters else _approvals(workspace, settings, store)
        reports = relay.preview() if dry_run else relay.redeliver() if dead_letters else relay.run_once()
        store.close()
    _show(reports, problems, json_=json_)
    if problems or not all(report.healthy for report in reports):
        raise typer.Exit(NO)


def _follow(
    workspace: Workspace, settings: Settings, store: SqlStore, relay: Relay, every: float, *, json_: bool
) -> None:
    """Passes until SIGTERM or Ctrl-C, which end it after the delivery in hand; a store that is away is tried again."""
    from feedback.memory.store import StoreUnavailable

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    shown: dict[str, str | None] = {}
    while not ended.is_set():
        try:
            problems = _approvals(workspace, settings, store)
            reports = relay.run_once()
        except StoreUnavailable as away:
            problems, reports = [str(away)], []
        told = {f"p:{p}": p for p in problems} | {r.target: r.problem for r in reports}
        if told != shown or any(r.delivered or r.set_aside for r in reports):
            _show(reports, problems, json_=json_)
        shown = told
        ended.wait(every)
    store.close()


def _approvals(workspace: Workspace, settings: Settings, store: SqlStore) -> list[str]:
    """Tells of what is new in the ledger of approvals; returns why not, so that all other events still go out."""
    from feedback.approvals.seal import KeyUnusable, LedgerBroken
    from feedback.memory.store import VersionConflict
    from feedback.storage.hash_chain import ChainBroken

    try:
        tell_of_approvals(workspace, settings, store, run_record.now(settings).replace(tzinfo=UTC))
    except VersionConflict:
        return []  # another relay has told of it a moment ago
    except (ChainBroken, LedgerBroken, KeyUnusable) as broken:
        return [f"no event of the ledger of approvals: {broken}"]
    return []


def _store(workspace: Workspace, settings: Settings) -> SqlStore:
    try:
        return memory_store(workspace, settings)
    except EventSettingsError as error:
        stop(USAGE, str(error))


def _relay(workspace: Workspace, settings: Settings, store: SqlStore) -> Relay:
    from feedback.events.relay import Relay
    from feedback.events.signatures import SecretUnusable

    try:
        targets = event_targets(settings, _clock)
    except (EventSettingsError, SecretUnusable) as error:
        stop(USAGE, str(error))
    if not targets:
        stop(USAGE, "plumbline.yaml names no target under events: add `redis` or `webhooks` (docs/agent.md)")
    folder = workspace.memory / settings.company.brand
    return Relay(store, targets, folder=folder, clock=_clock, max_attempts=settings.events.max_attempts)


def _clock() -> datetime:
    return datetime.now(UTC)


def _show(reports: list[TargetReport], problems: list[str], *, json_: bool) -> None:
    if json_:
        as_json({"targets": [report.as_json() for report in reports], "problems": problems})
        return
    for problem in problems:
        err.print(problem, markup=False)
    for report in reports:
        given_up = f", {report.set_aside} given up" if report.set_aside else ""
        line = f"{report.target}: {report.delivered} delivered{given_up}, {report.waiting} waiting"
        if report.problem:
            line += f"; {report.problem}"
        if report.retry_at:
            line += f"; next try {report.retry_at[:19]}Z"
        out.print(line, markup=False, highlight=False)


def _state(data: dict[str, Any]) -> dict[str, Any]:
    return {"state": data.get("state") or data.get("decision") or ""}
