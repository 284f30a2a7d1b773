"""One call of the panel: freeze, plan, ask, deliver, from the books of the workspace to files in landing/."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dagster_project.asking.answer_line import unanswered
from dagster_project.asking.asker import BUDGET, INTERRUPTED, OUTAGE, Asker, Outcome
from dagster_project.asking.calls import library
from dagster_project.asking.day_plan import Slot, engines_to_ask, slots_of
from dagster_project.asking.deliveries import deliver
from dagster_project.asking.frozen_panel import frozen
from dagster_project.asking.ledger import ANSWERED, FAILED, Ledger, opened
from dagster_project.asking.panel import Prompt
from dagster_project.asking.preview import plan_of
from dagster_project.asking.spending import room
from dagster_project.asking.traces import Traces
from dagster_project.sources.delivered import effective_now
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings
from models.error import PlumblineError

DISABLED = "disabled"


class CannotAsk(PlumblineError):
    """Nothing can be asked as plumbline.yaml and the environment stand."""


@dataclass(frozen=True)
class Report:
    """What a call of the panel did. `open` slots can still be asked today; `files` are what it delivered."""

    day: date
    panel_version: str
    planned: int
    answered_before: int
    statuses: dict[str, int]
    open: dict[str, int]
    stopped: str | None
    engines_out: dict[str, str]
    unknown_calls: int
    spent_usd: Decimal
    left_usd: Decimal
    files: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether every slot that was planned has an answer."""
        return not self.open and not any(s in self.statuses for s in ("error", "timeout"))


def keys_of(settings: Settings, chosen: Sequence[str]) -> dict[str, str]:
    """The secrets of the engines to ask, from the environment. Raises CannotAsk naming what is missing."""
    engines = engines_to_ask(settings.ai)
    names = [e.name for e in engines]
    if not engines:
        raise CannotAsk(
            "no engine has a model",
            file="plumbline.yaml",
            key="ai.engines",
            fix="write {name: openai, model: openai/gpt-5-mini, key: OPENAI_API_KEY}; docs/ai_answers.md lists more",
        )
    strangers = [c for c in chosen if c not in names]
    if strangers:
        raise CannotAsk(f"no engine {strangers[0]} with a model; there are {', '.join(names)}", key="--engine")
    missing = {
        e.name: e.key or "" for e in engines if (not chosen or e.name in chosen) and not os.environ.get(e.key or "")
    }
    if missing:
        listed = ", ".join(f"{variable} ({name})" for name, variable in missing.items())
        raise CannotAsk(
            f"the environment lacks {listed}",
            fix="set it, or name the engines to ask with --engine; an engine is never left out silently",
        )
    return {e.name: os.environ[e.key or ""] for e in engines if not chosen or e.name in chosen}


def ask_day(
    workspace: Workspace,
    settings: Settings,
    day: date,
    prompts: Sequence[Prompt],
    *,
    engines: Sequence[str] = (),
    new_version: str | None = None,
    progress: Callable[[Slot, str], None] = lambda slot, status: None,
    begun: Callable[[int], None] = lambda slots: None,
) -> Report:
    """Ask what is open of the day's slots and deliver every answer into landing/ai_answers.

    Raises PanelError for a changed frozen panel, CannotAsk where no call may be made, LedgerError where another process
    asks, NoLibrary without litellm. After any end, also kill -9, the same call goes on where it stopped.
    """
    keys = keys_of(settings, engines)
    _capped(settings)
    with opened(workspace.asking) as ledger:
        unknown = ledger.recovered
        files = deliver(ledger, workspace.landing)
        panel = frozen(ledger, prompts, settings, day, reason=new_version)
        _close_earlier(ledger, settings, day)
        slots = slots_of(day, prompts, settings.ai)
        plan = plan_of(day, prompts, settings, ledger)
        ledger.plan(slots)
        chosen = [s for s in plan.to_ask if s.engine in keys]
        begun(len(chosen))
        outcome = Outcome()
        if chosen:
            asker = Asker(
                ledger,
                settings,
                panel.panel_version,
                Traces(workspace.asking / "traces"),
                clock=lambda: effective_now(settings, datetime.now(UTC)),
                progress=progress,
                library=library(),
            )
            try:
                outcome = asker.run(chosen, keys)
            finally:
                files += deliver(ledger, workspace.landing)
        if plan.left_out and not outcome.stopped:
            outcome.stopped = (
                f"{plan.cap} leaves {max(plan.room, Decimal(0)):.4f} US dollars, what is open costs {plan.whole:.4f}"
            )
        reasons = _reasons(ledger, slots, outcome, keys)
        _tell_open(ledger, settings, panel.panel_version, slots, reasons)
        files += deliver(ledger, workspace.landing)
        opened_by_reason: dict[str, int] = {}
        for reason in reasons.values():
            opened_by_reason[reason] = opened_by_reason.get(reason, 0) + 1
        return Report(
            day,
            panel.panel_version,
            len(slots),
            plan.answered,
            dict(outcome.statuses),
            opened_by_reason,
            outcome.stopped,
            outcome.engines_out,
            unknown,
            outcome.spent_usd,
            max(room(ledger.con, settings.llm, day, "collect")[0], Decimal(0)),
            tuple(files),
        )


def _capped(settings: Settings) -> None:
    caps = {"daily_cap": settings.llm.daily_cap, "monthly_cap": settings.llm.monthly_cap}
    zero = [f"llm.{name}" for name, cap in caps.items() if not cap]
    if zero:
        raise CannotAsk(
            f"{' and '.join(zero)} {'is' if len(zero) == 1 else 'are'} 0, so no call is made",
            file="plumbline.yaml",
            fix="set the most that a day and a month may cost in US dollars; --dry-run prints what the plan costs",
        )


def _reasons(ledger: Ledger, slots: Sequence[Slot], outcome: Outcome, keys: dict[str, str]) -> dict[str, str]:
    """Why each slot that is still open was not asked, by its answer_id."""
    states = ledger.states(slots)
    reasons = {}
    for slot in slots:
        if states.get(slot.answer_id) in (ANSWERED, FAILED):
            continue
        if slot.engine not in keys:
            reasons[slot.answer_id] = DISABLED
        elif slot.engine in outcome.engines_out:
            reasons[slot.answer_id] = OUTAGE
        else:
            reasons[slot.answer_id] = outcome.stop_reason or BUDGET
    return reasons


def _tell_open(
    ledger: Ledger, settings: Settings, panel_version: str, slots: Sequence[Slot], reasons: dict[str, str]
) -> None:
    """Write for each open slot that it was not scheduled, and why: what is missing must be seen, not guessed."""
    engines = {e.name: e for e in settings.ai.engines}
    now, told = effective_now(settings, datetime.now(UTC)), ledger.told()
    ledger.close_day(
        (s, unanswered(s, engines[s.engine], panel_version, now, status="not_scheduled", why=reasons[s.answer_id]))
        for s in slots
        if s.answer_id in reasons and told.get(s.answer_id) != reasons[s.answer_id]
    )


def _close_earlier(ledger: Ledger, settings: Settings, day: date) -> None:
    """Slots of earlier days that a killed process left open, and that nobody asked on their day, will not come."""
    rows: list[tuple[Any, ...]] = ledger.con.execute(
        "select slot, answer_id from slot where day < ? and state = 'pending' and batch is null", (day.isoformat(),)
    ).fetchall()
    engines = {e.name: e for e in settings.ai.engines}
    now = effective_now(settings, datetime.now(UTC))
    ledger.close_day(
        (slot, unanswered(slot, engines[slot.engine], "", now, status="not_scheduled", why=INTERRUPTED))
        for slot in (Slot.from_text(text) for text, _ in rows)
        if slot.engine in engines
    )
