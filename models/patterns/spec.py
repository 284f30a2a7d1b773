"""What may be set about learning patterns, with the defaults in one place; a card's rules are in `pattern_rules`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from models.pattern_rules import PromotionPolicy, Risk

__all__ = ["TIER_OF_DESIGN", "Design", "LearnSpec", "Outcome", "PromotionPolicy", "Risk", "Tier"]

Design = Literal[
    "within_brief_randomised", "platform_lift", "geo_holdout", "switchback", "platform_ab_divergent", "observational"
]
Tier = Literal["A", "B", "C", "D"]
Outcome = Literal["ctr_log_odds", "incremental_margin_per_1k"]

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
    `exclusive` names the namespaces of whose features a piece has one (its hook, its length).
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
    exclusive: frozenset[str] = frozenset()
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
