"""Geo panels with a known effect: the two generators on which coverage, false positives and power are published.

`textbook` follows the public study of geo-lift packages (research.getrecast.com/geolift-sim-study); `heterogeneous`
breaks the common trend and season that make that study easy for logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import polars as pl

Scenario = Literal["A1", "A2", "A3", "A4"]
DOW = np.array([-1.0, -0.5, 0.0, 0.2, 0.8, 1.0, 0.5])
READ_DAYS = 15
FIRST_MONDAY = date(2024, 1, 1)


@dataclass(frozen=True)
class SimulatedTest:
    """A panel (geos, days), its treated row, the first treated column, and the counterfactual of that row."""

    kpi: np.ndarray
    treated: int
    pre: int
    untreated: np.ndarray

    @property
    def truth(self) -> float:
        """True mean effect per day of the window, in KPI units."""
        return float((self.kpi[self.treated] - self.untreated)[self.pre :].mean())

    def frame(self) -> pl.DataFrame:
        """As a panel frame geo, date, kpi; geos are named g00, g01, …"""
        geos, days = self.kpi.shape
        return pl.DataFrame(
            {
                "geo": np.repeat([f"g{row:02d}" for row in range(geos)], days),
                "date": [FIRST_MONDAY + timedelta(days=d) for d in range(days)] * geos,
                "kpi": self.kpi.ravel(),
            }
        )


def textbook(scenario: Scenario, iteration: int, effect: float) -> SimulatedTest:
    """One panel of the public study; the same iteration has the same draws whatever the effect.

    A1: 20 controls, 90 days before. A2: the treated geo five times as large. A3: 9 controls. A4: 30 days before.
    """
    index = ("A1", "A2", "A3", "A4").index(scenario)
    geos = 10 if scenario == "A3" else 21
    pre = 30 if scenario == "A4" else 90
    base_draw = np.random.default_rng(42_000 + 10_000 * index + iteration)
    noise_draw = np.random.default_rng(142_000 + 10_000 * index + iteration)
    base = _baselines(base_draw, geos)
    treated = int(np.abs(base - np.median(base)).argmin())
    noise_scale = 0.2 * np.sqrt(base / base.mean())
    if scenario == "A2":
        base = base.copy()
        base[treated] *= 5
    day = np.arange(pre + READ_DAYS)
    common = (1 + 0.001 * (day + 1)) * (1 + 0.1 * DOW[day % 7])
    noise = _autoregression(noise_draw.standard_normal((geos, day.size)), 0.3)
    return _treat(base[:, None] * common * np.exp(noise_scale[:, None] * noise), treated, pre, effect)


def heterogeneous(iteration: int, effect: float) -> SimulatedTest:
    """Each geo with its own trend, weekday pattern and loadings on two common factors; 20 controls, 90 days before."""
    draw = np.random.default_rng(242_000 + iteration)
    geos, pre = 21, 90
    base = _baselines(draw, geos)
    treated = int(np.abs(base - np.median(base)).argmin())
    day = np.arange(pre + READ_DAYS)
    trend = 0.001 * (1 + draw.standard_normal(geos))
    loadings = draw.normal(1.0, 0.5, (geos, 2))
    innovations = 0.03 * draw.standard_normal((2, day.size))
    innovations[:, 0] /= np.sqrt(1 - 0.95**2)
    factors = _autoregression(innovations, 0.95)
    season = 0.1 * (1 + 0.5 * draw.standard_normal(geos))
    noise = _autoregression(0.10 * draw.standard_normal((geos, day.size)), 0.3)
    logs = np.log(base)[:, None] + np.outer(trend, day + 1) + loadings @ factors + noise
    logs += np.log1p(np.outer(season, DOW[day % 7]))
    return _treat(np.exp(logs), treated, pre, effect)


@dataclass(frozen=True)
class SimulatedGroup:
    """A panel (geos, days) with several treated rows, the first treated column, and the true total effect."""

    kpi: np.ndarray
    treated: tuple[int, ...]
    pre: int
    truth: float


def heterogeneous_group(
    iteration: int, geos: int, size: int, effect: float, *, pre: int = 120, days: int = 28
) -> SimulatedGroup:
    """The heterogeneous panel with `size` of `geos`, drawn at random, treated for `days` days."""
    draw = np.random.default_rng(342_000 + iteration)
    base = draw.lognormal(8, 0.7, geos)
    day = np.arange(pre + days)
    factors = _autoregression(0.03 * draw.standard_normal((2, day.size)), 0.95)
    logs = np.log(base)[:, None] + draw.normal(1.0, 0.5, (geos, 2)) @ factors
    logs += np.outer(0.001 * (1 + draw.standard_normal(geos)), day)
    logs += np.log1p(np.outer(0.1 * (1 + 0.5 * draw.standard_normal(geos)), DOW[day % 7]))
    kpi = np.exp(logs + _autoregression(0.10 * draw.standard_normal((geos, day.size)), 0.3))
    treated = tuple(int(row) for row in np.sort(draw.choice(geos, size, replace=False)))
    truth = float(effect * kpi[list(treated), pre:].sum())
    kpi[list(treated), pre:] *= 1 + effect
    return SimulatedGroup(kpi, treated, pre, truth)


def _baselines(draw: np.random.Generator, geos: int) -> np.ndarray:
    return np.sort(draw.lognormal(np.log(4000) - 0.6**2 / 2, 0.6, geos))


def _autoregression(innovations: np.ndarray, memory: float) -> np.ndarray:
    series = innovations.copy()
    for column in range(1, series.shape[1]):
        series[:, column] += memory * series[:, column - 1]
    return series


def _treat(kpi: np.ndarray, treated: int, pre: int, effect: float) -> SimulatedTest:
    untreated = kpi[treated].copy()
    kpi = kpi.copy()
    kpi[treated, pre:] *= 1 + effect
    return SimulatedTest(kpi, treated, pre, untreated)
