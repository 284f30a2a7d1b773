"""What a company would sell without any media: trend with one break, seasons, price, promotions, latent demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from models.worlds.calendar import holiday_flags
from models.worlds.roster import Roster, Season

PRICE_ELASTICITY = -0.6
GROWTH_BEFORE, GROWTH_AFTER, BREAK_STEP = 0.10, 0.02, -0.04
BREAK_AT = 0.55


@dataclass(frozen=True)
class Demand:
    """Baseline revenue and what drives it; arrays have shape (days,) or (days, regions)."""

    baseline: np.ndarray
    noise: np.ndarray
    latent: np.ndarray
    price_index: np.ndarray
    promo: np.ndarray
    holiday: np.ndarray
    break_day: date
    size: np.ndarray
    season: np.ndarray


def drawn_demand(roster: Roster, days: list[date], rng: np.random.Generator) -> Demand:
    """A baseline and its noise for every day and region.

    Latent demand is a slow national and regional wave that also moves brand search spend: the confounder.
    Noise has a weekly national, a weekly regional and a daily part, each a share of the baseline.
    """
    count, regions = len(days), len(roster.regions)
    population = np.array([region.population for region in roster.regions])
    size = population**0.7 * np.exp(rng.normal(0, 0.1, regions))
    size = size / size.sum()
    latent = _weekly_wave(days, 1, 0.85, 0.05, rng) + _weekly_wave(days, regions, 0.8, 0.018, rng)
    holiday = holiday_flags(days, roster.region_names)
    price_index = _price(days, rng)
    promo = _promotions(days, roster.season)
    years = np.arange(count)[:, None] / 365.25
    break_at = int(count * BREAK_AT)
    before = GROWTH_BEFORE + rng.normal(0, 0.02, regions)
    after = GROWTH_AFTER + rng.normal(0, 0.02, regions)
    broken = np.arange(count)[:, None] >= break_at
    trend = before * np.minimum(years, break_at / 365.25)
    trend = trend + broken * (BREAK_STEP + after * (years - break_at / 365.25))
    season = yearly(days, roster.season)
    weekday = np.array(roster.season.weekdays)[[day.weekday() for day in days]]
    promoted = 1 + roster.season.promo_lift * promo
    daily = weekday * season * price_index**PRICE_ELASTICITY * promoted
    baseline = (
        roster.baseline_per_day
        * size
        * daily[:, None]
        * np.exp(trend + 0.8 * latent)
        * (1 - roster.season.holiday_loss * holiday)
    )
    surprise = (
        _weekly_wave(days, 1, 0.3, 0.06, rng)
        + _weekly_wave(days, regions, 0.3, 0.015, rng)
        + rng.normal(0, 0.08, (count, regions))
    )
    return Demand(
        baseline=baseline,
        noise=baseline * np.clip(surprise, -0.6, 0.6),
        latent=latent,
        price_index=price_index,
        promo=promo,
        holiday=holiday,
        break_day=days[break_at],
        size=size,
        season=season * promoted,
    )


def _weekly_wave(days: list[date], columns: int, persistence: float, sd: float, rng: np.random.Generator) -> np.ndarray:
    """A stationary AR(1) by ISO week with standard deviation `sd`, repeated for the week's days."""
    week = np.array([(day.toordinal() - 1) // 7 for day in days])
    week -= week[0]
    shocks = rng.normal(0, sd * np.sqrt(1 - persistence**2), (week[-1] + 1, columns))
    wave = np.empty_like(shocks)
    state = rng.normal(0, sd, columns)
    for index, shock in enumerate(shocks):
        state = persistence * state + shock
        wave[index] = state
    return wave[week]


def _price(days: list[date], rng: np.random.Generator) -> np.ndarray:
    """List price against the first day: a rise every February and September, of 1 to 5 per cent."""
    steps = np.zeros(len(days))
    for index, day in enumerate(days):
        if (day.month, day.day) in ((2, 1), (9, 1)):
            steps[index] = rng.uniform(0.01, 0.05)
    return np.round(np.exp(np.cumsum(steps)), 4)


def yearly(days: list[date], season: Season) -> np.ndarray:
    """Demand of each day against the year's usual level, shape (days,); months are joined at their middles."""
    if season.months is not None:
        middles = np.array([15.2 + 30.44 * month for month in range(-1, 13)])
        levels = np.log([season.months[-1], *season.months, season.months[0]])
        return np.exp(np.interp([day.timetuple().tm_yday for day in days], middles, levels))
    day_of_year = np.array([day.timetuple().tm_yday for day in days])
    angle = 2 * np.pi * day_of_year / 365.25
    wave = 0.05 * np.sin(angle + 0.9) + 0.04 * np.cos(2 * angle - 0.4) - 0.02 * np.sin(3 * angle)
    december = np.array([-0.25 if (d.month, d.day) >= (12, 21) or (d.month, d.day) <= (1, 3) else 0.0 for d in days])
    return np.exp(wave + december)


def _promotions(days: list[date], season: Season) -> np.ndarray:
    """1.0 during the season's promotions."""
    return np.array(
        [
            float(any(day.month == month and first <= day.day <= last for month, first, last in season.promotions))
            for day in days
        ]
    )
