"""Ridge-augmented synthetic control: simplex weights corrected by a ridge regression of what they leave unexplained."""

from __future__ import annotations

import numpy as np

GRID_STEPS = 20
GRID_FLOOR = 1e-8  # smallest penalty as a share of the largest


def augment(
    donors: np.ndarray, targets: np.ndarray, excluded: np.ndarray, weights: np.ndarray, ridge: float
) -> np.ndarray:
    """Augmented weights (B, J): may be negative, still sum to 1, excluded donors stay at zero.

    Pre-period columns only, every series already free of its own mean. Source: Ben-Michael, Feller, Rothstein (2021).
    """
    out = weights.copy()
    for row in range(targets.shape[0]):
        kept = np.setdiff1d(np.arange(donors.shape[0]), excluded[row])
        used = donors[kept]
        centre = used.mean(axis=0)
        out[row, kept] += _correction(used - centre, targets[row] - centre, weights[row, kept], ridge)
    return out


def cross_validated_ridge(donors: np.ndarray, target: np.ndarray) -> float:
    """Largest penalty whose leave-one-period-out error is within one standard error of the smallest.

    Each period but the last is left out in turn and weights and ridge are fitted on the rest (the reference
    implementation never leaves out the last one). Donors (J, t) and target (t,) are free of their own means.
    """
    from models.incrementality.geo.donor_weights import simplex_weights

    centre = donors.mean(axis=0)
    spread, aim = donors - centre, target - centre
    largest = np.linalg.svd(spread, compute_uv=False)[0] ** 2
    grid = largest * GRID_FLOOR ** (np.arange(GRID_STEPS + 1) / GRID_STEPS)
    periods = target.size
    nobody = np.empty((1, 0), np.int64)
    errors = np.empty((periods - 1, grid.size))
    for left_out in range(periods - 1):
        kept = np.delete(np.arange(periods), left_out)
        weights = simplex_weights(spread[:, kept], aim[None, kept], nobody, np.zeros(1))[0]
        residual = aim[kept] - weights @ spread[:, kept]
        left, singular, right = np.linalg.svd(spread[:, kept], full_matrices=False)
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
