"""Shrinkage learned from all candidates together: how large effects of this kind usually are (adaptive shrinkage).

After Stephens (2017), "False discovery rates: a new deal", with a mean per feature and a drift between periods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr


@dataclass(frozen=True)
class ScaleMixture:
    """The spread of true effects around their prior means: weight `weights[k]` on a normal of sd `scales[k]`."""

    scales: np.ndarray
    weights: np.ndarray

    @property
    def sd(self) -> float:
        """Standard deviation of true effects over all candidates."""
        return float(np.sqrt(np.sum(self.weights * self.scales**2)))


@dataclass(frozen=True)
class Posterior:
    """Posterior summaries of each effect; every array has shape (features,)."""

    mean: np.ndarray
    sd: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_gt_0: np.ndarray
    p_gt_0_now: np.ndarray
    p_gt_0_next: np.ndarray
    p_gt_delta: np.ndarray
    p_lt_minus_delta: np.ndarray
    p_abs_lt_delta: np.ndarray
    lfsr: np.ndarray
    expected_gain: np.ndarray


FULL_POOL, NULLS_PER_MISSING = 20, 0.25


def fit_mixture(b: np.ndarray, s: np.ndarray, m: np.ndarray, null_weight: float = 1.0) -> ScaleMixture:
    """Fit the spread of true effects by EM.

    b, s, m: estimates, standard errors, prior means, shape (features,). `null_weight` 1 adds no preference for
    exact zeros; 10 suits many hundreds of candidates only. A pool of fewer than 20 features cannot say how common
    "no effect" is, so it is completed: each missing feature counts as a quarter of one without effect.
    Raises ValueError without estimates or with an s <= 0.
    """
    if not len(b) or np.any(s <= 0):
        raise ValueError(f"{len(b)} estimates, smallest standard error {s.min() if len(s) else 'none'}: need s > 0")
    scales = _grid(b - m, s)
    density = _normal_density((b - m)[:, None], np.sqrt(s[:, None] ** 2 + scales[None, :] ** 2))
    weights = np.full(len(scales), 1 / len(scales))
    extra = np.zeros(len(scales))
    extra[0] = null_weight - 1 + NULLS_PER_MISSING * max(0, FULL_POOL - len(b))
    before = -np.inf
    for _ in range(2000):
        joint = density * weights
        total = joint.sum(axis=1)
        weights = np.maximum((joint / total[:, None]).sum(axis=0) + extra, 0)
        weights /= weights.sum()
        now = float(np.log(total).sum())
        if abs(now - before) < 1e-9 * abs(now):
            break
        before = now
    return ScaleMixture(scales, weights)


def _grid(deviation: np.ndarray, s: np.ndarray) -> np.ndarray:
    smallest = float(s.min()) / 10
    largest = 2 * np.sqrt(max(float(np.max(deviation**2 - s**2)), 0.0))
    steps = max(2, int(np.ceil(np.log(max(largest, smallest) / smallest) / np.log(np.sqrt(2)))) + 1)
    return np.concatenate([[0.0], smallest * np.sqrt(2.0) ** np.arange(steps)])


def _normal_density(x: np.ndarray, sd: np.ndarray) -> np.ndarray:
    # Floored so that an estimate forty errors away from every component cannot divide by zero.
    return np.maximum(np.exp(-0.5 * (x / sd) ** 2) / (sd * np.sqrt(2 * np.pi)), 1e-300)


def posterior(
    b: np.ndarray,
    s: np.ndarray,
    m: np.ndarray,
    scales: np.ndarray,
    weights: np.ndarray,
    *,
    delta: float,
    drift_now: np.ndarray,
    drift_next: np.ndarray,
) -> Posterior:
    """Combine data (b, s) with a mixture of normals around m.

    b, s, m, drift_*: shape (features,); scales, weights: (components,) or (features, components). `drift_now` and
    `drift_next` are variances added for the time since the last data and until the next review. `low, high` are
    the 5 % and 95 % quantiles. `lfsr` is the chance that the sign is wrong or the effect exactly zero.
    """
    scale2 = np.broadcast_to(scales, (len(b), scales.shape[-1])) ** 2
    variance = s[:, None] ** 2 + scale2
    like = _normal_density((b - m)[:, None], np.sqrt(variance)) * weights
    r = like / like.sum(axis=1, keepdims=True)
    kappa = scale2 / variance
    mean_k = m[:, None] + kappa * (b - m)[:, None]
    var_k = s[:, None] ** 2 * kappa
    mean = (r * mean_k).sum(axis=1)
    sd = np.sqrt(np.maximum((r * (var_k + mean_k**2)).sum(axis=1) - mean**2, 0))

    def below(threshold: float | np.ndarray, drift: np.ndarray | float = 0.0, inclusive: bool = False) -> np.ndarray:
        drift = np.broadcast_to(drift, (len(b),))[:, None]
        return (r * _cdf(np.broadcast_to(threshold, (len(b),))[:, None], mean_k, var_k + drift, inclusive)).sum(axis=1)

    negative, positive = below(0.0), 1 - below(0.0, inclusive=True)
    sd_k = np.sqrt(var_k)
    z = np.divide(mean_k, sd_k, out=np.zeros_like(mean_k), where=sd_k > 0)
    bump = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    gain = np.where(sd_k > 0, mean_k * ndtr(z) + sd_k * bump, np.maximum(mean_k, 0))
    low, high = _quantiles(mean, sd, r, mean_k, sd_k)
    return Posterior(
        mean=mean,
        sd=sd,
        low=low,
        high=high,
        p_gt_0=positive,
        p_gt_0_now=1 - below(0.0, drift_now, inclusive=True),
        p_gt_0_next=1 - below(0.0, drift_next, inclusive=True),
        p_gt_delta=1 - below(delta, inclusive=True),
        p_lt_minus_delta=below(-delta),
        p_abs_lt_delta=below(delta) - below(-delta, inclusive=True),
        lfsr=np.clip(np.minimum(negative, positive) + (1 - negative - positive), 0, 1),
        expected_gain=(r * gain).sum(axis=1),
    )


def _cdf(x: np.ndarray, mean: np.ndarray, variance: np.ndarray, inclusive: bool) -> np.ndarray:
    """P(theta < x) per component; a point mass counts as below x only when it is (or, inclusive, equals x)."""
    sd = np.sqrt(variance)
    step = (mean <= x) if inclusive else (mean < x)
    z = np.divide(x - mean, sd, out=np.zeros(np.broadcast(x, mean).shape), where=sd > 0)
    return np.where(sd > 0, ndtr(z), step)


def _quantiles(mean: np.ndarray, sd: np.ndarray, r: np.ndarray, mean_k: np.ndarray, sd_k: np.ndarray) -> np.ndarray:
    """5 % and 95 % quantiles of each mixture, shape (2, features), by bisection within 12 sd of the mean."""
    q = np.array([0.05, 0.95])[:, None]
    low, high = np.stack([mean - 12 * sd - 1e-9] * 2), np.stack([mean + 12 * sd + 1e-9] * 2)
    spread = np.where(sd_k == 0, 1e-300, sd_k)  # a point mass jumps from 0 to 1
    for _ in range(40):
        middle = (low + high) / 2
        under = np.einsum("jk,qjk->qj", r, ndtr((middle[:, :, None] - mean_k) / spread)) < q
        low, high = np.where(under, middle, low), np.where(under, high, middle)
    return (low + high) / 2
