"""Joint draws in the model's own terms, the same whichever engine made them; contributions are computed from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from models.mmm.engine import layout as blocks
from models.mmm.model.build import Design

PART_DOUBLES = 8_000_000


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

    def thin(self, most: int) -> Posterior:
        """At most `most` draws, evenly spaced over all chains."""
        if self.count <= most:
            return self
        keep = np.linspace(0, self.count - 1, most).round().astype(int)
        return replace(self, **self._chosen(keep))

    def reweighted(self, weights: np.ndarray, seed: int) -> Posterior:
        """As many draws, drawn again with the given weights (systematic resampling)."""
        positions = (np.random.default_rng(seed).random() + np.arange(self.count)) / self.count
        cumulative = np.cumsum(weights / weights.sum())
        cumulative[-1] = 1.0
        pick = np.searchsorted(cumulative, positions)
        flat = self.sampled.reshape(self.count, -1)[pick].reshape(self.sampled.shape)
        return replace(self, sampled=flat, **self._chosen(pick))

    def _chosen(self, pick: np.ndarray) -> dict[str, Any]:
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("sampled", "names")}
        return {name: values[pick] for name, values in own.items() if values is not None}


def parts(draws: Posterior, numbers: int) -> Iterator[Posterior]:
    """The draws in consecutive parts, each small enough that `numbers` doubles a draw take at most 64 MB."""
    size = max(PART_DOUBLES // numbers, 1)
    for start in range(0, draws.count, size):
        yield replace(draws, **draws._chosen(np.arange(start, min(start + size, draws.count))))


def from_kernel(theta: np.ndarray, block: np.ndarray, design: Design, *, seed: int) -> Posterior:
    """Draws of everything from draws of theta (chains, draws, n): the linear part by exact conditional simulation."""
    from models.mmm.engine.log_density import recover

    names = blocks.names(design)
    flat = theta.reshape(-1, len(names))
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
        names,
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


def media_sums(design: Design, draws: Posterior, media: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Incremental KPI (D, count, C) of scaled media paths (C, G, T), summed over the cells (G, T) that share a
    label.
    """
    from models.mmm.model import response

    if not response.compiled(design, draws):
        return response.media_sums(design, draws, media, labels, count)
    from models.mmm.engine import log_density

    out = np.zeros((draws.count, count, len(media)))
    log_density.media_sums(
        np.ascontiguousarray(media),
        design.scales.size * design.scales.kpi,
        np.ascontiguousarray(labels, dtype=np.int64),
        count,
        design.delayed,
        design.sloped,
        blocks.CURVES[design.form.saturation],
        design.form.taps,
        np.ascontiguousarray(draws.half_life),
        np.ascontiguousarray(draws.shape),
        np.ascontiguousarray(draws.half_saturation),
        np.ascontiguousarray(draws.slope),
        np.ascontiguousarray(draws.beta_geo),
        out,
    )
    return out


def linear_sums(design: Design, draws: Posterior, labels: np.ndarray, count: int) -> tuple[tuple[str, ...], np.ndarray]:
    """KPI of the baseline's lines (D, count, lines), summed over the cells that share a label; names of the lines
    first. A mediator's line is what it brought of its own, without the part that media sent through it.
    """
    lines = tuple(dict.fromkeys(design.baseline.component))
    scaled = design.baseline.columns * (design.scales.size * design.scales.kpi)[None, :, None]
    width = len(scaled)
    sums = np.zeros((count, width))
    valid = labels >= 0
    for k in range(width):
        sums[:, k] = np.bincount(labels[valid], weights=scaled[k][valid], minlength=count)
    out = np.zeros((draws.count, count, len(lines)))
    for i, line in enumerate(lines):
        of = [k for k, name in enumerate(design.baseline.component) if name == line]
        out[:, :, i] = draws.linear[:, of] @ sums[:, of].T
    if draws.mediated is None:
        return lines, out
    from models.mmm.result.mediation import with_own_lines

    return with_own_lines(design, draws, labels, lines, out)
