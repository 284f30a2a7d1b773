"""What the evidence model assumes about methods before any reading: one frozen table, each figure with its reason.

What it assumes about channels (return, useless share, bias of claims) stands by class in `models.channel_classes`.
"""

from __future__ import annotations

import math

from pydantic import BaseModel, NonNegativeFloat, PositiveFloat, model_validator


class LogNormalPrior(BaseModel, frozen=True, extra="forbid"):
    """A positive figure whose logarithm is Normal(log(median), log_sd)."""

    median: PositiveFloat
    log_sd: PositiveFloat

    @property
    def log_median(self) -> float:
        return math.log(self.median)


class EvidencePriors(BaseModel, frozen=True, extra="forbid"):
    """Priors of the evidence model; log points (0.3 is about 30 %) unless said otherwise.

    The MMM's error is written on g(iroas) = asinh(iroas / scale): logarithmic where iROAS is well above `scale`, linear
    around zero, so that it can cross zero. Sources and ablations: docs/decisions/0036-evidence-model.md.
    """

    scale: PositiveFloat = 0.25
    # One error for all channels of a company, one per channel; a wide tail of the latter explodes means.
    mmm_bias_sd: PositiveFloat = 0.15
    mmm_noise: LogNormalPrior = LogNormalPrior(median=0.30, log_sd=0.5)
    mmm_noise_most: PositiveFloat = 1.0
    # Error in money, as a share of the booked KPI: an MMM misplaces about as much of it whatever a channel spends.
    # To classes whose budget follows demand it credits hidden demand, so there the error is larger and has a mean.
    mmm_money_error: NonNegativeFloat = 0.0075
    demand_money_error: NonNegativeFloat = 0.02
    demand_money_mean: NonNegativeFloat = 0.02
    # Booked KPI per unit of a channel's spend where an MMM's reading comes without it.
    usual_booked_per_spend: PositiveFloat = 20.0
    # A useless channel returns nothing, or does harm: give or take a fifth of what breaks even (in margin x iROAS).
    useless_sd: PositiveFloat = 0.20
    # An MMM's reading may make uselessness likelier or less likely by so much. Where spend follows demand, what hidden
    # demand adds to a reading has no known bound, so there only a test empties the chance of no effect.
    useless_odds_least: PositiveFloat = 0.1
    demand_useless_odds_least: PositiveFloat = 1.0
    useless_odds_most: PositiveFloat = 3.0
    # Effects move: about 20 % in a year, more with the square root of time.
    drift: PositiveFloat = 0.20
    # What a test misses beside its own standard error (contamination, wrong windows).
    randomised_noise: PositiveFloat = 0.10
    quasi_noise: PositiveFloat = 0.25
    platform_lift_noise: PositiveFloat = 0.15
    # One test in ten is botched; one in fifty is delivered in another unit (percent, or hundreds).
    botched: PositiveFloat = 0.10
    botched_freedom: PositiveFloat = 2.0
    wrong_unit: PositiveFloat = 0.02
    # One claim in four says nothing about the return; claims of one platform share a bias.
    silent_claim: PositiveFloat = 0.25
    silent_median: PositiveFloat = 2.0
    silent_log_sd: PositiveFloat = 1.2
    additive_claim: NonNegativeFloat = 0.5
    tracked_log_sd: PositiveFloat = 0.35
    tracked_most: PositiveFloat = 1.3
    platform_bias_sd: PositiveFloat = 0.40
    # A logarithm needs a floor: below it a claim cannot tell returns apart.
    claim_floor: PositiveFloat = 0.05

    @model_validator(mode="after")
    def shares_are_shares(self) -> EvidencePriors:
        for name in ("botched", "wrong_unit", "silent_claim", "additive_claim"):
            if getattr(self, name) > 1:
                raise ValueError(f"{name}={getattr(self, name)}: a share is at most 1")
        if self.botched + self.wrong_unit >= 1:
            raise ValueError(f"botched={self.botched}, wrong_unit={self.wrong_unit}: no share of sound tests is left")
        for name in ("useless_odds_least", "demand_useless_odds_least"):
            if getattr(self, name) > self.useless_odds_most:
                raise ValueError(f"{name}={getattr(self, name)} is above useless_odds_most={self.useless_odds_most}")
        return self

    def test_noise(self, design: str) -> float:
        """Relative error of a design beside its standard error."""
        return {
            "rct": self.randomised_noise,
            "quasi": self.quasi_noise,
            "platform_lift": self.platform_lift_noise,
        }[design]
