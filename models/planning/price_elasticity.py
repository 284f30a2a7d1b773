"""Elasticity of media delivery to spend, estimated from the data: how fast the price rises when more is bought.

Only where the model was fitted on delivery (impressions, clicks). A curve fitted on money contains the price already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm import MMMData
from models.normal_quantile import half_width
from models.planning.media_price import Delivery
from models.warning import Warning

FEWEST = 26  # periods with spend and delivery below which nothing is estimated
SPREAD = 0.1  # smallest sd of log spend beyond season and trend: without variation there is no slope
CLEAR = 0.15  # largest standard error of an exponent that is used
PRIOR_SD = 0.25  # sd of the prior around a constant price (exponent 1)
YEAR = {"day": 365.25, "week": 52.18, "month": 12.0}


@dataclass(frozen=True)
class PriceReading:
    """`exponent` of delivery by spend with its standard error, from `periods` of data."""

    channel: str
    exponent: float
    se: float
    periods: int

    @property
    def clear(self) -> bool:
        """Whether the exponent is precise enough to be used."""
        return self.periods >= FEWEST and self.se <= CLEAR

    def rule(self) -> Delivery:
        """The delivery rule for a plan; the unit price never falls with volume, whatever a noisy estimate says."""
        return Delivery(exponent=float(np.clip(self.exponent, 0.2, 1.0)))

    def warning(self) -> Warning:
        """The estimate in plain words, or that it is too imprecise."""
        reach = half_width(0.90) * self.se
        low, high = self.exponent - reach, self.exponent + reach
        if self.clear:
            more = 1.1 ** self.rule().exponent - 1
            return Warning(
                "price_learned",
                "info",
                self.channel,
                f"In the data the delivery of {self.channel} grew with its spend to the power {self.exponent:.2f}"
                f" ({low:.2f} to {high:.2f}): 10 % more money buys {more:.1%} more. The plan uses this.",
                "Declare `delivery` for this channel if you know its prices better.",
            )
        return Warning(
            "price_unclear",
            "low",
            self.channel,
            f"How the price of {self.channel} changes with its spend cannot be estimated from {self.periods} periods"
            f" (power {low:.2f} to {high:.2f}); the plan assumes today's price.",
            "Declare `delivery` (exponent or points), or vary this channel's spend.",
        )


def price_readings(data: MMMData) -> tuple[PriceReading, ...]:
    """One reading for each paid channel whose model input is delivery and not money.

    Least squares of log delivery on log spend with an intercept per region, a trend and one yearly wave, so that an
    expensive season is not mistaken for the price of volume; shrunk towards a constant price by `PRIOR_SD`. The
    standard error allows for AR(1) errors. Not causal: a common cause of spend and price stays in the estimate.
    """
    readings = []
    for c, name in enumerate(data.channels):
        spend, volume = data.spend[:, :, c], data.media[:, :, c]
        used = (spend > 0) & (volume > 0)
        if data.by_frequency[c] or not used.any():
            continue
        ratio = np.log(volume[used] / spend[used])
        if np.ptp(ratio) < 1e-6:
            continue  # the model's input is money
        readings.append(_reading(name, spend, volume, used, YEAR[data.grain]))
    return tuple(readings)


def _reading(name: str, spend: np.ndarray, volume: np.ndarray, used: np.ndarray, year: float) -> PriceReading:
    geo, t = np.nonzero(used)
    x, y = np.log(spend[used]), np.log(volume[used])
    wave = 2 * np.pi * t / year
    beside = np.column_stack([np.eye(spend.shape[0])[geo], t / max(spend.shape[1] - 1, 1), np.sin(wave), np.cos(wave)])
    beside = (
        beside[:, np.ptp(beside, axis=0) > 0]
        if spend.shape[0] > 1
        else np.column_stack([np.ones(t.size), beside[:, 1:]])
    )
    x, y = (v - beside @ np.linalg.lstsq(beside, v, rcond=None)[0] for v in (x, y))
    periods = int(np.unique(t).size)
    if x.std() < SPREAD or t.size <= beside.shape[1] + 2:
        return PriceReading(name, 1.0, PRIOR_SD, periods)
    slope = float(x @ y / (x @ x))
    left = y - slope * x
    follows = (np.diff(t) == 1) & (np.diff(geo) == 0)
    lasting = float(np.clip(left[1:][follows] @ left[:-1][follows] / max(left @ left, 1e-12), 0.0, 0.9))
    variance = left @ left / (t.size - beside.shape[1] - 1) / (x @ x) * (1 + lasting) / (1 - lasting)
    weight = PRIOR_SD**2 / (PRIOR_SD**2 + variance)
    return PriceReading(name, 1 + weight * (slope - 1), float(np.sqrt(weight * variance)), periods)
