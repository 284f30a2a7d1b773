"""A finished plan: the allocation, its expected outcome and uncertainty, and what limited it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.planning.objective import worst_share
from models.warning import Warning

PLAN_FOR_QUANTILE = 0.25  # of the gain; `python -m benchmarks.planning` shows how often it is realised


@dataclass(frozen=True, eq=False)
class Plan:
    """Money per channel over the horizon, for planned and current mix at the same budget.

    allocation: channel, current (at this budget), planned, change, low, high (90 % of the draws' own best plans),
    raised_in (share of draws that raise it), tier, at_limit, least, most, iroas, mroas of the next unit at the
    plan, mroas_low and mroas_high (its 90 % range).
    schedule: channel, geo, period (null where not decided), money. outcome: plan, mean, q05, q95, worst_tenth of
    incremental KPI in money, carry-out included. `planned` and `current` are its joint draws (D,), `later_share` the
    part of the planned outcome that arrives after the horizon. `probability_better` is that of beating the current mix
    at the same budget. `regret` is how much more could be gained on average if the curves were known, within the same
    limits. `held_back` is the mean gain forgone because of the evidence limits. `recent` is the spend of the last
    periods, `going_on` (mean, q05, q95) the outcome of repeating it.
    """

    budget: float
    horizon: int
    objective: str
    allocation: pl.DataFrame
    schedule: pl.DataFrame
    outcome: pl.DataFrame
    planned: np.ndarray
    current: np.ndarray
    later_share: float
    probability_better: float
    regret: float
    held_back: float
    baseline: tuple[float, float, float]
    recent: float
    going_on: tuple[float, float, float]
    warnings: tuple[Warning, ...]

    @property
    def gain(self) -> float:
        """Mean of planned less current outcome."""
        return float((self.planned - self.current).mean())

    def gain_range(self) -> tuple[float, float]:
        """90 % parameter interval of the gain over the current mix."""
        low, high = np.quantile(self.planned - self.current, [0.05, 0.95])
        return float(low), float(high)

    @property
    def plan_for(self) -> float:
        """The gain that 75 % of draws reach: what to plan for; below zero, plan for no gain."""
        return float(np.quantile(self.planned - self.current, PLAN_FOR_QUANTILE))

    def probability_of_loss(self, margin: float) -> float:
        """Probability that margin times the incremental outcome is below the budget; not that of a wrong move."""
        return float((margin * self.planned < self.budget).mean())


def outcome_row(label: str, draws: np.ndarray) -> dict[str, object]:
    """One row of `Plan.outcome`."""
    low, high = np.quantile(draws, [0.05, 0.95])
    return {
        "plan": label,
        "mean": float(draws.mean()),
        "q05": float(low),
        "q95": float(high),
        "worst_tenth": worst_share(0.1)(draws),
    }
