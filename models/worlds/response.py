"""From spend to revenue: carryover and saturation."""

from __future__ import annotations

import numpy as np


def carried_over(spend: np.ndarray, half_life: float) -> np.ndarray:
    """Spend spread over the periods in which it works: geometric, cold start, total preserved except after the window.

    `spend` has time on its first axis; `half_life` is in the same periods, 0 means no carryover.
    Raises ValueError for a negative half-life.
    """
    if half_life < 0:
        raise ValueError(f"half_life={half_life}: a half-life is at least 0")
    retention = 0.5 ** (1 / half_life) if half_life else 0.0
    lasting = np.empty_like(spend, dtype=float)
    stock = np.zeros(spend.shape[1:])
    for t in range(spend.shape[0]):
        stock = retention * stock + (1 - retention) * spend[t]
        lasting[t] = stock
    return lasting


def saturated(pressure: np.ndarray, half: float) -> np.ndarray:
    """Share of the attainable effect at a pressure: 0 at 0, one half at `half`, towards 1 (Michaelis-Menten)."""
    return pressure / (pressure + half)
