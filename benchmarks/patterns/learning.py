"""How fast patterns are learned, and how many are found where none exists: `python -m benchmarks.patterns.learning`."""

from __future__ import annotations

import argparse
import resource
import time
from datetime import date

import numpy as np
import polars as pl

from feedback.patterns import VOCABULARY
from feedback.patterns.dimensions import DIMENSIONS
from models.patterns import LearnSpec, learn

ARMS, WEEKS = 4, 150
EXCLUSIVE = frozenset(DIMENSIONS)


def archive(variants: int, seed: int, *, effect: float = 0.0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Briefs of four variants: every headline feature in a quarter of them, one value of every dimension in each.

    Stories and residuals as in the public archive; `effect` (log-odds) belongs to the first feature of each namespace.
    """
    rng = np.random.default_rng(seed)
    briefs = variants // ARMS
    brief = np.repeat(np.arange(briefs), ARMS)
    score = -4.2 + rng.normal(0, 0.65, briefs)[brief] + rng.normal(0, 0.3, len(brief))
    parts = []
    headline = [key for key in VOCABULARY if key.startswith("headline.")]
    for key in headline:
        has = np.flatnonzero(rng.random(len(brief)) < 0.25)
        score[has] += effect * (key == headline[0])
        parts.append(pl.DataFrame({"arm": has}).with_columns(feature=pl.lit(key)))
    for name, dimension in DIMENSIONS.items():
        values = [f"{name}.{value}" for value in dimension.nouns]
        drawn = rng.integers(0, len(values) + 1, len(brief))  # the last one is the usual value
        score += effect * (drawn == 0)
        arms = np.flatnonzero(drawn < len(values))
        parts.append(pl.DataFrame({"arm": arms, "feature": np.array(values)[drawn[arms]]}))
    trials = np.full(len(brief), 3000)
    tests = pl.DataFrame({"brief": brief, "arm": np.arange(len(brief)), "trials": trials}).with_columns(
        successes=pl.Series(rng.binomial(3000, 1 / (1 + np.exp(-score)))),
        week=pl.lit(date(2023, 1, 2)) + pl.duration(weeks=pl.col("brief") % WEEKS),
        channel=pl.lit("meta"),
    )
    variant = pl.format("v{}", "arm").alias("variant")
    tests = tests.select(pl.format("b{}", "brief").alias("brief"), variant, "channel", "week", "trials", "successes")
    return tests, pl.concat(parts).select(variant, "feature")


def main() -> None:
    """Print the seconds and memory of one large archive, and the false finds of small ones without any effect."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=1_000_000)
    parser.add_argument("--nulls", type=int, default=40, help="archives of 4,000 variants without any effect")
    options = parser.parse_args()
    finds = []
    for seed in range(options.nulls):
        spec = LearnSpec(exclusive=EXCLUSIVE, placebo_draws=0)
        frame = learn(*archive(4_000, seed), seed=seed, spec=spec).frame
        finds.append(frame.filter(pl.col("lfsr") < 0.05).height)
    if finds:
        print(
            f"no effect at all, {options.nulls} archives of 4,000 variants and {len(VOCABULARY)} features:"
            f" {np.mean(finds):.2f} found on average, {max(finds)} at most (lfsr < .05, before any other rule)"
        )
    if options.variants:
        tests, features = archive(options.variants, seed=1, effect=0.05)
        start, worked = time.perf_counter(), time.process_time()
        frame = learn(tests, features, seed=1, spec=LearnSpec(exclusive=EXCLUSIVE)).frame
        seconds, worked = time.perf_counter() - start, time.process_time() - worked
        right = frame.filter(pl.col("lfsr") < 0.05)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{options.variants:,} variants, {features.height:,} features: learned in"
            f" {seconds:.0f} s ({worked:.0f} s of CPU), {memory:.1f} GB;"
            f" {right.height} found of {1 + len(DIMENSIONS)} true ones"
        )


if __name__ == "__main__":
    main()
