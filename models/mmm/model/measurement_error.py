"""Media that are themselves estimates: the distribution of the true series given readings with a known error.

A noisy series put in as it is makes its effect look smaller than it is (attenuation). Here the true series is a
first-order autoregression around a level, read with the stated errors; its expectation given all readings replaces
them, and its remaining covariance is kept for the model that treats it as unknown. What the KPI says about the series
is used only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

RHO_MOST = 0.995  # above it a level and a random walk cannot be distinguished


@dataclass(frozen=True, eq=False)
class TrueSeries:
    """One measured series: `mean` (G, T) expected true values, `factor` (G, T, T) lower factor of their covariance.

    `shared` means that all regions hold the same readings, so that they also share the same error. `reliability` is
    the share of the readings' variance that is the series' own; the naive effect shrinks by about that share.
    """

    channel: int
    mean: np.ndarray
    factor: np.ndarray
    shared: bool
    reliability: float


def true_series(channel: int, readings: np.ndarray, se: np.ndarray) -> TrueSeries:
    """Expected true values of `readings` (G, T) with standard errors `se` (G, T; 0 exact, inf not measured).

    The series' own spread and persistence maximise the readings' likelihood and are then held fixed.
    """
    raw = (np.ascontiguousarray(values, dtype=float).tobytes() for values in (readings, se))
    return _true_series(channel, readings.shape, *raw)


@lru_cache(maxsize=32)  # one panel is laid out many times while a form is searched
def _true_series(channel: int, shape: tuple[int, int], readings_raw: bytes, se_raw: bytes) -> TrueSeries:
    from scipy.optimize import minimize

    readings, se = (np.frombuffer(raw).reshape(shape) for raw in (readings_raw, se_raw))
    shared = bool((readings == readings[0]).all() and (se == se[0]).all())
    rows, errors = (readings[:1], se[:1]) if shared else (readings, se)
    measured = np.isfinite(errors)
    spread = max(float(rows[measured].std()), 1e-12)

    def cost(point: np.ndarray) -> float:
        tau, rho = _natural(point, spread)
        return -sum(_likelihood(y, e, tau, rho) for y, e in zip(rows, errors, strict=True))

    starts = [np.array([log_tau, logit_rho]) for log_tau in (-0.5, -2.0) for logit_rho in (-1.0, 2.0)]
    best = min((minimize(cost, s, method="Nelder-Mead", options={"maxiter": 120}) for s in starts), key=_cost_of)
    tau, rho = _natural(best.x, spread)
    parts = [_posterior(y, e, tau, rho) for y, e in zip(rows, errors, strict=True)]
    copies = len(readings) if shared else 1
    noise = float((errors[measured] ** 2).mean())
    return TrueSeries(
        channel,
        np.repeat(np.maximum(np.stack([m for m, _ in parts]), 0.0), copies, axis=0),
        np.repeat(np.stack([f for _, f in parts]), copies, axis=0),
        shared,
        tau**2 / (tau**2 + noise),
    )


def _cost_of(result: object) -> float:
    return float(result.fun)  # type: ignore[attr-defined]


def _natural(point: np.ndarray, spread: float) -> tuple[float, float]:
    return spread * float(np.exp(np.clip(point[0], -8, 3))), RHO_MOST / (1 + float(np.exp(-np.clip(point[1], -8, 8))))


def _own(count: int, tau: float, rho: float) -> np.ndarray:
    lag = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    return np.asarray(tau**2 * rho**lag)


def _likelihood(y: np.ndarray, se: np.ndarray, tau: float, rho: float) -> float:
    """Log density of the measured values, the level integrated out by its best value."""
    measured = np.isfinite(se)
    cov = _own(y.size, tau, rho)[np.ix_(measured, measured)] + np.diag(se[measured] ** 2 + 1e-10 * tau**2)
    low = np.linalg.cholesky(cov)
    white = np.linalg.solve(low, np.stack([y[measured], np.ones(int(measured.sum()))], axis=1))
    level = float(white[:, 1] @ white[:, 0]) / float(white[:, 1] @ white[:, 1])
    gap = white[:, 0] - level * white[:, 1]
    return -0.5 * float(gap @ gap) - float(np.log(np.diag(low)).sum())


def _posterior(y: np.ndarray, se: np.ndarray, tau: float, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean (T,) and lower covariance factor (T, T) of the true series; the level's own uncertainty is included."""
    measured = np.isfinite(se)
    own = _own(y.size, tau, rho)
    cov = own[np.ix_(measured, measured)] + np.diag(se[measured] ** 2 + 1e-10 * tau**2)
    gain = np.linalg.solve(cov, own[measured]).T
    ones = np.ones(int(measured.sum()))
    weight = np.linalg.solve(cov, ones)
    level = float(weight @ y[measured]) / float(weight @ ones)
    mean = level + gain @ (y[measured] - level)
    rest = 1 - gain @ ones
    left = own - gain @ own[measured] + np.outer(rest, rest) / float(weight @ ones)
    return mean, np.linalg.cholesky(0.5 * (left + left.T) + 1e-9 * tau**2 * np.eye(y.size))
