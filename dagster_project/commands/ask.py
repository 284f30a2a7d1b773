"""`plumbline ask`: the panel's questions to the AI engines of plumbline.yaml, within the caps, each slot once."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

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
    sentences_for_trouble,
    stop,
)

if TYPE_CHECKING:
    from dagster_project.asking.day_plan import Slot
    from dagster_project.asking.session import Report

EVERY_SECONDS = 5.0  # between two lines of progress where there is no terminal


def ask(
    ws: WorkspaceArgument = Path("data"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print plan, cost and power; ask nothing.")] = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Print prompts made from templates and from your own pages.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --propose: put them into landing/ai_panel.")] = False,
    engine: Annotated[list[str] | None, typer.Option(help="Ask only this engine; may be repeated.")] = None,
    any_day: Annotated[bool, typer.Option("--any-day", help="Ask on a day that the design leaves out.")] = False,
    new_version: Annotated[
        str | None, typer.Option(metavar="WHY", help="Accept a changed panel within its period, and say why.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Ask AI engines the panel's questions for today's slots; what is answered already is never asked again."""
    workspace, settings = opened(ws)
    from dagster_project.asking import preview
    from dagster_project.asking.day_plan import is_planned
    from dagster_project.asking.ledger import read
    from dagster_project.asking.panel import PanelError, read_panel
    from dagster_project.asking.session import CannotAsk, ask_day
    from dagster_project.commands import ask_plan
    from dagster_project.sources.delivered import business_day, effective_now

    day = business_day(settings, effective_now(settings, datetime.now(UTC)))
    if write and not propose:
        stop(USAGE, "--write belongs to --propose: it writes the proposed prompts into landing/ai_panel")
    with sentences_for_trouble():
        try:
            if propose:
                ask_plan.propose(workspace, settings, day, write=write, json_=json_)
                return
            prompts = read_panel(workspace.landing, settings)
            books = workspace.asking_books
            if dry_run:
                if books.exists():
                    with read(books) as ledger:
                        document = preview.document(day, prompts, settings, ledger)
                else:
                    document = preview.document(day, prompts, settings, None)
                as_json(document) if json_ else ask_plan.print_preview(document)
                return
            if not is_planned(day, settings.ai.sampling) and not any_day:
                sentence = f"nothing is asked on {day:%A}: ai.sampling.days in plumbline.yaml leaves it out (--any-day)"
                as_json({"day": day, "asked": False, "why": sentence}) if json_ else out.print(escape(sentence))
                return
            lines = _Progress(quiet=json_)
            report = ask_day(
                workspace,
                settings,
                day,
                prompts,
                engines=engine or (),
                new_version=new_version,
                progress=lines.show,
                begun=lines.begin,
            )
        except (PanelError, CannotAsk) as error:
            stop(USAGE, str(error))
    _tell(report, json_=json_)
    if "interrupted" in report.open:
        raise typer.Exit(BROKEN)
    if not report.complete:
        raise typer.Exit(NO)


class _Progress:
    """A line on a terminal that counts up; elsewhere a line every few seconds."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._total, self._done, self._bad, self._told = quiet, 0, 0, 0, 0.0

    def begin(self, slots: int) -> None:
        """So many slots will be asked."""
        self._total = slots

    def show(self, slot: Slot, status: str) -> None:
        """A slot has ended with this status."""
        self._done += 1
        self._bad += status in ("error", "timeout")
        now = time.monotonic()
        last = self._done == self._total
        if self._quiet or (now - self._told < (0.2 if err.is_terminal else EVERY_SECONDS) and not last):
            return
        self._told = now
        bad = f", {self._bad} without an answer" if self._bad else ""
        err.print(f"{self._done} of {self._total} asked{bad}", end="\r" if err.is_terminal and not last else "\n")


def _tell(report: Report, *, json_: bool) -> None:
    if json_:
        as_json(asdict(report) | {"complete": report.complete})
        return
    asked = sum(report.statuses.values())
    said = ", ".join(f"{count} {status}" for status, count in sorted(report.statuses.items()))
    out.print(
        f"{report.day}, panel {report.panel_version}: {report.planned} answers planned, {report.answered_before} were"
        f" there, {asked} asked{f' ({said})' if said else ''}"
    )
    if report.unknown_calls:
        out.print(
            f"{report.unknown_calls} calls were under way when an earlier process died: their answers were never seen,"
            " they count as paid and were asked again"
        )
    if report.stopped:
        out.print(escape(f"stopped: {report.stopped}"))
    for name, why in report.engines_out.items():
        out.print(escape(f"{name} was given up: {why}{_hint(why)}"))
    if report.open:
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(report.open.items()))
        out.print(f"not asked: {told}; the same command goes on with them as long as it is {report.day}")
    out.print(f"about {report.spent_usd:.4f} US dollars spent, {report.left_usd:.4f} left")
    for name in report.files:
        out.print(f"landing/{name}")


def _hint(why: str) -> str:
    if "401" in why or "403" in why:
        return "; the key was refused: check the variable that `key` names"
    if "404" in why:
        return "; the model is not known there: check `model` and `endpoint`"
    return ""
