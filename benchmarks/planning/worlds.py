"""Companies whose response to media is known, to evaluate plans by their true outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.mmm import MMMData

WEEKS_KEPT = 13


@dataclass(frozen=True, eq=False)
class World:
    """Weekly spend (T, C) per region, true iROAS-like strengths, half-saturation and retention per channel."""

    data: MMMData
    spend: np.ndarray
    top: np.ndarray
    half: np.ndarray
    keep: np.ndarray

    def brings(self, c: int, money: float, horizon: int) -> float:
        """True incremental KPI of even spending after the data, with carry-in; the usual spend continues afterwards."""
        after = np.full(4 * WEEKS_KEPT, self.spend[-horizon:, c].mean())
        with_plan, silent = (
            self._total(c, np.concatenate([self.spend[:, c], np.full(horizon, m / horizon), after]))
            for m in (money, 0.0)
        )
        return with_plan - silent

    def _total(self, c: int, path: np.ndarray) -> float:
        level = carried(path, self.keep[c])
        return float((self.top[c] * np.tanh(level / self.half[c])).sum())


def carried(path: np.ndarray, keep: float) -> np.ndarray:
    """Geometric carryover that sums to one."""
    out, level = np.empty(path.size), 0.0
    for t, spend in enumerate(path):
        level = keep * level + (1 - keep) * spend
        out[t] = level
    return out


def company(channels: int, *, weeks: int = 156, geos: int = 1, spread: float = 0.6, seed: int) -> World:
    """Channels of different size, return (sd `spread` of log iROAS), saturation and carryover; sales with trend, season
    and 3 % noise.
    """
    rng = np.random.default_rng(seed)
    size = rng.lognormal(7.5, 0.7, channels)
    iroas = rng.lognormal(0.3, spread, channels)
    keep = 0.5 ** (1 / rng.uniform(0.6, 2.5, channels))
    spend = size * rng.lognormal(0.0, 0.5, (weeks, channels)) * (rng.random((weeks, channels)) > 0.15)
    half = rng.uniform(1.0, 3.0, channels) * spend.mean(axis=0)
    effect = np.empty((weeks, channels))
    top = np.empty(channels)
    for c in range(channels):
        shape = np.tanh(carried(spend[:, c], keep[c]) / half[c])
        top[c] = iroas[c] * spend[:, c].sum() / shape.sum()
        effect[:, c] = top[c] * shape
    t = np.arange(weeks)
    base = effect.sum(axis=1).mean() * 4 * (1 + 0.1 * np.sin(2 * np.pi * t / 52) + 0.001 * t)
    share = rng.dirichlet(np.full(geos, 8.0))
    rows = []
    for g in range(geos):
        wobble = rng.lognormal(0, 0.3, (weeks, channels)) if geos > 1 else np.ones((weeks, channels))
        local = base + (effect * wobble).sum(axis=1)
        kpi = share[g] * (local + base * rng.normal(0, 0.03, weeks))
        rows += [
            (f"g{g}", date(2022, 1, 3) + timedelta(weeks=int(i)), kpi[i], *(share[g] * spend[i] * wobble[i]))
            for i in range(weeks)
        ]
    names = [f"c{c}" for c in range(channels)]
    frame = pl.DataFrame(rows, schema=["geo", "date", "kpi", *names], orient="row")
    data = MMMData.from_frame(
        frame, date="date", kpi="kpi", spend={c: c for c in names}, geo="geo" if geos > 1 else None
    )
    return World(data, spend, top, half, keep)
