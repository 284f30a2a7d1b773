"""The planner against oracles, against known truth, and its speed: `python -m benchmarks.planning [--worlds 10]`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from benchmarks.planning import audit, truth
from benchmarks.planning.worlds import company
from models.mmm import MMMSpec, Sampling, fit
from models.planning import frontier, plan_of, prepare, reach

T = TypeVar("T")


def main() -> None:
    """Print every table that the method's page quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--worlds", type=int, default=10, help="companies with known truth for each of three spreads of returns"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("case | audited tool | ours | oracle | its regret | our regret")
    for name, theirs, ours, oracle, regret, own in audit.table():
        print(f"{name} | {theirs} | {ours} | {oracle} | {regret:.3f} | {abs(own):.4f}", flush=True)
    for line in truth.table(options.worlds, options.seed):
        print(line, flush=True)
    speed(options.seed)


def speed(seed: int) -> None:
    """CPU seconds of each question, on short fits without convergence checks (speed does not depend on them)."""
    short = MMMSpec(adstock="geometric", saturation="logistic", sampling=Sampling(chains=2, tune=100, draws=150))
    print("panel | question | CPU seconds")
    for channels, geos in ((10, 1), (8, 12)):
        world = company(channels, geos=geos, weeks=104 if geos > 1 else 156, seed=seed)
        fitted = replace(fit(world.data, short, seed=seed), known_findings=())
        budget = float(world.data.spend[:, -truth.HORIZON :].sum())
        panel = f"{channels} channels, {geos} region{'s' if geos > 1 else ''}"
        outlook = _timed(panel, "curves, baseline, tiers", lambda f=fitted, b=budget: prepare(f, 1.5 * b))  # type: ignore[misc]
        budgets = np.linspace(budget / 2, budget, 11).tolist()
        questions: dict[str, Callable[[], object]] = {
            "plan, mean": lambda o=outlook, b=budget: plan_of(o, b, seed=seed),  # type: ignore[misc]
            "plan, cvar": lambda o=outlook, b=budget: plan_of(o, b, objective="cvar", seed=seed),  # type: ignore[misc]
            "frontier of 11 budgets": lambda o=outlook, b=budgets: frontier(o, b, seed=seed),  # type: ignore[misc]
            "smallest budget for an outcome": lambda o=outlook, b=budget: reach(o, "outcome", b / 4, seed=seed),  # type: ignore[misc]
            "plan by week": lambda o=outlook, b=budget: plan_of(o, b, split="period", seed=seed),  # type: ignore[misc]
        }
        if geos > 1:
            questions["plan by region"] = lambda o=outlook, b=budget: plan_of(o, b, split="geo", seed=seed)  # type: ignore[misc]
            questions["region and week"] = lambda o=outlook, b=budget: plan_of(o, b, split="geo_period", seed=seed)  # type: ignore[misc]
        for name, question in questions.items():
            _timed(panel, name, question)


def _timed(panel: str, name: str, question: Callable[[], T]) -> T:
    begun = time.process_time()
    answer = question()
    print(f"{panel} | {name} | {time.process_time() - begun:.1f}", flush=True)
    return answer


if __name__ == "__main__":
    main()
