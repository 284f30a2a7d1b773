"""Small panels with a known truth for the tests of this room."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from models.mmm import MMMData, MMMSpec

QUICK = MMMSpec(adstock="geometric", saturation="logistic")  # no search over forms


def frame(*, geos=1, periods=104, channels=("a", "b"), seed=0, roas=None, noise=0.02, controls=False, half_life=1.0):
    """Long frame of a world with geometric carryover and logistic saturation, and the truth per channel
    (incremental KPI).
    """
    rng = np.random.default_rng(seed)
    roas = roas or {c: 1.0 + 0.5 * i for i, c in enumerate(channels)}
    t = np.arange(periods)
    rows, truth = [], dict.fromkeys(channels, 0.0)
    common = rng.normal(0, noise, periods)
    for g in range(geos):
        size = float(np.exp(rng.normal(0, 0.4))) if geos > 1 else 1.0
        price = rng.normal(0, 1, periods)
        base = size * 10_000 * (1 + 0.08 * np.sin(2 * np.pi * t / 52) + 0.0005 * t)
        total = base - size * 100 * price * controls
        spends = {}
        for c in channels:
            x = size * 800 * np.exp(rng.normal(0, 0.6, periods)) * (rng.random(periods) > 0.2)
            keep = 0.5 ** (1 / half_life)
            stock = np.zeros(periods)
            level = 0.0
            for i in range(periods):
                level = keep * level + (1 - keep) * x[i]
                stock[i] = level
            shape = np.tanh(stock / (size * 1600))
            effect = shape * roas[c] * x.sum() / shape.sum()
            truth[c] += float(effect.sum())
            total = total + effect
            spends[c] = x
        total = total + size * 10_000 * (rng.normal(0, noise, periods) + common * (geos > 1))
        for i in range(periods):
            day = date(2022, 1, 3) + timedelta(days=7 * i)
            rows.append((f"g{g}", day, total[i], price[i], *(spends[c][i] for c in channels)))
    return pl.DataFrame(rows, schema=["geo", "date", "kpi", "price", *channels], orient="row"), truth


def panel(*, geos=1, periods=104, channels=("a", "b"), seed=0, controls=False, **world) -> MMMData:
    """The same world, read."""
    long, _ = frame(geos=geos, periods=periods, channels=channels, seed=seed, controls=controls, **world)
    return read(long, geos, channels, controls)


def read(long: pl.DataFrame, geos: int, channels=("a", "b"), controls=False) -> MMMData:
    return MMMData.from_frame(
        long,
        date="date",
        kpi="kpi",
        spend={c: c for c in channels},
        geo="geo" if geos > 1 else None,
        controls={"price": "confounder"} if controls else {},
    )
