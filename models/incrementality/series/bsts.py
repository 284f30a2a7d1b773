"""Counterfactual of a single series: a local level plus the controls that predict it, drawn from its posterior."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from models.incrementality.inversion import exact_alpha

BURN = 500
EXPECTED_CONTROLS = 3  # prior guess of how many controls matter


@dataclass(frozen=True)
class Forecast:
    """Predictive paths (draws, H) in KPI units, observation noise included, and each control's inclusion share."""

    paths: np.ndarray
    inclusion: np.ndarray

    def effects(self, actual: np.ndarray) -> np.ndarray:
        """Draws of the total effect over the window."""
        return float(actual.sum()) - self.paths.sum(axis=1)


@dataclass(frozen=True)
class TailReading:
    """Point, equal-tailed range and two-sided p of draws of an effect; 0 is outside the range iff p <= 1 - level."""

    point: float
    low: float
    high: float
    p_value: float


def forecast(
    y: np.ndarray, controls: np.ndarray, ahead: np.ndarray, *, seed: int, draws: int = 4_000, season: int | None = None
) -> Forecast:
    """Posterior predictive of y (n,) for H further periods, given controls (n, K) and their later values (H, K).

    `season` adds one always-included indicator per position of a cycle (7 for weekdays of daily data). Raises
    ValueError for too short a history or a series or control that never moves. Source: Brodersen et al. (2015), with
    a tight level prior (sd .01 of the series') because a loose one lets the level absorb the effect.
    """
    n = y.size
    if n < 20:
        raise ValueError(f"{n} periods before the intervention: a structural series needs at least 20")
    every = np.vstack([controls, ahead])
    forced = np.zeros(every.shape[1], dtype=np.bool_)
    if season:
        if n < 2 * season:
            raise ValueError(f"{n} periods hold no two cycles of {season}: leave the season out")
        position = np.arange(every.shape[0]) % season
        every = np.hstack([every, (position[:, None] == np.arange(season - 1)).astype(float)])
        forced = np.concatenate([forced, np.ones(season - 1, dtype=np.bool_)])
    mean, spread = every[:n].mean(axis=0), every[:n].std(axis=0, ddof=1)
    scale = float(y.std(ddof=1))
    if scale == 0 or (spread == 0).any():
        raise ValueError("the series or one of its controls never moves before the intervention")
    from models.incrementality.series.bsts_kernel import gibbs

    scaled = np.ascontiguousarray((every - mean) / spread)
    free = int((~forced).sum())
    paths, inclusion = gibbs(
        np.random.default_rng(seed),
        (y - y.mean()) / scale,
        np.ascontiguousarray(scaled[:n]),
        np.ascontiguousarray(scaled[n:]),
        forced,
        min(1.0, EXPECTED_CONTROLS / free) if free else 1.0,
        BURN,
        draws,
    )
    return Forecast(paths * scale + y.mean(), inclusion[: controls.shape[1]])


def tail_reading(draws: np.ndarray, level: float) -> TailReading:
    """Range by order statistics, so that it and the p-value (one added to every tail count) never disagree."""
    ordered = np.sort(draws)
    count = ordered.size
    position = floor(exact_alpha(level) / 2 * (count + 1))
    if position < 1:
        raise ValueError(f"{count} draws are too few for a {level:.0%} range")
    tail = min((ordered <= 0).sum(), (ordered >= 0).sum())
    p_value = min(1.0, 2 * (1 + int(tail)) / (count + 1))
    return TailReading(float(draws.mean()), float(ordered[position - 1]), float(ordered[-position]), p_value)
