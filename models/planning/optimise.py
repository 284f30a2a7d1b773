"""The best allocation of a budget over decisions, for any response given as draws, independent of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.planning.no_plan import NoPlan
from models.planning.objective import Aim, mean_of, worst_share

__all__ = ["Optimum", "best", "mean_of", "worst_share"]
Response = Callable[[np.ndarray], np.ndarray]
Sums = tuple[np.ndarray, float, float]  # weights of the decisions, least and most of their weighted sum
NUMERICAL_NOISE = 1e-7  # relative to the objective: a smaller improvement does not count
POLISH = 60  # linear-programming steps after the solver
MANY = 12  # with more decisions, only one start is used and the swap check tries this many givers and takers


@dataclass(frozen=True, eq=False)
class Optimum:
    """Decisions (n,), the objective there, the spread over starts, and whether the self-check passed."""

    x: np.ndarray
    value: float
    spread: float
    proven: bool


def best(
    response: Response,
    total: float,
    low: np.ndarray,
    high: np.ndarray,
    *,
    objective: Callable[[np.ndarray], float] = mean_of,
    gradient: Response | None = None,
    sums: Sequence[Sums] = (),
    starts: Sequence[np.ndarray] = (),
    seed: int = 0,
    random_starts: int = 3,
    checked: bool = True,
) -> Optimum:
    """Decisions within [low, high] that add up to `total` and maximise the objective of `response` (draws).

    `gradient` gives the derivative of every draw with respect to every decision (D, n); without it, or with an
    objective that is not an `Aim`, finite differences are used. `sums` are further limits: least <= weights @
    decisions <= most. Several starts; with two free decisions also a dense grid. The self-check tries every swap of 1
    % of the budget that the limits allow, and the best step that a linear programme finds. `checked=False` skips it,
    for scans over many budgets. Raises NoPlan when no start reaches a feasible point. The optimum is not guaranteed to
    be global for S-shaped responses.
    """
    from scipy.optimize import LinearConstraint, minimize

    unit = max(float(total), 1e-12)
    lo, hi = low / unit, np.minimum(high, total) / unit
    rng = np.random.default_rng(seed)
    guesses = [_project(s / unit, lo, hi) for s in starts] + [_project(np.full(lo.size, 1 / lo.size), lo, hi)]
    guesses += [_project(rng.dirichlet(np.ones(lo.size)), lo, hi) for _ in range(random_starts)]
    size = max(*(float(np.abs(response(g * unit)).mean()) for g in guesses), 1e-12)

    last = {b"": np.zeros(0)}

    def draws(at: np.ndarray) -> np.ndarray:  # the solver evaluates the slope where it has just evaluated the value
        key = at.tobytes()
        if key not in last:
            last.clear()
            last[key] = response(at)
        return last[key]

    def loss(x: np.ndarray) -> float:
        return -objective(draws(np.clip(x, 0, None) * unit)) / size

    def slope(x: np.ndarray) -> np.ndarray:
        at = np.clip(x, 0, None) * unit
        assert gradient is not None
        assert isinstance(objective, Aim)
        return np.asarray(-(objective.weights(draws(at)) @ gradient(at)) * unit / size)

    exact = slope if gradient is not None and isinstance(objective, Aim) else None
    rows = np.array([np.ones(lo.size), *(np.asarray(mask, dtype=float) for mask, _, _ in sums)])
    least = np.array([1.0, *(a / unit for _, a, _ in sums)])
    most = np.array([1.0, *(b / unit for _, _, b in sums)])
    inside = Inside(lo, hi, rows, least, most)
    if lo.size > MANY and any(inside.holds(g) for g in guesses):  # each start costs seconds, and the best one is enough
        guesses = [min((g for g in guesses if inside.holds(g)), key=loss)]
    equal = least == most
    limits = [LinearConstraint(rows[k], least[k], most[k]) for k in (equal, ~equal) if k.any()]
    candidates = []
    for guess in guesses:
        answer = minimize(
            loss,
            guess,
            method="SLSQP",
            jac=exact,
            bounds=list(zip(lo, hi, strict=True)),
            constraints=limits,
            options={"ftol": 1e-12 if lo.size <= MANY else 1e-8, "maxiter": 500, "eps": 1e-7},
        )
        for point in (answer.x, guess):
            x = _project(point, lo, hi) if not len(sums) else np.clip(point, lo, hi)
            if inside.holds(x):
                candidates.append((loss(x), x))
    if checked and lo.size == 2 and not len(sums):
        left = np.linspace(max(lo[0], 1 - hi[1]), min(hi[0], 1 - lo[1]), 2001)
        values = [loss(np.array([a, 1 - a])) for a in left]
        at = int(np.argmin(values))
        candidates.append((values[at], np.array([left[at], 1 - left[at]])))
    if not candidates:
        raise NoPlan("no plan meets all limits: relax a bound or a group")
    candidates.sort(key=lambda candidate: candidate[0])
    x = candidates[0][1]
    spread = float(candidates[len(candidates) // 2][0] - candidates[0][0])
    for _ in range(POLISH if exact and checked else 0):  # a worst share has kinks, where a smooth solver stops early
        further = _better_step(loss, exact, x, inside)
        if further is None:
            break
        x = further
    proven = (
        checked
        and _no_better_swap(loss, exact, x, inside)
        and (exact is None or _better_step(loss, exact, x, inside) is None)
    )
    return Optimum(x * unit, -loss(x) * size, spread, proven)


@dataclass(frozen=True, eq=False)
class Inside:
    """All limits of a plan in shares of the budget: bounds lo, hi (n,) and least <= rows @ x <= most."""

    lo: np.ndarray
    hi: np.ndarray
    rows: np.ndarray
    least: np.ndarray
    most: np.ndarray

    def holds(self, x: np.ndarray) -> bool:
        """Whether all sums are kept, to a millionth of the budget."""
        value = self.rows @ x
        return bool((value >= self.least - 1e-6).all() and (value <= self.most + 1e-6).all())


def feasible(
    total: float, low: np.ndarray, high: np.ndarray, sums: Sequence[Sums], target: np.ndarray
) -> np.ndarray | None:
    """The decisions nearest to `target` (least money moved) that meet all limits and add up to `total`, or None."""
    from scipy.optimize import linprog

    n, unit = low.size, max(float(total), 1e-12)
    upper, bound = [], []
    for weights, least, most in sums:
        if np.isfinite(most):
            upper.append(np.concatenate([weights, np.zeros(2 * n)]))
            bound.append(most / unit)
        if np.isfinite(least):
            upper.append(np.concatenate([-np.asarray(weights, dtype=float), np.zeros(2 * n)]))
            bound.append(-least / unit)
    equal = np.hstack([np.eye(n), -np.eye(n), np.eye(n)])  # x - more + less = target
    equal = np.vstack([equal, np.concatenate([np.ones(n), np.zeros(2 * n)])])
    limits = [(a / unit, min(b, total) / unit) for a, b in zip(low, high, strict=True)] + [(0, None)] * (2 * n)
    answer = linprog(
        np.concatenate([np.zeros(n), np.ones(2 * n)]),
        A_ub=np.array(upper) if upper else None,
        b_ub=np.array(bound) if bound else None,
        A_eq=equal,
        b_eq=np.append(target / unit, 1.0),
        bounds=limits,
        method="highs",
    )
    return answer.x[:n] * unit if answer.status == 0 else None


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


def _better(loss: Callable[[np.ndarray], float], x: np.ndarray, here: float) -> bool:
    return loss(x) < here - NUMERICAL_NOISE * max(1.0, abs(here))


def _no_better_swap(loss: Callable[[np.ndarray], float], slope: Response | None, x: np.ndarray, inside: Inside) -> bool:
    """Whether no shift of 1 % of the budget between two decisions that keeps all limits is better.

    With many decisions, only from those with the lowest marginal return to those with the highest.
    """
    here, step = loss(x), 0.01
    givers, takers = np.flatnonzero(x - step >= inside.lo), np.flatnonzero(x + step <= inside.hi)
    if slope is not None and x.size > MANY:
        order = slope(x)
        givers, takers = givers[np.argsort(-order[givers])][:MANY], takers[np.argsort(order[takers])][:MANY]
    for i in givers:
        for j in takers:
            other = x.copy()
            other[i] -= step
            other[j] += step
            if i != j and inside.holds(other) and _better(loss, other, here):
                return False
    return True


def _better_step(
    loss: Callable[[np.ndarray], float], slope: Response | None, x: np.ndarray, inside: Inside
) -> np.ndarray | None:
    """A better plan along the feasible step with the steepest predicted improvement (a linear programme), or None."""
    from scipy.optimize import linprog

    assert slope is not None
    here, value, down = loss(x), inside.rows @ x, slope(x)
    for reach in (0.03, 0.005, 0.0005):
        limits = list(zip(np.maximum(inside.lo - x, -reach), np.minimum(inside.hi - x, reach), strict=True))
        finite = [(inside.rows, inside.most - value), (-inside.rows, value - inside.least)]
        upper = np.vstack([r[np.isfinite(b)] for r, b in finite])
        room = np.concatenate([np.maximum(b[np.isfinite(b)], 0.0) for _, b in finite])
        answer = linprog(down, A_ub=upper, b_ub=room, bounds=limits, method="highs")
        for part in (1.0, 0.3) if answer.status == 0 else ():
            if _better(loss, x + part * answer.x, here):
                return np.asarray(x + part * answer.x)
    return None
