"""What a plan makes as great as possible: a figure of the outcome's draws, with its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Weights = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Aim:
    """`weights` gives each draw's share in the figure; the figure is their weighted sum, and so is its gradient.

    Calling the aim with draws (D,) gives the figure.
    """

    name: str
    weights: Weights

    def __call__(self, draws: np.ndarray) -> float:
        return float(self.weights(draws) @ draws)


def _even(draws: np.ndarray) -> np.ndarray:
    return np.full(draws.size, 1 / draws.size)


mean_of = Aim("mean", _even)


def worst_share(share: float) -> Aim:
    """Mean of the worst `share` of the draws (conditional value at risk); its draws move with the plan."""
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: a share of the draws lies above 0 and at most 1")

    def weights(draws: np.ndarray) -> np.ndarray:
        count = max(int(np.ceil(share * draws.size)), 1)
        out = np.zeros(draws.size)
        out[np.argpartition(draws, count - 1)[:count]] = 1 / count
        return out

    return Aim(f"mean of the worst {share:.0%}", weights)
