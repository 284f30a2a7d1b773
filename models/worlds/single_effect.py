"""One latent effect seen three ways: by regions in a geo test, by users in a holdout, by weeks in a media mix model.

Every person buys a little more on days on which video ads reach them. Regional revenue, national weeks and single users
are all sums or draws of that one response, so the three reads estimate the same return and must agree within error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.worlds.response import carried_over, saturated
from models.worlds.world import World

FIRST_DAY = date(2023, 1, 2)
WEEKS = 104
REGIONS = 24
DARK_REGIONS = 6
DARK_WEEK, DARK_WEEKS = 84, 4
USERS = 60_000
BASE_PER_HEAD = 0.60  # revenue per head and day without any advertising
SPEND_PER_HEAD = {"video": 0.020, "search": 0.012}
HALF_LIFE_DAYS = {"video": 1.0, "search": 0.5}
HALF_PRESSURE = 4.0  # times the usual pressure: the curve bends, but only a little
SHARE_OF_BASE = {"video": 0.10, "search": 0.05}
BASKET = 25.0
HABIT = 0.7  # sd of the logarithm of how much individual people usually buy


@dataclass(frozen=True)
class _Country:
    """Everything drawn once: heads (R,), spend per head (channel -> days, R), base and shock per head (days, R)."""

    heads: np.ndarray
    spend: dict[str, np.ndarray]
    base: np.ndarray
    shock: np.ndarray

    def lift(self, channel: str, spend: np.ndarray) -> np.ndarray:
        """Revenue per head and day (days, R) that this spend of one channel adds."""
        usual = SPEND_PER_HEAD[channel]
        pressure = carried_over(spend, HALF_LIFE_DAYS[channel]) / usual
        return SHARE_OF_BASE[channel] * BASE_PER_HEAD * (1 + HALF_PRESSURE) * saturated(pressure, HALF_PRESSURE)

    def per_head(self, video: np.ndarray) -> np.ndarray:
        """Expected revenue per head and day (days, R) under a video spend, with the world's one set of shocks."""
        return (self.base + self.lift("video", video) + self.lift("search", self.spend["search"])) * self.shock


def one_effect(seed: int) -> World:
    """Two years of a country with a go-dark geo test of video and, in the other regions, a user holdout of video.

    Frames: `panel` geo, date, kpi, spend (video), one row per region and day; `weeks` date, revenue, video, search, the
    nation by week; `users` user, region, arm (`ads` or `holdout`), earlier, revenue (the four weeks before the test and
    during it). Truth: `treated`, `start`, `end`; `iroas` of video over the two years, `geo_iroas` in the dark regions
    during the test, `user_iroas` among the users who saw ads; `user_spend`, the cost of their ads.
    """
    draw = np.random.default_rng([seed, 8_311])
    country = _drawn(draw)
    first, last = 7 * DARK_WEEK, 7 * (DARK_WEEK + DARK_WEEKS)
    dark = np.sort(draw.choice(REGIONS, DARK_REGIONS, replace=False))
    video = country.spend["video"].copy()
    video[first:last, dark] = 0.0
    per_head = country.per_head(video)
    names = [f"region {row + 1:02d}" for row in range(REGIONS)]
    days = [FIRST_DAY + timedelta(days=day) for day in range(7 * WEEKS)]
    revenue = _sales(per_head, country.heads, draw)
    panel = pl.DataFrame(
        {
            "geo": np.repeat(names, len(days)),
            "date": days * REGIONS,
            "kpi": revenue.T.ravel(),
            "spend": (video * country.heads).T.ravel(),
        }
    )
    weeks = pl.DataFrame(
        {
            "date": days[::7],
            "revenue": _by_week(revenue),
            "video": _by_week(video * country.heads),
            "search": _by_week(country.spend["search"] * country.heads),
        }
    )
    users, user_truth = _holdout(country, video, dark, slice(first, last), draw)
    never = country.per_head(np.zeros_like(video))
    earned = (per_head - never) * country.heads
    usual = (country.per_head(country.spend["video"]) - per_head) * country.heads
    saved = (country.spend["video"] - video) * country.heads
    truth = {
        "seed": seed,
        "treated": [names[row] for row in dark],
        "start": days[first],
        "end": days[last - 1],
        "iroas": float(earned.sum() / (video * country.heads).sum()),
        "geo_iroas": float(usual[:, dark].sum() / saved[:, dark].sum()),
        **user_truth,
    }
    return World(frames={"panel": panel, "weeks": weeks, "users": users}, truth=truth)


def _drawn(draw: np.random.Generator) -> _Country:
    days = np.arange(7 * WEEKS)
    heads = np.round(draw.lognormal(11.5, 0.6, REGIONS))
    weekday = np.array([0.95, 0.92, 0.95, 1.0, 1.08, 1.12, 0.98])[days % 7]
    season = 1 + 0.08 * np.sin(2 * np.pi * days / 365.25 - 1.2) + 0.0002 * days
    wealth = draw.lognormal(0.0, 0.15, REGIONS)
    base = BASE_PER_HEAD * np.outer(weekday * season, wealth)
    shock = np.exp(_waves(draw, (days.size, 1), 0.9, 0.01) + _waves(draw, (days.size, REGIONS), 0.4, 0.025))
    spend = {}
    for channel, usual in SPEND_PER_HEAD.items():
        nation = np.exp(_waves(draw, (WEEKS, 1), 0.5, 0.5))
        nation[draw.random(WEEKS) < 0.12] = 0.05  # weeks between two campaigns
        regional = np.exp(draw.normal(0, 0.15, (WEEKS, REGIONS)))
        planned = usual * nation * regional / nation.mean()
        planned[DARK_WEEK - 1 : DARK_WEEK + DARK_WEEKS] = usual * np.exp(draw.normal(0, 0.15, REGIONS))
        spend[channel] = np.repeat(planned, 7, axis=0)
    return _Country(heads, spend, base, shock)


def _sales(per_head: np.ndarray, heads: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Revenue (days, R): the sum of what that many people buy, basket by basket."""
    return BASKET * draw.poisson(per_head * heads / BASKET)


def _holdout(
    country: _Country, video: np.ndarray, dark: np.ndarray, window: slice, draw: np.random.Generator
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Users of the regions without a geo test, half of them without video ads during the window."""
    open_regions = np.setdiff1d(np.arange(REGIONS), dark)
    region = draw.choice(open_regions, USERS, p=country.heads[open_regions] / country.heads[open_regions].sum())
    ads = draw.random(USERS) < 0.5
    habit = draw.lognormal(-(HABIT**2) / 2, HABIT, USERS)
    before = slice(window.start - (window.stop - window.start), window.start)
    held = video.copy()
    held[window] = 0.0
    shown, without = country.per_head(video), country.per_head(held)
    expected = np.where(ads, shown[window].sum(axis=0)[region], without[window].sum(axis=0)[region])
    earlier = BASKET * draw.poisson(habit * shown[before].sum(axis=0)[region] / BASKET)
    revenue = BASKET * draw.poisson(habit * expected / BASKET)
    users = pl.DataFrame(
        {
            "user": np.arange(USERS),
            "region": [f"region {row + 1:02d}" for row in region],
            "arm": np.where(ads, "ads", "holdout"),
            "earlier": earlier,
            "revenue": revenue,
        }
    )
    gained = float((shown - without)[window].sum(axis=0)[region[ads]].sum())
    paid = float(video[window].sum(axis=0)[region[ads]].sum())
    return users, {"user_iroas": gained / paid, "user_spend": paid}


def _by_week(amounts: np.ndarray) -> np.ndarray:
    return amounts.sum(axis=1).reshape(WEEKS, 7).sum(axis=1)


def _waves(draw: np.random.Generator, shape: tuple[int, int], memory: float, sd: float) -> np.ndarray:
    """Stationary AR(1) down the first axis with standard deviation `sd`."""
    steps = draw.normal(0, sd * np.sqrt(1 - memory**2), shape)
    steps[0] = draw.normal(0, sd, shape[1])
    for row in range(1, shape[0]):
        steps[row] += memory * steps[row - 1]
    return steps
