"""The best split of a budget in equal steps, for separate curves of any shape: exact on its grid, also for S-shapes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

STEPS = 200  # equal steps of the free money; an answer is off by at most one step a decision


def best_steps(values: Sequence[np.ndarray]) -> np.ndarray:
    """Steps per decision (D, n) that make the sum of values[i] (D, K_i + 1) greatest, STEPS in all, by draw.

    values[i][:, k] is the outcome of decision i with k steps of money. Dynamic programming over decisions (knapsack),
    so a global answer whatever the curves look like. When all decisions together cannot take STEPS steps, as many as
    they can.
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
