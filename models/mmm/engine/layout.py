"""The one contiguous array that the compiled density reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm.engine.parameters import CURVES, ETA_PRIOR, NOISE_SCALE, WEEK_PRIOR, names
from models.mmm.model.baseline import GROUP_SPREAD
from models.mmm.model.design import Design
from models.mmm.model.effect_prior import IDENTITY_LINK
from models.mmm.model.lift_tests import Calibration


@dataclass(frozen=True)
class PeerPriors:
    """Priors of another package, for equal-model comparisons only: Beta retention, Gamma rate, HalfNormal effect."""

    retention: tuple[float, float] = (1.0, 3.0)
    rate: tuple[float, float] = (3.0, 1.0)
    effect_sd: float = 2.0
    noise_sd: float = 2.0


def kinds(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which columns (P, G, T) are the same in every region, belong to one region alone, or are neither.

    Returns three index arrays; the kernel reads T numbers of the first two kinds instead of G times T.
    """
    shared = (columns == columns[:, :1]).all(axis=(1, 2))
    own = ~shared & ((columns != 0).any(axis=2).sum(axis=1) == 1)
    return np.flatnonzero(shared), np.flatnonzero(own), np.flatnonzero(~shared & ~own)


def priors(design: Design, peer: PeerPriors | None) -> np.ndarray:
    """(C, 15): kind and two numbers each for half-life, half-saturation, shape, slope and effect.

    The kind of shape and slope is 1 where the channel has one of its own.
    """
    out = np.zeros((len(design.data.media_names), 15))
    out[:, 1:3], out[:, 4:6] = design.half_life, design.half_saturation
    spec = design.spec
    out[:, 6], out[:, 9] = design.delayed, design.sloped
    out[:, 7:9] = (spec.delay_shape.mu, spec.delay_shape.sigma)
    out[:, 10:12] = (spec.slope.mu, spec.slope.sigma)
    out[:, 12] = np.where(design.effect.kind == IDENTITY_LINK, 2.0, 0.0)
    out[:, 13], out[:, 14] = design.effect.mu, design.effect.sd
    if peer is not None:
        out[:, 0:3] = (1.0, *peer.retention)
        out[:, 3:6] = (1.0, *peer.rate)
        out[:, 12:15] = (1.0, peer.effect_sd, 0.0)
    return out


def build(design: Design, calibration: Calibration | None = None, peer: PeerPriors | None = None) -> np.ndarray:
    """The kernel's data block with an identity map; sizes in the header, so that one compilation serves all data."""
    from models.mmm.engine import log_density as k

    geos, periods = design.y.shape
    columns, w2 = design.baseline.columns, design.weight**2
    shared, own, full = kinds(columns)
    own_geo = (columns[own] != 0).any(axis=2).argmax(axis=1)
    weighted = columns * design.weight
    inverse_norm = 1 / w2.sum(axis=0)
    flat = weighted.reshape(len(columns), -1)
    along = (columns * w2).sum(axis=1) * np.sqrt(inverse_norm)
    common = along @ along.T if design.week_effects else np.zeros((len(columns), len(columns)))
    tests = calibration or Calibration.none(geos, periods)
    group_prior = np.array([(np.log(m), s) for m, s in (GROUP_SPREAD[g] for g in design.baseline.groups)])
    n = len(names(design))
    header = np.zeros(k.HEADER)
    form = design.form
    header[[k.G_, k.T_, k.C_, k.L_, k.P_, k.J_]] = (
        geos,
        periods,
        len(design.media),
        form.taps,
        len(columns),
        len(group_prior),
    )
    header[k.SHARED], header[k.OWN] = len(shared), len(own)
    header[k.WEIBULL], header[k.SLOPE] = design.delayed.sum(), design.sloped.sum()
    header[k.CURVE] = CURVES[form.saturation]
    header[k.GEO], header[k.WEEK] = design.geo_effects, design.week_effects
    header[k.PAIRS], header[k.TESTS], header[k.DIM] = len(tests.pairs), len(tests.values), n
    header[k.SIGMA_SCALE] = peer.noise_sd if peer else NOISE_SCALE * design.scales.baseline.movement
    header[k.WEEK_MU], header[k.WEEK_SD] = WEEK_PRIOR
    header[k.ETA_MU], header[k.ETA_SD] = ETA_PRIOR
    parts = (
        header,
        design.media.swapaxes(1, 2),
        design.y.T,
        w2.T,
        inverse_norm,
        columns[shared, 0],
        columns[own, own_geo],
        columns[full].swapaxes(1, 2),
        own_geo,
        np.concatenate([shared, own, full]),
        flat @ flat.T - common,
        common,
        design.baseline.scale,
        design.baseline.group.astype(float),
        group_prior,
        design.scales.size,
        priors(design, peer),
        tests.values,
        tests.pairs,
        tests.control_media,
        tests.weights,
    )
    body = np.concatenate([np.asarray(p, dtype=float).ravel() for p in parts])
    block = np.concatenate([body, np.zeros(n), np.eye(n).ravel(), np.full(n, -1.0), np.zeros(n)])
    block[k.MAP_AT], block[k.LENGTH] = body.size, block.size
    return block
