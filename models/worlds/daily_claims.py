"""What happens after a fit: true return and platform claims by day, for judging a number that moves with the claims.

Every cause of a moving claim is simulated, also those that leave the true return where it was: broken tracking, and
demand that platforms are credited with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

WEEK = 7


@dataclass(frozen=True)
class DaysSpec:
    """How returns and claims move; log points unless said otherwise.

    `effect_drift` and `bias_drift` are per square root of a year. With probability `change` a channel's effect shifts
    for good by N(0, `change_sd`) on one day (a new creative, a rival, a price); with probability `tracking_break` its
    claims fall to 50-80 % while its effect stays. `spend_swing` is the sd of a week's spend around its level,
    `marginal_share` marginal over average return, which makes the return fall when spend rises. `harvest` is the
    part of a claim that is demand which would have come anyway; it grows with demand (sd `demand_swing`) and is
    spread over more spend when spend rises. `conversions` counts a channel's claimed conversions per day.
    """

    days: int = 60
    effect_drift: float = 0.2
    bias_drift: float = 0.2
    change: float = 0.3
    change_sd: float = 0.4
    tracking_break: float = 0.0
    spend_swing: float = 0.2
    marginal_share: float = 0.65
    harvest: float = 0.2
    demand_swing: float = 0.1
    conversions: float = 60.0


BASE = DaysSpec()
DAYS: dict[str, DaysSpec] = {
    "effects change": BASE,
    "nothing changes": replace(BASE, effect_drift=0.0, change=0.0, spend_swing=0.05, demand_swing=0.02),
    "tracking breaks": replace(BASE, change=0.0, tracking_break=0.3),
    "claims are mostly demand": replace(BASE, harvest=0.6, demand_swing=0.2),
    "few conversions": replace(BASE, conversions=6.0),
}


@dataclass(frozen=True)
class Days:
    """Daily values (days, channels): true iROAS of the seven days up to each day, claimed iROAS and claimed
    conversions of the same seven days.
    """

    truth: np.ndarray
    claim: np.ndarray
    conversions: np.ndarray


def days_after(theta: np.ndarray, claim: np.ndarray, spec: DaysSpec, generator: np.random.Generator) -> Days:
    """The days after a window with true iROAS `theta` (C,) and claimed iROAS `claim` (C,), each above zero.

    The first seven days start where the window ended. Raises ValueError on a return or claim that is not above zero.
    """
    if not ((theta > 0).all() and (claim > 0).all()):
        raise ValueError("days after a fit are simulated for channels with a return and a claim above zero")
    g, shape = generator, (spec.days + WEEK - 1, theta.size)
    year = 1 / np.sqrt(365.25)
    effect = np.cumsum(g.normal(0, spec.effect_drift * year, shape), axis=0)
    shift = g.normal(0, spec.change_sd, theta.size) * (g.random(theta.size) < spec.change)
    effect += np.where(np.arange(shape[0])[:, None] >= g.integers(WEEK, shape[0], theta.size), shift, 0.0)
    weeks = np.repeat(g.normal(0, spec.spend_swing, (shape[0] // WEEK + 1, theta.size)), WEEK, axis=0)[: shape[0]]
    spend = np.exp(weeks)
    truth = theta * np.exp(effect) * spend ** (spec.marginal_share - 1)
    demand = np.exp(_swinging(g, spec.demand_swing, shape[0]))[:, None]
    bias = np.cumsum(g.normal(0, spec.bias_drift * year, shape), axis=0)
    broken = g.random(theta.size) < spec.tracking_break
    loss = np.where(
        broken & (np.arange(shape[0])[:, None] >= g.integers(WEEK, shape[0], theta.size)),
        g.uniform(0.5, 0.8, theta.size),
        1.0,
    )
    tracked = (1 - spec.harvest) * claim / theta
    claimed = (tracked * truth + spec.harvest * claim * demand / spend) * np.exp(bias) * loss
    expected = spec.conversions * claimed * spend / claim
    counted = g.poisson(expected)
    money = counted / expected * claimed * spend
    paid = _last_week(spend)
    return Days(_last_week(truth * spend) / paid, _last_week(money) / paid, _last_week(counted))


def _last_week(values: np.ndarray) -> np.ndarray:
    sums = np.cumsum(np.vstack([np.zeros(values.shape[1]), values]), axis=0)
    return np.asarray(sums[WEEK:] - sums[:-WEEK])


def _swinging(g: np.random.Generator, sd: float, days: int) -> np.ndarray:
    """A stationary series (days,) with this sd that forgets half of its level in about two weeks."""
    memory = 0.95
    steps = g.normal(0, sd * np.sqrt(1 - memory**2), days)
    level = np.empty(days)
    level[0] = g.normal(0, sd)
    for day in range(1, days):
        level[day] = memory * level[day - 1] + steps[day]
    return level
