"""Every choice of one MMM, frozen and validated: two fits with equal specs, data and seeds are the same fit."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Annotated, Literal

from pydantic import BaseModel, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

Adstock = Literal["geometric", "weibull"]
Saturation = Literal["hill", "logistic", "exponential"]
Share = Annotated[float, Field(gt=0, lt=1)]


class LogNormal(BaseModel, frozen=True, extra="forbid"):
    """A positive quantity whose logarithm is Normal(mu, sigma)."""

    mu: float
    sigma: PositiveFloat

    @classmethod
    def with_median(cls, median: float, sigma: float) -> LogNormal:
        """The same law by its median: half the prior mass lies below it."""
        if not median > 0:
            raise ValueError(f"median={median}: a log-normal quantity is above zero")
        return cls(mu=log(median), sigma=sigma)

    @property
    def mean(self) -> float:
        """Expected value, above the median because the right tail is long."""
        return exp(self.mu + self.sigma**2 / 2)


class Normal(BaseModel, frozen=True, extra="forbid"):
    """A signed quantity, for effects that may be negative."""

    mu: float
    sigma: PositiveFloat


class ChannelSpec(BaseModel, frozen=True, extra="forbid"):
    """What is believed about one channel before the data; unset fields take the model's defaults.

    At most one of `iroas` (revenue per money spent, over the window), `share` (of the total KPI) and `signed_iroas`
    (may be negative) is set. `half_life` is in weeks whatever the grain of the data.
    """

    iroas: LogNormal | None = None
    share: LogNormal | None = None
    signed_iroas: Normal | None = None
    half_life: LogNormal | None = None
    half_saturation: LogNormal | None = None

    @model_validator(mode="after")
    def one_effect(self) -> ChannelSpec:
        given = [name for name in ("iroas", "share", "signed_iroas") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both set: one prior for one effect")
        return self


class Sampling(BaseModel, frozen=True, extra="forbid"):
    """How long to sample; the escalation ladder may lengthen it, and the fit records what was used."""

    chains: PositiveInt = 4
    tune: PositiveInt = 200
    draws: PositiveInt = 750
    target_accept: Share = 0.9


class MMMSpec(BaseModel, frozen=True, extra="forbid"):
    """The main specification, decided before the data are seen.

    `adstock` and `saturation` may be `auto`: geometric carryover unless the data speak clearly for a delayed one (the
    fit then says so in a warning), and the Hill curve with a slope per channel unless a fixed curve is clearly better
    and the channel went dark now and then. `effect="auto"` takes the money-scale prior when KPI and spend look like
    one currency, else a prior on the share of the KPI. `season_harmonics` and `trend_knots_every_weeks` bound the
    baseline's freedom; how much of it is used is learned. Half-lives are in weeks, half-saturation in multiples of the
    channel's average active period.
    """

    adstock: Adstock | Literal["auto"] = "auto"
    max_lag_weeks: PositiveInt = 13
    saturation: Saturation | Literal["auto"] = "auto"
    free_slope: bool | Literal["auto"] = "auto"
    half_life: LogNormal = LogNormal.with_median(1.5, 0.8)
    half_saturation: LogNormal = LogNormal.with_median(1.5, 0.8)
    delay_shape: LogNormal = LogNormal.with_median(1.0, 0.6)
    slope: LogNormal = LogNormal.with_median(1.4, 0.5)
    effect: Literal["auto", "iroas", "share"] = "auto"
    iroas: LogNormal = LogNormal(mu=0.2, sigma=0.9)
    media_share: Share = 0.35
    share_spread: PositiveFloat = 1.0
    channels: Mapping[str, ChannelSpec] = Field(default_factory=dict)
    season_harmonics: NonNegativeInt | None = None
    weekday: bool = True
    trend_knots_every_weeks: PositiveInt = 13
    geo_effects: bool = True
    geo_trend: bool = True
    size_scaling: Literal["auto", "population", "kpi", "none"] = "auto"
    winsorise_spikes: bool = True
    likelihood: Literal["auto", "normal", "student_t"] = "auto"
    engine: Literal["auto", "kernel", "pymc"] = "auto"
    sampling: Sampling = Sampling()
    plausible_iroas: tuple[NonNegativeFloat, PositiveFloat] = (0.0, 20.0)
    break_even_iroas: PositiveFloat = 1.0

    @model_validator(mode="after")
    def slope_belongs_to_hill(self) -> MMMSpec:
        if self.free_slope is True and self.saturation not in ("hill", "auto"):
            raise ValueError(f"free_slope=True with saturation={self.saturation!r}: only the Hill curve has a slope")
        if self.plausible_iroas[0] >= self.plausible_iroas[1]:
            raise ValueError(f"plausible_iroas={self.plausible_iroas}: the lower bound must be below the upper one")
        return self
