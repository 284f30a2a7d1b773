"""Many comparisons at once: corrected p-values, and ranges that go with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: at most `alpha` chance of any false finding at p <= alpha (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(order))
    running = 0.0
    for place, position in enumerate(order):
        running = max(running, (len(order) - place) * p_values[position])
        adjusted[position] = min(1.0, running)
    return [float(p) for p in adjusted]


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: at most `alpha` of the findings at p <= alpha are false on average (1995)."""
    order = np.argsort(p_values, kind="stable")[::-1]
    adjusted = np.empty(len(order))
    running = 1.0
    for place, position in enumerate(order):
        running = min(running, p_values[position] * len(order) / (len(order) - place))
        adjusted[position] = running
    return [float(p) for p in adjusted]


def simultaneous_level(level: float, count: int) -> float:
    """Level of each of `count` ranges so that all hold together with `level` (Bonferroni; goes with Holm)."""
    if count < 1:
        raise ValueError(f"count={count}: at least one range is needed")
    return 1 - (1 - level) / count


def false_coverage_level(level: float, found: int, count: int) -> float:
    """Level of the ranges shown for the `found` of `count` picked by BH (Benjamini and Yekutieli 2005)."""
    if not 1 <= found <= count:
        raise ValueError(f"found={found} of count={count}: at least one finding, at most all")
    return 1 - (1 - level) * found / count
