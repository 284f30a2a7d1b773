"""Extra spend of a geo test, iROAS and profit, with the errors of lift and spend read from the same placebos."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

import numpy as np

from models.incrementality.geo.placebo import PlaceboRead, set_means
from models.incrementality.ratio_interval import Ratio, ratio_interval


@dataclass(frozen=True)
class ExtraSpend:
    """Spend of the treated geos in the window beyond what their controls' spend predicted: total, half-width, and the
    correlation of its error with the error of the lift."""

    total: float
    half_width: float
    correlation: float


@dataclass(frozen=True)
class Profit:
    """Margin x incremental KPI - extra spend, its range, and the chance that it is above zero."""

    point: float
    low: float
    high: float
    chance: float


def extra_spend(
    spend_treated: np.ndarray,
    spend_donors: np.ndarray,
    pre: int,
    post: slice,
    read: PlaceboRead,
    critical: float,
    *,
    holdback: bool = False,
) -> ExtraSpend:
    """Read spend (k, T) and (J, T) with the donor weights of the KPI, in levels, `critical` noise units wide.

    Spend that was zero before and in the controls has no error: the total is then what was paid. So it is in a
    `holdback` whose controls spend nothing in the window, because the tested geos would have spent nothing either.
    """
    if holdback and not spend_donors[:, post].any():
        return ExtraSpend(float(spend_treated[:, post].sum()), 0.0, 0.0)
    periods = post.stop - post.start
    factor = periods * spend_treated.shape[0]
    aim = _centred(spend_treated.mean(axis=0), pre)
    pool = _centred(spend_donors, pre)
    gap = aim - _normed(read.treated.weights[0]) @ pool
    tau, spread = gap[post].mean(), gap[:pre].std(ddof=1)
    total = float(tau * factor)
    everyone = read.population(spend_donors, spend_treated)
    others = _centred(set_means(everyone, read.sets), pre) - _normed(read.placebos.weights) @ _centred(everyone, pre)
    if read.overlapping:
        mine = np.arange(everyone.shape[0]) >= spend_donors.shape[0]
        carried = mine[read.sets].mean(axis=1) - _normed(read.placebos.weights) @ mine
        others[:, post] -= carried[:, None] * tau
    their_spread = others[:, :pre].std(axis=1, ddof=1)
    moving = their_spread > 1e-9 * max(float(np.abs(spend_donors).max()), 1e-300)
    if spread <= 1e-9 * max(float(np.abs(spend_treated).max()), 1e-300) or not moving.any():
        return ExtraSpend(total, 0.0, 0.0)
    t_spend = np.zeros(others.shape[0])
    t_spend[moving] = others[moving][:, post].mean(axis=1) / their_spread[moving]
    t_lift = read.placebos.studentised
    norm_spend, norm_lift = np.sqrt((t_spend**2).mean()), np.sqrt((t_lift**2).mean())
    correlation = float((t_spend * t_lift).mean() / (norm_spend * norm_lift))
    # The same number of placebo standard deviations as the lift's interval is wide.
    half_width = float(critical / norm_lift * norm_spend * spread * factor)
    return ExtraSpend(total, half_width, correlation)


def iroas(effect: float, low: float, high: float, spend: ExtraSpend) -> Ratio:
    """KPI per unit of extra spend with the joint error of both."""
    if np.isnan(low):
        return Ratio(effect / spend.total if spend.total else nan, nan, nan)
    return ratio_interval(effect, (low, high), spend.total, spend.half_width, spend.correlation)


def profit(effect: float, low: float, high: float, spend: ExtraSpend, margin: float, z: float) -> Profit:
    """Range and chance of profit; `margin` is contribution per unit of KPI, `z` the normal quantile of the level.

    Errors of the two add with their correlation; each side of the lift's interval keeps its own half-width.
    """
    from scipy import stats

    point = margin * effect - spend.total
    sides = [
        np.sqrt(
            max(
                (margin * side) ** 2 - 2 * spend.correlation * margin * side * spend.half_width + spend.half_width**2, 0
            )
        )
        if side < inf
        else inf
        for side in (effect - low, high - effect)
    ]
    near = sides[0] if point > 0 else sides[1]
    chance = float(stats.norm.cdf(point / (near / z))) if 0 < near < inf else nan
    return Profit(point, float(point - sides[0]), float(point + sides[1]), chance)


def _centred(series: np.ndarray, pre: int) -> np.ndarray:
    return series - series[..., :pre].mean(axis=-1, keepdims=True)


def _normed(weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total == 0, 1.0, total)
