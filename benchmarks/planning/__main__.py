"""The planner against oracles, against known truth, and its speed: `python -m benchmarks.planning [--worlds 6]`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from benchmarks.planning import audit
from benchmarks.planning.worlds import World, company
from models.mmm import MMMFit, MMMSpec, Sampling, fit
from models.planning import Constraints, Evidence, frontier, plan_of, prepare, reach
from models.planning.outlook import Outlook
from models.planning.result import Plan

HORIZON = 13
T = TypeVar("T")


def main() -> None:
    """Print every table that the method's page quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=6, help="simulated companies with known truth, 5 channels each")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("case | audited tool | ours | oracle | its regret | our regret")
    for name, theirs, ours, oracle, regret, own in audit.table():
        print(f"{name} | {theirs} | {ours} | {oracle} | {regret:.3f} | {abs(own):.4f}", flush=True)
    known_truth(asked.worlds, asked.seed)
    speed(asked.seed)


def known_truth(worlds: int, seed: int) -> None:
    """What plans truly gain over the current mix, beside what they promise and what a plan from truth would gain.

    Levels once from the model alone and once, as in a run, from the triangulation (here of the model alone: no test, no
    claim), which pools channels and knows how wrong a media mix model usually is.
    """
    print(
        "world | levels, limits | promised gain (90 % range) | true gain | an oracle's gain, same limits | chance said"
    )
    totals: dict[str, list[tuple[float, ...]]] = {}
    for number in range(worlds):
        world = company(5, seed=seed + number)
        found = fit(world.data, seed=seed)
        if not found.converged:
            print(f"{number} | the fit did not converge: no plan")
            continue
        budget = float(world.spend[-HORIZON:].sum())
        for level, evidence in (("model", Evidence()), ("triangulation", _triangulated(found, seed))):
            outlook = prepare(found, budget, horizon=HORIZON, evidence=evidence)
            for limits in (Constraints(), Constraints(by_evidence=False)):
                label = f"{level}, {'by evidence' if limits.by_evidence else 'fence only'}"
                made = plan_of(outlook, budget, limits, seed=seed)
                true, top = _true_gains(world, outlook, made, budget)
                low, high = made.gain_range()
                totals.setdefault(label, []).append((made.gain, true, top, float(low <= true <= high), float(true > 0)))
                print(
                    f"{number} | {label} | {made.gain:,.0f} ({low:,.0f} to {high:,.0f}) | {true:,.0f} | {top:,.0f}"
                    f" | {made.probability_better:.0%}",
                    flush=True,
                )
    for label, rows in totals.items():
        promised, true, top, inside, gained = np.array(rows).sum(axis=0)
        print(
            f"all {len(rows)} | {label} | {promised:,.0f} | {true:,.0f}: {true / promised:.0%} of the promise,"
            f" {true / top:.0%} of the oracle's | {top:,.0f} | truth inside the range {inside / len(rows):.0%},"
            f" a gain in {gained / len(rows):.0%}"
        )


def _triangulated(found: MMMFit, seed: int) -> Evidence:
    """Levels as a run without tests and claims would print them."""
    from dagster_project.evidence_inputs import evidence_frame, mmm_evidence
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


def speed(seed: int) -> None:
    """CPU seconds of each question, on short fits whose gates are not asked (speed does not depend on them)."""
    short = MMMSpec(adstock="geometric", saturation="logistic", sampling=Sampling(chains=2, tune=100, draws=150))
    print("panel | question | CPU seconds")
    for channels, geos in ((10, 1), (8, 12)):
        world = company(channels, geos=geos, weeks=104 if geos > 1 else 156, seed=seed)
        found = replace(fit(world.data, short, seed=seed), findings=())
        budget = float(world.data.spend[:, -HORIZON:].sum())
        panel = f"{channels} channels, {geos} region{'s' if geos > 1 else ''}"
        outlook = _timed(panel, "curves, baseline, tiers", lambda f=found, b=budget: prepare(f, 1.5 * b))  # type: ignore[misc]
        questions: dict[str, Callable[[], object]] = {
            "plan, mean": lambda o=outlook, b=budget: plan_of(o, b, seed=seed),  # type: ignore[misc]
            "plan, cvar": lambda o=outlook, b=budget: plan_of(o, b, objective="cvar", seed=seed),  # type: ignore[misc]
            "frontier of 11 budgets": lambda o=outlook, b=budget: frontier(o, np.linspace(b / 2, b, 11), seed=seed),  # type: ignore[misc]
            "smallest budget for an outcome": lambda o=outlook, b=budget: reach(o, "outcome", b / 4, seed=seed),  # type: ignore[misc]
            "plan by week": lambda o=outlook, b=budget: plan_of(o, b, split="period", seed=seed),  # type: ignore[misc]
        }
        if geos > 1:
            questions["plan by region"] = lambda o=outlook, b=budget: plan_of(o, b, split="geo", seed=seed)  # type: ignore[misc]
        for name, question in questions.items():
            _timed(panel, name, question)


def _timed(panel: str, name: str, question: Callable[[], T]) -> T:
    begun = time.process_time()
    answer = question()
    print(f"{panel} | {name} | {time.process_time() - begun:.1f}", flush=True)
    return answer


if __name__ == "__main__":
    main()
