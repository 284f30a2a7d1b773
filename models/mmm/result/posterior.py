"""Joint draws in the model's own terms, the same whichever engine made them.

What they say about the KPI is computed in `contributions`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from models.mmm.engine.parameters import names
from models.mmm.model.design import Design
from models.mmm.model.response import ResponseParameters


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws (D, …): response parameters and coefficient per channel (D, C), per geo (D, C, G), linear part (D, P),
    noise.

    `sampled` (chains, draws, n) are the sampler's own coordinates under `names`, for diagnostics and re-weighting. D is
    chains times draws in the same order. `shape` is the peak's lag where carryover peaks after a delay, and
    half-saturation and slope are those of the frequency curve for reach channels. `latent` (D, L, G, T) are true scaled
    values of measured series; `passed_on` (D, M) is the KPI per unit of each mediator and `mediated` (D, M, C) the part
    of the coefficient that runs through it.
    """

    sampled: np.ndarray
    names: tuple[str, ...]
    half_life: np.ndarray
    shape: np.ndarray
    half_saturation: np.ndarray
    slope: np.ndarray
    effect: np.ndarray
    beta: np.ndarray
    beta_geo: np.ndarray
    linear: np.ndarray
    sigma: np.ndarray
    week_ratio: np.ndarray
    latent: np.ndarray | None = None
    passed_on: np.ndarray | None = None
    mediated: np.ndarray | None = None

    @property
    def count(self) -> int:
        """Number of joint draws."""
        return int(self.sigma.size)

    @property
    def response(self) -> ResponseParameters:
        """The draws of carryover and saturation alone, as `model.response` reads them."""
        return ResponseParameters(self.half_life, self.shape, self.half_saturation, self.slope, self.latent)

    def thin(self, most: int) -> Posterior:
        """At most `most` draws, evenly spaced over all chains."""
        if self.count <= most:
            return self
        keep = np.linspace(0, self.count - 1, most).round().astype(int)
        return self.chosen(keep)

    def reweighted(self, weights: np.ndarray, seed: int) -> Posterior:
        """As many draws, resampled with the given weights (systematic resampling)."""
        positions = (np.random.default_rng(seed).random() + np.arange(self.count)) / self.count
        cumulative = np.cumsum(weights / weights.sum())
        cumulative[-1] = 1.0
        pick = np.searchsorted(cumulative, positions)
        flat = self.sampled.reshape(self.count, -1)[pick].reshape(self.sampled.shape)
        return replace(self.chosen(pick), sampled=flat)

    def chosen(self, pick: np.ndarray) -> Posterior:
        """The joint draws with the indices `pick` (K,); `sampled` stays as it is, for diagnostics of the whole run."""
        own: dict[str, Any] = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("sampled", "names")
        }
        return replace(self, **{name: values[pick] for name, values in own.items() if values is not None})


def from_kernel(theta: np.ndarray, block: np.ndarray, design: Design, *, seed: int) -> Posterior:
    """Draws of everything from draws of theta (chains, draws, n): the linear part by exact conditional simulation."""
    from models.mmm.engine.log_density import recover

    order = names(design)
    flat = theta.reshape(-1, len(order))
    count, media, width, geos = len(flat), len(design.media), len(design.baseline.scale), len(design.data.geos)
    at = 0

    def take(n: int) -> np.ndarray:
        nonlocal at
        part = flat[:, at : at + n]
        at += n
        return part

    half_life = np.exp(take(media))
    shape = np.ones((count, media))
    shape[:, design.delayed] = np.exp(take(int(design.delayed.sum())))
    half_saturation = np.exp(take(media))
    slope = np.ones((count, media))
    slope[:, design.sloped] = np.exp(take(int(design.sloped.sum())))
    effect = take(media)
    sigma = np.exp(take(1)[:, 0])
    take(len(design.baseline.groups))
    ratio = np.exp(take(1)[:, 0]) if design.week_effects else np.zeros(count)
    spread = np.ones((count, media, geos))
    if design.geo_effects:
        eta = np.exp(take(1))[:, :, None]
        spread = 1 + eta * take(media * geos).reshape(count, media, geos)
    linear, beta = recover(flat, block, width, seed)
    return Posterior(
        theta,
        order,
        half_life,
        shape,
        half_saturation,
        slope,
        effect,
        beta,
        beta[:, :, None] * spread,
        linear,
        sigma,
        ratio,
    )
