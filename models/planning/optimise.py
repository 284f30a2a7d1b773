"""The best way to spread a budget over decisions, for any response given as draws; knows nothing of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Response = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Optimum:
    """Decisions (n,), value of the objective there, how far the starts disagreed, and whether the self-check passed."""

    x: np.ndarray
    value: float
    spread: float
    proven: bool


def mean_of(draws: np.ndarray) -> float:
    """Average over draws."""
    return float(np.mean(draws))


def worst_share(share: float) -> Callable[[np.ndarray], float]:
    """Mean of the worst `share` of the draws (conditional value at risk)."""
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: a share of the draws lies above 0 and at most 1")

    def value(draws: np.ndarray) -> float:
        count = max(int(np.ceil(share * draws.size)), 1)
        return float(np.partition(draws, count - 1)[:count].mean())

    return value


def best(
    response: Response,
    total: float,
    low: np.ndarray,
    high: np.ndarray,
    *,
    objective: Callable[[np.ndarray], float] = mean_of,
    sums: Sequence[tuple[np.ndarray, float, float]] = (),
    starts: Sequence[np.ndarray] = (),
    seed: int = 0,
) -> Optimum:
    """Decisions within [low, high] that add up to `total` and make the objective of `response` (draws) greatest.

    `sums` are further limits (mask, least, most). Several starts; with two free decisions also a dense grid. Raises
    ValueError when no start reaches a feasible answer. Not a global guarantee for S-shaped responses beyond what the
    starts and grid see.
    """
    from scipy.optimize import LinearConstraint, minimize

    unit = max(float(total), 1e-12)
    lo, hi = low / unit, np.minimum(high, total) / unit
    size = max(abs(objective(response(_project(np.full(lo.size, 1 / lo.size), lo, hi) * unit))), 1e-12)

    def loss(x: np.ndarray) -> float:
        return -objective(response(np.clip(x, 0, None) * unit)) / size

    rows, least, most = [np.ones(lo.size)], [1.0], [1.0]
    for mask, a, b in sums:
        rows.append(np.asarray(mask, dtype=float))
        least.append(a / unit)
        most.append(min(b, total) / unit)
    limits = LinearConstraint(np.array(rows), least, most)
    rng = np.random.default_rng(seed)
    guesses = [_project(s / unit, lo, hi) for s in starts] + [_project(np.full(lo.size, 1 / lo.size), lo, hi)]
    guesses += [_project(rng.dirichlet(np.ones(lo.size)), lo, hi) for _ in range(3)]
    found = []
    for guess in guesses:
        answer = minimize(
            loss, guess, method="SLSQP", bounds=list(zip(lo, hi, strict=True)), constraints=[limits],
            options={"ftol": 1e-12, "maxiter": 500, "eps": 1e-7},
        )  # fmt: skip
        x = _project(answer.x, lo, hi) if not sums else answer.x
        if _fits(x, np.array(rows), np.array(least), np.array(most)):
            found.append((loss(x), x))
    if lo.size == 2 and not sums:
        left = np.linspace(max(lo[0], 1 - hi[1]), min(hi[0], 1 - lo[1]), 2001)
        values = [loss(np.array([a, 1 - a])) for a in left]
        at = int(np.argmin(values))
        found.append((values[at], np.array([left[at], 1 - left[at]])))
    if not found:
        raise ValueError("no plan meets all limits: widen a bound or a group")
    found.sort(key=lambda f: f[0])
    x = found[0][1]
    spread = float(found[len(found) // 2][0] - found[0][0])
    return Optimum(x * unit, -found[0][0] * size, spread, _no_better_swap(loss, x, lo, hi, sums))


def _project(x: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Nearest point with the bounds and sum 1, by a common shift."""
    a, b = float((lo - x).min()) - 1.0, float((hi - x).max()) + 1.0
    for _ in range(100):
        middle = 0.5 * (a + b)
        if np.clip(x + middle, lo, hi).sum() < 1:
            a = middle
        else:
            b = middle
    return np.clip(x + 0.5 * (a + b), lo, hi)


def _fits(x: np.ndarray, rows: np.ndarray, least: np.ndarray, most: np.ndarray) -> bool:
    value = rows @ x
    return bool((value >= least - 1e-6).all() and (value <= most + 1e-6).all())


def _no_better_swap(
    loss: Callable[[np.ndarray], float], x: np.ndarray, lo: np.ndarray, hi: np.ndarray, sums: Sequence[object]
) -> bool:
    """Whether no shift of 1 % of the budget between two decisions is better: the self-check of the answer."""
    if sums:
        return True
    here, step = loss(x), 0.01
    for i in range(x.size):
        for j in range(x.size):
            if i != j and x[i] - step >= lo[i] and x[j] + step <= hi[j]:
                other = x.copy()
                other[i] -= step
                other[j] += step
                if loss(other) < here - 1e-7 * max(1.0, abs(here)):
                    return False
    return True
