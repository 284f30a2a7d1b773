"""Plans over many budgets: the frontier, the budget that meets a goal, the marginal return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from models.planning.constraints import Constraints
from models.planning.no_plan import NoPlan
from models.planning.planner import Objective, solved
from models.planning.prepared_future import Outlook

Kind = Literal["outcome", "iroas", "mroas"]
SCANNED = 16  # budgets tried before bisection
BISECTIONS = 14  # the budget is exact to a hundred-thousandth of the range
STEP = 0.01  # share of the budget over which a marginal return is measured


@dataclass(frozen=True)
class Goal:
    """The `budget` that meets a goal, the mean outcome there, and the share of draws in which the goal is met.

    `at_most` is true when the goal is still met at the largest budget within the limits, so that the true answer may
    be larger.
    """

    kind: Kind
    target: float
    budget: float
    mean: float
    share_of_draws: float
    at_most: bool = False


def frontier(
    outlook: Outlook,
    budgets: Sequence[float],
    constraints: Constraints | None = None,
    *,
    objective: Objective = "mean",
    risk_share: float = 0.2,
    seed: int,
) -> pl.DataFrame:
    """Best outcome per budget: budget, mean, q05, q95, worst_tenth, iroas (mean / budget), next_unit (extra outcome per
    extra money from the budget before), probability_better than the current mix, and the money of each channel.

    A budget that cannot be spent within the limits is left out. Raises NoPlan when none can be spent.
    """
    from models.planning.result import outcome_row

    rows = []
    for budget in sorted(float(b) for b in budgets):
        try:
            money, draws, now = solved(outlook, budget, constraints, objective, risk_share, seed)
        except NoPlan:
            continue
        row = outcome_row("planned", draws)
        rows.append(
            {
                "budget": budget,
                **{k: row[k] for k in ("mean", "q05", "q95", "worst_tenth")},
                "iroas": float(draws.mean()) / budget,
                "probability_better": float((draws > now).mean() + 0.5 * (draws == now).mean()),
                **dict(zip(outlook.channels, money.tolist(), strict=True)),
            }
        )
    if not rows:
        raise NoPlan(f"none of the budgets {', '.join(f'{b:,.0f}' for b in budgets)} can be spent within the limits")
    frame = pl.DataFrame(rows)
    return frame.insert_column(6, (frame["mean"].diff() / frame["budget"].diff()).alias("next_unit"))


def reach(
    outlook: Outlook,
    kind: Kind,
    target: float,
    constraints: Constraints | None = None,
    *,
    objective: Objective = "mean",
    risk_share: float = 0.2,
    seed: int,
) -> Goal:
    """The smallest budget whose best plan brings `target` outcome on average; or the largest one whose plan still
    returns `target` per unit of money, on average (`iroas`) or at the margin (`mroas`).

    Searches the budgets up to the outlook's reach that the limits allow. Raises NoPlan saying what can be reached
    when the goal cannot.
    """
    outcomes: dict[float, np.ndarray] = {}

    def draws_at(budget: float) -> np.ndarray:
        if budget not in outcomes:
            outcomes[budget] = solved(outlook, budget, constraints, objective, risk_share, seed)[1]
        return outcomes[budget]

    def values(budget: float) -> np.ndarray:
        here = draws_at(budget)
        if kind == "outcome":
            return here
        if kind == "iroas":
            return here / budget
        step = budget * STEP if budget * (1 + STEP) <= outlook.reach and can(budget * (1 + STEP)) else -budget * STEP
        return (draws_at(budget + step) - here) / step

    def can(budget: float) -> bool:
        try:
            draws_at(budget)
        except NoPlan:
            return False
        return True

    def meets(budget: float) -> bool:
        return can(budget) and float(values(budget).mean()) >= target

    scan = [float(b) for b in np.linspace(outlook.reach / SCANNED, outlook.reach, SCANNED)]
    budgets = [b for b in scan if can(b)]
    if budgets and budgets[-1] < scan[-1]:
        budgets.append(_bisected(can, budgets[-1], scan[scan.index(budgets[-1]) + 1]))
    if not budgets:
        raise NoPlan("no budget can be spent within the limits: relax one of them")
    good = [b for b in budgets if meets(b)]
    if not good:
        reached = {b: float(values(b).mean()) for b in budgets}
        at = max(reached, key=lambda b: reached[b])
        raise NoPlan(
            f"{kind} {figure(target)} is out of reach: the best plan within the limits has {figure(reached[at])} at a"
            f" budget of {at:,.0f} (searched {budgets[0]:,.0f} to {budgets[-1]:,.0f}, where spend was observed)"
        )
    inside = good[0] if kind == "outcome" else good[-1]
    outside = _before(budgets, inside) if kind == "outcome" else _after(scan, inside)
    budget = _bisected(meets, inside, outside) if outside is not None else inside
    met = values(budget)
    at_most = kind != "outcome" and (budget * (1 + STEP) > outlook.reach or not can(budget * (1 + STEP)))
    return Goal(kind, target, budget, float(draws_at(budget).mean()), float((met >= target).mean()), at_most)


def figure(value: float) -> str:
    """Amounts from 1,000 without decimals, smaller numbers with two."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def next_return(
    outlook: Outlook,
    budget: float,
    constraints: Constraints | None = None,
    *,
    objective: Objective = "mean",
    risk_share: float = 0.2,
    seed: int,
) -> tuple[float, float, float] | None:
    """Return of the next unit of budget within the limits: mean, q05, q95 over draws (KPI in money per money).

    From the best plan at 1 % more, or at 1 % less where more cannot be spent; None where neither is possible.
    """
    here = solved(outlook, budget, constraints, objective, risk_share, seed)[1]
    for step in (budget * STEP, -budget * STEP):
        try:
            there = solved(outlook, budget + step, constraints, objective, risk_share, seed)[1]
        except NoPlan:
            continue
        low, high = np.quantile((there - here) / step, [0.05, 0.95])
        return float(((there - here) / step).mean()), float(low), float(high)
    return None


def _before(budgets: Sequence[float], budget: float) -> float:
    earlier = [float(b) for b in budgets if b < budget]
    return earlier[-1] if earlier else budget * 1e-3


def _after(budgets: Sequence[float], budget: float) -> float | None:
    later = [float(b) for b in budgets if b > budget]
    return later[0] if later else None


def _bisected(meets: Callable[[float], bool], inside: float, outside: float) -> float:
    for _ in range(BISECTIONS):
        middle = 0.5 * (inside + outside)
        if meets(middle):
            inside = middle
        else:
            outside = middle
    return inside
