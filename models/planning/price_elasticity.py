"""What the data say about the price of media: how a channel's delivery grew with the money spent on it.

Only where the model was fitted on delivery (impressions, clicks). A curve fitted on money holds the price already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm import MMMData
from models.planning.media_price import Delivery
from models.warning import Warning

FEWEST = 26  # periods with spend and delivery below which nothing is read
SPREAD = 0.1  # sd of log spend that is needed, season and trend apart: without variation there is no slope
CLEAR = 0.15  # standard error of the exponent up to which it is used
BELIEF = 0.25  # sd of the belief that the price is constant (exponent 1)
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
        """Whether the data say enough."""
        return self.periods >= FEWEST and self.se <= CLEAR

    def rule(self) -> Delivery:
        """As a rule for a plan: no cheaper by the unit when more is bought, whatever a noisy estimate says."""
        return Delivery(exponent=float(np.clip(self.exponent, 0.2, 1.0)))

    def told(self) -> Warning:
        """What was learned, or that it could not be, in plain words."""
        low, high = self.exponent - 1.645 * self.se, self.exponent + 1.645 * self.se
        if self.clear:
            more = 1.1 ** self.rule().exponent - 1
            return Warning(
                "price_learned", "info", self.channel,
                f"In the data the delivery of {self.channel} grew with its spend to the power {self.exponent:.2f}"
                f" ({low:.2f} to {high:.2f}): 10 % more money buys {more:.1%} more. The plan reckons with that.",
                "Declare delivery for this channel where you know its prices better.",
            )  # fmt: skip
        return Warning(
            "price_unclear", "low", self.channel,
            f"How the price of {self.channel} moves with its spend cannot be read from {self.periods} periods"
            f" (power {low:.2f} to {high:.2f}); the plan takes today's price for granted.",
            "Declare delivery (exponent or points), or vary this channel's spend.",
        )  # fmt: skip


def price_readings(data: MMMData) -> tuple[PriceReading, ...]:
    """One reading for each paid channel whose model input is delivery and not money.

    Least squares of log delivery on log spend with a level for each region, a trend and one yearly wave, so that dear
    seasons are not taken for dear volume; drawn towards a constant price by `BELIEF`. The standard error allows for
    errors that last (AR(1)). It reads the market as it was: a cause of both spend and price stays in it.
    """
    found = []
    for c, name in enumerate(data.channels):
        spend, volume = data.spend[:, :, c], data.media[:, :, c]
        used = (spend > 0) & (volume > 0)
        if data.by_frequency[c] or not used.any():
            continue
        ratio = np.log(volume[used] / spend[used])
        if np.ptp(ratio) < 1e-6:
            continue  # the model's input is money
        found.append(_reading(name, spend, volume, used, YEAR[data.grain]))
    return tuple(found)


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
        return PriceReading(name, 1.0, BELIEF, periods)
    slope = float(x @ y / (x @ x))
    left = y - slope * x
    follows = (np.diff(t) == 1) & (np.diff(geo) == 0)
    lasting = float(np.clip(left[1:][follows] @ left[:-1][follows] / max(left @ left, 1e-12), 0.0, 0.9))
    variance = left @ left / (t.size - beside.shape[1] - 1) / (x @ x) * (1 + lasting) / (1 - lasting)
    weight = BELIEF**2 / (BELIEF**2 + variance)
    return PriceReading(name, 1 + weight * (slope - 1), float(np.sqrt(weight * variance)), periods)
