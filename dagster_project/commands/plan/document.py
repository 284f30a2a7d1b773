"""A finished plan as one document of plain data: what `--json` prints and what the terminal and the page read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from dagster_project.commands.plan.basis import Basis
    from dagster_project.workspace.settings import Settings
    from models.planning import Goal, Plan


def _profits(plan: Plan, margin: float) -> dict[str, float]:
    """Margin times mean outcome less media cost: of the plan, the current mix at this budget, and the recent spend."""
    return {
        "planned": margin * float(plan.planned.mean()) - plan.budget,
        "current mix": margin * float(plan.current.mean()) - plan.budget,
        "spending on as before": margin * plan.going_on[0] - plan.recent,
    }


def plan_document(
    plan: Plan,
    basis: Basis,
    settings: Settings,
    goal: Goal | None,
    frontier: pl.DataFrame | None,
    files: Mapping[str, Path],
    next_unit: tuple[float, ...] | None,
    *,
    split: str,
    declared_future: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything about a plan as plain data; `next_unit` is mean, q05 and q95 of the next unit of budget."""
    import numpy as np

    from dagster_project.commands.plan.future_controls import PREFIX

    dates = basis.dates(plan.horizon)
    low, high = plan.gain_range()
    margin = float(settings.margin) if settings.margin else None
    by_geo_or_period = plan.schedule["geo"].is_not_null().any() or plan.schedule["period"].is_not_null().any()
    schedule = [row | {"from": dates[row["period"] - 1] if row["period"] else None} for row in plan.schedule.to_dicts()]
    return {
        "status": "planned",
        "run_id": basis.run_id,
        "evidence": "all evidence combined" if basis.combined else "media mix model alone",
        "budget": plan.budget,
        "currency": settings.report_currency,
        "horizon": plan.horizon,
        "grain": basis.fit.data.grain,
        "from": dates[0],
        "to": dates[-1],
        "data_until": basis.fit.data.dates[-1],
        "objective": plan.objective,
        "goal": vars(goal) if goal else None,
        "allocation": plan.allocation.to_dicts(),
        "schedule": schedule if by_geo_or_period else None,
        "outcome": plan.outcome.to_dicts(),
        "interval": "90 % parameter interval of the mean effect",
        "gain": {"mean": plan.gain, "q05": low, "q95": high, "plan_for": plan.plan_for},
        "next_unit": dict(zip(("mean", "q05", "q95"), next_unit, strict=True)) if next_unit else None,
        "recent": {"cost": plan.recent, **dict(zip(("mean", "q05", "q95"), plan.going_on, strict=True))},
        "profit_after_media": _profits(plan, margin) if margin else None,
        "later_share": plan.later_share,
        "probability_better": plan.probability_better,
        "probability_of_loss": plan.probability_of_loss(margin) if margin else None,
        "regret": plan.regret,
        "held_back_by_evidence": plan.held_back,
        "baseline": dict(zip(("mean", "q05", "q95"), plan.baseline, strict=True)),
        "warnings": [vars(w) for w in plan.warnings],
        "frontier": frontier.to_dicts() if frontier is not None else None,
        "files": dict(files),
        "decided_by": split.replace("_", " and "),
        "declared_future": {
            name.removeprefix(PREFIX): np.asarray(values).tolist() for name, values in declared_future.items()
        },
    }
