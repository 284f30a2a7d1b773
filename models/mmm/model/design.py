"""The types of one model: frozen scales, the form of the response, and the design with all scaled arrays.

How they are made from data and a spec is in `build`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from models.mmm.model import baseline as base
from models.mmm.model.effect_prior import EffectPrior
from models.mmm.model.measurement_error import TrueSeries
from models.mmm.panel.panel import MMMData
from models.mmm.spec import ChannelSpec, LogNormal, MMMSpec
from models.periods import PERIODS_PER_WEEK
from models.warning import Warning


@dataclass(frozen=True, eq=False)
class Scales:
    """Constants that turn units into model units; frozen, so that new data cannot move an old number by rescaling."""

    kpi: float
    size: np.ndarray
    media: np.ndarray
    noise: np.ndarray
    baseline: base.BaselineConstants


@dataclass(frozen=True, eq=False)
class Form:
    """The shape of the response that a fit uses; `delayed` and `sloped` name the channels with a shape or slope of
    their own.

    None means every channel when `adstock` is weibull or `free_slope` is true; a channel not named keeps the plain
    form.
    """

    adstock: str
    saturation: str
    free_slope: bool
    taps: int
    delayed: tuple[str, ...] | None = None
    sloped: tuple[str, ...] | None = None
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Design:
    """Scaled arrays of one fit. y (G, T), media (C, G, T), linear part inside `baseline`, weight (G, T) =
    1/relative sd.

    frequency (C, G, T) is exposures per person reached, None without reach channels. `latent` holds the measured
    series, whose expected true values are in `media`. mediators (M, G, T) are per size, 1 on average.
    """

    data: MMMData
    spec: MMMSpec
    form: Form
    scales: Scales
    y: np.ndarray
    media: np.ndarray
    weight: np.ndarray
    baseline: base.Baseline
    effect: EffectPrior
    half_life: np.ndarray
    half_saturation: np.ndarray
    geo_effects: bool
    week_effects: bool
    findings: tuple[Warning, ...]
    frequency: np.ndarray | None = None
    latent: tuple[TrueSeries, ...] = ()
    mediators: np.ndarray | None = None

    @property
    def peaked(self) -> np.ndarray:
        """Which series (C,) have a carryover that peaks after a delay: those with a `peak_lag`, or all but levels."""
        named = [c for c, own in self.spec.channels.items() if own.peak_lag is not None]
        late = [c in named if named else c not in self.data.levels for c in self.data.media_names]
        return np.array(late) & (self.form.adstock == "delayed")

    @property
    def peak(self) -> np.ndarray:
        """Belief (C, 2) about the log of each peak's lag, in periods of the data: mean and sd."""
        laws = [channel_prior(self.spec, c, "peak_lag") for c in self.data.media_names]
        weeks = log(PERIODS_PER_WEEK[self.data.grain])
        return np.array([[law.mu + weeks, law.sigma] for law in laws])

    @property
    def delayed(self) -> np.ndarray:
        """Which series (C,) have a carryover shape of their own."""
        return _chosen(self.data.media_names, self.form.adstock == "weibull", self.form.delayed)

    @property
    def sloped(self) -> np.ndarray:
        """Which series (C,) have a slope of their own."""
        return _chosen(self.data.media_names, self.form.free_slope, self.form.sloped)

    @property
    def cells(self) -> int:
        """Rows of the panel: geos times periods."""
        return int(self.y.size)


def channel_prior(spec: MMMSpec, channel: str, field: str, instead: LogNormal | None = None) -> LogNormal:
    """The prior of one response parameter of a channel: its own, else `instead`, else the spec's for all channels."""
    own: LogNormal | None = getattr(spec.channels.get(channel, ChannelSpec()), field)
    return own or instead or getattr(spec, field)


def _chosen(names: tuple[str, ...], on: bool, own: tuple[str, ...] | None) -> np.ndarray:
    return np.array([on and (own is None or name in own) for name in names], dtype=bool)
