"""Permutation in time: is the gap in the window unusual beside the same fit's gaps on other days?

Cross-check of the placebos in space. A set of accepted effects may be empty or in pieces; it is reported as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.incrementality.geo.donor_weights import simplex_weights

Statistic = Literal["abs_sum", "sum_abs"]


def gap_under(effect: float, target: np.ndarray, donors: np.ndarray, pre: int) -> np.ndarray:
    """Gap (T,) of a synthetic control with intercept fitted to all periods once `effect` is taken off the window."""
    adjusted = target.copy()
    adjusted[pre:] -= effect
    return null_gaps(adjusted[None], donors)[0]


def null_gaps(targets: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """Gaps (B, T) of synthetic controls with intercept fitted to all periods, as if no target was ever treated."""
    before = donors - donors.mean(axis=1, keepdims=True)
    aims = targets - targets.mean(axis=1, keepdims=True)
    no_exclusions = np.empty((targets.shape[0], 0), dtype=np.int64)
    return aims - simplex_weights(before, aims, no_exclusions, np.zeros(targets.shape[0])) @ before


def block_p_value(gap: np.ndarray, length: int, statistic: Statistic) -> float:
    """Share of the T cyclic shifts whose block of `length` is at least as extreme as the last one."""
    blocks = np.cumsum(np.concatenate([[0.0], np.tile(gap if statistic == "abs_sum" else np.abs(gap), 2)]))
    sums = blocks[length : length + gap.size] - blocks[: gap.size]
    values = np.abs(sums)
    observed = values[gap.size - length]
    return float((values >= observed * (1 - 1e-12)).mean())


def shuffled_p_value(gap: np.ndarray, length: int, statistic: Statistic, *, draws: int, seed: int) -> float:
    """The same with single days shuffled: only right for independent days, and never 0 (one is added on both sides)."""
    draw = np.random.default_rng(seed)
    order = draw.random((draws, gap.size)).argsort(axis=1)[:, :length]
    shuffled = gap[order]
    values = np.abs(shuffled.sum(axis=1)) if statistic == "abs_sum" else np.abs(shuffled).sum(axis=1)
    last = gap[gap.size - length :]
    observed = abs(last.sum()) if statistic == "abs_sum" else np.abs(last).sum()
    return float((1 + (values >= observed * (1 - 1e-12)).sum()) / (draws + 1))


@dataclass(frozen=True)
class AcceptedSet:
    """Effects on a grid that the data do not reject: pieces in order, p at zero, and the largest p anywhere."""

    pieces: tuple[tuple[float, float], ...]
    p_zero: float
    largest_p: float

    @property
    def empty(self) -> bool:
        return not self.pieces

    @property
    def connected(self) -> bool:
        return len(self.pieces) == 1


def accepted_effects(
    target: np.ndarray, donors: np.ndarray, pre: int, grid: np.ndarray, *, alpha: float, statistic: Statistic
) -> AcceptedSet:
    """Invert the block test over `grid` (effects per period, ascending); pieces join neighbouring accepted points."""
    length = target.size - pre
    p_values = np.array([block_p_value(gap_under(e, target, donors, pre), length, statistic) for e in grid])
    accepted = p_values > alpha
    edges = np.flatnonzero(np.diff(np.concatenate([[False], accepted, [False]]).astype(int)))
    pieces = tuple((float(grid[a]), float(grid[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True))
    p_zero = block_p_value(gap_under(0.0, target, donors, pre), length, statistic)
    return AcceptedSet(pieces, p_zero, float(p_values.max()))
