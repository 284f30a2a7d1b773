"""Right tests and tests entered in a wrong unit, held against the data without them: how many are told apart?

Run: python -m benchmarks.mmm.lift_test_conflicts [--seeds 12]

Own weekly worlds of three years and two channels, with a test of channel a over 16 weeks whose error is a tenth of its
value. Each world is examined with the true value and with values that are 13 or 5 times too small, 3 or 13 times too
large. The table counts the verdicts of `models.mmm.checks.lift_test_conflicts`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from datetime import date, timedelta

import numpy as np
import polars as pl

FACTORS = {"true": 1.0, "/13": 1 / 13, "/5": 1 / 5, "x3": 3.0, "x13": 13.0}
WORLDS: dict[str, dict[str, float]] = {
    "plain": {"noise": 0.02, "iroas": 1.0},
    "noise x 3": {"noise": 0.06, "iroas": 1.0},
    "iroas .2": {"noise": 0.02, "iroas": 0.2},
    "noise x 3, iroas .2": {"noise": 0.06, "iroas": 0.2},
    "iroas 5": {"noise": 0.02, "iroas": 5.0},
    "noise x 3, iroas 5": {"noise": 0.06, "iroas": 5.0},
}
PERIODS, WINDOW, KEPT, HALF = 156, slice(60, 76), 0.5, 1600.0


def world(seed: int, noise: float, iroas: float) -> tuple[pl.DataFrame, float]:
    """A long frame (date, kpi, a, b) and the true lift of the test: observed less a without spend in the window."""
    rng = np.random.default_rng(seed)
    t = np.arange(PERIODS)
    sales = 10_000 * (1 + 0.08 * np.sin(2 * np.pi * t / 52) + 0.0005 * t)
    spend = {c: 800 * np.exp(rng.normal(0, 0.6, PERIODS)) * (rng.random(PERIODS) > 0.2) for c in "ab"}
    scales = {c: r * spend[c].sum() / _response(spend[c]).sum() for c, r in (("a", iroas), ("b", 1.5))}
    for c, x in spend.items():
        sales = sales + scales[c] * _response(x)
    sales = sales + 10_000 * rng.normal(0, noise, PERIODS)
    dark = spend["a"].copy()
    dark[WINDOW] = 0
    lift = scales["a"] * (_response(spend["a"])[WINDOW].sum() - _response(dark)[WINDOW].sum())
    days = [date(2022, 1, 3) + timedelta(days=7 * i) for i in range(PERIODS)]
    return pl.DataFrame({"date": days, "kpi": sales, **spend}), float(lift)


def _response(spend: np.ndarray) -> np.ndarray:
    stock, level = np.zeros(len(spend)), 0.0
    for i, x in enumerate(spend):
        level = KEPT * level + (1 - KEPT) * x
        stock[i] = level
    return np.tanh(stock / HALF)


def verdicts(seeds: int, noise: float, iroas: float) -> dict[str, Counter[str]]:
    """How often each verdict was given, by what was done to the test's value."""
    from models.mmm import Experiment, MMMData, MMMSpec
    from models.mmm.checks.lift_test_conflicts import against_the_data
    from models.mmm.fitting.form_selection import plain_form
    from models.mmm.model.build import design as build_design
    from models.mmm.model.lift_tests import calibrate

    spec = MMMSpec(adstock="geometric", saturation="logistic")
    counts: dict[str, Counter[str]] = {factor: Counter() for factor in FACTORS}
    for seed in range(seeds):
        long, lift = world(seed, noise, iroas)
        data = MMMData.from_frame(long, date="date", kpi="kpi", spend={"a": "a", "b": "b"})
        design = build_design(data, spec, plain_form(data, spec))
        draws = np.random.default_rng([seed, 1])
        for factor, multiple in FACTORS.items():
            test = Experiment(
                name="test",
                channels=("a",),
                start=data.dates[WINDOW.start],
                end=data.dates[WINDOW.stop - 1] + timedelta(days=6),
                value=multiple * lift * (1 + 0.1 * draws.normal()),
                se=abs(multiple * lift * 0.1),
            )
            table = against_the_data(design, calibrate(data, design.media, design.scales, [test]), seed=seed)
            counts[factor][table["verdict"][0]] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    seeds = parser.parse_args().seeds
    began = time.process_time()
    print("data disagree / outside belief, of", seeds)
    print("| world | " + " | ".join(FACTORS) + " |")
    print("|---|" + "---|" * len(FACTORS))
    for name, known in WORLDS.items():
        counts = verdicts(seeds, **known)
        cells = [f"{counts[f]['data disagree']} / {counts[f]['outside belief']}" for f in FACTORS]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"{time.process_time() - began:.0f} CPU-s")


if __name__ == "__main__":
    main()
