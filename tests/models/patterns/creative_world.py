"""A made-up stream of creative tests with known feature effects, for tests of learning and promotion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

START = date(2024, 1, 1)
BASE = -4.2  # log-odds of a click, about 1.5 %
STORY_SD, VARIANT_SD = 0.65, 0.30


def stream(
    effects: Mapping[str, float],
    *,
    weeks: int,
    briefs_per_week: int,
    seed: int,
    variants: int = 3,
    trials: int = 3000,
    channels: tuple[str, ...] = ("linkedin",),
    by_channel: Mapping[str, Mapping[str, float]] | None = None,
    flip_at: int | None = None,
    variant_sd: float = VARIANT_SD,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """tests, features: each variant has each feature with chance one half; effects flip sign from week `flip_at`."""
    rng = np.random.default_rng(seed)
    names = list(effects)
    tests, features = [], []
    for week in range(weeks):
        for b in range(briefs_per_week):
            channel = channels[(week * briefs_per_week + b) % len(channels)]
            beta = np.array([(by_channel or {}).get(channel, effects)[k] for k in names])
            beta = -beta if flip_at is not None and week >= flip_at else beta
            story = rng.normal(0, STORY_SD)
            for v in range(variants):
                has = rng.random(len(names)) < 0.5
                logit = BASE + story + has @ beta + rng.normal(0, variant_sd)
                clicks = rng.binomial(trials, 1 / (1 + np.exp(-logit)))
                variant = f"w{week}b{b}v{v}"
                monday = START + timedelta(weeks=week)
                tests.append((f"w{week}b{b}", variant, channel, monday, trials, int(clicks)))
                features += [(variant, k) for k, h in zip(names, has, strict=True) if h]
    columns = ["brief", "variant", "channel", "week", "trials", "successes"]
    return (
        pl.DataFrame(tests, schema=columns, orient="row"),
        pl.DataFrame(features, schema={"variant": pl.String, "feature": pl.String}, orient="row"),
    )


def end_of(weeks: int) -> date:
    """The Monday after the stream's last week."""
    return START + timedelta(weeks=weeks)
