"""How often 90 % ranges of a rate hold the truth, ours and the pooled one, on measured components of variance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.visibility.intervals import clustered_rate, wilson

LEVEL = 0.90
DESIGNS = ((20, 3), (50, 3), (50, 5), (150, 3))
MEANS = (0.35, 0.10)


def chances(mean: float, icc: float, prompts: int, rng: np.random.Generator) -> np.ndarray:
    """True rates of questions whose answers have this mean and this correlation within a question (beta)."""
    return rng.beta(mean * (1 / icc - 1), (1 - mean) * (1 / icc - 1), prompts)


def rows(icc: float, draws: int, seed: int) -> Iterator[dict[str, float]]:
    """Coverage per design: `category` and `panel` are ours, `pooled` takes every answer for an independent one."""
    rng = np.random.default_rng(seed)
    for prompts, runs in DESIGNS:
        for mean in MEANS:
            hits = {"category": 0, "panel": 0, "pooled": 0}
            for _ in range(draws):
                p = chances(mean, icc, prompts, rng)
                k = rng.binomial(runs, p).astype(float)
                n = np.full(prompts, float(runs))
                rate = clustered_rate(k, n, np.ones(prompts), np.arange(prompts), level=LEVEL, icc=icc)
                if rate.low is not None and rate.high is not None:
                    hits["category"] += rate.low <= mean <= rate.high
                if rate.panel_low is not None and rate.panel_high is not None:
                    hits["panel"] += rate.panel_low <= p.mean() <= rate.panel_high
                low, high = wilson(k.sum() / n.sum(), n.sum(), LEVEL)
                hits["pooled"] += low <= mean <= high
            yield {"prompts": prompts, "runs": runs, "mean": mean} | {name: h / draws for name, h in hits.items()}
