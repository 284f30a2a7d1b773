"""Weekly national panels with known truth, one violated assumption each, to test whether models detect it.

The classes of violation are public (stress matrices of open MMM packages); worlds and figures here are our own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.worlds.recipes import RECIPES, Recipe
from models.worlds.response import carried_over
from models.worlds.world import World

CHANNELS = ("tv", "search", "social", "display")
WEEKLY_SPEND = np.array([60_000.0, 40_000.0, 30_000.0, 15_000.0])
IROAS = np.array([1.6, 2.4, 1.8, 1.2])
HALF_LIFE = np.array([2.0, 0.5, 1.0, 1.5])
LEVEL = 800_000.0
FIRST_WEEK = date(2022, 1, 3)
SCENARIOS = tuple(RECIPES)


@dataclass(frozen=True)
class _Panel:
    """The drawn world: actual spend, recorded spend, and how revenue responds to actual spend."""

    recipe: Recipe
    ran: np.ndarray
    recorded: np.ndarray
    baseline: np.ndarray
    noise: np.ndarray
    controls: dict[str, np.ndarray]
    roles: dict[str, str]
    strength: np.ndarray = field(default_factory=lambda: np.ones(len(CHANNELS)))

    def effects(self, ran: np.ndarray) -> np.ndarray:
        """Own effect of each channel, (weeks, channels), EUR."""
        recipe = self.recipe
        fade = 1 + recipe.drift * np.linspace(0, 1, recipe.weeks)
        columns = []
        for index in range(len(CHANNELS)):
            pressure = _lasting(ran[:, index], index, recipe.delayed) / WEEKLY_SPEND[index]
            answer = pressure**recipe.slope / (pressure**recipe.slope + 1.5**recipe.slope)
            columns.append(recipe.signs[index] * self.strength[index] * answer * fade)
        return np.stack(columns, 1)

    def revenue(self, ran: np.ndarray) -> np.ndarray:
        """Revenue per week under this spend, with the world's fixed noise."""
        own = self.effects(ran)
        joint = self.recipe.synergy * own[:, 0] * own[:, 1] / LEVEL * 4
        return self.baseline + own.sum(1) + joint + self.noise


def scenario(name: str, seed: int) -> World:
    """The scenario's panel and its truth.

    Frames: `panel` (date, revenue, one spend column per channel, controls) and `contribution` (date, channel,
    value: the revenue lost in that week if the channel had never run; `baseline`, `joint` and `noise` complete the
    sum to revenue).
    Truth: per channel spend as recorded, contribution and iROAS; totals; the role of every control; what is violated.
    Raises ValueError for an unknown name.
    """
    if name not in RECIPES:
        raise ValueError(f"scenario {name!r} is unknown: choose one of {', '.join(RECIPES)}")
    panel = _drawn(RECIPES[name], np.random.default_rng([seed, 7_001, SCENARIOS.index(name)]))
    factual = panel.revenue(panel.ran)
    lost = {}
    for index, channel in enumerate(CHANNELS):
        without = panel.ran.copy()
        without[:, index] = 0.0
        lost[channel] = factual - panel.revenue(without)
    nothing = panel.revenue(np.zeros_like(panel.ran))
    parts = lost | {
        "joint": factual - nothing - sum(lost.values()),
        "baseline": nothing - panel.noise,
        "noise": panel.noise,
    }
    weeks = [FIRST_WEEK + timedelta(weeks=n) for n in range(panel.recipe.weeks)]
    frame = pl.DataFrame(
        {"date": weeks, "revenue": factual}
        | {channel: panel.recorded[:, index] for index, channel in enumerate(CHANNELS)}
        | panel.controls
    )
    contribution = pl.concat(
        pl.DataFrame({"date": weeks, "channel": part, "value": value}) for part, value in parts.items()
    )
    spend = panel.recorded.sum(0)
    truth = {
        "name": name,
        "seed": seed,
        "violation": panel.recipe.summary,
        "revenue_total": float(factual.sum()),
        "media_total": float((factual - nothing).sum()),
        "joint_total": float(parts["joint"].sum()),
        "baseline_total": float(parts["baseline"].sum()),
        "noise_total": float(panel.noise.sum()),
        "channels": {
            channel: {
                "spend": float(spend[index]),
                "contribution": float(lost[channel].sum()),
                "iroas": float(lost[channel].sum() / spend[index]),
            }
            for index, channel in enumerate(CHANNELS)
        },
        "controls": panel.roles,
    }
    return World(frames={"panel": frame, "contribution": contribution}, truth=truth)


def _drawn(recipe: Recipe, rng: np.random.Generator) -> _Panel:
    count = recipe.weeks
    years = np.arange(count) / 52.18
    demand = _wave(count, 0.8, 0.25, rng)
    noise = _wave(count, 0.6, 1.0, rng) if recipe.sales_in_spend else rng.normal(0, 1, count)
    if recipe.noise_df is not None:
        noise = rng.standard_t(recipe.noise_df, count)
    noise = noise * recipe.noise_sd * LEVEL
    ran = _budgets(recipe, demand, noise, rng)
    recorded = ran.copy()
    for index in range(len(CHANNELS)):
        recorded[rng.choice(count, recipe.recorded_spikes, replace=False), index] *= 8
    controls, roles, moved = _controls(recipe, demand, ran, rng)
    trend = 0.06 * years
    half = count // 2
    trend[half:] += recipe.break_step + recipe.break_slope * (years[half:] - years[half])
    season = 0.08 * np.sin(2 * np.pi * years - 1.0) + 0.04 * np.cos(4 * np.pi * years)
    for year in range(int(years[-1]) + 1):
        peak = 52.18 * (year + 0.5) + rng.uniform(-9, 9)
        season = season + recipe.odd_season * np.exp(-0.5 * ((np.arange(count) - peak) / 1.2) ** 2)
    baseline = LEVEL * np.exp(trend + season + recipe.demand_in_revenue * demand) + LEVEL * moved
    panel = _Panel(recipe, ran, recorded, baseline, noise, controls, roles)
    unit = np.abs(panel.effects(ran)).sum(0)
    goal = IROAS * np.exp(rng.normal(0, 0.15, len(CHANNELS)))
    strength = goal * ran.sum(0) / unit
    return _Panel(recipe, ran, recorded, baseline, noise, controls, roles, strength)


def _budgets(recipe: Recipe, demand: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    count, width = recipe.weeks, len(CHANNELS)
    common = _wave(count, 0.6, 1.0, rng)
    own = np.stack([_wave(count, 0.6, 1.0, rng) for _ in range(width)], 1)
    moves = np.sqrt(recipe.shared_budget) * common[:, None] + np.sqrt(1 - recipe.shared_budget) * own
    last = np.r_[0.0, noise[:-1]] / (recipe.noise_sd * LEVEL)
    drive = 0.4 * moves + recipe.demand_in_spend * demand[:, None] + 0.4 * recipe.sales_in_spend * last[:, None]
    ran = WEEKLY_SPEND * np.exp(np.clip(drive, -2.5, 2.0))
    if recipe.dark:
        flights = np.stack([_wave(count, 0.7, 1.0, rng) for _ in range(width)], 1)
        ran = np.where(flights < np.quantile(flights, recipe.dark, axis=0), 0.0, ran)
    return ran


def _controls(
    recipe: Recipe, demand: np.ndarray, ran: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, str], np.ndarray]:
    """Exported controls with their roles, and what price and promotion do to revenue as a share of the level.

    Beyond the first two, controls are irrelevant random walks, except every fifth, which responds to media (a
    mediator).
    """
    count = recipe.weeks
    price = np.cumsum(rng.normal(0, 0.006, count))
    promo = (rng.random(count) < 0.12).astype(float)
    columns = {"price": 100 * np.exp(price), "promo": promo}
    roles = {"price": "precision", "promo": "precision"}
    for number in range(3, recipe.controls + 1):
        name = f"control_{number:02d}"
        walk = _wave(count, 0.9, 1.0, rng)
        if number % 5 == 0:
            columns[name] = np.log(ran[:, 0]) - np.log(ran[:, 0]).mean() + 0.3 * walk
            roles[name] = "mediator"
        else:
            columns[name] = walk
            roles[name] = "precision"
    if recipe.demand_measured:
        columns["demand_index"] = 100 * np.exp(demand + rng.normal(0, 0.04, count))
        roles["demand_index"] = "confounder"
    return columns, roles, -0.6 * price + 0.06 * promo


def _lasting(ran: np.ndarray, channel: int, delayed: bool) -> np.ndarray:
    if not delayed:
        return carried_over(ran, float(HALF_LIFE[channel]))
    lags = np.arange(9)
    weights = np.exp(-0.5 * ((lags - 2 - 0.4 * channel) / 1.3) ** 2)
    return np.convolve(ran, weights / weights.sum())[: ran.size]


def _wave(count: int, persistence: float, sd: float, rng: np.random.Generator) -> np.ndarray:
    """A stationary AR(1) with standard deviation `sd`."""
    shocks = rng.normal(0, sd * np.sqrt(1 - persistence**2), count)
    wave = np.empty(count)
    state = rng.normal(0, sd)
    for index, shock in enumerate(shocks):
        state = persistence * state + shock
        wave[index] = state
    return wave
