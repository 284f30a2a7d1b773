"""Every choice of one MMM, frozen and validated: two fits with equal specs, data and seeds are the same fit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Date
from math import exp, log
from typing import Annotated, Literal

from pydantic import BaseModel, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

Adstock = Literal["geometric", "weibull", "delayed"]
Saturation = Literal["hill", "logistic", "exponential", "michaelis_menten"]
Share = Annotated[float, Field(gt=0, lt=1)]
EFFECTS = ("iroas", "mroas", "share", "coefficient", "signed_iroas")


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
    """Priors of one channel; unset fields take the model's defaults.

    At most one prior of the effect is set: `iroas` (revenue per money spent, over the window), `mroas` (revenue of
    the next 1 % of spend, per that money), `share` (of the total KPI), `coefficient` (the greatest effect a period can
    have, in multiples of the KPI's usual period) or `signed_iroas` (may be negative). `half_life` is in weeks whatever
    the grain of the data, and so is `peak_lag`; where any channel has one, only those peak late under
    `adstock="delayed"`. `half_saturation` of a reach channel is in exposures per person. `from_class` says that the
    prior of the effect is that of the channel's class and no statement about this channel: the fit may then widen it or
    allow a negative effect where the data contradict it, as it may for the default.
    """

    iroas: LogNormal | None = None
    mroas: LogNormal | None = None
    share: LogNormal | None = None
    coefficient: LogNormal | None = None
    signed_iroas: Normal | None = None
    half_life: LogNormal | None = None
    half_saturation: LogNormal | None = None
    peak_lag: LogNormal | None = None
    from_class: bool = False

    @model_validator(mode="after")
    def one_effect(self) -> ChannelSpec:
        given = [name for name in EFFECTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both set: one prior for one effect")
        return self


class Sampling(BaseModel, frozen=True, extra="forbid"):
    """How long to sample. A fit that fails a gate is sampled longer, `attempts` times in all; the fit records what was
    used."""

    chains: PositiveInt = 4
    tune: PositiveInt = 200
    draws: PositiveInt = 750
    target_accept: Share = 0.9
    attempts: Annotated[int, Field(ge=1, le=3)] = 3


class MMMSpec(BaseModel, frozen=True, extra="forbid"):
    """The main specification, decided before the data are seen.

    `adstock` and `saturation` may be `auto`: geometric carryover unless the data clearly favour a delayed one (the
    fit then says so in a warning), and the Hill curve with a slope per channel unless a fixed curve is clearly better
    and the channel was off at times. `weibull` is a carryover whose delay is
    learned and may be none, `delayed` one that peaks `peak_lag` weeks after the spend and falls on both sides;
    `michaelis_menten` is Hill with slope 1. `order` says whether spend first carries over or first saturates.
    `effect="auto"` takes the money-scale prior when KPI and spend look like one currency, else a prior on the share of
    the KPI. Half-lives are in weeks, half-saturation in multiples of the channel's average active period; a reach
    channel saturates in its frequency instead, by `frequency_half` exposures per person and `frequency_slope`.

    `season_harmonics` and `trend_knots_every_weeks` bound the baseline's freedom; how much of it is used is learned.
    `trend="gp"` replaces the knots by a smooth curve that forgets over `gp_length_weeks`. Each of `change_points` lets
    the level step at that date without shrinkage. A series with a measurement error enters by its expected true value
    (`calibrated`) or as unknown values of its own (`latent`, PyMC).
    """

    adstock: Adstock | Literal["auto"] = "auto"
    max_lag_weeks: PositiveInt = 13
    saturation: Saturation | Literal["auto"] = "auto"
    free_slope: bool | Literal["auto"] = "auto"
    half_life: LogNormal = LogNormal.with_median(1.5, 0.8)
    half_saturation: LogNormal = LogNormal.with_median(1.5, 0.8)
    delay_shape: LogNormal = LogNormal.with_median(1.0, 0.6)
    slope: LogNormal = LogNormal.with_median(1.4, 0.5)
    order: Literal["adstock_first", "saturation_first"] = "adstock_first"
    peak_lag: LogNormal = LogNormal.with_median(2.0, 0.5)
    frequency_half: LogNormal = LogNormal.with_median(2.1, 0.4)
    frequency_slope: LogNormal = LogNormal.with_median(2.0, 0.4)
    measurement: Literal["calibrated", "latent"] = "calibrated"
    effect: Literal["auto", "iroas", "share"] = "auto"
    iroas: LogNormal = LogNormal(mu=0.2, sigma=0.9)
    media_share: Share = 0.35
    share_spread: PositiveFloat = 1.0
    channels: Mapping[str, ChannelSpec] = Field(default_factory=dict)
    season_harmonics: NonNegativeInt | None = None
    weekday: bool = True
    trend: Literal["knots", "gp"] = "knots"
    trend_knots_every_weeks: PositiveInt = 13
    gp_length_weeks: PositiveFloat = 26.0
    change_points: tuple[Date, ...] = ()
    geo_effects: bool = True
    geo_trend: bool = True
    size_scaling: Literal["auto", "population", "kpi", "none"] = "auto"
    winsorise_spikes: bool = True
    likelihood: Literal["auto", "normal", "student_t"] = "auto"
    engine: Literal["auto", "kernel", "pymc"] = "auto"
    sampling: Sampling = Sampling()
    plausible_iroas: tuple[NonNegativeFloat, PositiveFloat] = (0.0, 20.0)
    break_even_iroas: PositiveFloat = 1.0

    def stated(self, channel: str) -> bool:
        """Whether the prior of this channel's effect is the analyst's own, so that no fit may change it."""
        own = self.channels.get(channel)
        return own is not None and not own.from_class

    def widened(self, factor: float) -> MMMSpec:
        """The same spec with every prior of iROAS that nobody stated `factor` times as wide, in log sd."""
        channels = {
            name: own.model_copy(update={"iroas": own.iroas.model_copy(update={"sigma": own.iroas.sigma * factor})})
            if own.from_class and own.iroas is not None
            else own
            for name, own in self.channels.items()
        }
        default = self.iroas.model_copy(update={"sigma": self.iroas.sigma * factor})
        return self.model_copy(update={"iroas": default, "channels": channels})

    @model_validator(mode="after")
    def slope_belongs_to_hill(self) -> MMMSpec:
        if len(set(self.change_points)) < len(self.change_points):
            raise ValueError(f"change_points={[str(d) for d in self.change_points]}: a date is given twice")
        if self.free_slope is True and self.saturation not in ("hill", "auto"):
            raise ValueError(f"free_slope=True with saturation={self.saturation!r}: only the Hill curve has a slope")
        if self.plausible_iroas[0] >= self.plausible_iroas[1]:
            raise ValueError(f"plausible_iroas={self.plausible_iroas}: the lower bound must be below the upper one")
        return self
