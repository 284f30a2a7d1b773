"""Draws of one fit moved to the posterior under new rows, and importance-weighted for the rest.

For every model that the compiled density covers: several regions, tests in the likelihood, measured series. With
hundreds of coordinates the weights of unmoved draws degenerate within weeks, as each coordinate moves a little; draws
moved along with the peak keep nearly equal weights. Where the posterior is far from Normal the peak misleads, and
unmoved draws do better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm.engine import laplace, layout, reparametrisation
from models.mmm.model.design import Design
from models.mmm.model.lift_tests import calibrate
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import Posterior, from_kernel


@dataclass(frozen=True, eq=False)
class Moved:
    """Draws theta (chains, draws, n) under new rows with their log weights (D,), and the density they belong to."""

    theta: np.ndarray
    log_weights: np.ndarray
    block: np.ndarray
    design: Design

    def posterior(self, *, seed: int) -> Posterior:
        """Joint draws of everything, not yet weighted; the linear part is simulated for each of them."""
        return from_kernel(self.theta, self.block, self.design, seed=seed)


def move(fit: MMMFit, design: Design) -> Moved | None:
    """The fit's draws carried by the affine map from its own peak and curvature to those under `design`.

    A draw's weight is the new density where it arrives times the map's volume, over the old density where it was: any
    map gives the right answer, this one nearly equal weights. Regional effects are moved in the coordinates in which
    they are sampled. None where either peak was not found. Paananen et al. (2021) move draws by their moments instead.
    """
    names = fit.draws.names
    before, after = _block(fit, fit.design), _block(fit, design)
    theta = fit.draws.sampled.reshape(fit.draws.count, -1)
    old = laplace.peak(before, theta.mean(axis=0), names)
    new = laplace.peak(after, old.mode, names)
    if not (old.settled and new.settled):
        return None
    non_centring = reparametrisation.partial_non_centring(new, design)
    here, arriving = non_centring.factor(old), non_centring.factor(new)
    away = non_centring.to_sampled(theta, old.mode) - old.mode
    arrived = non_centring.to_model(new.mode + away @ np.linalg.solve(here.T, arriving.T), new.mode)
    volume = float(np.log(np.diag(arriving) / np.diag(here)).sum())
    volumes = volume + non_centring.log_volume(arrived, new.mode) - non_centring.log_volume(theta, old.mode)
    logs = _density(arrived, after) - _density(theta, before) + volumes
    return Moved(arrived.reshape(fit.draws.sampled.shape), logs, after, design)


def stay(fit: MMMFit, design: Design) -> Moved:
    """The fit's draws where they are, weighted by the new density over the old one."""
    theta, after = fit.draws.sampled.reshape(fit.draws.count, -1), _block(fit, design)
    logs = _density(theta, after) - _density(theta, _block(fit, fit.design))
    return Moved(fit.draws.sampled, logs, after, design)


def _block(fit: MMMFit, design: Design) -> np.ndarray:
    return layout.build(design, calibrate(design.data, design.media, design.scales, fit.experiments))


def _density(theta: np.ndarray, block: np.ndarray) -> np.ndarray:
    from models.mmm.engine.log_density import core

    grad, nothing = np.empty(theta.shape[1]), np.empty(0)
    values = np.array([core(row, grad, block, nothing) for row in np.ascontiguousarray(theta)])
    return np.where(values > -1e200, values, -np.inf)  # the compiled density says "impossible" by a huge number
