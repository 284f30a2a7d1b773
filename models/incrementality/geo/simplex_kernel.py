"""Compiled core of the synthetic-control fits: exact least squares on the simplex, one problem or a batch of placebos.

Import it inside functions only: numba takes a second to load. What the weights mean is in `weights.py`.
"""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253  the module itself is imported by the functions that fit

BLOCKED = 64  # unknowns above which the library's blocked solver is faster than plain loops
MOST_EXCHANGES = 40  # rounds in which the whole support is guessed anew before one unknown is exchanged at a time
MOST_SETBACKS = 4  # rounds without a better guess
MAX_ROUNDS = 60  # active-set rounds per unknown; a well-posed problem needs about one


@njit(cache=True)
def _on_the_plane(solved: np.ndarray) -> tuple[np.ndarray, float]:
    """From G^-1 c and G^-1 1 (columns) to the minimum with sum 1 and its multiplier."""
    multiplier = (solved[:, 0].sum() - 1.0) / solved[:, 1].sum()
    return solved[:, 0] - multiplier * solved[:, 1], multiplier


@njit(cache=True)
def _passive_solution(
    gram: np.ndarray, linear: np.ndarray, order: np.ndarray, size: int, jitter: float
) -> tuple[np.ndarray, float]:
    """Minimum over the plane sum z = 1 of 1/2 z'Gz - c'z with only the `size` first entries of `order` free."""
    factor = np.empty((size, size))
    forward = np.empty((size, 2))
    for i in range(size):
        for j in range(i + 1):
            factor[i, j] = gram[order[i], order[j]]
            factor[j, i] = factor[i, j]
        factor[i, i] += jitter
        forward[i, 0] = linear[order[i]]
        forward[i, 1] = 1.0
    if size > BLOCKED:
        return _on_the_plane(np.linalg.solve(factor, forward))
    below = np.empty(size)
    for column in range(size):
        # Column by column: the inner loop has no running sum, so the compiler can take several entries at once.
        pivot = np.sqrt(max(factor[column, column], jitter * 1e-4))
        first = forward[column, 0] / pivot
        second = forward[column, 1] / pivot
        forward[column, 0] = first
        forward[column, 1] = second
        factor[column, column] = pivot
        for i in range(column + 1, size):
            below[i] = factor[i, column] / pivot
            factor[i, column] = below[i]
        for i in range(column + 1, size):
            entry = below[i]
            forward[i, 0] -= entry * first
            forward[i, 1] -= entry * second
            for j in range(column + 1, i + 1):
                factor[i, j] -= entry * below[j]
    for i in range(size - 1, -1, -1):
        for column in range(2):
            total = forward[i, column]
            for m in range(i + 1, size):
                total -= factor[m, i] * forward[m, column]
            forward[i, column] = total / factor[i, i]
    return _on_the_plane(forward)


@njit(cache=True)
def _exchanged(gram: np.ndarray, linear: np.ndarray, jitter: float, tolerance: float) -> tuple[np.ndarray, float]:
    """The minimum found by exchanging all wrong guesses of the support at once; violation -1 when that does not settle.

    Starts with every unknown free and usually needs under ten rounds, where one exchange a round needs one per zero
    weight. Source: block principal pivoting, Judice and Pires (1994).
    """
    n = gram.shape[0]
    free = np.ones(n, np.bool_)
    order = np.empty(n, np.int64)
    weights = np.zeros(n)
    fewest = n + 1
    patience = MOST_SETBACKS
    for _ in range(MOST_EXCHANGES):
        size = 0
        for i in range(n):
            if free[i]:
                order[size] = i
                size += 1
        if size == 0:
            return weights, -1.0
        solution, multiplier = _passive_solution(gram, linear, order, size, jitter)
        wrong = 0
        worst = 0.0
        weights[:] = 0.0
        for i in range(size):
            weights[order[i]] = solution[i]
        for i in range(size):
            if solution[i] <= 0.0:
                wrong += 1
                free[order[i]] = False
        for j in range(n):
            if weights[j] != 0.0 or free[j]:
                continue
            slope = multiplier - linear[j]
            for i in range(size):
                slope += gram[j, order[i]] * solution[i]
            worst = min(worst, slope)
            if slope < -tolerance:
                wrong += 1
                free[j] = True
        if wrong == 0:
            return weights / weights.sum(), -worst
        if wrong < fewest:
            fewest = wrong
            patience = MOST_SETBACKS
        else:
            patience -= 1
            if patience < 0:
                break
    return weights, -1.0


@njit(cache=True)
def simplex_minimum(gram: np.ndarray, linear: np.ndarray, dense_start: bool) -> tuple[np.ndarray, float]:
    """Weights w >= 0, sum w = 1, that minimise 1/2 w'Gw - c'w, and the largest violation of the optimality conditions.

    Primal active set: exact up to rounding, no step size. The violation is relative to the mean diagonal of G; -1 says
    that the round limit was hit.
    """
    n = gram.shape[0]
    weights = np.zeros(n)
    scale = 0.0
    for i in range(n):
        scale += gram[i, i]
    scale /= n
    if n == 1 or scale <= 0.0:
        weights[:] = 1.0 / n
        return weights, 0.0
    gram = gram / scale
    linear = linear / scale
    jitter = 1e-12
    largest = 1.0
    for i in range(n):
        largest = max(largest, abs(linear[i]))
    tolerance = 1e-10 * largest

    if dense_start:
        guessed, left = _exchanged(gram, linear, jitter, tolerance)
        if left >= 0.0:
            return guessed, left

    order = np.empty(n, np.int64)
    if dense_start:
        size = n
        for i in range(n):
            order[i] = i
            weights[i] = 1.0 / n
    else:
        best = 0
        for i in range(1, n):
            if gram[i, i] / 2 - linear[i] < gram[best, best] / 2 - linear[best]:
                best = i
        order[0] = best
        size = 1
        weights[best] = 1.0
    refused = np.zeros(n, np.bool_)
    newest = -1
    for _ in range(MAX_ROUNDS * n):
        solution, multiplier = _passive_solution(gram, linear, order, size, jitter)
        step = 1.0
        blocking = -1
        for i in range(size):
            if solution[i] <= 0.0:
                held = weights[order[i]]
                reach = held / (held - solution[i]) if held > 0.0 else 0.0
                if reach < step or blocking < 0:
                    step = reach
                    blocking = i
        if blocking < 0:
            for i in range(size):
                weights[order[i]] = solution[i]
            refused[:] = False
            newest = -1
        else:
            remaining = 0
            dropped = order[blocking]
            for i in range(size):
                unit = order[i]
                moved = weights[unit] + step * (solution[i] - weights[unit])
                if i == blocking or (moved <= 0.0 and solution[i] <= 0.0):
                    weights[unit] = 0.0
                    if unit == newest and step <= 0.0:
                        refused[unit] = True
                else:
                    weights[unit] = moved
                    order[remaining] = unit
                    remaining += 1
            size = remaining
            if size > 0 and not (dropped == newest and step <= 0.0):
                continue
            if size == 0:
                order[0] = dropped
                weights[dropped] = 1.0
                size = 1
                continue
            _, multiplier = _passive_solution(gram, linear, order, size, jitter)
        worst = 0.0
        entering = -1
        for j in range(n):
            if weights[j] > 0.0 or refused[j]:
                continue
            slope = -linear[j] + multiplier
            for i in range(size):
                slope += gram[j, order[i]] * weights[order[i]]
            if slope < worst:
                worst = slope
                entering = j
        if entering < 0 or worst >= -tolerance:
            total = 0.0
            for i in range(n):
                total += weights[i]
            return weights / total, -worst
        order[size] = entering
        size += 1
        newest = entering
    return weights, -1.0


@njit(cache=True)
def batch_simplex(
    gram: np.ndarray, linear: np.ndarray, excluded: np.ndarray, ridge: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One fit per row of `linear` (B, J): row b may not use the donors in excluded[b] and carries its own ridge[b].

    Returns weights (B, J), zero for excluded donors, and the violation of the optimality conditions (B,).
    """
    batch, n = linear.shape
    out = np.zeros((batch, n))
    violation = np.zeros(batch)
    for b in range(batch):
        allowed = np.ones(n, np.bool_)
        for position in range(excluded.shape[1]):
            allowed[excluded[b, position]] = False
        members = np.nonzero(allowed)[0]
        small = members.size
        sub_gram = np.empty((small, small))
        sub_linear = np.empty(small)
        for i in range(small):
            sub_linear[i] = linear[b, members[i]]
            for j in range(small):
                sub_gram[i, j] = gram[members[i], members[j]]
            sub_gram[i, i] += ridge[b]
        # A ridge that only breaks ties leaves few weights: growing the support from one is then faster.
        spread_out = ridge[b] * small > 1e-6 * np.trace(sub_gram)
        minimum, violation[b] = simplex_minimum(sub_gram, sub_linear, spread_out)
        for i in range(small):
            out[b, members[i]] = minimum[i]
    return out, violation
