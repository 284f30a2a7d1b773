"""Many joint draws out of few: channels keep their own draws, their dependence becomes a Gaussian copula."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

SHRINK = 0.02  # towards independence, so that two channels that move as one keep a proper correlation matrix


def rank_correlation(returns: np.ndarray) -> np.ndarray:
    """Correlation (C, C) of the channels' normal scores; a channel whose draws never vary is uncorrelated.

    `returns` (draws, C). Shrunk slightly towards the identity, hence positive definite.
    """
    count, size = returns.shape
    if count < 3 or size == 1:
        return np.eye(size)
    ranks = np.argsort(np.argsort(returns, axis=0, kind="stable"), axis=0, kind="stable")
    scores = ndtri((ranks + 0.5) / count)
    scores[:, np.ptp(returns, axis=0) == 0] = 0.0
    spread = scores.std(axis=0)
    scores = np.divide(scores, spread, out=np.zeros_like(scores), where=spread > 0)
    correlation = scores.T @ scores / count
    np.fill_diagonal(correlation, 1.0)
    return np.asarray((1 - SHRINK) * correlation + SHRINK * np.eye(size))


def positions(score: np.ndarray, count: int) -> np.ndarray:
    """Rank (0 .. count - 1) that each normal score stands for."""
    return np.minimum((ndtr(score) * count).astype(np.int64), count - 1)
