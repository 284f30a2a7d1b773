"""The rules of the pattern feed that plumbline.yaml may set: a card's life, and how cards are dealt out.

Light on purpose: the settings read it at every command. What the rules do is in `models.patterns`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt

Risk = Literal["low", "brand", "claim", "regulated"]


class PromotionPolicy(BaseModel, frozen=True, extra="forbid"):
    """The rules of a card's life (configuration `patterns.rules`).

    `risk` maps a feature or a namespace (`offer`) to who must agree; `approved` names the features a person has
    approved; `reach` is the share of a channel's items a feature could apply to, used only to rank. `reread` is the
    Monday of the week in which a feature's extractor changed. A card that reaches more than `person_above_reach` of the
    budget needs a person.
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
    winner_p: float = Field(default=0.90, gt=0.5, lt=1)
    winner_spread: NonNegativeFloat = 1.0
    person_above_reach: float = Field(default=0.30, gt=0, le=1)
    reread: Mapping[str, date] = {}

    def risk_of(self, feature: str) -> Risk:
        """The risk class of a feature: its own, else its namespace's, else low."""
        return self.risk.get(feature) or self.risk.get(feature.split(".", 1)[0]) or "low"


class ExposureRules(BaseModel, frozen=True, extra="forbid"):
    """How cards are dealt out: at most `slots` per variant, each open with probability 1 - `explore_floor`.

    In a share `pair_share` of the briefs one of the first two variants, drawn by a fair coin, receives no card: the
    difference between the two is what the feed is worth.
    """

    slots: int = Field(default=2, ge=1, le=4)
    explore_floor: float = Field(default=0.30, ge=0.05, le=0.95)
    pair_share: float = Field(default=0.30, ge=0.05, le=1.0)
