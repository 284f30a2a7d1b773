"""Rates read off by an imperfect labeller, corrected by what a golden set says about its errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.error import PlumblineError
from models.normal_quantile import half_width

LEAST_INFORMATION = 1.5  # sensitivity + specificity below which labels say too little to correct


class LabelError(PlumblineError, ValueError):
    """Labels or golden sets from which no corrected rate can be computed."""


@dataclass(frozen=True)
class CorrectedRate:
    """A rate with its standard error and range inside 0 and 1; `correction` = rate minus the observed one."""

    value: float
    se: float
    low: float
    high: float
    correction: float


@dataclass(frozen=True)
class GoldenCounts:
    """A labeller against people: it found `found` of the `positives`, and left alone `kept` of the `negatives`."""

    positives: int
    found: int
    negatives: int
    kept: int

    def __post_init__(self) -> None:
        if not (0 <= self.found <= self.positives and 0 <= self.kept <= self.negatives):
            raise LabelError(f"golden counts {self}: found and kept cannot exceed positives and negatives")
        if not (self.positives and self.negatives):
            raise LabelError(f"golden counts {self}: label at least one true and one false item of this engine")


def corrected_rate(observed: float, n_effective: float, golden: GoldenCounts, *, level: float = 0.90) -> CorrectedRate:
    """The true rate behind an observed one, with the uncertainty of the rate and of the labeller's error rates.

    `observed` is a share of `n_effective` independent answers (answers over their design effect). Raises LabelError
    when sensitivity plus specificity is below 1.5. Source: Rogan and Gladen (1978), variance by the delta method. The
    golden set must have the engine's kind of answers, not be drawn from these; `rate_with_golden_sample` is for that.
    """
    if not 0 <= observed <= 1 or n_effective <= 0:
        raise LabelError(f"observed={observed}, n_effective={n_effective}: need a share between 0 and 1 and n > 0")
    se, sp = golden.found / golden.positives, golden.kept / golden.negatives
    information = se + sp - 1
    if se + sp < LEAST_INFORMATION:
        raise LabelError(
            f"sensitivity {se:.2f} + specificity {sp:.2f} is below {LEAST_INFORMATION}: the labels say too little",
            fix="improve the extractor or its prompt before using this rate",
        )
    value = min(1.0, max(0.0, (observed + sp - 1) / information))
    variance = (
        observed * (1 - observed) / n_effective
        + value**2 * se * (1 - se) / golden.positives
        + (1 - value) ** 2 * sp * (1 - sp) / golden.negatives
    ) / information**2
    return _rate(value, float(np.sqrt(variance)), observed, level)


def rate_with_golden_sample(
    labels: np.ndarray, sample_labels: np.ndarray, sample_truth: np.ndarray, *, level: float = 0.90
) -> CorrectedRate:
    """The mean of the truth where a random sample of the week's own answers was labelled by people as well.

    Arrays of 0 and 1: `labels` of all answers (N,), machine and human labels of the sample (n,). Prediction-powered
    inference: mean(labels) + mean(truth - label in the sample), variances added. Unbiased however bad the labeller is;
    it only gets wide. Raises LabelError for fewer than two sampled answers. Source: Angelopoulos et al. (2023).
    """
    labels, told, truth = (np.asarray(a, dtype=float) for a in (labels, sample_labels, sample_truth))
    if len(told) != len(truth) or len(told) < 2 or len(labels) < 2:
        raise LabelError(f"{len(labels)} labels, {len(told)} sampled labels, {len(truth)} truths: need two of each")
    gap = truth - told
    value = float(labels.mean() + gap.mean())
    se = float(np.sqrt(labels.var(ddof=1) / len(labels) + gap.var(ddof=1) / len(gap)))
    return _rate(min(1.0, max(0.0, value)), se, float(labels.mean()), level)


def _rate(value: float, se: float, observed: float, level: float) -> CorrectedRate:
    reach = half_width(level) * se
    return CorrectedRate(value, se, max(0.0, value - reach), min(1.0, value + reach), value - observed)
