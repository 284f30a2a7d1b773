"""What a plan maximises: a weighted sum of the outcome's draws, with its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.planning.no_plan import NoPlan

Weights = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Aim:
    """An objective: `weights` gives each draw's weight; value and gradient are weighted sums over draws.

    Calling it with draws (D,) gives its value.
    """

    name: str
    weights: Weights

    def __call__(self, draws: np.ndarray) -> float:
        return float(self.weights(draws) @ draws)


def _even(draws: np.ndarray) -> np.ndarray:
    return np.full(draws.size, 1 / draws.size)


mean_of = Aim("mean", _even)


def worst_share(share: float) -> Aim:
    """Mean of the worst `share` of the draws (conditional value at risk); which draws are worst depends on the plan."""
    if not 0 < share <= 1:
        raise NoPlan(f"share={share}: a share of the draws is above 0 and at most 1")

    def weights(draws: np.ndarray) -> np.ndarray:
        count = max(int(np.ceil(share * draws.size)), 1)
        out = np.zeros(draws.size)
        out[np.argpartition(draws, count - 1)[:count]] = 1 / count
        return out

    return Aim(f"mean of the worst {share:.0%}", weights)
