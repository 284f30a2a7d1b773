"""iROAS before and after the data on the log scale, as triangulation and planning combine it with other evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.mmm.model.design import Design
from models.mmm.model.effect_prior import LOG_LINK


@dataclass(frozen=True, eq=False)
class LogReturns:
    """Normal approximation of log iROAS before and after the data, over `channels`: mean (P,) and covariance (P, P)."""

    channels: tuple[str, ...]
    prior_mean: np.ndarray
    prior_covariance: np.ndarray
    posterior_mean: np.ndarray
    posterior_covariance: np.ndarray


def log_returns(design: Design, roas: np.ndarray) -> LogReturns:
    """Moments of log iROAS for the paid channels with a positive prior; `roas` (D, P) are joint draws of iROAS."""
    keep = [c for c in range(len(design.data.channels)) if design.effect.kind[c] == LOG_LINK]
    effect = design.effect
    logs = np.log(np.maximum(roas[:, keep], 1e-12))
    mean = effect.mu[keep] + np.log(effect.scale_to_iroas[keep])
    return LogReturns(
        tuple(design.data.channels[c] for c in keep),
        mean,
        np.diag(effect.sd[keep] ** 2),
        logs.mean(axis=0),
        np.atleast_2d(np.cov(logs.T)),
    )


def prior_iroas(design: Design, *, seed: int, count: int) -> pl.DataFrame:
    """iROAS before the data: draw, channel, iroas."""
    effect, paid = design.effect, len(design.data.channels)
    z = np.random.default_rng(seed).normal(size=(count, paid)) * effect.sd[:paid] + effect.mu[:paid]
    values = np.where(effect.kind[:paid] == LOG_LINK, np.exp(z), z) * effect.scale_to_iroas[:paid]
    return pl.DataFrame(
        {
            "draw": np.repeat(np.arange(count), paid),
            "channel": np.tile(np.array(design.data.channels), count),
            "iroas": values.ravel(),
        }
    )
