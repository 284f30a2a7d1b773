"""Donor weights for the treated series and for every placebo by one and the same procedure, from one Gram matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.incrementality.geo.estimator import RIDGE_SHARE, Estimator
from models.incrementality.geo.panel import PanelError

GRID_STEPS = 20  # of the cross-validated penalty of the augmented fit
GRID_FLOOR = 1e-8  # smallest of these penalties as a share of the largest
SLACK = 1e-6  # largest violation of the optimality conditions, relative to the mean variance of the donors


@dataclass(frozen=True)
class Fits:
    """B targets against J donors: weights (B, J), gap (B, T) with its pre mean (or time-weighted mean) removed.

    `tau` (B,) is the mean gap over the read window, `spread` (B,) the standard deviation of the pre-period gap.
    """

    weights: np.ndarray
    gap: np.ndarray
    tau: np.ndarray
    spread: np.ndarray

    @property
    def studentised(self) -> np.ndarray:
        """tau in units of the target's own pre-period noise, shape (B,)."""
        return self.tau / self.spread


def fit_targets(
    donors: np.ndarray,
    targets: np.ndarray,
    excluded: np.ndarray,
    pre: int,
    post: slice,
    estimator: Estimator,
    *,
    group_size: int = 1,
    asc_ridge: float | None = None,
) -> Fits:
    """Fit every target (B, T) on donors (J, T), both already on the estimator's scale.

    Row b of `excluded` (B, m) names donors that target b is made of, so they may not help to predict it. Only
    columns before `pre` decide the weights. `group_size` is the number of treated geos (it enters the penalty of full
    SDID only). Raises PanelError when a target's gap never moves before the test (nothing to studentise by).
    """
    if estimator.weighing == "tbr":
        gap, weights = _regression_gap(donors, targets, excluded, pre)
    else:
        centred = donors - donors[:, :pre].mean(axis=1, keepdims=True)
        aims = targets - targets[:, :pre].mean(axis=1, keepdims=True)
        weights = _weights(centred, aims, excluded, pre, post, estimator, group_size, asc_ridge)
        gap = aims - weights @ centred
        if estimator.weighing == "sdid":
            gap = gap - _time_weighted_pre_gap(donors, gap, excluded, pre, post)
    spread = gap[:, :pre].std(axis=1, ddof=1)
    if not (spread > 1e-12 * np.abs(targets[:, :pre]).max()).all():
        raise PanelError(
            f"a geo is reproduced by the {donors.shape[0] - excluded.shape[1]} others without any error in the {pre}"
            f" periods before the test, so {estimator.name} has no error to judge by: remove copies of one series,"
            " deliver more periods, or read with did"
        )
    return Fits(weights, gap, gap[:, post].mean(axis=1), spread)


def penalty(donors: np.ndarray, excluded: np.ndarray, pre: int, periods: int, group_size: int = 1) -> np.ndarray:
    """SDID's zeta per target: (treated x read periods)^(1/4) times the sd of the first differences of its donors.

    Source: Arkhangelsky et al. (2021), eq. 2.2.
    """
    steps = np.diff(donors[:, :pre], axis=1)
    count = (donors.shape[0] - excluded.shape[1]) * steps.shape[1]
    total = steps.sum() - steps.sum(axis=1)[excluded].sum(axis=1)
    square = (steps**2).sum() - (steps**2).sum(axis=1)[excluded].sum(axis=1)
    variance = np.maximum(square - total**2 / count, 0.0) / (count - 1)
    return (group_size * periods) ** 0.25 * np.sqrt(variance)


def _weights(
    centred: np.ndarray,
    aims: np.ndarray,
    excluded: np.ndarray,
    pre: int,
    post: slice,
    estimator: Estimator,
    group_size: int,
    asc_ridge: float | None,
) -> np.ndarray:
    if estimator.weighing == "did":
        uniform = np.ones((aims.shape[0], centred.shape[0]))
        np.put_along_axis(uniform, excluded, 0.0, axis=1)
        return uniform / uniform.sum(axis=1, keepdims=True)
    ridge = np.zeros(aims.shape[0])
    if share := RIDGE_SHARE.get(estimator.weighing):
        size = group_size if estimator.weighing == "sdid" else 1
        zeta = penalty(centred, excluded, pre, post.stop - post.start, size)
        ridge = pre * (share * zeta) ** 2
    weights = simplex_weights(centred[:, :pre], aims[:, :pre], excluded, ridge)
    if estimator.weighing == "asc":
        if asc_ridge is None:
            raise ValueError("the augmented fit needs its ridge: choose it by cross-validation before the placebos")
        weights = augment(centred[:, :pre], aims[:, :pre], excluded, weights, asc_ridge)
    return weights


def simplex_weights(donors: np.ndarray, targets: np.ndarray, excluded: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Weights (B, J) >= 0 with sum 1 that follow each target (B, t) most closely, plus ridge[b] times their squares.

    Exact active-set solution. Raises ArithmeticError when a fit does not meet its optimality conditions.
    """
    from models.incrementality.geo.simplex_kernel import batch_simplex

    gram = np.ascontiguousarray(donors @ donors.T)
    linear = np.ascontiguousarray(targets @ donors.T)
    weights, violation = batch_simplex(
        gram, linear, np.ascontiguousarray(excluded, dtype=np.int64), ridge.astype(float)
    )
    if (violation < 0).any() or (violation > SLACK).any():
        raise ArithmeticError(f"a fit of donor weights did not reach its optimum (violation {violation.max():.1e})")
    return weights


def time_weights(donors: np.ndarray, pre: int, post: slice) -> np.ndarray:
    """SDID's weights of pre-periods (pre,): the mix of earlier days that looks like the window in all donors."""
    zeta = 1e-6 * np.diff(donors[:, :pre], axis=1).std(ddof=1)
    before = donors[:, :pre] - donors[:, :pre].mean(axis=0)
    after = donors[:, post].mean(axis=1)
    ridge = np.array([donors.shape[0] * zeta**2])
    return simplex_weights(before.T, (after - after.mean())[None], np.empty((1, 0), np.int64), ridge)[0]


def _time_weighted_pre_gap(
    donors: np.ndarray, gap: np.ndarray, excluded: np.ndarray, pre: int, post: slice
) -> np.ndarray:
    means = np.empty((gap.shape[0], 1))
    for row in range(gap.shape[0]):
        others = np.delete(donors, excluded[row], axis=0)
        means[row] = gap[row, :pre] @ time_weights(others, pre, post)
    return means


def _regression_gap(
    donors: np.ndarray, targets: np.ndarray, excluded: np.ndarray, pre: int
) -> tuple[np.ndarray, np.ndarray]:
    """Residual of the target on the mean of its donors, intercept and slope fitted before the test."""
    n_donors = donors.shape[0] - excluded.shape[1]
    control = (donors.sum(axis=0) - donors[excluded].sum(axis=1)) / n_donors
    before = control[:, :pre] - control[:, :pre].mean(axis=1, keepdims=True)
    aims = targets - targets[:, :pre].mean(axis=1, keepdims=True)
    slope = (before * aims[:, :pre]).sum(axis=1, keepdims=True) / (before**2).sum(axis=1, keepdims=True)
    gap = aims - slope * (control - control[:, :pre].mean(axis=1, keepdims=True))
    weights = np.broadcast_to(slope / n_donors, (targets.shape[0], donors.shape[0])).copy()
    np.put_along_axis(weights, excluded, 0.0, axis=1)
    return gap, weights


def augment(
    donors: np.ndarray, targets: np.ndarray, excluded: np.ndarray, weights: np.ndarray, ridge: float
) -> np.ndarray:
    """Augmented weights (B, J): may be negative, still sum to 1, excluded donors stay at zero.

    Pre-period columns only, every series already free of its own mean. Source: Ben-Michael, Feller, Rothstein (2021).
    """
    out = weights.copy()
    for row in range(targets.shape[0]):
        donor_rows = np.setdiff1d(np.arange(donors.shape[0]), excluded[row])
        used = donors[donor_rows]
        centre = used.mean(axis=0)
        out[row, donor_rows] += _correction(used - centre, targets[row] - centre, weights[row, donor_rows], ridge)
    return out


def cross_validated_ridge(donors: np.ndarray, target: np.ndarray) -> float:
    """Largest penalty whose leave-one-period-out error is within one standard error of the smallest.

    Each period but the last is left out in turn and weights and ridge are fitted on the rest (the reference
    implementation never leaves out the last one). Donors (J, t) and target (t,) are free of their own means.
    """
    centre = donors.mean(axis=0)
    spread, aim = donors - centre, target - centre
    largest = np.linalg.svd(spread, compute_uv=False)[0] ** 2
    grid = largest * GRID_FLOOR ** (np.arange(GRID_STEPS + 1) / GRID_STEPS)
    periods = target.size
    no_exclusions = np.empty((1, 0), np.int64)
    errors = np.empty((periods - 1, grid.size))
    for left_out in range(periods - 1):
        training = np.delete(np.arange(periods), left_out)
        weights = simplex_weights(spread[:, training], aim[None, training], no_exclusions, np.zeros(1))[0]
        residual = aim[training] - weights @ spread[:, training]
        left, singular, right = np.linalg.svd(spread[:, training], full_matrices=False)
        rotated = singular * (right @ residual)
        for position, ridge in enumerate(grid):
            fitted = weights + left @ (rotated / (singular**2 + ridge))
            errors[left_out, position] = (aim[left_out] - fitted @ spread[:, left_out]) ** 2
    mean = errors.mean(axis=0)
    standard_error = errors.std(axis=0, ddof=1) / np.sqrt(periods - 1)
    best = int(mean.argmin())
    return float(grid[mean <= mean[best] + standard_error[best]].max())


def _correction(spread: np.ndarray, aim: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """The ridge part: spread (spread' spread + ridge)^-1 residual, solved in whichever space is smaller."""
    residual = aim - weights @ spread
    if spread.shape[0] <= spread.shape[1]:
        return np.linalg.solve(spread @ spread.T + ridge * np.eye(spread.shape[0]), spread @ residual)
    return spread @ np.linalg.solve(spread.T @ spread + ridge * np.eye(spread.shape[1]), residual)
