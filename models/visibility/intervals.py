"""Ranges for rates and shares whose answers are clustered: several answers per question, several questions per topic.

Two claims, two ranges. `panel`: these questions, asked again. `category`: new questions like these (wider).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from models.normal_quantile import half_width

ASSUMED_ICC = (
    0.45  # correlation of answers to one question; from consumer questions, until a month of own answers is available
)


@dataclass(frozen=True)
class Rate:
    """A rate with its two ranges; `se` belongs to the panel claim, `category_se` to new questions."""

    value: float
    low: float | None
    high: float | None
    panel_low: float | None
    panel_high: float | None
    se: float | None
    category_se: float | None
    deff: float | None
    n: int
    n_prompts: int


def wilson(rate: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's interval of a share `rate` seen in `n` (effective, may be fractional) draws. Source: Wilson (1927)."""
    rate = round(rate, 12)  # a weighted mean of ones may end a rounding error above one
    if not 0 <= rate <= 1 or n <= 0:
        raise ValueError(f"rate={rate}, n={n}: need a rate between 0 and 1 and n > 0")
    z = half_width(level)
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def clopper_pearson(hits: int, n: int, level: float) -> tuple[float, float]:
    """Exact interval; for events that should never happen. Source: Clopper and Pearson (1934)."""
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def clustered_rate(
    hits: np.ndarray, n: np.ndarray, weight: np.ndarray, topic: np.ndarray, *, level: float, icc: float = ASSUMED_ICC
) -> Rate:
    """Weighted share of answers with an event; arrays of shape (prompts,): events, answers, weight, topic code.

    Panel: within-question variance only, Wilson on the effective n; None unless every question has two answers.
    Category: design effect from the spread between topics, never below what `icc` implies, Wilson on n / deff;
    None with fewer than two topics.
    """
    w, share, total = weight / weight.sum(), hits / n, int(n.sum())
    m = float(np.sum(w * share))
    variance_binomial = m * (1 - m) / total
    panel: tuple[float | None, float | None] = (None, None)
    se = None
    if np.all(n >= 2):
        se2 = float(np.sum(w**2 * share * (1 - share) * n / (n - 1) / n))
        panel = wilson(m, m * (1 - m) / se2 if se2 > 0 else 1 / float(np.sum(w**2 / n)), level)
        se = float(np.sqrt(se2))
    topics = len(np.unique(topic))
    if topics < 2:
        return Rate(m, None, None, *panel, se, None, None, total, len(n))
    moved = np.bincount(np.unique(topic, return_inverse=True)[1], w * (share - m))
    variance_clustered = topics / (topics - 1) * float(np.sum(moved**2))
    assumed = 1 + (total / topics - 1) * icc
    deff = max(1.0, assumed, variance_clustered / variance_binomial if variance_binomial > 0 else 1.0)
    low, high = wilson(m, total / deff, level)
    # At 0 % or 100 % the formula's error is zero; half the interval keeps such an engine from looking certain.
    z = half_width(level)
    category_se = np.sqrt(variance_binomial * deff) if 0 < m < 1 else (high - low) / 2 / z
    return Rate(m, low, high, *panel, se, float(category_se), float(deff), total, len(n))


def clustered_ratio(
    parts: np.ndarray,
    wholes: np.ndarray,
    n: np.ndarray,
    spread: np.ndarray,
    weight: np.ndarray,
    topic: np.ndarray,
    *,
    level: float,
) -> Rate:
    """Share of a total (own citations of all citations); arrays (prompts,): mean part and mean whole per answer.

    `spread` is the within-question variance of part - share * whole over answers, computed at the overall share.
    Category: delete-one-topic jackknife. Panel: linearised within-question variance. Both as Wilson on the n that
    has this variance, so that the range stays inside 0 and 1.
    """
    w = weight / weight.sum()
    whole = float(np.sum(w * wholes))
    m = float(np.sum(w * parts)) / whole
    codes = np.unique(topic, return_inverse=True)[1]
    a, b = np.bincount(codes, w * parts), np.bincount(codes, w * wholes)
    total, topics = int(n.sum()), int(codes.max()) + 1
    panel: tuple[float | None, float | None] = (None, None)
    se = None
    if np.all(n >= 2):
        se = float(np.sqrt(np.sum(w**2 * spread / n))) / whole
        panel = _wilson_of_se(m, se, total, level)
    left = whole - b
    if topics < 3 or np.any(left <= 0):
        return Rate(m, None, None, *panel, se, None, None, total, len(n))
    without = (a.sum() - a) / left
    category_se = float(np.sqrt((topics - 1) / topics * np.sum((without - without.mean()) ** 2)))
    low, high = _wilson_of_se(m, category_se, topics, level)
    return Rate(m, low, high, *panel, se, category_se, None, total, len(n))


def _wilson_of_se(m: float, se: float, n_if_constant: float, level: float) -> tuple[float, float]:
    return wilson(m, m * (1 - m) / se**2 if se > 0 and 0 < m < 1 else n_if_constant, level)
