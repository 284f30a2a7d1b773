"""Partial pooling of channels' returns: how much the channels of this company differ is learned, not assumed.

A fit estimates each channel's return separately, with a prior that allows for large differences. A plan that picks
the best of such estimates predicts too high a gain where channels differ less. With other evidence, `triangulation`
sets the level instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.mmm import MMMFit

FEWEST = 3  # with fewer channels, the spread between them cannot be learned
SPREADS = np.linspace(0.05, 1.5, 30)  # sd of log iROAS between channels
USUAL_SPREAD = 0.6  # scale of its half-normal prior: two channels in three within a factor of about 1.6 of the median
BARE = 1e-6  # share of the prior's precision kept in a direction about which the data say nothing


def pooled_levels(fit: MMMFit, draws: int) -> Mapping[str, np.ndarray]:
    """Joint draws (draws,) of each channel's window iROAS with the learned spread between channels as prior.

    The fit's own draws, shifted and narrowed jointly on the log scale, so that each keeps its rank among the others
    and its curve. Empty where fewer than three channels have the model's default prior; a channel with a prior of its
    own keeps it. Normal approximation of log iROAS; the spread is integrated over a grid.
    """
    returns = fit.log_returns()
    own = np.array([fit.spec.channels.get(c) is not None for c in returns.channels])
    if (~own).sum() < FEWEST:
        return {}
    prior_sd = np.sqrt(np.diag(returns.prior_covariance))
    precision, middle = _data_alone(returns.prior_mean, prior_sd, returns.posterior_mean, returns.posterior_covariance)
    priors = [_prior(prior_sd, own, spread) for spread in SPREADS]
    fits = [_posterior(precision, middle, returns.prior_mean, k) for k in priors]
    weight = np.array([f[2] for f in fits]) - 0.5 * (SPREADS / USUAL_SPREAD) ** 2
    weight = np.exp(weight - weight.max())
    chosen = np.searchsorted(np.cumsum(weight / weight.sum()), (np.arange(draws) + 0.5) / draws)
    chosen = np.random.default_rng(0).permutation(np.minimum(chosen, len(SPREADS) - 1))
    columns = [fit.data.channels.index(c) for c in returns.channels]
    every = fit.roas_draws()
    logs = np.log(np.maximum(every[np.linspace(0, len(every) - 1, draws).round().astype(int)][:, columns], 1e-12))
    plain = np.linalg.solve(_root(returns.posterior_covariance), (logs - returns.posterior_mean).T).T
    out = np.empty_like(logs)
    for k in np.unique(chosen):
        mean, cov, _ = fits[k]
        out[chosen == k] = mean + plain[chosen == k] @ _root(cov).T
    return {name: np.exp(out[:, i]) for i, name in enumerate(returns.channels)}


def _data_alone(
    prior_mean: np.ndarray, prior_sd: np.ndarray, mean: np.ndarray, cov: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Precision (P, P) of the data alone, and precision times mean: the posterior with the prior removed."""
    inverse = np.linalg.inv(cov)
    unit = prior_sd[:, None] * (inverse - np.diag(prior_sd**-2.0)) * prior_sd[None, :]
    values, vectors = np.linalg.eigh(unit)
    unit = (vectors * np.maximum(values, BARE)) @ vectors.T
    precision = unit / prior_sd[:, None] / prior_sd[None, :]
    return precision, precision @ np.linalg.solve(precision, inverse @ mean - prior_mean / prior_sd**2)


def _prior(prior_sd: np.ndarray, own: np.ndarray, spread: float) -> np.ndarray:
    """Prior covariance of log iROAS: a common level of the company and a spread between its channels."""
    pooled = (~own).astype(float)
    common = float(np.mean(prior_sd[~own] ** 2))
    return np.asarray(np.diag(np.where(own, prior_sd**2, spread**2)) + common * np.outer(pooled, pooled))


def _posterior(
    precision: np.ndarray, weighted: np.ndarray, prior_mean: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean, covariance and log evidence (up to a constant) under one prior covariance."""
    inverse = np.linalg.inv(prior)
    cov = np.linalg.inv(precision + inverse)
    information = weighted + inverse @ prior_mean
    mean = cov @ information
    sizes = np.linalg.slogdet(cov)[1] - np.linalg.slogdet(prior)[1]
    evidence = 0.5 * (sizes + information @ mean - prior_mean @ inverse @ prior_mean)
    return mean, cov, float(evidence)


def _root(cov: np.ndarray) -> np.ndarray:
    """Symmetric square root: the transport between two normals that moves draws least."""
    values, vectors = np.linalg.eigh(cov)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 1e-18))) @ vectors.T)
