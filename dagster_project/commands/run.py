"""Commands that compute: check, run, report, ui."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dagster_project.commands.approvals.queue import waiting_lines
from dagster_project.commands.terminal import (
    BROKEN,
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    err,
    opened,
    out,
    rows_as_table,
    sentences_for_trouble,
    stop,
)
from dagster_project.warehouse import run_record
from dagster_project.workspace.feed_key import FeedKeyError, existing_feed_key
from dagster_project.workspace.paths import PROJECT


def check(ws: WorkspaceArgument = Path("data"), json_: JsonOption = False) -> None:
    """What would land and what would be quarantined, with the reason for each row; writes nothing."""
    from dagster_project.sources.check import check as read_everything

    workspace, settings = opened(ws)
    try:
        sealed_with = existing_feed_key(workspace.root)
    except FeedKeyError as error:
        stop(USAGE, str(error))
    found = read_everything(workspace.landing, settings, run_record.now(settings).replace(tzinfo=UTC), sealed_with)
    files = [
        {
            "file": d.file,
            "shape": d.shape,
            "delivered": d.rows_delivered,
            "would_land": d.rows_landed,
            "quarantined": d.rows_quarantined,
            "duplicate": d.rows_duplicate,
            "control": d.rows_control,
            "from": d.day_min,
            "to": d.day_max,
            "status": d.status,
            "notices": list(d.notices),
        }
        for d in found.deliveries
    ]
    if json_:
        bad = [row for d in found.deliveries for row in d.quarantine.to_dicts()]
        as_json(
            {"ok": found.clean, "files": files, "quarantine": bad, "repeats": found.repeats, "stray": list(found.stray)}
        )
    else:
        rows_as_table("what would land", [{k: v for k, v in f.items() if k != "notices"} for f in files])
        for name, earlier in found.repeats.items():
            out.print(f"landing/{name}: the same bytes as landing/{earlier}, would land once", markup=False)
        for delivery in found.deliveries:
            for notice in delivery.notices:
                out.print(f"landing/{delivery.file}: {notice}", markup=False, highlight=False)
        for message in found.messages[:50]:
            out.print(message, markup=False, highlight=False)
        if len(found.messages) > 50:
            out.print(f"{len(found.messages) - 50} more: plumbline check {ws} --json")
        if found.clean:
            out.print("every row would land")
    if not files:
        err.print(f"{ws}/landing holds no file: put exports into {ws}/landing/<source>/")
    if not found.clean or not files:
        raise typer.Exit(NO)


def run(
    ws: WorkspaceArgument = Path("data"),
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Use only what was delivered by the end of this day.")
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(help="Only these assets, in Dagster's selection syntax, e.g. 'key:\"marts/channel_day\"+'."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every sampler of the run.")] = run_record.DEFAULT_SEED,
    force: Annotated[bool, typer.Option("--force", help="Compute again although nothing changed.")] = False,
    json_: JsonOption = False,
) -> None:
    """From the exports in landing/ to the report and the feed; progress on a terminal, plain lines elsewhere."""
    workspace, settings = opened(ws)
    if settings.clock and settings.clock > (real := datetime.now(settings.zone).date()):
        stop(USAGE, f"plumbline.yaml: clock is {settings.clock}, after today ({real}); set a past day or leave it out")
    day = _day(as_of) if as_of else run_record.today(settings)
    if day > run_record.today(settings):
        stop(USAGE, f"--as-of {day} lies in the future (today is {run_record.today(settings)})")
    with sentences_for_trouble():
        notes = workspace.prepare()
        from dagster_project import runner
        from dagster_project.commands.progress import Progress

        with Progress(quiet=json_) as progress:
            try:
                outcome = runner.run(
                    workspace, settings, day=day, seed=seed, select=select, show=progress.show, force=force
                )
            except runner.SelectionError as error:
                stop(USAGE, str(error))
    document: dict[str, Any] = {
        "status": outcome.status,
        "run_id": outcome.run_id,
        "as_of": str(day),
        "seconds": round(outcome.seconds, 1),
        "reasons": outcome.reasons,
        "notes": [*notes, *outcome.notes],
        "steps": [
            {"name": s.name, "state": s.state, "seconds": round(s.seconds, 2), "rows": s.rows} for s in outcome.steps
        ],
    }
    for note in document["notes"] if not json_ else ():
        err.print(note, markup=False, highlight=False)
    if json_:
        as_json(document)
    elif outcome.status == "unchanged":
        out.print(f"nothing new since {outcome.run_id}: no table changed ({outcome.seconds:.1f} s)")
    elif outcome.status == "blocked" and not outcome.steps:
        out.print(f"nothing new since {outcome.run_id}, whose report is blocked ({outcome.seconds:.1f} s)")
        for reason in outcome.reasons:
            err.print(reason, markup=False, highlight=False)
    else:
        out.print(f"{outcome.run_id} {outcome.status} as of {day} in {outcome.seconds:.0f} s")
        shown = {step.message for step in outcome.steps}
        for reason in outcome.reasons:
            if not any(message and message in reason for message in shown):
                err.print(reason, markup=False, highlight=False)
        if outcome.status == "finished":
            _point_to_results(workspace.root, ws)
            for line in waiting_lines(workspace, settings, ws):
                out.print(line, markup=False, emoji=False, highlight=False)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def _point_to_results(root: Path, ws: Path) -> None:
    from dagster_project.commands.status import not_run_lines

    for line in not_run_lines(root):
        out.print(line, markup=False, highlight=False)
    out.print(f"  plumbline show {ws} channels     plumbline report {ws}     plumbline feed list {ws}")


def report(
    ws: WorkspaceArgument = Path("data"),
    period: Annotated[
        str | None, typer.Option(help="Fiscal quarter such as 2026-Q3; the newest complete one if not given.")
    ] = None,
    close: Annotated[bool, typer.Option("--close", help="Lock the period; its numbers never move again.")] = False,
    json_: JsonOption = False,
) -> None:
    """The CFO's page as pdf, html and xlsx, and a page with pictures per test, from the published snapshot."""
    with sentences_for_trouble():
        _report(ws, period, close, json_)


def _report(ws: Path, period: str | None, close: bool, json_: bool) -> None:
    from dagster_project.commands.experiment.read import pages
    from dagster_project.warehouse import run_outputs
    from dagster_project.warehouse.connection import connect
    from dagster_project.workspace.report_settings import SettingsChanged, settings_of_run
    from feedback.reports import ReportBlocked, audit, build, missing

    workspace, settings = opened(ws)
    if close:
        stop(
            BROKEN,
            "--close arrives with period locks: a report can be built, but no period can be locked yet",
        )
    snapshot = workspace.published()
    if snapshot is None:
        stop(
            BROKEN,
            f"nothing is published yet in {ws}: `plumbline run {ws}` first"
            f" (`plumbline status {ws}` says what is missing)",
        )
    try:
        with connect(snapshot, read_only=True) as con:
            needs = missing(con)
            of_run = settings_of_run(con, settings)
    except SettingsChanged as error:
        stop(USAGE, str(error))
    if needs:
        stop(BROKEN, f"no report from {ws}: it needs {needs}")
    try:
        before = audit.report_before(workspace.audit, snapshot, period=period, settings=of_run)
        files = build(snapshot, workspace.reports, period=period, settings=of_run, previous=before)
        pack = audit.write(files, snapshot, workspace.audit, settings=of_run)
    except ReportBlocked as blocked:
        if json_:
            as_json({"status": "blocked", "reasons": list(blocked.reasons)})
            raise typer.Exit(NO) from None
        stop(NO, "the report is not built:", *(f"  {reason}" for reason in blocked.reasons))
    except ValueError as error:
        stop(USAGE, str(error))
    written = [getattr(files, kind) for kind in ("html", "pdf", "xlsx", "figures_json")]
    run_outputs.update(workspace, written)
    with connect(snapshot, read_only=True) as con:
        tests = pages(workspace, con, settings.report_currency)
    document = {
        "status": "built",
        "html": files.html,
        "pdf": files.pdf,
        "xlsx": files.xlsx,
        "audit_pack": pack,
        "experiments": tests,
    }
    if json_:
        as_json(document)
    else:
        for kind in ("pdf", "html", "xlsx", "audit_pack"):
            out.print(f"{document[kind]}", markup=False, highlight=False)
        for page in tests:
            out.print(page, markup=False, highlight=False)


def ui(
    ws: WorkspaceArgument = Path("data"),
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Dagster's UI, schedule and sensor on this workspace, until Ctrl-C."""
    workspace, _ = opened(ws)
    with sentences_for_trouble():
        for note in workspace.prepare():
            err.print(note, markup=False, highlight=False)
    # Dagster's processes would put the current folder first on the path: a folder `models` there would hide ours.
    os.environ["PYTHONSAFEPATH"] = "1"
    command = [sys.executable, "-m", "dagster", "dev", "-m", "dagster_project.definitions", "-d", str(PROJECT)]
    os.execv(command[0], [*command, "--host", "127.0.0.1", "--port", str(port)])  # noqa: S606 - our own program, no shell


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(USAGE, f"--as-of {text} is not a day; write it as 2026-09-30")
