"""The best allocation of a budget in equal steps over separate curves: exact on its grid, S-shapes included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.planning.curves import Curves

STEPS = 200  # equal steps of the free money; the solution is off by at most one step per decision


def best_steps(values: Sequence[np.ndarray]) -> np.ndarray:
    """Steps per decision (D, n) that maximise the sum of values[i] (D, K_i + 1), STEPS in total, per draw.

    values[i][:, k] is the outcome of decision i with k steps of money. Dynamic programming over decisions (knapsack),
    so the optimum is global for curves of any shape. If all decisions together cannot take STEPS steps, they take as
    many as they can.
    """
    draws = values[0].shape[0]
    total = np.full((draws, STEPS + 1), -np.inf)
    total[:, 0] = 0.0
    taken = np.zeros((len(values), draws, STEPS + 1), dtype=np.int16)
    for i, gains in enumerate(values):
        new = np.full_like(total, -np.inf)
        for k in range(min(gains.shape[1] - 1, STEPS) + 1):
            with_k = total[:, : STEPS + 1 - k] + gains[:, k : k + 1]
            better = with_k > new[:, k:]
            new[:, k:][better] = with_k[better]
            taken[i][:, k:][better] = k
        total = new
    room = min(sum(v.shape[1] - 1 for v in values), STEPS)
    at = np.full(draws, room)
    steps = np.zeros((draws, len(values)), dtype=int)
    rows = np.arange(draws)
    for i in reversed(range(len(values))):
        steps[:, i] = taken[i][rows, at]
        at = at - steps[:, i]
    return steps


HALVINGS, ROUNDS = 10, 6  # transfers of half a step, a quarter, …, each tried up to ROUNDS times


def refined(curves: Curves, x: np.ndarray, low: np.ndarray, high: np.ndarray, step: float) -> np.ndarray:
    """Plans of each draw (D, n) after transfers from the decision that loses least to the one that gains most.

    Totals do not change; a transfer is kept only where it improves the plan.
    """
    x, rows = x.copy(), np.arange(len(x))
    value, slope = curves.own(x)
    for size in step * 0.5 ** np.arange(1, HALVINGS + 1):
        for _ in range(ROUNDS):
            spare, room = x - low, high - x
            giver = np.where(spare > 1e-12 * step, slope, np.inf).argmin(axis=1)
            taker = np.where(room > 1e-12 * step, slope, -np.inf).argmax(axis=1)
            amount = np.minimum(np.minimum(spare[rows, giver], room[rows, taker]), size)
            amount = np.where((giver != taker) & (amount > 0), amount, 0.0)
            other = x.copy()
            other[rows, giver] -= amount
            other[rows, taker] += amount
            new_value, new_slope = curves.own(other)
            better = (new_value.sum(axis=1) > value.sum(axis=1))[:, None]
            if not better.any():
                break
            x, value, slope = (np.where(better, n, o) for n, o in ((other, x), (new_value, value), (new_slope, slope)))
    return x
