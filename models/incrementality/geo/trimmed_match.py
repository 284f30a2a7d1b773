"""Trimmed match: iROAS from matched pairs of geos, robust to a few outlying pairs."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

TIE_BREAK = 2.0**-40  # relative nudge that orders pairs with equal values


@dataclass(frozen=True)
class TrimmedMatch:
    """iROAS, its standard error, pairs trimmed per side, and the accepted set of values at `level`.

    `segments` are the pieces of the accepted set: more than one piece or an infinite end is a finding about the
    data, shown as it is. `low` and `high` are its outer ends.
    """

    iroas: float
    standard_error: float
    trimmed: int
    pairs: int
    level: float
    segments: tuple[tuple[float, float], ...]

    @property
    def low(self) -> float:
        return self.segments[0][0] if self.segments else float("nan")

    @property
    def high(self) -> float:
        return self.segments[-1][1] if self.segments else float("nan")


def trimmed_match(
    response: np.ndarray, spend: np.ndarray, level: float = 0.9, *, trim: int | None = None
) -> TrimmedMatch:
    """From pair differences (treated - control) of response (n,) and spend (n,).

    `trim` pairs per side are set aside; unset, the smallest trim whose standard error is within a factor
    1 + .25/sqrt(n) of the best, at most a quarter per side. Raises ValueError below three pairs or without any
    spend difference. Source: Chen and Au (2022).
    """
    count = response.size
    if count < 3 or spend.size != count:
        raise ValueError(
            f"{count} response and {spend.size} spend differences: at least three pairs are needed, one of each"
        )
    if not np.any(spend):
        raise ValueError("no pair differs in spend: there is no return to estimate")
    nudge = 1 + TIE_BREAK * np.arange(1, count + 1)
    response, spend = response * nudge, spend * nudge
    breaks = _breakpoints(response, spend)
    if trim is None:
        most = int(min(0.25, 0.5 - 1 / count) * count + 1e-9)
        candidates = [_estimate(response, spend, k, breaks) for k in range(most + 1)]
        best = min(error for _, error in candidates)
        trim = next(k for k, (_, e) in enumerate(candidates) if e <= (1 + 0.25 / sqrt(count)) * best)
    point, error = _estimate(response, spend, trim, breaks)
    return TrimmedMatch(point, error, trim, count, level, _accepted(response, spend, trim, level, breaks))


def _breakpoints(response: np.ndarray, spend: np.ndarray) -> np.ndarray:
    """Values of iROAS at which two pairs swap places in the order of residuals."""
    first, second = np.triu_indices(response.size, 1)
    apart = spend[first] - spend[second]
    moving = apart != 0
    return np.unique((response[first] - response[second])[moving] / apart[moving])


def _middle_points(breaks: np.ndarray) -> np.ndarray:
    if breaks.size == 0:
        return np.zeros(1)
    inner = (breaks[1:] + breaks[:-1]) / 2
    return np.concatenate([[breaks[0] - 1 - abs(breaks[0])], inner, [breaks[-1] + 1 + abs(breaks[-1])]])


def _orders(response: np.ndarray, spend: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Order of the residuals (segments, n) inside every segment between two breakpoints."""
    return np.argsort(response - _middle_points(breaks)[:, None] * spend, axis=1, kind="stable")


def _estimate(response: np.ndarray, spend: np.ndarray, trim: int, breaks: np.ndarray) -> tuple[float, float]:
    count = response.size
    if trim == 0:
        if spend.sum() == 0:
            return float("nan"), inf
        point = float(response.sum() / spend.sum())
        return point, _standard_error(response, spend, 0, point)
    untrimmed = _orders(response, spend, breaks)[:, trim : count - trim]
    paid = spend[untrimmed].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = response[untrimmed].sum(axis=1) / paid
    edges = np.concatenate([[-inf], breaks, [inf]])
    slack = 1e-12 * np.abs(np.nan_to_num(ratio))
    roots = ratio[(paid != 0) & (ratio >= edges[:-1] - slack) & (ratio <= edges[1:] + slack)]
    if roots.size == 0:
        return float("nan"), inf
    point = float(min(np.unique(roots), key=lambda root: _asymmetry(response - root * spend, trim)))
    return point, _standard_error(response, spend, trim, point)


def _asymmetry(residuals: np.ndarray, trim: int) -> float:
    ordered = np.sort(residuals)
    inner = slice(trim, residuals.size - trim)
    return float(np.abs(ordered + ordered[::-1])[inner].mean())


def _standard_error(response: np.ndarray, spend: np.ndarray, trim: int, point: float) -> float:
    residuals = response - point * spend
    order = np.argsort(residuals, kind="stable")
    ordered = residuals[order]
    untrimmed = slice(trim, residuals.size - trim)
    ends = trim * (ordered[trim] ** 2 + ordered[residuals.size - trim - 1] ** 2)
    paid = abs(float(spend[order][untrimmed].sum()))
    return sqrt(ends + float((ordered[untrimmed] ** 2).sum())) / paid if paid else inf


def _accepted(
    response: np.ndarray, spend: np.ndarray, trim: int, level: float, breaks: np.ndarray
) -> tuple[tuple[float, float], ...]:
    """All values whose trimmed t-statistic stays within the normal quantile, solved as a quadratic per segment."""
    from scipy import stats

    count = response.size
    kept_count = count - 2 * trim
    orders = _orders(response, spend, breaks)
    edges = np.concatenate([[-inf], breaks, [inf]])
    scale = float(stats.norm.ppf((1 + level) / 2)) ** 2 * kept_count / (kept_count - 1)
    pieces: list[list[float]] = []
    for order, low, high in zip(orders, edges[:-1], edges[1:], strict=True):
        inner = np.clip(np.arange(count), trim, count - trim - 1)
        r, c = response[order][inner], spend[order][inner]
        untrimmed = order[trim : count - trim]
        sum_r, sum_c = float(response[untrimmed].sum()), float(spend[untrimmed].sum())
        r, c = r - r.mean(), c - c.mean()
        # (sum_r - th sum_c)^2 <= scale * sum (r - th c)^2
        a = sum_c**2 - scale * float(c @ c)
        b = -2 * (sum_r * sum_c - scale * float(r @ c))
        d = sum_r**2 - scale * float(r @ r)
        for start, stop in _below_zero(a, b, d):
            start, stop = max(start, low), min(stop, high)
            if start > stop:
                continue
            if pieces and start <= pieces[-1][1] + 1e-9 * (1 + abs(start)):
                pieces[-1][1] = max(pieces[-1][1], stop)
            else:
                pieces.append([start, stop])
    return tuple((start, stop) for start, stop in pieces)


def _below_zero(a: float, b: float, d: float) -> list[tuple[float, float]]:
    """Where a x^2 + b x + d <= 0."""
    if a == 0:
        if b == 0:
            return [(-inf, inf)] if d <= 0 else []
        return [(-inf, -d / b)] if b > 0 else [(-d / b, inf)]
    root = b * b - 4 * a * d
    if root < 0:
        return [(-inf, inf)] if a < 0 else []
    small, large = sorted(((-b - sqrt(root)) / (2 * a), (-b + sqrt(root)) / (2 * a)))
    return [(small, large)] if a > 0 else [(-inf, small), (large, inf)]
