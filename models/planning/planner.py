"""Budget plans: how to allocate the next budget, how likely it is to beat the current mix, and what limits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from typing import Literal

import numpy as np
import polars as pl

from models.mmm import MMMFit
from models.planning import plan_warnings
from models.planning.constraints import Constraints, calendar_of
from models.planning.curves import Curves
from models.planning.limits import Decisions, Limits, Split, decisions_of, limits_of
from models.planning.media_price import Delivery
from models.planning.no_plan import NoPlan
from models.planning.objective import Aim, mean_of, worst_share
from models.planning.optimise import Optimum, Sums, best, feasible
from models.planning.phasing import InRegions, Phased
from models.planning.prepared_future import Evidence, Outlook, prepare
from models.planning.result import Plan, outcome_row

Objective = Literal["mean", "cvar", "safe"]
DRIFT = 2e-6  # share of the budget by which a channel's money may drift while its weeks are decided


def plan(
    fit: MMMFit,
    budget: float,
    constraints: Constraints | None = None,
    *,
    horizon: int = 13,
    objective: Objective = "mean",
    risk_share: float = 0.2,
    split: Split = "channel",
    future_controls: Mapping[str, Sequence[float]] | None = None,
    delivery: Mapping[str, Delivery] | None = None,
    evidence: Evidence | None = None,
    after: Date | None = None,
    seed: int,
) -> Plan:
    """The allocation of `budget` over `horizon` periods that maximises incremental KPI in money.

    The periods follow the data, or the later day `after`: nobody can spend in the past.
    `mean` maximises the posterior mean, `cvar` the mean of the worst `risk_share` of draws, `safe` the mean of the
    worst `risk_share` of the gain over the current mix, which leaves money where it is unless a gain is nearly
    certain. `split` decides by channel (spent evenly, or along `constraints.period_budget`), by channel and geo, by
    channel and period, or by all three: regions first, then one calendar per channel, which all its regions follow.
    Every control of the fit needs its declared future. Raises NoPlan (a ValueError) for a fit that has not converged,
    an undeclared future, or conflicting limits. Not a forecast of profit: it knows neither margins nor fixed costs.
    """
    limits = constraints or Constraints()
    outlook = prepare(
        fit,
        budget,
        horizon=horizon,
        future_controls=future_controls,
        delivery=delivery,
        evidence=evidence,
        calendar=limits.period_budget if split != "period" else (),
        after=after,
    )
    return plan_of(outlook, budget, limits, objective=objective, risk_share=risk_share, split=split, seed=seed)


def plan_of(
    outlook: Outlook,
    budget: float,
    constraints: Constraints | None = None,
    *,
    objective: Objective = "mean",
    risk_share: float = 0.2,
    split: Split = "channel",
    seed: int,
) -> Plan:
    """`plan` from a prepared outlook, so that many plans share its curves."""
    if not 0 < budget <= outlook.reach * (1 + 1e-9):
        raise NoPlan(f"budget={budget:,.2f}: this outlook was prepared for budgets above 0 up to {outlook.reach:,.2f}")
    constraints = constraints or Constraints()
    case = _case(outlook, budget, constraints, objective, risk_share, split, seed)
    optimum = case.solve()
    if split == "geo_period":
        case, optimum = _in_weeks(case, optimum, constraints)
    warnings = list(case.limits.warnings)
    if not optimum.proven:
        warnings.append(plan_warnings.not_optimal())
    (planned, later), (now, _) = (_forward_run(outlook, case.decisions, x) for x in (optimum.x, case.mix))
    channel_plan, channel_mix = case.decisions.by_channel(optimum.x), case.decisions.by_channel(case.mix)
    own = outlook.own_plans(case.limits.channel_low, case.limits.channel_high, budget)
    free = plan_warnings.without_evidence_limits(outlook, constraints, budget) if constraints.by_evidence else None
    result = Plan(
        float(budget),
        outlook.future.horizon,
        objective,
        _allocation(outlook, case, channel_plan, channel_mix, own),
        _schedule(outlook, case.decisions, optimum.x),
        pl.DataFrame([outcome_row("planned", planned), outcome_row("current mix", now)]),
        planned,
        now,
        float(later.mean() / planned.mean()) if planned.mean() > 0 else 0.0,
        float((planned > now).mean() + 0.5 * (planned == now).mean()),
        _regret(outlook, case, own, optimum),
        _held_back(outlook, free, channel_plan),
        _with_range(outlook.baseline),
        float(outlook.future.current.sum()),
        _with_range(_going_on(outlook)),
        (),
    )
    warnings += plan_warnings.warnings_of(outlook, result, constraints, case.response.value(optimum.x), free)
    order = {"block": 0, "high": 1, "medium": 2, "low": 3, "info": 4}
    return replace(result, warnings=tuple(sorted(warnings, key=lambda w: order[w.severity])))


def solved(
    outlook: Outlook, budget: float, constraints: Constraints | None, objective: Objective, risk_share: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The plan by channel without warnings: money (P,), its outcome and the current mix's per draw (D,), by the curves.

    Limits per geo and period are left out: many budgets are compared by channel.
    """
    case = _case(outlook, budget, (constraints or Constraints()).by_channel(), objective, risk_share, "channel", seed)
    x = case.solve(checked=False).x
    return x, outlook.curves.value(x), outlook.curves.value(case.mix)


@dataclass(frozen=True, eq=False)
class _Case:
    """One optimisation problem: the decisions, their limits, the response, and the objective."""

    outlook: Outlook
    decisions: Decisions
    limits: Limits
    mix: np.ndarray
    budget: float
    response: Curves | Phased | InRegions
    objective: Objective
    risk_share: float
    seed: int

    def solve(self, *, checked: bool = True) -> Optimum:
        """The plan for the requested objective; `checked=False` is accurate enough for a scan over budgets."""
        sums = list(self.limits.sums.values())
        assert not isinstance(self.response, InRegions)
        if self.objective == "mean":
            average = self.response.mean() if isinstance(self.response, Curves) else self.response
            return self._best(average, mean_of, np.zeros(1), sums, checked)
        now = self.response.value(self.mix) if self.objective == "safe" else np.zeros(1)
        return self._best(self.response, worst_share(self.risk_share), now, sums, checked)

    def _best(self, response: Curves | Phased, aim: Aim, less: np.ndarray, sums: list[Sums], checked: bool) -> Optimum:
        starts = [self.mix]
        if isinstance(response, Curves):
            average = response.mean()
            starts.append(self.outlook.own_plans(self.limits.low, self.limits.high, self.budget, average)[0])
        if self.decisions.split != "channel":
            by_channel = self.outlook.own_plans(
                self.limits.channel_low, self.limits.channel_high, self.budget, self.outlook.curves.mean()
            )[0]
            usual = self.decisions.by_channel(self.mix)
            starts.append(self.mix * (by_channel / np.where(usual > 0, usual, np.inf))[self.decisions.channel])
        if sums:
            near = [feasible(self.budget, self.limits.low, self.limits.high, sums, s) for s in starts]
            starts = [s for s in near if s is not None]
        return best(
            lambda x: response.value(x) - less,
            self.budget,
            self.limits.low,
            self.limits.high,
            objective=aim,
            gradient=response.gradient,
            sums=sums,
            starts=starts,
            seed=self.seed,
            random_starts=3 if checked and self.decisions.split == "channel" else 0,
            checked=checked,
        )


def _case(
    outlook: Outlook,
    budget: float,
    constraints: Constraints,
    objective: Objective,
    risk_share: float,
    split: Split,
    seed: int,
) -> _Case:
    if split == "geo_period":
        split, constraints = "geo", constraints.per_region()
    decisions = decisions_of(outlook.future, split)
    mix = outlook.current_of(decisions, budget, calendar_of(constraints.period_budget, outlook.future.horizon))
    limits = limits_of(outlook.future, constraints, decisions, mix, budget, outlook.tiers)
    response: Curves | Phased = outlook.curves
    if split == "geo":
        response = outlook.by_geo(np.maximum(limits.channel_high, decisions.by_channel(mix)))
    elif split == "period":
        response = Phased(outlook.future)
    return _Case(outlook, decisions, limits, mix, budget, response, objective, risk_share, seed)


def _in_weeks(case: _Case, optimum: Optimum, constraints: Constraints) -> tuple[_Case, Optimum]:
    """The plan by geo spread over the periods, channel by channel: its money and regional shares stay.

    Raises NoPlan where the limits per period make it impossible to spend that much on a channel.
    """
    outlook, future, budget = case.outlook, case.outlook.future, case.budget
    geos, horizon = len(future.fit.data.geos), future.horizon
    by_geo = optimum.x.reshape(-1, geos)
    money = by_geo.sum(axis=1)
    share = np.where(money[:, None] > 0, by_geo / np.maximum(money, 1e-300)[:, None], future.geo_share)
    spare = DRIFT * budget  # the solver is exact to a millionth; without slack a channel's own limit would fail
    fixed = constraints.per_period(
        {n: (max(float(m) - spare, 0.0), float(m) + spare) for n, m in zip(outlook.channels, money, strict=True)}
    )
    weeks, calendar = decisions_of(future, "period"), calendar_of(constraints.period_budget, horizon)
    even = (money[:, None] * calendar[None, :]).ravel()
    limits = limits_of(future, fixed, weeks, even, budget, outlook.tiers)
    timed = _Case(
        outlook, weeks, limits, even, budget, Phased(future, share), case.objective, case.risk_share, case.seed
    )
    best_weeks = timed.solve()
    decisions = decisions_of(future, "geo_period")
    when = best_weeks.x.reshape(-1, horizon)
    when = when / np.maximum(when.sum(axis=1, keepdims=True), 1e-300)
    x = (by_geo[:, :, None] * when[:, None, :]).ravel()
    mix = outlook.current_of(decisions, budget, calendar)
    assert isinstance(timed.response, Phased)
    whole = replace(case, decisions=decisions, mix=mix, response=InRegions(timed.response, geos, horizon))
    return whole, Optimum(x, best_weeks.value, best_weeks.spread, optimum.proven and best_weeks.proven)


def _forward_run(outlook: Outlook, decisions: Decisions, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outcome of a plan per draw (D,), and the part that arrives after the horizon.

    By a forward run of the model itself, independent of the curves on which the plan was optimised.
    """
    future = outlook.future
    total, later = np.zeros(future.draws.count), np.zeros(future.draws.count)
    for c in range(len(outlook.channels)):
        money = x[decisions.channel == c]
        path = {
            "channel": lambda m: m[0] * future.pattern,
            "period": lambda m: m,
            "geo": lambda m: m[:, None] * future.pattern[None, :],
            "geo_period": lambda m: m.reshape(-1, future.horizon),
        }[decisions.split](money)
        within, after = future.response_in_time(c, path)
        total, later = total + (within + after).sum(axis=1), later + after.sum(axis=1)
    return total, later


def _going_on(outlook: Outlook) -> np.ndarray:
    """Outcome per draw (D,) of repeating the last periods' spend over the horizon, channel by channel."""
    future = outlook.future
    money = [float(m) * future.pattern for m in future.current]
    return np.asarray(sum(future.response_of_path(c, m).sum(axis=1) for c, m in enumerate(money)))


def _allocation(outlook: Outlook, case: _Case, planned: np.ndarray, mix: np.ndarray, own: np.ndarray) -> pl.DataFrame:
    low, high, budget = case.limits.channel_low, case.limits.channel_high, case.budget
    at = np.where(planned >= high - 1e-6 * budget, "most", np.where(planned <= low + 1e-6 * budget, "least", "free"))
    average = outlook.curves.mean()
    each, marginal = average.each(planned)[0], average.gradient(planned)[0]
    ends = [np.quantile(outlook.curves.next_unit(c, planned[c : c + 1]), [0.05, 0.95]) for c in range(len(planned))]
    return pl.DataFrame(
        {
            "channel": list(outlook.channels),
            "current": mix,
            "planned": planned,
            "change": planned / np.maximum(mix, 1e-12) - 1,
            "low": np.quantile(own, 0.05, axis=0),
            "high": np.quantile(own, 0.95, axis=0),
            "raised_in": (own > mix * 1.01).mean(axis=0),
            "tier": [outlook.tiers[n] for n in outlook.channels],
            "at_limit": at,
            "least": low,
            "most": high,
            "iroas": each / np.where(planned > 0, planned, np.nan),
            "mroas": marginal,
            "mroas_low": [float(low) for low, _ in ends],
            "mroas_high": [float(high) for _, high in ends],
        }
    )


def _schedule(outlook: Outlook, decisions: Decisions, x: np.ndarray) -> pl.DataFrame:
    data = outlook.future.fit.data
    return pl.DataFrame(
        {
            "channel": [outlook.channels[c] for c in decisions.channel],
            "geo": [data.geos[g] if g >= 0 else None for g in decisions.geo],
            "period": [int(t) + 1 if t >= 0 else None for t in decisions.period],
            "money": x,
        },
        schema={"channel": pl.String, "geo": pl.String, "period": pl.Int64, "money": pl.Float64},
    )


def _with_range(draws: np.ndarray) -> tuple[float, float, float]:
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(draws.mean()), float(low), float(high)


def _regret(outlook: Outlook, case: _Case, own: np.ndarray, optimum: Optimum) -> float:
    """Mean over draws of how much more each draw's own best plan returns than this one, both spent evenly."""
    curves, planned = outlook.curves, case.decisions.by_channel(optimum.x)
    ideal = np.array([curves.some(slice(d, d + 1)).value(x)[0] for d, x in enumerate(own)])
    return float(np.maximum(ideal - curves.value(planned), 0.0).mean())


def _held_back(outlook: Outlook, free: np.ndarray | None, planned: np.ndarray) -> float:
    if free is None:
        return 0.0
    average = outlook.curves.mean()
    return max(float((average.value(free) - average.value(planned))[0]), 0.0)
