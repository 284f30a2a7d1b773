"""True gains of plans over the current mix, beside the predicted gains, in companies with known truth.

Companies differ in how much their channels' returns differ (`SPREADS`, sd of log iROAS): where returns are similar, the
best of many uncertain estimates is mostly luck; where they are far apart, it is mostly real.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.planning.worlds import World, company
from models.mmm import MMMFit, fit
from models.planning import Constraints, Evidence, plan_of, prepare
from models.planning.prepared_future import Outlook
from models.planning.result import Plan

HORIZON = 13
SPREADS = (0.3, 0.6, 0.9)
TITLES = (
    "spread of returns",
    "levels, limits",
    "predicted",
    "true",
    "true / predicted",
    "share of an oracle's gain",
    "truth inside the 90 % range",
    "plan for",
    "truth reaches it",
    "companies with a gain",
)


def table(worlds: int, seed: int) -> Iterator[str]:
    """Lines: for each spread and for all, gains over the current mix as shares of the budget, averaged over companies.

    Levels of each channel separately, as the fit has them; pooled over channels, as a plan from a fit alone uses them;
    and, as in a run, from the triangulation (here of the model alone: no test, no claim).
    """
    yield " | ".join(TITLES)
    every: dict[str, list[tuple[float, ...]]] = {}
    for spread in SPREADS:
        here: dict[str, list[tuple[float, ...]]] = {}
        for number in range(worlds):
            world = company(5, spread=spread, seed=seed + number)
            fitted = fit(world.data, seed=seed)
            if not fitted.converged:
                yield f"{spread} | company {number}: the fit did not converge, so there is no plan"
                continue
            for label, row in _rows(world, fitted, seed):
                here.setdefault(label, []).append(row)
                every.setdefault(label, []).append(row)
        yield from _lines(str(spread), here)
    yield from _lines("all", every)


def _rows(world: World, fitted: MMMFit, seed: int) -> Iterator[tuple[str, tuple[float, ...]]]:
    budget = float(world.spend[-HORIZON:].sum())
    for level, evidence in (
        ("each channel separately", Evidence(pooled=False)),
        ("channels pooled", Evidence()),
        ("triangulation", _triangulated(fitted, seed)),
    ):
        outlook = prepare(fitted, budget, horizon=HORIZON, evidence=evidence)
        for limits in (Constraints(), Constraints(by_evidence=False)):
            best = plan_of(outlook, budget, limits, seed=seed)
            true, top = _true_gains(world, outlook, best, budget)
            low, high = best.gain_range()
            yield (
                f"{level}, {'by evidence' if limits.by_evidence else 'fence only'}",
                (
                    best.gain / budget,
                    true / budget,
                    top / budget,
                    float(low <= true <= high),
                    max(best.plan_for, 0) / budget,
                    float(true >= best.plan_for),
                    float(true > 0),
                ),
            )


def _lines(spread: str, rows: dict[str, list[tuple[float, ...]]]) -> Iterator[str]:
    for label, companies in rows.items():
        each = np.array(companies)
        predicted, true, top, inside, plan_for, reached, gained = each.mean(axis=0)
        again = np.random.default_rng(0).integers(0, len(each), (500, len(each)))
        ratio = each[again, 1].sum(axis=1) / each[again, 0].sum(axis=1)
        yield (
            f"{spread} | {label} | {predicted:.1%} | {true:.1%} | {true / predicted:.0%} (se {ratio.std():.0%})"
            f" | {true / top:.0%} | {inside:.0%} | {plan_for:.1%} | {reached:.0%} | {gained:.0%} of {len(each)}"
        )


def _triangulated(fitted: MMMFit, seed: int) -> Evidence:
    """Levels as a run without tests and claims would print them."""
    from dagster_project.assets.triangulation.mmm_draws import mmm_draws
    from models.triangulation import combine, evidence_frame

    combined = combine(evidence_frame([], {}), seed=seed, mmm=mmm_draws(fitted, []), channels=fitted.data.channels)
    return Evidence(levels={c: combined.theta[:, i] for i, c in enumerate(combined.readings.channels)})


def _true_gains(world: World, outlook: Outlook, best: Plan, budget: float) -> tuple[float, float]:
    """True gain of the plan, and that of the best plan within its limits, found on the true curves."""
    from models.planning.curves import through

    knots = outlook.curves.knots
    values = [np.array([[world.brings(c, float(s), HORIZON) for s in k]]) for c, k in enumerate(knots)]
    truth = through(knots, values)
    low, high = best.allocation["least"].to_numpy(), best.allocation["most"].to_numpy()
    ideal = outlook.own_plans(low, high, budget, truth)[0]
    planned, now = best.allocation["planned"].to_numpy(), best.allocation["current"].to_numpy()
    base = float(truth.value(now)[0])
    return float(truth.value(planned)[0]) - base, float(truth.value(ideal)[0]) - base
