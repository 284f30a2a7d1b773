"""What plans truly gain over the current mix, beside what they promise, in companies with known truth.

Companies differ in how much their channels' returns differ (`SPREADS`, sd of log iROAS): where channels are much alike,
the best of many unsure numbers is mostly luck, and where they lie far apart it is mostly true.
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
    "promised",
    "true",
    "true / promised",
    "share of an oracle's gain",
    "truth inside the 90 % range",
    "plan for",
    "truth reaches it",
    "companies with a gain",
)


def table(worlds: int, seed: int) -> Iterator[str]:
    """Lines: for each spread and for all, gains over the current mix as shares of the budget, averaged over companies.

    Levels of each channel by itself, as the fit has them; of the channels read together, as a plan from a fit alone
    takes them; and, as in a run, from the triangulation (here of the model alone: no test, no claim).
    """
    yield " | ".join(TITLES)
    every: dict[str, list[tuple[float, ...]]] = {}
    for spread in SPREADS:
        here: dict[str, list[tuple[float, ...]]] = {}
        for number in range(worlds):
            world = company(5, spread=spread, seed=seed + number)
            found = fit(world.data, seed=seed)
            if not found.converged:
                yield f"{spread} | company {number}: the fit did not converge, so there is no plan"
                continue
            for label, row in _rows(world, found, seed):
                here.setdefault(label, []).append(row)
                every.setdefault(label, []).append(row)
        yield from _lines(str(spread), here)
    yield from _lines("all", every)


def _rows(world: World, found: MMMFit, seed: int) -> Iterator[tuple[str, tuple[float, ...]]]:
    budget = float(world.spend[-HORIZON:].sum())
    for level, evidence in (
        ("by itself", Evidence(pooled=False)),
        ("together", Evidence()),
        ("triangulation", _triangulated(found, seed)),
    ):
        outlook = prepare(found, budget, horizon=HORIZON, evidence=evidence)
        for limits in (Constraints(), Constraints(by_evidence=False)):
            made = plan_of(outlook, budget, limits, seed=seed)
            true, top = _true_gains(world, outlook, made, budget)
            low, high = made.gain_range()
            yield (
                f"{level}, {'by evidence' if limits.by_evidence else 'fence only'}",
                (
                    made.gain / budget,
                    true / budget,
                    top / budget,
                    float(low <= true <= high),
                    max(made.plan_for, 0) / budget,
                    float(true >= made.plan_for),
                    float(true > 0),
                ),
            )


def _lines(spread: str, rows: dict[str, list[tuple[float, ...]]]) -> Iterator[str]:
    for label, found in rows.items():
        each = np.array(found)
        promised, true, top, inside, plan_for, reached, gained = each.mean(axis=0)
        again = np.random.default_rng(0).integers(0, len(each), (500, len(each)))
        ratio = each[again, 1].sum(axis=1) / each[again, 0].sum(axis=1)
        yield (
            f"{spread} | {label} | {promised:.1%} | {true:.1%} | {true / promised:.0%} (se {ratio.std():.0%})"
            f" | {true / top:.0%} | {inside:.0%} | {plan_for:.1%} | {reached:.0%} | {gained:.0%} of {len(each)}"
        )


def _triangulated(found: MMMFit, seed: int) -> Evidence:
    """Levels as a run without tests and claims would print them."""
    from dagster_project.assets.triangulation.evidence import evidence_frame, mmm_evidence
    from models.triangulation import combine

    together = combine(evidence_frame([], {}), seed=seed, mmm=mmm_evidence(found), channels=found.data.channels)
    return Evidence(levels={c: together.theta[:, i] for i, c in enumerate(together.readings.channels)})


def _true_gains(world: World, outlook: Outlook, made: Plan, budget: float) -> tuple[float, float]:
    """True gain of the plan, and that of the best plan within its limits: found on the true curves."""
    from models.planning.curves import through

    knots = outlook.curves.knots
    values = [np.array([[world.brings(c, float(s), HORIZON) for s in k]]) for c, k in enumerate(knots)]
    truth = through(knots, values)
    low, high = made.allocation["least"].to_numpy(), made.allocation["most"].to_numpy()
    ideal = outlook.own_plans(low, high, budget, truth)[0]
    planned, now = made.allocation["planned"].to_numpy(), made.allocation["current"].to_numpy()
    base = float(truth.value(now)[0])
    return float(truth.value(planned)[0]) - base, float(truth.value(ideal)[0]) - base
