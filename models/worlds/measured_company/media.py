"""Weekly spend of each channel, and the effect of a spend path on sales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.worlds.measured_company.circumstances import Curve
from models.worlds.response import carried_over, saturated

DEMAND_IN_SPEND = 0.07  # log spend per standard deviation of hidden demand and unit of `follows_demand`
SEASON_IN_SPEND = 0.6  # elasticity of always-on budgets to the known season


def spend_path(
    rhythm: str, follows_demand: float, season: np.ndarray, demand: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Weekly spend (T,) with mean 1; `demand` (T,) is standardised. A `late` channel is always on here: the caller
    decides when it begins."""
    weeks = len(season)
    if rhythm == "constant":
        return np.ones(weeks)
    if rhythm == "flights":
        path = _flights(weeks, rng) * np.exp(rng.normal(0, 0.3, weeks))
    elif rhythm == "bursts":
        path = _bursts(weeks, rng)
    elif rhythm == "sends":
        path = np.exp(rng.normal(0, 0.25, weeks))
    else:
        spread = rng.uniform(0.25, 0.45)
        path = season**SEASON_IN_SPEND * np.exp(spread * autoregression(weeks, 0.6, rng))
    path = path * np.exp(follows_demand * DEMAND_IN_SPEND * demand)
    return np.asarray(path / path.mean())


def autoregression(weeks: int, persistence: float, rng: np.random.Generator) -> np.ndarray:
    """Stationary AR(1) (T,) with standard deviation 1."""
    values = np.empty(weeks)
    values[0] = rng.normal()
    for t in range(1, weeks):
        values[t] = persistence * values[t - 1] + np.sqrt(1 - persistence**2) * rng.normal()
    return values


def _flights(weeks: int, rng: np.random.Generator) -> np.ndarray:
    path = np.full(weeks, 0.02)
    t = int(rng.integers(0, 6))
    while t < weeks:
        on, off = int(rng.integers(3, 6)), int(rng.integers(4, 9))
        path[t : t + on] = np.exp(rng.normal(0, 0.25))
        t += on + off
    return path


def _bursts(weeks: int, rng: np.random.Generator) -> np.ndarray:
    path = np.full(weeks, 0.05)
    t = int(rng.integers(1, 7))
    while t < weeks:
        path[t : t + 2] = np.exp(rng.normal(0, 0.4))
        t += int(rng.integers(5, 12))
    return path


@dataclass(frozen=True)
class Response:
    """From a channel's weekly spend to its weekly effect before scaling; `usual` is the spend at which it is `marginal`
    times as productive for the next unit as on average."""

    curve: Curve
    half_life: float
    marginal: float
    usual: float
    lag: int
    drift: float

    def effect(self, spend: np.ndarray, demand_factor: np.ndarray) -> np.ndarray:
        """Effect (T,) of a spend path (T,) in arbitrary units; `demand_factor` (T,) is sales' season and demand."""
        pressure = carried_over(spend, self.half_life) / self.usual
        if self.curve == "delayed" and self.lag:
            early = np.concatenate([np.zeros(self.lag), pressure[: -self.lag]])
            pressure = (pressure + 2 * early) / 3
        # Hill with slope 1: marginal over average return at pressure 1 is half / (1 + half)
        half = self.marginal / (1 - self.marginal)
        if self.curve == "s-shaped":
            response = saturated(pressure**1.8, half)
        elif self.curve == "exponential":
            response = 1 - np.exp(-pressure / max(half, 0.15))
        else:
            response = saturated(pressure, half)
        if self.curve == "drifting":
            response = response * (1 + self.drift * np.linspace(-1, 1, len(spend)))
        if self.curve == "follows demand":
            response = response * demand_factor
        return np.asarray(response)
