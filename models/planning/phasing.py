"""Response to money by channel and period, with its derivative by period, draw by draw.

Written in numpy beside the compiled kernel, because the derivative by period is needed here. A test holds the two
equal, and the printed outcome of every plan comes from the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.planning.forward_response import Future, weights_of
from models.planning.no_plan import NoPlan

LN2, LN3 = np.log(2.0), np.log(3.0)


@dataclass(frozen=True, eq=False)
class _Channel:
    """Constants of one channel.

    carry (D, T, H) is the carryover of the plan, past (D, G, T) the stock from earlier spend, effect (D, G) in money,
    media (G,) per unit of delivery, silent (D,) the outcome without new money; the curve's parameters are (D,).
    """

    carry: np.ndarray
    past: np.ndarray
    effect: np.ndarray
    media: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    curve: str
    silent: np.ndarray


class Phased:
    """Response of money by channel and period: decisions in the order channel, period (n = P x H).

    `geo_share` (P, G) is each geo's share of a channel's money in every period; by default the share of last year.
    """

    def __init__(self, future: Future, geo_share: np.ndarray | None = None) -> None:
        self._future = future
        usual = future.geo_share
        self._ratio = None if geo_share is None else geo_share / np.where(usual > 0, usual, np.inf)
        self._channels = [_constants(future, c) for c in range(len(future.fit.data.channels))]

    def value(self, x: np.ndarray) -> np.ndarray:
        """Incremental KPI in money (D,), carry-out included."""
        money = x.reshape(len(self._channels), -1)
        return np.asarray(sum(self._total(c, money[c]) - k.silent for c, k in enumerate(self._channels)))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Extra outcome of the next unit of money in each channel and period (D, n)."""
        money = x.reshape(len(self._channels), -1)
        return np.concatenate([self._slope(c, money[c]) for c in range(len(self._channels))], axis=1)

    def _stock(self, c: int, money: np.ndarray) -> np.ndarray:
        k, usual = self._channels[c], self._future.usual(c)
        if self._ratio is None:
            volume = self._future.rule(c).bought(money / usual) * usual
            return np.asarray(k.past + k.media[None, :, None] * (k.carry @ volume)[:, None, :])
        by_geo = self._future.rule(c).bought(self._ratio[c][:, None] * money / usual) * usual
        arriving = np.einsum("dth,gh->dgt", k.carry, by_geo, optimize=True)
        return np.asarray(k.past + k.media[None, :, None] * arriving)

    def _total(self, c: int, money: np.ndarray) -> np.ndarray:
        k = self._channels[c]
        level, _ = _saturated(k, self._stock(c, money))
        return np.asarray((k.effect[:, :, None] * level).sum(axis=(1, 2)))

    def _slope(self, c: int, money: np.ndarray) -> np.ndarray:
        k = self._channels[c]
        _, bend = _saturated(k, self._stock(c, money))
        rule, multiple = self._future.rule(c), money / self._future.usual(c)
        if self._ratio is None:
            by_period = np.einsum("dg,dgt->dt", k.effect * k.media[None, :], bend)
            return np.einsum("dt,dth->dh", by_period, k.carry) * rule.next_unit(multiple)[None, :]
        ratio = self._ratio[c][:, None]
        price = rule.next_unit(ratio * multiple) * ratio
        by_geo = (k.effect * k.media[None, :])[:, :, None] * bend
        return np.asarray(np.einsum("dgt,dth,gh->dh", by_geo, k.carry, price, optimize=True))


def _constants(future: Future, c: int) -> _Channel:
    design, draws = future.fit.design, future.draws
    taps, horizon = design.form.taps, future.horizon
    if not steppable(future, c):
        name = future.fit.data.channels[c]
        raise NoPlan(
            f"a plan by period needs a response to money carried over and then saturated; {name} is modelled by reach"
            " and frequency, or saturates before carryover. Plan by channel or geo instead"
        )
    weights = weights_of(design, draws, c)
    length = horizon + taps
    lag = np.arange(length)[:, None] - np.arange(horizon)[None, :]
    carry = np.where((lag >= 0) & (lag < taps), weights[:, np.clip(lag, 0, taps - 1)], 0.0)
    path = future.media_path(c, np.zeros(horizon))
    start = path.shape[1] - length
    lagged = np.stack([_shifted(path, k)[:, start:] for k in range(taps)], axis=2)
    past = np.einsum("dl,gtl->dgt", weights, lagged)
    money = design.scales.size * design.scales.kpi * future.fit.data.money_per_kpi
    slope = draws.slope[:, c]
    curve = "sloped" if design.sloped[c] else design.form.saturation
    half = _Channel(
        carry,
        past,
        draws.beta_geo[:, c] * money,
        future.media_per_money(c),
        draws.half_saturation[:, c],
        slope,
        curve,
        np.zeros(0),
    )
    level, _ = _saturated(half, past)
    silent = (half.effect[:, :, None] * level).sum(axis=(1, 2))
    return _Channel(carry, past, half.effect, half.media, half.half, slope, curve, silent)


@dataclass(frozen=True, eq=False)
class InRegions:
    """A response by channel and period whose decisions are by channel, geo and period (n = P x G x H)."""

    phased: Phased
    geos: int
    horizon: int

    def value(self, x: np.ndarray) -> np.ndarray:
        """Incremental KPI in money (D,) where every geo follows its channel's calendar."""
        return self.phased.value(x.reshape(-1, self.geos, self.horizon).sum(axis=1).ravel())


def steppable(future: Future, c: int) -> bool:
    """Whether this channel's response has a derivative by period here: carryover before saturation, no frequency."""
    return future.fit.spec.order == "adstock_first" and not future.fit.data.by_frequency[c]


def _shifted(path: np.ndarray, lag: int) -> np.ndarray:
    return np.pad(path, ((0, 0), (lag, 0)))[:, : path.shape[1]]


def _saturated(k: _Channel, stock: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level of the curve and its slope at each stock (D, G, T)."""
    v, half = np.maximum(stock, 1e-12), k.half[:, None, None]
    if k.curve == "logistic":
        rate = LN3 / half
        level = np.tanh(0.5 * rate * v)
        return level, 0.5 * (1 - level**2) * rate
    if k.curve == "exponential":
        rate = LN2 / half
        left = np.exp(-rate * v)
        return 1 - left, rate * left
    if k.curve == "sloped":
        steep = k.slope[:, None, None]
        level = 1 / (1 + (half / v) ** steep)
        return level, steep * level * (1 - level) / v
    if k.curve in ("hill", "michaelis_menten"):
        return v / (v + half), half / (v + half) ** 2
    raise NoPlan(f"saturation {k.curve!r} has no response by period; logistic, exponential and hill have one")
