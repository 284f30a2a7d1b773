"""How likely a channel is useless, given what the MMM read: a lump at zero that only tests may empty."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from models.triangulation.mmm_error import NODES, MoneyError


def useless_share(
    no_effect: float,
    reading: tuple[float, float],
    median: float,
    log_sd: float,
    *,
    useless_sd: float,
    error: MoneyError,
    least: float,
    most: float,
) -> float:
    """Posterior probability that the channel is useless, given the MMM's `reading` (centre, standard error).

    `no_effect` is its prior probability, the alternative a log-normal return (`median`, `log_sd`). The MMM reads the
    truth plus an `error` in money: hidden demand adds revenue to a channel that follows it, however little the channel
    returns. The Bayes factor is bounded by `least` and `most`. All in iROAS.
    """
    centre, se = reading
    noise = np.hypot(se, error.sd)
    none = norm.logpdf(centre, error.mean, np.hypot(noise, useless_sd))
    value = np.exp(np.log(median) + log_sd * NODES)
    weight = norm.logpdf(NODES) + np.log(NODES[1] - NODES[0])
    some = float(logsumexp(weight + norm.logpdf(centre, value + error.mean, noise)))
    lowest = np.log(least) if least > 0 else -np.inf
    odds = no_effect / (1 - no_effect) * float(np.exp(np.clip(none - some, lowest, np.log(most))))
    return odds / (1 + odds)
