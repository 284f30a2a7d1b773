"""What a user asks `plumbline plan` for: a budget or a goal, and how it is decided; refused here when impossible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from dagster_project.commands.terminal import USAGE, stop

Objective = Literal["mean", "cvar", "safe"]
Split = Literal["channel", "geo", "period", "geo_period"]
GoalKind = Literal["outcome", "iroas", "mroas"]
SEED = 1  # of the optimiser's random starts; the draws of the fit carry their own seed


@dataclass(frozen=True)
class PlanRequest:
    """A budget or a goal (kind and target), the horizon in periods, the objective and the level of decision."""

    budget: float | None
    goal: tuple[GoalKind, float] | None
    horizon: int
    objective: Objective
    risk_share: float
    split: Split

    @property
    def search(self) -> dict[str, Any]:
        """How every plan of this request is searched for, as keyword arguments of `models.planning`."""
        return {"objective": self.objective, "risk_share": self.risk_share, "seed": SEED}


def plan_request(
    budget: float | None,
    targets: dict[GoalKind, float | None],
    *,
    horizon: int,
    objective: str,
    risk_share: float,
    split: str,
) -> PlanRequest:
    """The request given by the options; a contradiction or an impossible value stops the command with exit code 2."""
    goals = [(kind, target) for kind, target in targets.items() if target is not None]
    for option, value, choices in (("--objective", objective, Objective), ("--split", split, Split)):
        if value not in get_args(choices):
            stop(USAGE, f"{option} {value}: one of {', '.join(get_args(choices))}")
    if len(goals) > 1 or (goals and budget is not None):
        stop(USAGE, "give one of --budget, --target-outcome, --target-iroas and --target-mroas, not several")
    if budget is not None and not budget > 0:
        stop(USAGE, f"--budget {budget:g}: a plan needs a budget above zero")
    if goals and not goals[0][1] > 0:
        stop(USAGE, f"--target-{goals[0][0]} {goals[0][1]:g}: must be above zero")
    if not 0 < risk_share <= 1:
        stop(USAGE, f"--risk-share {risk_share:g}: a share of the draws is above 0 and at most 1")
    goal = goals[0] if goals else None
    return PlanRequest(budget, goal, horizon, objective, risk_share, split)  # type: ignore[arg-type]  # checked above
