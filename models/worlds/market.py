"""A company's market: revenue per day and region for any spend and any AI visibility, with the same noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from models.periods import quarter_of
from models.worlds.demand import Demand
from models.worlds.response import carried_over, saturated
from models.worlds.roster import GeoTest, Roster


@dataclass(frozen=True)
class Market:
    """Everything that determines revenue once spend and AI citation share are given.

    `strength` (channels, regions) is the attainable effect per day in money, negative for a channel that harms;
    `typical` (channels, regions) is the spend per day against which pressure is measured.
    """

    roster: Roster
    demand: Demand
    strength: np.ndarray
    typical: np.ndarray

    def media_effect(self, channel: int, spend: np.ndarray) -> np.ndarray:
        """Revenue that a channel's spend (days, regions) brings, day by day."""
        spec = self.roster.channels[channel]
        pressure = carried_over(spend, spec.half_life) / self.typical[channel]
        return self.strength[channel] * saturated(pressure, spec.half_saturation)

    def revenue(self, spend: np.ndarray, ai_share: np.ndarray) -> np.ndarray:
        """Revenue (days, regions) under spend (channels, days, regions) and the citation share of AI answers
        (days,).
        """
        total = self.demand.baseline + self.demand.noise
        for channel in range(len(self.roster.channels)):
            total = total + self.media_effect(channel, spend[channel])
        return total + self.roster.ai_revenue * ai_share[:, None] * self.demand.size

    def undisturbed(self) -> Market:
        """The same market without noise."""
        return replace(self, demand=replace(self.demand, noise=np.zeros_like(self.demand.noise)))


def drawn_market(roster: Roster, plan: np.ndarray, demand: Demand, rng: np.random.Generator) -> Market:
    """A market whose channels return about their planned iROAS on the planned spend; no two seeds return the same."""
    typical = np.stack([channel.daily_spend * demand.size for channel in roster.channels])
    strength = np.empty_like(typical)
    for index, channel in enumerate(roster.channels):
        goal = float(np.clip(channel.iroas * np.exp(rng.normal(0, roster.return_noise)), *roster.return_bounds))
        local = typical[index] * np.exp(rng.normal(0, 0.12, len(roster.regions)))
        share = saturated(carried_over(plan[index], channel.half_life) / typical[index], channel.half_saturation)
        strength[index] = local * goal * plan[index].sum() / (local * share).sum()
    return Market(roster, demand, strength, typical)


def true_channels(
    market: Market, spend: np.ndarray, ai_share: np.ndarray, days: Sequence[date]
) -> dict[str, dict[str, Any]]:
    """Per channel and fiscal quarter: spend, and the revenue lost if only that channel had never spent."""
    quarters = np.array([quarter_of(day) for day in days])
    factual = market.revenue(spend, ai_share)
    truth = {}
    for index, channel in enumerate(market.roster.channels):
        without = spend.copy()
        without[index] = 0.0
        gained = factual - market.revenue(without, ai_share)
        paid = spend[index].sum(1)
        truth[channel.name] = _money(paid, gained.sum(1)) | {
            "by_quarter": {
                str(name): _money(paid[quarters == name], gained[quarters == name].sum(1))
                for name in sorted(set(quarters))
            },
            "by_geo": dict(zip(market.roster.region_names, gained.sum(0).tolist(), strict=True)),
            "half_life_days": channel.half_life,
        }
    return truth


def _money(paid: np.ndarray, gained: np.ndarray) -> dict[str, Any]:
    """Spend, contribution and iROAS of some days; iROAS is None without spend."""
    spend, contribution = round(float(paid.sum()), 2), float(gained.sum())
    return {"spend": spend, "contribution": contribution, "iroas": contribution / spend if spend else None}


def true_lift(
    market: Market,
    test: GeoTest,
    spend: np.ndarray,
    plan: np.ndarray,
    ai_share: np.ndarray,
    days: Sequence[date],
) -> dict[str, Any]:
    """Revenue and spend of the test's regions against the same weeks without the test.

    `effect` counts the days from start to end, `effect_with_cooldown` up to the end of the cooldown; both are totals in
    money and negative for a channel switched off. `relative` = effect / revenue without the test.
    """
    columns = np.array([market.roster.region_names.index(name) for name in test.regions])
    channel = market.roster.channel_names.index(test.channel)
    rows = np.array([test.start <= day <= test.end for day in days])
    longer = np.array([test.start <= day <= test.cooldown_end for day in days])
    without = spend.copy()
    tested = np.ix_(np.flatnonzero(rows), columns)
    without[channel][tested] = plan[channel][tested]
    factual = market.revenue(spend, ai_share)[:, columns]
    usual = market.revenue(without, ai_share)[:, columns]
    effect = float((factual - usual)[rows].sum())
    late = float((factual - usual)[longer].sum())
    paid = float((spend - without)[channel].sum())
    return {
        "channel": test.channel,
        "geos": list(test.regions),
        "start": test.start.isoformat(),
        "end": test.end.isoformat(),
        "cooldown_end": test.cooldown_end.isoformat(),
        "effect": effect,
        "effect_with_cooldown": late,
        "relative": effect / float(usual[rows].sum()),
        "spend_difference": round(paid, 2),
        "iroas": effect / paid,
        "iroas_with_cooldown": late / paid,
    }
