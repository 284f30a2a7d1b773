"""Least squares as the checks use it: the part explained by time, the residual, and a robust joint test."""

from __future__ import annotations

import numpy as np
from scipy import stats

from models.mmm.model.design import Design


def time_columns(design: Design) -> np.ndarray:
    """Intercept, slope and seasonal waves of the design's baseline over time (T, K), the same for every region."""
    names = design.baseline.names
    chosen = [k for k, n in enumerate(names) if n in ("intercept", "slope") or n[:4] in ("sin_", "cos_")]
    columns = [np.ones(design.y.shape[1])] + [design.baseline.columns[k][0] for k in chosen if names[k] != "intercept"]
    return np.stack(columns, axis=1)


def lagged(x: np.ndarray, k: int) -> np.ndarray:
    """The series `k` periods earlier (later for a negative `k`); the ends wrap around, so leave those rows out."""
    return np.roll(x, k)


def residual(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Columns of y (N, M) less their least-squares fit on the columns of x (N, K)."""
    return np.asarray(y - x @ np.linalg.lstsq(x, y, rcond=None)[0])


def joint_p(y: np.ndarray, held: np.ndarray, added: np.ndarray) -> float:
    """Wald test that `added` does nothing, with errors robust to correlated noise (Newey-West, 4 lags)."""
    x = np.hstack([held, added])
    coefficients, *_ = np.linalg.lstsq(x, y, rcond=None)
    noise = y - x @ coefficients
    inverse = np.linalg.pinv(x.T @ x)
    score = x * noise[:, None]
    meat = score.T @ score
    for k in range(1, 5):
        step = score[k:].T @ score[:-k]
        meat += (1 - k / 5) * (step + step.T)
    freedom = len(y) - x.shape[1]
    if freedom < 20:
        return 1.0
    cov = inverse @ meat @ inverse * len(y) / freedom
    m = added.shape[1]
    b, v = coefficients[-m:], cov[-m:, -m:]
    wald = float(b @ np.linalg.pinv(v) @ b) / m
    return float(stats.f.sf(wald, m, freedom))
