"""Readings and priors laid out as one array of doubles, and the names of the parameters over them.

The compiled density reads nothing but this block, so one compilation serves any number of channels and
sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.triangulation.evidence import Readings
from models.triangulation.priors import EvidencePriors

SIZES = 6
PRIORS = 20
# Half way: over full, tested-only and prior-only evidence it left no divergence where 1.0 left hundreds.
TOWARDS_CENTRE = 0.5
SHARED = ("mu", "log_tau", "log_drift", "log_quasi", "log_platform_lift", "b_mmm", "log_omega_mmm")


@dataclass(frozen=True)
class Layout:
    """Where each parameter sits in the unconstrained vector; slices into the last axis of draws."""

    channels: int
    sources: int
    classes: int

    @property
    def size(self) -> int:
        return self.channel_effects.stop

    @property
    def bias(self) -> slice:
        return slice(len(SHARED), len(SHARED) + self.sources)

    @property
    def log_noise(self) -> slice:
        return slice(self.bias.stop, self.bias.stop + self.sources)

    @property
    def class_effects(self) -> slice:
        return slice(self.log_noise.stop, self.log_noise.stop + self.classes)

    @property
    def class_biases(self) -> slice:
        """Sources x classes, row by row."""
        return slice(self.class_effects.stop, self.class_effects.stop + self.sources * self.classes)

    @property
    def channel_effects(self) -> slice:
        """Log iROAS of each channel."""
        return slice(self.class_biases.stop, self.class_biases.stop + self.channels)


def layout(read: Readings) -> Layout:
    """The parameters that these readings call for."""
    return Layout(len(read.channels), len(read.claims.sources), len(read.classes))


def block(read: Readings, priors: EvidencePriors) -> np.ndarray:
    """Everything the density needs, in the order in which it is read there."""
    tests, claims = read.tests, read.claims
    size = read.mmm_channel.size
    # Rotating the MMM's errors apart once makes its density and gradient free of matrix factorisations.
    spectrum, rotation = np.linalg.eigh(read.mmm.cov) if read.mmm else (np.zeros(0), np.zeros((0, 0)))
    mean = read.mmm.mean if read.mmm else np.zeros(0)
    sizes = (len(read.channels), tests.y.size, size, claims.log_claim.size, len(claims.sources), len(read.classes))
    parts = (
        sizes,
        _prior_figures(priors),
        read.channel_class,
        centred(read, priors),
        tests.channel,
        tests.design,
        tests.y,
        tests.se,
        tests.share,
        tests.age,
        read.mmm_channel,
        mean,
        np.maximum(spectrum, 0.0),
        rotation.ravel(),
        claims.channel,
        claims.source,
        claims.log_claim,
        claims.log_se,
    )
    return np.ascontiguousarray(np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]))


def centred(read: Readings, priors: EvidencePriors) -> np.ndarray:
    """How centred each channel's coordinate is, by the share of precision that readings bring; (channels,).

    A channel that hangs on its prior moves with the common spread, one that hangs on readings does not;
    sampling both in one kind of coordinates leaves funnels. With share a, coordinate x has log iROAS =
    level + tau^(1 - a) (x - a level), so 1 is centred and 0 is not. It changes how the posterior is walked,
    not what it is.
    """
    precision = np.zeros(len(read.channels))
    tests, claims, typical = read.tests, read.claims, priors.level_median
    omega = np.array([priors.randomised_noise, priors.quasi_noise.median, priors.platform_lift_noise.median])
    relative = (tests.se / (tests.share * typical)) ** 2 + omega[tests.design] ** 2
    np.add.at(precision, tests.channel, 1.0 / (relative + priors.drift.median**2 * tests.age))
    if read.mmm is not None:
        precision[read.mmm_channel] += 1.0 / (np.diag(read.mmm.cov) + priors.mmm_noise.median**2)
    noise = priors.attribution_noise.median**2 + priors.attribution_bias_sd**2
    np.add.at(precision, claims.channel, 1.0 / (claims.log_se**2 + noise))
    return TOWARDS_CENTRE * precision / (precision + 1.0 / priors.spread_sd**2)


def effects(read: Readings, priors: EvidencePriors, point: np.ndarray) -> np.ndarray:
    """Draws with the channels' coordinates turned into log iROAS; same shape, (..., parameters)."""
    place, share = layout(read), centred(read, priors)
    padded = np.concatenate([point[..., place.class_effects], np.zeros((*point.shape[:-1], 1))], axis=-1)
    level = point[..., :1] + padded[..., read.channel_class]
    moved = point[..., place.channel_effects] - share * level
    result = point.copy()
    result[..., place.channel_effects] = level + np.exp((1 - share) * point[..., 1:2]) * moved
    return result


def coordinates(read: Readings, priors: EvidencePriors, point: np.ndarray) -> np.ndarray:
    """The inverse: log iROAS into the sampled coordinates."""
    place, share = layout(read), centred(read, priors)
    padded = np.concatenate([point[..., place.class_effects], np.zeros((*point.shape[:-1], 1))], axis=-1)
    level = point[..., :1] + padded[..., read.channel_class]
    result = point.copy()
    moved = (point[..., place.channel_effects] - level) * np.exp(-(1 - share) * point[..., 1:2])
    result[..., place.channel_effects] = share * level + moved
    return result


def start(read: Readings, priors: EvidencePriors) -> np.ndarray:
    """A point of ordinary density to start chains from: prior centres, channels where the MMM or claims put them."""
    place = layout(read)
    point = np.zeros(place.size)
    level = float(np.log(priors.level_median))
    point[:7] = (
        level,
        np.log(priors.spread_sd),
        priors.drift.log_median,
        priors.quasi_noise.log_median,
        priors.platform_lift_noise.log_median,
        0.0,
        priors.mmm_noise.log_median,
    )
    point[place.bias] = priors.attribution_bias_mean
    point[place.log_noise] = priors.attribution_noise.log_median
    likely = np.full(place.channels, level)
    likely[read.mmm_channel] = read.mmm.mean if read.mmm else 0.0
    # Far-off readings are pulled in: a start deep in a tail costs the sampler its warm-up.
    point[place.channel_effects] = np.clip(likely, level - 1.5, level + 1.5)
    return coordinates(read, priors, point)


def _prior_figures(priors: EvidencePriors) -> tuple[float, ...]:
    spreads = (priors.drift, priors.quasi_noise, priors.platform_lift_noise, priors.mmm_noise, priors.attribution_noise)
    return (
        float(np.log(priors.level_median)),
        priors.level_sd,
        priors.spread_sd,
        priors.class_sd,
        priors.mmm_bias_sd,
        priors.attribution_bias_mean,
        priors.attribution_bias_sd,
        priors.attribution_class_sd,
        priors.randomised_noise,
        priors.test_tail,
        *(figure for spread in spreads for figure in (spread.log_median, spread.log_sd)),
    )
