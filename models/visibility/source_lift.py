"""Is a brand named more often where a source is cited? Repeats of one question are the comparison; association only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.normal_quantile import half_width

LEAST_VARIANCE = 0.6


@dataclass(frozen=True)
class SourceLift:
    """Pooled odds ratio with its interval, z, and the strata and answers behind it; `testable`: enough variation."""

    odds_ratio: float
    low: float
    high: float
    z: float
    strata: int
    answers: int
    testable: bool


def source_lift(tables: np.ndarray, *, level: float = 0.90) -> SourceLift | None:
    """Mantel-Haenszel odds ratio over strata; None when no stratum has all margins above zero.

    `tables` (strata, 4): answers with source and brand, source only, brand only, neither; a stratum is one question
    put to one engine. The interval is that of Robins, Breslow and Greenland (1986), with .5 added to both sums. It is
    no effect: the engine may have chosen the source after the brand.
    """
    a, b, c, d = tables.astype(float).T
    full = (a + b > 0) & (c + d > 0) & (a + c > 0) & (b + d > 0)
    a, b, c, d = (part[full] for part in (a, b, c, d))
    n = a + b + c + d
    if not len(n):
        return None
    r, s = a * d / n, b * c / n
    p, q = (a + d) / n, (b + c) / n
    top, bottom = r.sum() + 0.5, s.sum() + 0.5
    variance = float(np.sum((a + b) * (c + d) * (a + c) * (b + d) / (n**2 * np.maximum(n - 1, 1))))
    difference = float(a.sum() - np.sum((a + b) * (a + c) / n))
    log_variance = (
        np.sum(p * r) / (2 * top**2) + np.sum(p * s + q * r) / (2 * top * bottom) + np.sum(q * s) / (2 * bottom**2)
    )
    reach = half_width(level) * float(np.sqrt(log_variance))
    odds = float(top / bottom)
    z = difference / variance**0.5 if variance > 0 else 0.0
    return SourceLift(
        odds, odds * np.exp(-reach), odds * np.exp(reach), z, len(n), int(n.sum()), variance >= LEAST_VARIANCE
    )
