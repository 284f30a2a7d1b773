"""What each channel spends per day and region: its rhythm, the tests, and the split over campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.worlds.demand import Demand
from models.worlds.market import Market
from models.worlds.roster import Channel, GeoTest, Roster

WEEKEND = {"always_on": 0.75, "flights": 0.6, "bursts": 1.0, "sends": 1.0, "late": 0.75, "constant": 1.0}
LATE_AT = 0.55
HARVEST_HALF = 0.25
YEARLY_GROWTH = 0.06
FIRST_ID = {
    "google_ads": 18_000_000_000,
    "meta_ads": 120_210_000_000_000_000,
    "linkedin_ads": 311_000_000,
    "tiktok_ads": 1_760_000_000_000_000,
    "channel_spend": 1,
}
FREEZE_BEFORE = timedelta(days=28)
CALM_IN_TEST, CALM_ELSEWHERE = 0.15, 0.5


def planned_spend(
    roster: Roster, days: list[date], demand: Demand, tests: Sequence[GeoTest], rng: np.random.Generator
) -> np.ndarray:
    """Spend before any test, shape (channels, days, regions), money.

    Budgets vary independently in each region, so that channels can be separated. From four weeks before a test until
    its cooldown ends they vary half as much everywhere and hardly at all in its regions, as a careful analyst would
    request. A constant channel spends the same on every day.
    """
    calm = np.ones((len(days), len(roster.regions)))
    for test in tests:
        columns = [roster.region_names.index(name) for name in test.regions]
        rows = [i for i, day in enumerate(days) if test.start - FREEZE_BEFORE <= day <= test.cooldown_end]
        calm[rows] = np.minimum(calm[rows], CALM_ELSEWHERE)
        calm[np.ix_(rows, columns)] = CALM_IN_TEST
    growth = np.exp(YEARLY_GROWTH * np.arange(len(days)) / 365.25)[:, None]
    weekend = np.array([day.weekday() >= 5 for day in days])[:, None]
    plans = []
    for channel in roster.channels:
        level = _rhythm(channel, days, len(roster.regions), rng)
        if channel.rhythm == "constant":
            plans.append(channel.daily_spend * demand.size * level)
            continue
        level = 1 + calm * (level - 1) if channel.rhythm not in ("sends", "late") else level
        level = level * np.where(weekend, WEEKEND[channel.rhythm], 1.0) * growth
        level = level * (1 + channel.more_in_promotions * demand.promo[:, None])
        if channel.follows_demand:
            level = level * np.exp(channel.follows_demand * demand.latent)
        if channel.follows_season:
            level = level * demand.season[:, None] ** channel.follows_season
        plans.append(channel.daily_spend * demand.size * level)
    return np.stack(plans)


def tested_spend(roster: Roster, plan: np.ndarray, days: list[date], tests: Sequence[GeoTest]) -> np.ndarray:
    """The plan with every test's factor applied in its changed regions and days."""
    spend = plan.copy()
    for test in tests:
        channel = roster.channel_names.index(test.channel)
        rows = [i for i, day in enumerate(days) if test.start <= day <= test.end]
        columns = [roster.region_names.index(name) for name in test.changed]
        spend[np.ix_([channel], rows, columns)] *= test.factor
    return spend


def claimed_revenue(market: Market, spend: np.ndarray) -> np.ndarray:
    """Revenue that each platform reports for itself, before noise, shape (channels, days, regions).

    Either a fixed multiple of spend, or what it tracks of its true effect plus organic revenue that it happened
    to touch. The second part follows demand and hardly grows with spend, so that half the budget of a channel
    that only harvests claims two thirds more per unit of spend.
    """
    claims = np.empty_like(spend)
    organic = market.demand.baseline / market.demand.baseline.mean(0)
    for index, channel in enumerate(market.roster.channels):
        if channel.tracked is None or channel.harvest is None:
            claims[index] = spend[index] * channel.claim
            continue
        pressure = spend[index] / market.typical[index]
        reached = (1 + HARVEST_HALF) * pressure / (pressure + HARVEST_HALF)
        tracked = channel.tracked * np.maximum(market.media_effect(index, spend[index]), 0.0)
        claims[index] = np.where(
            spend[index] > 0, tracked + channel.harvest * market.typical[index] * organic * reached, 0.0
        )
    return claims


def campaign_days(
    roster: Roster, spend: np.ndarray, claims: np.ndarray, days: list[date], splits: int, rng: np.random.Generator
) -> pl.DataFrame:
    """One row per day, channel, campaign and region with money in cents, delivery and the platform's own claims.

    `splits` > 1 cuts every campaign into that many ad themes. Days without spend have no row, as on the platforms.
    """
    parts = []
    for index, channel in enumerate(roster.channels):
        for column, region in enumerate(roster.region_names):
            paid, claimed = spend[index, :, column], claims[index, :, column]
            parts.append(_channel_region(channel, index, region, column, paid, claimed, days, splits, rng))
    return pl.concat(parts).filter(pl.col("spend") > 0).sort("day", "channel", "geo", "campaign")


def _channel_region(
    channel: Channel,
    index: int,
    region: str,
    column: int,
    spend: np.ndarray,
    claimed: np.ndarray,
    days: list[date],
    splits: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    names = [f"{region} | {campaign}" for campaign in channel.campaigns]
    if splits > 1:
        names = [f"{name} | Theme {n + 1:02d}" for name in names for n in range(splits)]
    count, width = len(days), len(names)
    usual = rng.dirichlet(np.full(width, 12.0))
    shares = usual * np.exp(rng.normal(0, 0.08, (count, width)))
    money = np.round(spend[:, None] * shares / shares.sum(1, keepdims=True), 2)
    clicks = rng.poisson(money / (channel.cost_per_click * np.exp(rng.normal(0, 0.1, (count, 1)))))
    impressions = clicks + rng.poisson(money / channel.cost_per_click / channel.click_rate)
    conversions = np.round(np.minimum(rng.gamma(2.0, clicks * 0.012 / 2.0 + 1e-9), clicks), 2)
    claim = (
        np.divide(claimed, spend, out=np.zeros_like(claimed), where=spend > 0)
        if channel.tracked is not None
        else channel.claim
    )
    value = np.round(money * np.reshape(claim, (-1, 1)) * np.exp(rng.normal(-0.03, 0.25, (count, width))), 2)
    ids = [str(FIRST_ID[channel.source] + index * 1_000_000 + column * 10_000 + n * 7 + 1) for n in range(width)]
    return pl.DataFrame(
        {
            "day": np.repeat(np.array(days, dtype="datetime64[D]"), width),
            "channel": [channel.name] * (count * width),
            "source": [channel.source] * (count * width),
            "campaign": names * count,
            "campaign_id": ids * count,
            "geo": [region] * (count * width),
            "spend": money.ravel(),
            "impressions": impressions.ravel().astype(np.int64),
            "clicks": clicks.ravel().astype(np.int64),
            "conversions": (conversions if channel.claim or channel.tracked else conversions * 0).ravel(),
            "value": value.ravel(),
        }
    )


def _rhythm(channel: Channel, days: list[date], regions: int, rng: np.random.Generator) -> np.ndarray:
    """Budget level around 1 per day and region, shape (days, regions)."""
    count = len(days)
    if channel.rhythm == "constant":
        return np.ones((count, regions))
    level = np.empty((count, regions))
    for column in range(regions):
        match channel.rhythm:
            case "always_on":
                level[:, column] = _steps(count, (28, 70), channel.variation, rng)
            case "flights":
                level[:, column] = _flights(count, rng)
            case "bursts":
                level[:, column] = _bursts(count, rng)
            case "sends":
                steps = _steps(count, (42, 84), channel.variation, rng)
                sends = np.array([3.5 if day.weekday() in (1, 3) else 0.0 for day in days])
                level[:, column] = steps * sends
            case "late":
                started = np.arange(count) >= int(count * LATE_AT)
                level[:, column] = _steps(count, (28, 70), channel.variation, rng) * started
    return level * np.exp(rng.normal(0, 0.08, level.shape))


def _steps(count: int, length: tuple[int, int], sd: float, rng: np.random.Generator) -> np.ndarray:
    level = np.empty(count)
    start = -int(rng.integers(0, length[0]))
    while start < count:
        end = start + int(rng.integers(*length))
        level[max(start, 0) : end] = np.exp(rng.normal(-(sd**2) / 2, sd))
        start = end
    return level


def _flights(count: int, rng: np.random.Generator) -> np.ndarray:
    level = np.zeros(count)
    start = -int(rng.integers(0, 56))
    while start < count:
        end = start + int(rng.integers(28, 57))
        if end > 0:
            level[max(start, 0) : end] = 1.8 * np.exp(rng.normal(-0.06, 0.35))
        start = end + int(rng.integers(21, 50))
    return level


def _bursts(count: int, rng: np.random.Generator) -> np.ndarray:
    level = np.full(count, 0.1)
    peak = int(rng.integers(-10, 60))
    while peak < count + 10:
        shape = np.exp(-0.5 * ((np.arange(count) - peak) / 6.0) ** 2)
        level += 3.2 * np.exp(rng.normal(-0.1, 0.4)) * shape
        peak += int(rng.integers(35, 85))
    return level
