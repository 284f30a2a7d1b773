"""Response curves of separate decisions, per draw, as smooth functions with exact derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVELS = (
    33  # spends per decision at which the response is computed; monotone cubics, which do not overshoot, between them
)
BEYOND = 8  # further spends above the usual range, where a plan needs them


@dataclass(frozen=True, eq=False)
class Curves:
    """Sum of one curve per decision: knots[i] (L_i,) in money, pieces[i] (4, L_i - 1, D) cubic coefficients.

    Beyond the last knot a curve is constant: no plan may gain where nothing was computed.
    """

    knots: tuple[np.ndarray, ...]
    pieces: tuple[np.ndarray, ...]

    @property
    def count(self) -> int:
        """Number of draws."""
        return int(self.pieces[0].shape[2])

    def each(self, x: np.ndarray) -> np.ndarray:
        """Outcome of every decision (D, n)."""
        return np.stack([self.at(i, np.array([v]))[:, 0] for i, v in enumerate(x)], axis=1)

    def value(self, x: np.ndarray) -> np.ndarray:
        """Outcome of all decisions together (D,)."""
        return np.asarray(self.each(x).sum(axis=1))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Extra outcome of the next unit of money in each decision (D, n)."""
        out = np.empty((self.count, len(self.knots)))
        for i, v in enumerate(x):
            k, dx = self._piece(i, np.array([v]))
            a, b, c, _ = self.pieces[i][:, k[0]]
            inside = v < self.knots[i][-1]
            out[:, i] = ((3 * a * dx[0] + 2 * b) * dx[0] + c) if inside else 0.0
        return out

    def at(self, i: int, spends: np.ndarray) -> np.ndarray:
        """One decision's curve at several spends (D, len(spends))."""
        k, dx = self._piece(i, spends)
        a, b, c, d = self.pieces[i][:, k]
        return np.asarray((((a * dx[:, None] + b) * dx[:, None] + c) * dx[:, None] + d).T)

    def next_unit(self, i: int, spends: np.ndarray) -> np.ndarray:
        """One decision's slope at several spends (D, len(spends))."""
        k, dx = self._piece(i, spends)
        a, b, c, _ = self.pieces[i][:, k]
        return np.asarray(((3 * a * dx[:, None] + 2 * b) * dx[:, None] + c).T)

    def own(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outcome and extra outcome of the next unit (D, n) where every draw has its own money x (D, n)."""
        value, slope = np.empty(x.shape), np.empty(x.shape)
        rows = np.arange(self.count)
        for i in range(x.shape[1]):
            k, dx = self._piece(i, x[:, i])
            a, b, c, d = self.pieces[i][:, k, rows]
            value[:, i] = ((a * dx + b) * dx + c) * dx + d
            slope[:, i] = (3 * a * dx + 2 * b) * dx + c
        return value, slope

    def mean(self) -> Curves:
        """The average over draws as one draw: exact, because every draw has the same knots."""
        return Curves(self.knots, tuple(p.mean(axis=2, keepdims=True) for p in self.pieces))

    def some(self, draws: np.ndarray | slice) -> Curves:
        """The chosen draws only."""
        return Curves(self.knots, tuple(p[:, :, draws] for p in self.pieces))

    def _piece(self, i: int, spends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        knots = self.knots[i]
        inside = np.clip(spends, 0.0, knots[-1])
        k = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, knots.size - 2)
        return k, inside - knots[k]


def through(knots: Sequence[np.ndarray], values: Sequence[np.ndarray]) -> Curves:
    """Monotone cubic curves (PCHIP) through values[i] (D, L_i) at knots[i]."""
    from scipy.interpolate import PchipInterpolator

    fits = [PchipInterpolator(k, v, axis=1) for k, v in zip(knots, values, strict=True)]
    return Curves(tuple(np.asarray(k) for k in knots), tuple(np.asarray(f.c) for f in fits))


def spend_grid(usual: float, most: float) -> np.ndarray:
    """Spends from zero to `most`, dense up to `usual`, where curves bend and most plans lie."""
    near = max(min(usual, most), 1e-9)
    dense = np.linspace(0.0, 1.0, LEVELS) ** 1.5 * near
    return dense if most <= near * 1.001 else np.append(dense, np.linspace(near, most, BEYOND + 1)[1:])
