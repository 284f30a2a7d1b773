"""What a reader may set about learning patterns and about promoting them, with the defaults in one place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt

Design = Literal[
    "within_brief_randomised", "platform_lift", "geo_holdout", "switchback", "platform_ab_divergent", "observational"
]
Tier = Literal["A", "B", "C", "D"]
Outcome = Literal["ctr_log_odds", "incremental_margin_per_1k"]
Risk = Literal["low", "brand", "claim", "regulated"]

TIER_OF_DESIGN: Mapping[Design, Tier] = {
    "platform_lift": "A",
    "geo_holdout": "A",
    "within_brief_randomised": "B",
    "switchback": "C",
    # Each arm of a platform's own A/B goes to whom the platform thinks will click: audience and creative are mixed.
    "platform_ab_divergent": "D",
    "observational": "D",
}


class LearnSpec(BaseModel, frozen=True, extra="forbid"):
    """How effects are estimated from tests.

    `delta` is the smallest effect worth acting on, on the outcome's scale (log-odds of a click, or margin per
    1,000 impressions). `as_of` cuts the data: only weeks that had ended by then count; None takes all weeks.
    `srm_alpha` None switches the traffic-split check off. `tau` fixes the arm-to-arm noise instead of estimating it.
    """

    outcome: Outcome = "ctr_log_odds"
    design: Design = "within_brief_randomised"
    delta: PositiveFloat = 0.01
    min_trials: PositiveInt = 200
    srm_alpha: float | None = Field(default=0.001, gt=0, lt=0.5)
    drift_sd_per_year: NonNegativeFloat = 0.025
    fast_drift_sd_per_year: NonNegativeFloat = 0.10
    fast_namespaces: frozenset[str] = frozenset({"format", "trend"})
    review_years: PositiveFloat = 0.25
    null_weight: float = Field(default=1.0, ge=1.0)
    tau: NonNegativeFloat | None = None
    vocabulary: frozenset[str] | None = None
    placebo_draws: int = Field(default=20, ge=0)
    as_of: date | None = None

    @property
    def tier(self) -> Tier:
        """Tier of evidence of a design: A incremental and randomised … D merely observed."""
        return TIER_OF_DESIGN[self.design]

    def drift_sd(self, feature: str) -> float:
        """Standard deviation by which this feature's true effect wanders in a year."""
        fast = feature.split(".", 1)[0] in self.fast_namespaces
        return self.fast_drift_sd_per_year if fast else self.drift_sd_per_year


class PromotionPolicy(BaseModel, frozen=True, extra="forbid"):
    """The rules of a card's life (configuration `patterns.rules`).

    `risk` maps a feature or a namespace (`offer`) to who must agree; `approved` names the features a person has
    approved; `reach` is the share of a channel's items a feature could apply to, used only to rank.
    """

    provisional_lfsr: PositiveFloat = 0.10
    provisional_contrasts: PositiveInt = 20
    promote_lfsr: PositiveFloat = 0.05
    promote_p_next: PositiveFloat = 0.95
    promote_p_delta: PositiveFloat = 0.90
    neutral_p: PositiveFloat = 0.90
    channel_p: PositiveFloat = 0.80
    narrow_p: PositiveFloat = 0.01
    false_discovery_rate: PositiveFloat = 0.10
    fresh_contrasts: PositiveInt = 5
    max_active_per_channel: PositiveInt = 7
    max_promotions_per_week: PositiveInt = 2
    watch_p: PositiveFloat = 0.80
    retire_p: PositiveFloat = 0.50
    harm_p: PositiveFloat = 0.20
    watch_weeks_before_return: PositiveInt = 4
    watch_weeks_limit: PositiveInt = 8
    alarm_weeks: PositiveInt = 8
    alarm_z: float = Field(default=-2.5, lt=0)
    decline_p: PositiveFloat = 0.90
    overuse_share: PositiveFloat = 0.60
    overuse_weeks: PositiveInt = 4
    max_life_days: PositiveInt = 365
    max_life_days_fast: PositiveInt = 182
    min_kappa: float = 0.7
    kappa: Mapping[str, float] = {}
    risk: Mapping[str, Risk] = {}
    approved: frozenset[str] = frozenset()
    reach: Mapping[str, PositiveFloat] = {}
    switching_cost: NonNegativeFloat = 0.0

    def risk_of(self, feature: str) -> Risk:
        """The risk class of a feature: its own, else its namespace's, else low."""
        return self.risk.get(feature) or self.risk.get(feature.split(".", 1)[0]) or "low"
