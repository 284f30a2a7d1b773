"""How far a test's value lies in the tails of what a model expects of it, by the draws themselves.

Draws of a lift are skewed wherever the data say little: a standard error hides that a value is impossible, and accuses
one that is not.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, ndtr


def tail_probability(draws: np.ndarray, value: float, se: float) -> float:
    """Two-sided predictive probability of a test's `value` or one further out, given `draws` (D,) of the true lift.

    The test's own Normal error `se` is integrated exactly: 2 min(P, 1 - P) with P = mean of Phi((value - draw) / se).
    """
    below = float(ndtr((value - np.asarray(draws)) / se).mean())
    return 2 * min(below, 1 - below)


def density_ratio(draws: np.ndarray, before: np.ndarray, value: float, se: float) -> float:
    """Predictive density of a test's `value` under `draws`, over the one under the draws `before` the data were seen.

    Below 1 the data made the value less plausible than it was. Both are averages of Normal densities with sd `se`,
    taken in logs, so that far values compare by their nearest draws instead of by rounding.
    """
    return float(np.exp(np.clip(_log_density(draws, value, se) - _log_density(before, value, se), -700, 700)))


def _log_density(draws: np.ndarray, value: float, se: float) -> float:
    return float(logsumexp(-0.5 * ((value - np.asarray(draws)) / se) ** 2) - np.log(len(draws)))
