"""What is believed before any reading: one frozen table of priors, each with the reason for its figure."""

from __future__ import annotations

import math

from pydantic import BaseModel, PositiveFloat, model_validator


class LogNormalPrior(BaseModel, frozen=True, extra="forbid"):
    """A positive figure whose logarithm is Normal(log(median), log_sd)."""

    median: PositiveFloat
    log_sd: PositiveFloat

    @property
    def log_median(self) -> float:
        return math.log(self.median)


class EvidencePriors(BaseModel, frozen=True, extra="forbid"):
    """Priors of the evidence model; every scale is in log points (0.3 is about 30 %) unless said otherwise.

    Spreads (`*_noise`, `drift`) are log-normal on purpose: a spread prior that allows 0 lets one method claim
    perfection, which makes intervals too narrow and the sampler diverge.
    """

    # A channel returns about 1.2 per unit spent, give or take a factor of two: budgets survive around break-even.
    level_median: PositiveFloat = 1.2
    level_sd: PositiveFloat = 0.7
    spread_sd: PositiveFloat = 0.6
    class_sd: PositiveFloat = 0.3
    # Effects move: about 20 % in a year, more with the square root of time.
    drift: LogNormalPrior = LogNormalPrior(median=0.20, log_sd=0.5)
    # What a randomised test misses beside its own standard error (contamination, wrong windows); fixed.
    randomised_noise: PositiveFloat = 0.10
    quasi_noise: LogNormalPrior = LogNormalPrior(median=0.25, log_sd=0.5)
    platform_lift_noise: LogNormalPrior = LogNormalPrior(median=0.15, log_sd=0.5)
    # Heavy tails, so that a botched test loses weight without anybody removing it.
    test_tail: PositiveFloat = 4.0
    mmm_bias_sd: PositiveFloat = 0.30
    mmm_noise: LogNormalPrior = LogNormalPrior(median=0.40, log_sd=0.6)
    # Click-based methods overstate: published comparisons with randomised tests find factors of about 1.6 to 5.
    attribution_bias_mean: float = 0.5
    attribution_bias_sd: PositiveFloat = 0.75
    attribution_class_sd: PositiveFloat = 0.3
    attribution_noise: LogNormalPrior = LogNormalPrior(median=0.50, log_sd=0.6)

    @model_validator(mode="after")
    def tails_have_a_mean(self) -> EvidencePriors:
        if self.test_tail <= 2:
            raise ValueError(f"test_tail={self.test_tail}: above 2, or a test's error would have no finite variance")
        return self
