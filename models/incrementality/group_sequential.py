"""Valid inference under early looks: always-valid intervals, and boundaries for a declared number of looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import e, exp, log, sqrt
from typing import Literal

import numpy as np

Spending = Literal["obrien_fleming", "pocock", "power"]
NODES = 2_001  # trapezoid nodes of the continuation region; boundaries are right to 2e-3 (401 nodes: 1e-2)


@dataclass(frozen=True)
class AlwaysValid:
    """Half-width and p-value that hold at every look, at any time and any number of times."""

    rho: float
    half_width: float
    p_value: float


def always_valid(
    difference: float, standard_error: float, users: int, *, planned: int, level: float = 0.95
) -> AlwaysValid:
    """Confidence sequence of a mean difference after `users` in both arms.

    `planned` is the sample size at which the sequence is tightest; it is fixed before the start. Report the running
    intersection of the intervals. Source: Waudby-Smith et al. (2021), arXiv 2103.06476, eqs. 9, 134, 155, 161.
    """
    if planned < 1 or users < 2 or standard_error <= 0:
        raise ValueError(f"planned={planned}, users={users}, standard_error={standard_error}: all must be above zero")
    alpha = 1 - level
    rho = sqrt((-2 * log(alpha) + log(1 - 2 * log(alpha))) / planned)
    mixture = users * rho**2 + 1
    half_width = sqrt(users * standard_error**2 * 2 * mixture / (users * rho) ** 2 * log(sqrt(mixture) / alpha))
    squared = difference**2 / standard_error**2 * users
    evidence = min(rho**2 * squared / (2 * mixture), 700.0)
    return AlwaysValid(rho, half_width, min(1.0, sqrt(mixture) * exp(-evidence)))


def alpha_spent(fraction: float, alpha: float, spending: Spending, power: float = 1.0) -> float:
    """Two-sided error that may be spent until this share of the information has arrived."""
    from scipy import stats

    side = alpha / 2
    if spending == "obrien_fleming":
        return float(2 * 2 * stats.norm.sf(stats.norm.ppf(1 - side / 2) / sqrt(fraction)))
    if spending == "pocock":
        return float(2 * side * log(1 + (e - 1) * fraction))
    return float(2 * side * fraction**power)


def group_sequential_bounds(
    fractions: Sequence[float],
    *,
    alpha: float = 0.05,
    spending: Spending = "obrien_fleming",
    power: float = 1.0,
    nodes: int = NODES,
) -> tuple[float, ...]:
    """Boundary of |z| at each declared look; crossing one stops the test with a two-sided error of `alpha` in all.

    `fractions` of the final information, ascending, the last one 1. Exact up to the grid: the density of the score on
    the continuation region is carried from look to look. Source: Lan and DeMets (1983); Armitage et al. (1969).
    """
    return _bounds(tuple(float(fraction) for fraction in fractions), alpha, spending, power, nodes)


@cache
def _bounds(
    fractions: tuple[float, ...], alpha: float, spending: Spending, power: float, nodes: int
) -> tuple[float, ...]:
    from scipy import stats

    steps = np.diff([0.0, *fractions])
    if len(fractions) == 0 or (steps <= 0).any() or abs(fractions[-1] - 1) > 1e-9:
        raise ValueError(f"fractions={list(fractions)}: shares of the final information, ascending, the last one 1")
    bounds: list[float] = []
    spent = 0.0
    grid, density = np.zeros(1), np.ones(1)  # score B(t) before the first look: a point mass at zero
    mass = np.ones(1)
    for fraction, step in zip(fractions, steps, strict=True):
        target = alpha_spent(fraction, alpha, spending, power) - spent
        scale = sqrt(step)

        def crossing(bound: float, start: np.ndarray = grid, weight: np.ndarray = mass, scale: float = scale) -> float:
            above = stats.norm.sf((bound - start) / scale) + stats.norm.cdf((-bound - start) / scale)
            return float(weight @ above)

        low, high = 0.0, 10.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if crossing(middle) > target else (low, middle)
        edge = (low + high) / 2
        bounds.append(edge / sqrt(fraction))
        spent += target
        following = np.linspace(-edge, edge, nodes)
        density = stats.norm.pdf((following[:, None] - grid[None, :]) / scale) @ mass / scale
        width = following[1] - following[0]
        grid, mass = following, density * width
        mass[[0, -1]] /= 2
    return tuple(bounds)


def predictive_power(z: float, fraction: float, final_bound: float) -> float:
    """Chance that the last look crosses its boundary if the current estimate is right up to its own error.

    A non-binding futility rule: below .10, going on is unlikely to show anything.
    """
    from scipy import stats

    if not 0 < fraction < 1:
        raise ValueError(f"fraction={fraction}: the share of information at an interim look lies between 0 and 1")
    drift, spread = z / sqrt(fraction), sqrt((1 - fraction) / fraction)
    return float(stats.norm.sf((final_bound - drift) / spread) + stats.norm.cdf((-final_bound - drift) / spread))
