"""Counterfactual of one series whose noise remembers: means of windows, with memory and drift integrated out on a grid.

Closed form, nothing is drawn. The noise has covariance sigma^2 (rho^|i-j| + Q min(i, j)): a memory that fades and a
level that drifts. Source: universal kriging, Cressie (1993), 3.4, averaged over the integrated likelihood of the grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

RETENTION = (0.0, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92)
DRIFT = (0.0, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0)  # variance of a step of the level over that of the noise
TIGHT = 1e-3  # drift that a structural series with a tight level allows for


@dataclass(frozen=True)
class Prediction:
    """A mixture of Student-t laws of one window's mean: weights, centres, scales, and their degrees of freedom."""

    weights: np.ndarray
    centres: np.ndarray
    scales: np.ndarray
    freedom: int

    @property
    def mean(self) -> float:
        return float(self.weights @ self.centres)

    @property
    def sd(self) -> float:
        """Standard deviation of the mixture; needs more than two degrees of freedom."""
        within = self.scales**2 * self.freedom / (self.freedom - 2)
        return float(np.sqrt(self.weights @ (within + (self.centres - self.mean) ** 2)))

    def widened(self, factor: float) -> Prediction:
        """The same with every scale times `factor`."""
        return Prediction(self.weights, self.centres, self.scales * factor, self.freedom)

    def below(self, value: float) -> float:
        """Probability of a smaller value."""
        from scipy import special

        return float(self.weights @ special.stdtr(self.freedom, (value - self.centres) / self.scales))

    def quantile(self, probability: float) -> float:
        """Value below which the mixture lies with this probability."""
        from scipy import optimize, special

        edges = self.centres + self.scales * special.stdtrit(self.freedom, probability)
        low, high = float(edges.min()), float(edges.max())
        if high - low <= 1e-12 * max(abs(low), abs(high)):
            return low
        return float(optimize.brentq(lambda value: self.below(value) - probability, low, high))


@dataclass(frozen=True)
class Request:
    """Means to predict from the periods before `cut`: a row of `shares` (K, H) per mean over the H periods from it."""

    cut: int
    shares: np.ndarray

    @classmethod
    def mean_of(cls, cut: int, length: int) -> Request:
        """The mean over all `length` periods."""
        return cls(cut, np.full((1, length), 1 / length))

    @classmethod
    def path_of(cls, cut: int, length: int) -> Request:
        """Each period by itself, then the mean over the first one, two … `length` of them."""
        running = np.tril(np.ones((length, length)))
        return cls(cut, np.vstack([np.eye(length), running / running.sum(axis=1, keepdims=True)]))


@dataclass(frozen=True)
class Predicted:
    """One law per row of the request, and the weight of grid points that drift no more than a tight level."""

    means: tuple[Prediction, ...]
    tight: float


def predict(series: np.ndarray, regressors: np.ndarray, requests: Sequence[Request]) -> list[Predicted | None]:
    """Laws of the requested means of a series (n,) with regressors (n, P), the first of them constant.

    Each request only uses the periods before its cut; values after it serve as regressors. Flat priors on the
    coefficients, even weights on the grid. None where a request cannot be computed: its regressors are collinear, the
    series does not vary around them, or fewer than three degrees of freedom are left.
    """
    found: list[list[tuple[np.ndarray, np.ndarray, float] | None]] = [[] for _ in requests]
    for lower, whitened in _whitened(series, regressors):
        for place, request in enumerate(requests):
            found[place].append(_at_one_point(lower, whitened, regressors, request))
    drift = np.tile(np.array(DRIFT), len(RETENTION))
    results: list[Predicted | None] = []
    for request, tried in zip(requests, found, strict=True):
        points = [point for point in tried if point is not None]
        if len(points) < len(tried):
            results.append(None)
            continue
        logs = np.array([log for _, _, log in points])
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        centres, scales = (np.column_stack([point[part] for point in points]) for part in (0, 1))
        freedom = request.cut - regressors.shape[1]
        means = tuple(Prediction(weights, *both, freedom) for both in zip(centres, scales, strict=True))
        results.append(Predicted(means, float(weights[drift <= TIGHT].sum())))
    return results


def control_odds(series: np.ndarray, regressors: np.ndarray, cut: int, columns: Sequence[int]) -> np.ndarray:
    """Posterior share of models with each of these columns rather than without it, by BIC at the best grid point."""
    best: tuple[float, np.ndarray] | None = None
    for lower, whitened in _whitened(series[:cut], regressors[:cut]):
        likelihood, squares = _likelihood(lower, whitened, cut)
        if best is not None and likelihood <= best[0]:
            continue
        without = [_squares(whitened[:, 0], np.delete(whitened[:, 1:], column, axis=1)) for column in columns]
        gain = cut / 2 * np.log(np.array(without) / squares) - np.log(cut) / 2
        best = likelihood, 1 / (1 + np.exp(-np.clip(gain, -700, 700)))
    return np.zeros(0) if best is None else best[1]


def _whitened(series: np.ndarray, regressors: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Per grid point the covariance's Cholesky factor, and series and regressors freed of the noise's memory.

    The leading part of a factor is that of a shorter series, so one factor serves the read and its placebos.
    """
    from scipy.linalg import solve_triangular

    at = np.arange(series.size)
    apart, earlier = np.abs(at[:, None] - at), np.minimum(at[:, None], at) + 1.0
    stacked = np.column_stack([series, regressors])
    for rho in RETENTION:
        memory = rho**apart if rho else np.eye(series.size)
        for drift in DRIFT:
            lower = np.linalg.cholesky(memory + drift * earlier)
            yield lower, solve_triangular(lower, stacked, lower=True, check_finite=False)


def _at_one_point(
    lower: np.ndarray, whitened: np.ndarray, regressors: np.ndarray, request: Request
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Centres and scales of the requested means (K,), and the log of the integrated likelihood."""
    cut, length = request.cut, request.shares.shape[1]
    freedom = cut - regressors.shape[1]
    if freedom < 3:
        return None
    seen, design = whitened[:cut, 0], whitened[:cut, 1:]
    orthogonal, triangle = np.linalg.qr(design)
    size = np.abs(np.diag(triangle))
    if size.min() <= 1e-9 * size.max():
        return None
    weights = np.linalg.solve(triangle, orthogonal.T @ seen)
    rest = seen - design @ weights
    squares = float(rest @ rest)
    if squares <= 1e-20 * float(seen @ seen):
        return None
    past = request.shares @ lower[cut : cut + length, :cut]
    own = request.shares @ lower[cut : cut + length, cut : cut + length]
    ahead = request.shares @ regressors[cut : cut + length]
    offset = np.linalg.solve(triangle.T, (ahead - past @ design).T)
    scales = np.sqrt(squares / freedom * ((own**2).sum(axis=1) + (offset**2).sum(axis=0)))
    log = -np.log(np.diag(lower)[:cut]).sum() - np.log(size).sum() - freedom / 2 * np.log(squares)
    return ahead @ weights + past @ rest, scales, float(log)


def _likelihood(lower: np.ndarray, whitened: np.ndarray, cut: int) -> tuple[float, float]:
    squares = _squares(whitened[:, 0], whitened[:, 1:])
    return float(-np.log(np.diag(lower)).sum() - cut / 2 * np.log(squares)), squares


def _squares(seen: np.ndarray, design: np.ndarray) -> float:
    """Residual sum of squares."""
    orthogonal, _ = np.linalg.qr(design)
    rest = seen - orthogonal @ (orthogonal.T @ seen)
    return float(rest @ rest)
