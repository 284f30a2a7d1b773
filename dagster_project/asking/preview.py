"""What a day, a week and a month of asking cost and can tell, before anything is asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from dagster_project.asking.day_plan import Slot, engines_to_ask, is_planned, slots_of, within_budget
from dagster_project.asking.frozen_panel import difference, identity, newest, period_of
from dagster_project.asking.ledger import ANSWERED, Ledger
from dagster_project.asking.panel import Prompt
from dagster_project.asking.spending import room, spent
from dagster_project.workspace.ai_settings import Engine
from dagster_project.workspace.settings import Settings

WEEKS_PER_MONTH = Decimal(52) / 12


@dataclass(frozen=True)
class DayPlan:
    """The open slots that the caps pay for, those they do not, and the slots that have their answer already."""

    day: date
    to_ask: tuple[Slot, ...]
    left_out: tuple[Slot, ...]
    answered: int
    whole: Decimal
    cost: Decimal
    room: Decimal
    cap: str
    prices: dict[str, Decimal]


def price_of(engine: Engine, ledger: Ledger | None) -> Decimal:
    """What an answer is expected to cost, in US dollars: the mean of this model's newest answers, else as set."""
    seen = ledger.mean_cost(engine.name, engine.model or "") if ledger else None
    return seen if seen is not None else engine.price_usd


def plan_of(day: date, prompts: Sequence[Prompt], settings: Settings, ledger: Ledger | None) -> DayPlan:
    """The day's slots against what has been answered and what the caps leave."""
    prices = {e.name: price_of(e, ledger) for e in engines_to_ask(settings.ai)}
    slots = slots_of(day, prompts, settings.ai)
    states = ledger.states(slots) if ledger else {}
    open_slots = [s for s in slots if states.get(s.answer_id) != ANSWERED]
    left, cap = room(ledger.con, settings.llm, day, "collect") if ledger else _unspent(settings)
    kept, cut, cost = within_budget(open_slots, prices, left)
    whole = sum((prices[s.engine] for s in open_slots), Decimal(0))
    return DayPlan(day, tuple(kept), tuple(cut), len(slots) - len(open_slots), whole, cost, left, cap, prices)


def _unspent(settings: Settings) -> tuple[Decimal, str]:
    caps = settings.llm
    named = [(caps.daily_cap, "llm.daily_cap"), (caps.monthly_cap, "llm.monthly_cap")]
    named += [(cap, f"llm.purpose_caps.{name}") for name, cap in caps.purpose_caps.items() if name == "collect"]
    return min(named)


def document(day: date, prompts: Sequence[Prompt], settings: Settings, ledger: Ledger | None) -> dict[str, Any]:
    """The dry run as one document: the plan of the day, the cost by engine, and what the design can tell."""
    plan = plan_of(day, prompts, settings, ledger)
    panel = newest(ledger, period_of(day, settings.ai.period)) if ledger else None
    sha256, parts = identity(prompts, settings)
    sampling = settings.ai.sampling
    engines: list[dict[str, Any]] = []
    week_cost = Decimal(0)
    for engine in engines_to_ask(settings.ai):
        asked = [p for p in prompts if p.engine in ("", engine.name) and p.surface in ("", engine.surface)]
        pairs = 2 * min(sampling.aa_prompts, sum(p.is_core for p in asked))
        per_week = len(asked) * sampling.repeats * len(sampling.days) + pairs
        price = plan.prices[engine.name]
        week_cost += per_week * price
        engines.append(
            {
                "engine": engine.name,
                "model": engine.model,
                "surface": engine.surface,
                "contract": engine.contract,
                "prompts": len(asked),
                "core_prompts": sum(p.is_core for p in asked),
                "answers_today": sum(s.engine == engine.name for s in plan.to_ask),
                "answers_per_week": per_week,
                "price_usd": price,
                "cost_per_week_usd": per_week * price,
                "key": engine.key,
                "key_is_set": bool(os.environ.get(engine.key or "")),
            }
        )
    charged = spent(ledger.con, day, "collect") if ledger else None
    return {
        "day": day,
        "is_planned_day": is_planned(day, sampling),
        "panel_version": panel.panel_version if panel else None,
        "panel_differs": difference(panel.prompts, parts) if panel and panel.sha256 != sha256 else None,
        "engines": engines,
        "today": {
            "answered": plan.answered,
            "to_ask": len(plan.to_ask),
            "left_out_by_the_cap": len(plan.left_out),
            "cost_usd": plan.cost,
            "whole_usd": plan.whole,
            "may_be_spent_usd": max(plan.room, Decimal(0)),
            "nearest_cap": plan.cap,
            "spent_today_usd": charged.today if charged else Decimal(0),
            "spent_this_month_usd": charged.month if charged else Decimal(0),
        },
        "cost_per_week_usd": week_cost,
        "cost_per_month_usd": (week_cost * WEEKS_PER_MONTH).quantize(Decimal("0.01")),
        "precision": _precision([e["core_prompts"] for e in engines], settings),
    }


def _precision(core_prompts: Sequence[int], settings: Settings) -> dict[str, Any] | None:
    """Of the engine with the fewest core prompts, so that nothing is promised which one of them cannot keep."""
    if not core_prompts or not min(core_prompts):
        return None
    from models.visibility.sampling_design import (
        ASSUMED_WITHIN_VARIANCE,
        Design,
        category_half_width,
        panel_half_width,
        smallest_detectable_change,
    )

    runs = settings.ai.sampling.repeats * len(settings.ai.sampling.days)
    design = Design(min(core_prompts), runs, len(core_prompts))
    every = design.engines
    return {
        "variances": f"assumed ({ASSUMED_WITHIN_VARIANCE} within a question) until a month of own answers is there",
        "core_prompts": design.prompts,
        "runs_per_week": runs,
        "range_of_these_questions": panel_half_width(design),
        "range_of_questions_like_these": category_half_width(design),
        "detectable_week_on_week": smallest_detectable_change(design),
        "detectable_on_four_weeks": smallest_detectable_change(design, base_weeks=4),
        "detectable_week_on_week_all_engines": smallest_detectable_change(design, engines=every),
        "detectable_on_four_weeks_all_engines": smallest_detectable_change(design, engines=every, base_weeks=4),
    }
