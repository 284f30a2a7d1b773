"""What to spend next: the plan, how sure it is to beat today's mix, and what held it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from scipy.interpolate import PchipInterpolator

from models.mmm import MMMFit
from models.planning.constraints import Constraints, check_feasible
from models.planning.future import Delivery, Future, look_ahead
from models.planning.optimise import best, mean_of, worst_share
from models.warning import Warning

MOVE_BY_TIER = {"experiment-validated": None, "model-identified": 0.30, "prior-dominated": 0.15}
LEVELS = 33  # spends per channel at which the response is computed; between them it is interpolated without overshoot
STEPS = 200  # shares in which a single draw's own best plan spends the budget


@dataclass(frozen=True, eq=False)
class Plan:
    """Money per channel over the horizon, for planned and current mix at the same budget.

    allocation: channel, current (at this budget), planned, change, low, high (90 % of the draws' own best plans),
    raised_in (share of draws that raise it), tier, at_limit. outcome: plan, mean, q05, q95, worst_tenth of
    incremental KPI in money. `probability_better` is that of beating the current mix at the same budget.
    """

    budget: float
    horizon: int
    objective: str
    allocation: pl.DataFrame
    outcome: pl.DataFrame
    probability_better: float
    baseline: tuple[float, float, float]
    warnings: tuple[Warning, ...]


def plan(
    fit: MMMFit,
    budget: float,
    constraints: Constraints | None = None,
    *,
    horizon: int = 13,
    objective: Literal["mean", "cvar"] = "mean",
    risk_share: float = 0.2,
    future_controls: Mapping[str, Sequence[float]] | None = None,
    delivery: Mapping[str, Delivery] | None = None,
    seed: int,
) -> Plan:
    """The allocation of `budget` over `horizon` periods after the data, spent evenly, that maximises incremental KPI
    in money.

    `mean` maximises the posterior mean, `cvar` the mean of the worst `risk_share` of draws. Every control of the fit
    needs its declared future. Raises ValueError for a fit that has not converged, an undeclared future, or limits in
    conflict. Not a forecast of profit: margins and fixed costs are the caller's.
    """
    if not fit.converged:
        raise ValueError("the fit has not converged: no plan is made from it. See fit.warnings()")
    if not budget > 0:
        raise ValueError(f"budget={budget}: a plan needs money")
    limits = constraints or Constraints()
    ahead = look_ahead(fit, horizon, delivery=delivery or {})
    base = ahead.baseline(future_controls or {})
    names = fit.data.channels
    usual = ahead.current if ahead.current.sum() > 0 else fit.data.spend.sum(axis=(0, 1))
    mix = usual / usual.sum() * budget
    low, high, notes = _limits(fit, ahead, limits, mix, budget)
    check_feasible(names, low, high, limits.groups, budget)
    curves = _curves(ahead, np.maximum(high, mix))
    sums = [(np.isin(names, g.channels), g.least, g.most) for g in limits.groups]

    def response(x: np.ndarray) -> np.ndarray:
        return np.asarray(sum(curve(v) for curve, v in zip(curves, x, strict=True)))

    score = mean_of if objective == "mean" else worst_share(risk_share)
    found = best(response, budget, low, high, objective=score, sums=sums, starts=[mix], seed=seed)
    if not found.proven:
        notes.append(Warning(
            "plan_not_optimal", "high", "plan", "A shift of 1 % of the budget still improves this plan: the solver"
                                                " stopped early.",
            "Loosen the limits or change the horizon, and compare.",
        ))  # fmt: skip
    own = _best_per_draw(curves, budget, low, high)
    planned, now = response(found.x), response(mix)
    raised = (own > mix * 1.01).mean(axis=0)
    tiers = dict(fit.tiers().select("channel", "tier").iter_rows())
    at = np.where(found.x >= high - 1e-6 * budget, "most", np.where(found.x <= low + 1e-6 * budget, "least", "free"))
    allocation = pl.DataFrame({
        "channel": list(names), "current": mix, "planned": found.x, "change": found.x / np.maximum(mix, 1e-12) - 1,
        "low": np.quantile(own, 0.05, axis=0), "high": np.quantile(own, 0.95, axis=0), "raised_in": raised,
        "tier": [tiers[n] for n in names], "at_limit": at,
    })  # fmt: skip
    outcome = pl.DataFrame([_outcome("planned", planned), _outcome("current mix", now)])
    return Plan(
        float(budget), horizon, objective, allocation, outcome, float((planned > now).mean()),
        (float(base.mean()), float(np.quantile(base, 0.05)), float(np.quantile(base, 0.95))), tuple(notes),
    )  # fmt: skip


def frontier(
    fit: MMMFit, budgets: Sequence[float], constraints: Constraints | None = None, **choices: object
) -> pl.DataFrame:
    """Best mean outcome per budget: budget, mean, q05, q95, next_unit (extra KPI per extra money between
    neighbours).
    """
    rows = []
    for budget in sorted(budgets):
        row = plan(fit, budget, constraints, **choices).outcome.row(0, named=True)  # type: ignore[arg-type]
        rows.append((budget, row["mean"], row["q05"], row["q95"]))
    frame = pl.DataFrame(rows, schema=["budget", "mean", "q05", "q95"], orient="row")
    return frame.with_columns(next_unit=pl.col("mean").diff() / pl.col("budget").diff())


def _limits(
    fit: MMMFit, ahead: Future, limits: Constraints, mix: np.ndarray, budget: float
) -> tuple[np.ndarray, np.ndarray, list[Warning]]:
    names = fit.data.channels
    for label, given in (("bounds", limits.bounds), ("move_limits", limits.move_limits)):
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ValueError(f"{label} names {unknown[0]!r}; the plan has {', '.join(names)}")
    low, high = np.zeros(len(names)), np.full(len(names), float(budget))
    tiers = dict(fit.tiers().select("channel", "tier").iter_rows())
    notes = []
    for c, name in enumerate(names):
        least, most = limits.bounds.get(name, (0.0, float("inf")))
        low[c], high[c] = max(low[c], least), min(high[c], most)
        share = limits.move_limits.get(name)
        if share is None and limits.by_evidence:
            share = MOVE_BY_TIER[tiers[name]]
        if share is not None:
            low[c], high[c] = max(low[c], mix[c] * (1 - share)), min(high[c], mix[c] * (1 + share))
        if limits.fence and high[c] > ahead.ceiling[c]:
            high[c] = max(ahead.ceiling[c], low[c])
            if mix[c] > ahead.ceiling[c]:
                notes.append(Warning(
                    "beyond_observed_spend", "medium", name,
                    f"At this budget {name} would be held above anything seen in the data ({ahead.ceiling[c]:,.0f}"
                    " over the"
                    " horizon); the plan stops there.",
                    f"Raise {name} in steps and measure, before planning further up.",
                ))  # fmt: skip
    return low, high, notes


def _curves(ahead: Future, top: np.ndarray) -> list[PchipInterpolator]:
    curves = []
    for c, most in enumerate(top):
        spends = np.linspace(0.0, 1.0, LEVELS) ** 1.5 * max(float(most), 1e-9) * 1.0001  # denser where curves bend
        curves.append(PchipInterpolator(spends, ahead.channel_response(c, spends), axis=1))
    return curves


def _best_per_draw(curves: Sequence[PchipInterpolator], budget: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Each draw's own plan (D, C), money given step by step to the channel that then gains most."""
    step = (budget - low.sum()) / STEPS
    count = curves[0](0.0).shape[0]
    spent = np.repeat(low[None, :], count, axis=0)
    if step <= 0:
        return spent
    grids = [np.concatenate([[lo], lo + step * np.arange(1, STEPS + 1)]) for lo in low]
    values = [curve(np.minimum(grid, hi)) for curve, grid, hi in zip(curves, grids, high, strict=True)]
    used = np.zeros((count, len(curves)), dtype=int)
    rows = np.arange(count)
    for _ in range(STEPS):
        gain = np.stack([
            np.where(low[c] + (used[:, c] + 1) * step <= high[c] * (1 + 1e-9),
                     v[rows, np.minimum(used[:, c] + 1, STEPS)] - v[rows, used[:, c]], -np.inf)
            for c, v in enumerate(values)
        ], axis=1)  # fmt: skip
        pick = gain.argmax(axis=1)
        used[rows, pick] += np.isfinite(gain[rows, pick])
    return spent + used * step


def _outcome(label: str, draws: np.ndarray) -> dict[str, object]:
    low, high = np.quantile(draws, [0.05, 0.95])
    return {
        "plan": label, "mean": float(draws.mean()), "q05": float(low), "q95": float(high),
        "worst_tenth": worst_share(0.1)(draws),
    }  # fmt: skip
