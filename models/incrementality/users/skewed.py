"""Two tests that hold their size for skewed values in unequal arms, from sums alone, and their ranges.

Both ask how the arms compare if the treated values are divided by (1 + r); the range holds every lift r that is not
rejected, so test and range never disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, isfinite, log, sqrt

import numpy as np

from models.incrementality.users.moments import Moments

Score = Callable[[np.ndarray], np.ndarray]
REACH = 12.0  # log lifts searched on either side of the estimate; beyond them a range has no bound
LARGEST_SCORE = 38.0  # normal quantile of the smallest positive float


@dataclass(frozen=True)
class LiftRange:
    """Lifts r (treated values over what they would have been, minus 1) and the score of r = 0."""

    lift: float
    low: float
    high: float
    score: float


def two_part_score(control: Moments, treatment: Moments) -> Score:
    """Normal score of log lifts rho: share of buyers and value per buyer, both with errors pooled over the arms.

    L = log of the ratio of means; s^2 = (1-p)/p (1/n_c + 1/n_t) + cv^2 (1/k_c + 1/k_t), with p the share of buyers and
    cv the coefficient of variation of their values over both arms, treated values divided by exp(rho) first. Needs
    `buyers` and a mean above zero in both arms.
    """
    if control.buyers is None or treatment.buyers is None:
        raise ValueError("the two-part test needs the number of buyers in both arms")
    buyers = control.buyers + treatment.buyers
    share = buyers / (control.n + treatment.n)
    arrivals = (1 - share) / share * (1 / control.n + 1 / treatment.n)
    per_buyer = 1 / control.buyers + 1 / treatment.buyers
    log_ratio = log(treatment.mean[0] / control.mean[0])

    def score(rho: np.ndarray) -> np.ndarray:
        shrink = np.exp(-rho)
        total = control.total + treatment.total * shrink
        squares = control.squares + treatment.squares * shrink**2
        relative = np.maximum(squares - total**2 / buyers, 0.0) / (buyers - 1) / (total / buyers) ** 2
        return (log_ratio - rho) / np.sqrt(arrivals + relative * per_buyer)

    return score


def third_moment_score(control: Moments, treatment: Moments) -> Score:
    """Normal score of log lifts rho: the permutation law of the difference of means, to its third moment.

    A Pearson III law with the pooled variance and skewness of all users, treated values divided by exp(rho) first.
    Needs sums of cubes and a treated mean above zero.
    """
    if control.cubes is None or treatment.cubes is None:
        raise ValueError("the third-moment test needs the sum of cubes of both arms")
    control_cubes, treated_cubes = control.cubes, treatment.cubes
    users = control.n + treatment.n
    inverse = 1 / control.n + 1 / treatment.n
    lopsided = 1 / treatment.n**2 - 1 / control.n**2

    def score(rho: np.ndarray) -> np.ndarray:
        shrink = np.exp(-rho)
        mean = (control.total + treatment.total * shrink) / users
        square = (control.squares + treatment.squares * shrink**2) / users
        cube = (control_cubes + treated_cubes * shrink**3) / users
        second = np.maximum(square - mean**2, 1e-300)
        third = cube - 3 * mean * square + 2 * mean**3
        error = np.sqrt(second * users / (users - 1) * inverse)
        difference = treatment.mean[0] * shrink - control.mean[0]
        return pearson_three_score(difference / error, third * lopsided / error**3)

    return score


def pearson_three_score(standardised: np.ndarray, skew: np.ndarray) -> np.ndarray:
    """Normal quantile of the probability of a Pearson III law (mean 0, variance 1, this skew) below the values."""
    from scipy import special

    side = np.where(skew < 0, -1.0, 1.0)
    shape = 4 / np.maximum(np.abs(skew), 1e-5) ** 2
    at = np.maximum(shape + np.sqrt(shape) * side * standardised, 0.0)
    below, above = special.gammainc(shape, at), special.gammaincc(shape, at)
    found = np.where(below < 0.5, special.ndtri(below), -special.ndtri(above))
    found = np.where(np.abs(skew) < 1e-5, side * standardised, found)
    return np.asarray(side * np.clip(found, -LARGEST_SCORE, LARGEST_SCORE))


def lift_range(score: Score, control: Moments, treatment: Moments, bound: float) -> LiftRange:
    """All lifts whose score lies within +-`bound`, as one range around the estimate.

    Lifts that are accepted again further out belong to the range unless zero, which was rejected, lies between. A
    bound is -1 or infinite where no lift on that side is rejected.
    """
    from scipy import optimize

    ratio = treatment.mean[0] / control.mean[0] if control.mean[0] > 0 else inf
    centre = log(ratio) if isfinite(ratio) else REACH / 2
    slope = abs(float(score(np.array([centre - 1e-4]))[0])) / 1e-4 if isfinite(ratio) else 1.0
    near = np.linspace(-10, 10, 81) * max(bound, 1.0) / max(slope, 1e-9) / 5
    grid = np.unique(np.concatenate([centre + near[np.abs(near) < REACH], centre + np.linspace(-REACH, REACH, 241)]))
    at_zero = float(score(np.zeros(1))[0])
    accepted = np.abs(score(grid)) < bound
    if abs(at_zero) >= bound:  # lifts beyond the rejected zero are no part of this effect
        accepted &= grid > 0 if at_zero > 0 else grid < 0
    if not accepted.any():
        return LiftRange(ratio - 1, ratio - 1, ratio - 1, at_zero)

    def crossing(inside: float, outside: float) -> float:
        return float(optimize.brentq(lambda rho: abs(float(score(np.array([rho]))[0])) - bound, inside, outside))

    first, last = np.flatnonzero(accepted)[[0, -1]]
    low = -1.0 if first == 0 else exp(_edge(crossing, grid[first], grid[first - 1], at_zero, bound)) - 1
    high = inf if last == grid.size - 1 else exp(_edge(crossing, grid[last], grid[last + 1], at_zero, bound)) - 1
    return LiftRange(ratio - 1, min(low, ratio - 1), max(high, ratio - 1), at_zero)


def _edge(
    crossing: Callable[[float, float], float], inside: float, outside: float, at_zero: float, bound: float
) -> float:
    """Where acceptance ends between two lifts; a rejected zero between them ends it before zero."""
    if inside * outside <= 0 and abs(at_zero) >= bound:
        outside = 0.0
    return crossing(inside, outside)


def buyers_score(control: Moments, treatment: Moments) -> float:
    """Normal score of the difference of the shares of buyers, variance pooled; 0 where all or none buy."""
    if control.buyers is None or treatment.buyers is None:
        raise ValueError("the share of buyers needs the number of buyers in both arms")
    share = (control.buyers + treatment.buyers) / (control.n + treatment.n)
    error = sqrt(share * (1 - share) * (1 / control.n + 1 / treatment.n))
    apart = treatment.buyers / treatment.n - control.buyers / control.n
    return apart / error if error > 0 else 0.0
