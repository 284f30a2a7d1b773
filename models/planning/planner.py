"""What to spend next: the plan, how sure it is to beat today's mix, and what held it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from models.mmm import MMMFit
from models.planning import plan_warnings
from models.planning.constraints import Constraints, calendar_of
from models.planning.curves import Curves
from models.planning.limits import Decisions, Limits, Split, decisions_of, limits_of
from models.planning.media_price import Delivery
from models.planning.objective import mean_of, worst_share
from models.planning.optimise import Optimum, Sums, best, feasible
from models.planning.phasing import InRegions, Phased
from models.planning.prepared_future import Evidence, Outlook, prepare
from models.planning.result import Plan, outcome_row

Objective = Literal["mean", "cvar", "safe"]
NEAR = 2e-6  # of the budget: how far a channel's money may drift while its weeks are decided


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
    seed: int,
) -> Plan:
    """The allocation of `budget` over `horizon` periods after the data that maximises incremental KPI in money.

    `mean` maximises the posterior mean, `cvar` the mean of the worst `risk_share` of draws, `safe` the mean of the
    worst `risk_share` of the gain over the current mix, which leaves money where it is unless a move is sure. `split`
    decides by channel (spent evenly, or along `constraints.period_budget`), by channel and geo, by channel and period,
    or by all three: regions first, then one calendar a channel, which all its regions follow. Every control of the fit
    needs its declared future. Raises ValueError for a fit that has not converged, an undeclared future, or limits in
    conflict. Not a forecast of profit: margins and fixed costs are the caller's.
    """
    limits = constraints or Constraints()
    outlook = prepare(
        fit, budget, horizon=horizon, future_controls=future_controls, delivery=delivery, evidence=evidence,
        calendar=limits.period_budget if split != "period" else (),
    )  # fmt: skip
    return plan_of(outlook, budget, limits, objective=objective, risk_share=risk_share, split=split, seed=seed)


def plan_of(
    outlook: Outlook, budget: float, constraints: Constraints | None = None, *, objective: Objective = "mean",
    risk_share: float = 0.2, split: Split = "channel", seed: int,
) -> Plan:  # fmt: skip
    """`plan` from a prepared outlook, so that many plans share its curves."""
    if not 0 < budget <= outlook.reach * (1 + 1e-9):
        raise ValueError(
            f"budget={budget:,.2f}: this outlook was prepared for budgets above 0 up to {outlook.reach:,.2f}"
        )
    wanted = constraints or Constraints()
    case = _case(outlook, budget, wanted, objective, risk_share, split, seed)
    found = case.solve()
    if split == "geo_period":
        case, found = _in_weeks(case, found, wanted)
    notes = list(case.limits.notes)
    if not found.proven:
        notes.append(plan_warnings.not_optimal())
    (planned, later), (now, _) = (_promised(outlook, case.what, x) for x in (found.x, case.mix))
    channel_plan, channel_mix = case.what.by_channel(found.x), case.what.by_channel(case.mix)
    own = outlook.own_plans(case.limits.channel_low, case.limits.channel_high, budget)
    free = plan_warnings.without_evidence_limits(outlook, wanted, budget, seed) if wanted.by_evidence else None
    result = Plan(
        float(budget), outlook.ahead.horizon, objective, _allocation(outlook, case, channel_plan, channel_mix, own),
        _schedule(outlook, case.what, found.x),
        pl.DataFrame([outcome_row("planned", planned), outcome_row("current mix", now)]),
        planned, now, float(later.mean() / planned.mean()) if planned.mean() > 0 else 0.0,
        float((planned > now).mean() + 0.5 * (planned == now).mean()),
        _regret(outlook, case, own, found), _held_back(outlook, free, channel_plan),
        _with_range(outlook.baseline), float(outlook.ahead.current.sum()), _with_range(_going_on(outlook)), (),
    )  # fmt: skip
    notes += plan_warnings.notes(outlook, result, wanted, case.response.value(found.x), free)
    order = {"block": 0, "high": 1, "medium": 2, "low": 3, "info": 4}
    return plan_warnings.with_notes(result, sorted(notes, key=lambda w: order[w.severity]))


def solved(
    outlook: Outlook, budget: float, constraints: Constraints | None, objective: Objective, risk_share: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bare plan by channel: money (P,), its outcome and that of the current mix per draw (D,), off the curves.

    Limits per geo and period are left out: many budgets are compared by channel.
    """
    case = _case(outlook, budget, (constraints or Constraints()).by_channel(), objective, risk_share, "channel", seed)
    x = case.solve(checked=False).x
    return x, outlook.curves.value(x), outlook.curves.value(case.mix)


@dataclass(frozen=True, eq=False)
class _Case:
    """One optimisation: the decisions, their limits, the response, and the figure to make great."""

    outlook: Outlook
    what: Decisions
    limits: Limits
    mix: np.ndarray
    budget: float
    response: Curves | Phased | InRegions
    objective: Objective
    risk_share: float
    seed: int

    def solve(self, *, checked: bool = True) -> Optimum:
        """The plan for the asked objective; unchecked it is good enough for a scan over budgets."""
        sums = list(self.limits.sums.values())
        assert not isinstance(self.response, InRegions)
        if self.objective == "mean":
            average = self.response.mean() if isinstance(self.response, Curves) else self.response
            return self._best(average, mean_of, np.zeros(1), sums, checked)
        now = self.response.value(self.mix) if self.objective == "safe" else np.zeros(1)
        return self._best(self.response, worst_share(self.risk_share), now, sums, checked)

    def _best(
        self, response: Curves | Phased, aim: object, less: np.ndarray, sums: list[Sums], checked: bool
    ) -> Optimum:
        starts = [self.mix]
        if isinstance(response, Curves):
            average = response.mean()
            starts.append(self.outlook.own_plans(self.limits.low, self.limits.high, self.budget, average)[0])
        if self.what.split != "channel":
            by_channel = self.outlook.own_plans(
                self.limits.channel_low, self.limits.channel_high, self.budget, self.outlook.curves.mean()
            )[0]
            usual = self.what.by_channel(self.mix)
            starts.append(self.mix * (by_channel / np.where(usual > 0, usual, np.inf))[self.what.channel])
        if sums:
            near = [feasible(self.budget, self.limits.low, self.limits.high, sums, s) for s in starts]
            starts = [s for s in near if s is not None]
        return best(
            lambda x: response.value(x) - less, self.budget, self.limits.low, self.limits.high,
            objective=aim, gradient=response.gradient, sums=sums, starts=starts, seed=self.seed,  # type: ignore[arg-type]
            random_starts=3 if checked and self.what.split == "channel" else 0, checked=checked,
        )  # fmt: skip


def _case(
    outlook: Outlook, budget: float, wanted: Constraints, objective: Objective, risk_share: float, split: Split,
    seed: int,
) -> _Case:  # fmt: skip
    if split == "geo_period":
        split, wanted = "geo", wanted.per_region()
    what = decisions_of(outlook.ahead, split)
    mix = outlook.current_of(what, budget, calendar_of(wanted.period_budget, outlook.ahead.horizon))
    limits = limits_of(outlook.ahead, wanted, what, mix, budget, outlook.tiers)
    response: Curves | Phased = outlook.curves
    if split == "geo":
        response = outlook.by_geo(np.maximum(limits.channel_high, what.by_channel(mix)))
    elif split == "period":
        response = Phased(outlook.ahead)
    return _Case(outlook, what, limits, mix, budget, response, objective, risk_share, seed)


def _in_weeks(case: _Case, found: Optimum, wanted: Constraints) -> tuple[_Case, Optimum]:
    """The plan by geo spread over the periods, channel by channel: its money and regional shares stay.

    Raises ValueError where the limits per period leave no way to spend that much of a channel.
    """
    outlook, ahead, budget = case.outlook, case.outlook.ahead, case.budget
    geos, horizon = len(ahead.fit.data.geos), ahead.horizon
    by_geo = found.x.reshape(-1, geos)
    money = by_geo.sum(axis=1)
    share = np.where(money[:, None] > 0, by_geo / np.maximum(money, 1e-300)[:, None], ahead.geo_share)
    spare = NEAR * budget  # a solver meets a limit to a millionth; without room the channel's own limit would forbid it
    fixed = wanted.per_period({
        n: (max(float(m) - spare, 0.0), float(m) + spare) for n, m in zip(outlook.channels, money, strict=True)
    })  # fmt: skip
    weeks, calendar = decisions_of(ahead, "period"), calendar_of(wanted.period_budget, horizon)
    even = (money[:, None] * calendar[None, :]).ravel()
    limits = limits_of(ahead, fixed, weeks, even, budget, outlook.tiers)
    timed = _Case(
        outlook, weeks, limits, even, budget, Phased(ahead, share), case.objective, case.risk_share, case.seed
    )
    best_weeks = timed.solve()
    what = decisions_of(ahead, "geo_period")
    when = best_weeks.x.reshape(-1, horizon)
    when = when / np.maximum(when.sum(axis=1, keepdims=True), 1e-300)
    x = (by_geo[:, :, None] * when[:, None, :]).ravel()
    mix = outlook.current_of(what, budget, calendar)
    assert isinstance(timed.response, Phased)
    whole = replace(case, what=what, mix=mix, response=InRegions(timed.response, geos, horizon))
    return whole, Optimum(x, best_weeks.value, best_weeks.spread, found.proven and best_weeks.proven)


def _promised(outlook: Outlook, what: Decisions, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outcome of a plan per draw (D,) by a forward run of the model itself, apart from the curves it was found on; and
    the part of it that arrives after the horizon.
    """
    ahead = outlook.ahead
    total, later = np.zeros(ahead.draws.count), np.zeros(ahead.draws.count)
    for c in range(len(outlook.channels)):
        money = x[what.channel == c]
        path = {
            "channel": lambda m: m[0] * ahead.pattern, "period": lambda m: m,
            "geo": lambda m: m[:, None] * ahead.pattern[None, :],
            "geo_period": lambda m: m.reshape(-1, ahead.horizon),
        }[what.split](money)  # fmt: skip
        within, after = ahead.response_in_time(c, path)
        total, later = total + (within + after).sum(axis=1), later + after.sum(axis=1)
    return total, later


def _going_on(outlook: Outlook) -> np.ndarray:
    """Outcome per draw (D,) of spending over the horizon what the last periods cost, channel by channel."""
    ahead = outlook.ahead
    money = [float(m) * ahead.pattern for m in ahead.current]
    return np.asarray(sum(ahead.response_of_path(c, m).sum(axis=1) for c, m in enumerate(money)))


def _allocation(outlook: Outlook, case: _Case, planned: np.ndarray, mix: np.ndarray, own: np.ndarray) -> pl.DataFrame:
    low, high, budget = case.limits.channel_low, case.limits.channel_high, case.budget
    at = np.where(planned >= high - 1e-6 * budget, "most", np.where(planned <= low + 1e-6 * budget, "least", "free"))
    average = outlook.curves.mean()
    each, marginal = average.each(planned)[0], average.gradient(planned)[0]
    return pl.DataFrame({
        "channel": list(outlook.channels), "current": mix, "planned": planned,
        "change": planned / np.maximum(mix, 1e-12) - 1,
        "low": np.quantile(own, 0.05, axis=0), "high": np.quantile(own, 0.95, axis=0),
        "raised_in": (own > mix * 1.01).mean(axis=0), "tier": [outlook.tiers[n] for n in outlook.channels],
        "at_limit": at, "least": low, "most": high,
        "iroas": each / np.where(planned > 0, planned, np.nan), "mroas": marginal,
    })  # fmt: skip


def _schedule(outlook: Outlook, what: Decisions, x: np.ndarray) -> pl.DataFrame:
    data = outlook.ahead.fit.data
    return pl.DataFrame(
        {
            "channel": [outlook.channels[c] for c in what.channel],
            "geo": [data.geos[g] if g >= 0 else None for g in what.geo],
            "period": [int(t) + 1 if t >= 0 else None for t in what.period],
            "money": x,
        },
        schema={"channel": pl.String, "geo": pl.String, "period": pl.Int64, "money": pl.Float64},
    )


def _with_range(draws: np.ndarray) -> tuple[float, float, float]:
    low, high = np.quantile(draws, [0.05, 0.95])
    return float(draws.mean()), float(low), float(high)


def _regret(outlook: Outlook, case: _Case, own: np.ndarray, found: Optimum) -> float:
    """Mean of what each draw's own best plan brings more than this one, both evenly spent."""
    curves, planned = outlook.curves, case.what.by_channel(found.x)
    ideal = np.array([curves.some(slice(d, d + 1)).value(x)[0] for d, x in enumerate(own)])
    return float(np.maximum(ideal - curves.value(planned), 0.0).mean())


def _held_back(outlook: Outlook, free: np.ndarray | None, planned: np.ndarray) -> float:
    if free is None:
        return 0.0
    average = outlook.curves.mean()
    return max(float((average.value(free) - average.value(planned))[0]), 0.0)
