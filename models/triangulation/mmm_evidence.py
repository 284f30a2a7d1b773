"""An MMM's evidence from the data alone: its posterior with its own prior divided out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A direction in which the posterior is no sharper than the prior gets this share of the prior's precision: no weight
# to speak of, and still a proper covariance.
NO_INFORMATION = 1e-6


@dataclass(frozen=True)
class MMMEvidence:
    """Log iROAS of an MMM over the reporting window: `mean` (C,), `cov` (C, C), in the order of `channels`.

    `cov` must be full: it holds which channels the data could not tell apart. `uses_experiments` is true
    for a fit that has seen lift tests; such a fit is refused here, because the tests would count twice.
    Raises ValueError on shapes that do not fit, a covariance that is not symmetric and positive definite,
    or a name given twice.
    """

    channels: tuple[str, ...]
    mean: np.ndarray
    cov: np.ndarray
    uses_experiments: bool

    def __post_init__(self) -> None:
        size = len(self.channels)
        if self.uses_experiments:
            raise ValueError(
                "this MMM was fitted with experiments, so the evidence model would count them twice:"
                " refit it without experiments"
            )
        if len(set(self.channels)) < size or size == 0:
            raise ValueError(f"channels={self.channels}: at least one, each named once")
        if self.mean.shape != (size,) or self.cov.shape != (size, size):
            raise ValueError(
                f"{size} channels need mean ({size},) and cov ({size}, {size}); got {self.mean.shape}, {self.cov.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.cov).all()):
            raise ValueError("mean or cov is not finite: the MMM did not converge or a channel has no spend")
        if not np.allclose(self.cov, self.cov.T, rtol=1e-6, atol=1e-12) or np.linalg.eigvalsh(self.cov)[0] <= 0:
            raise ValueError("cov is not a covariance matrix: it must be symmetric with positive eigenvalues")

    @classmethod
    def from_draws(
        cls, channels: Sequence[str], posterior: np.ndarray, prior: np.ndarray, *, uses_experiments: bool
    ) -> MMMEvidence:
        """Evidence from draws of iROAS under posterior and prior, each (draws, channels), with the prior taken out.

        Draws must be positive, since the reading is of logarithms, and more than channels. Raises ValueError
        otherwise, naming the channel.
        """
        if uses_experiments:
            raise ValueError("this MMM was fitted with experiments, which would count twice: refit it without them")
        for name, draws in (("posterior", posterior), ("prior", prior)):
            if draws.ndim != 2 or draws.shape[1] != len(channels) or draws.shape[0] <= len(channels):
                raise ValueError(
                    f"{name} draws have shape {draws.shape}: need (more than {len(channels)}, {len(channels)})"
                )
            bad = np.flatnonzero(~((draws > 0) & np.isfinite(draws)).all(axis=0))
            if bad.size:
                raise ValueError(f"{name} iROAS of {channels[bad[0]]} has draws at or below 0, which have no logarithm")
        logs, before = np.log(posterior), np.log(prior)
        mean, cov = without_prior(logs.mean(axis=0), _covariance(logs), before.mean(axis=0), _covariance(before))
        return cls(channels=tuple(channels), mean=mean, cov=cov, uses_experiments=False)


def _covariance(draws: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(draws, rowvar=False))


def without_prior(
    post_mean: np.ndarray, post_cov: np.ndarray, prior_mean: np.ndarray, prior_cov: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance that the data alone imply, given posterior and prior of log iROAS: Gaussian
    division.

    Precision = posterior precision - prior precision; mean = cov (posterior precision x mean - prior
    precision x mean). Where the posterior is no sharper than the prior (seen in directions, not only per
    channel), the precision is set to a tiny share of the prior's, so that such a channel carries
    practically no weight. All inputs in the same channel order, shapes (C,) and (C, C). A Gaussian reading
    of both: far from it for skewed posteriors. Raises ValueError on a singular covariance.
    """
    posterior, prior = _precision(post_cov, "post_cov"), _precision(prior_cov, "prior_cov")
    # Relative to the prior, so that channels of different prior widths are judged alike.
    half = np.linalg.cholesky(prior_cov)
    relative = half.T @ (posterior - prior) @ half
    values, vectors = np.linalg.eigh((relative + relative.T) / 2)
    informed = values > NO_INFORMATION
    values = np.where(informed, values, NO_INFORMATION)
    cov = half @ (vectors / values) @ vectors.T @ half.T
    pull = half.T @ (posterior @ post_mean - prior @ prior_mean)
    # In directions without information the quotient would be noise over noise: keep the posterior there.
    along = np.where(informed, (vectors.T @ pull) / values, vectors.T @ np.linalg.solve(half, post_mean))
    return half @ (vectors @ along), (cov + cov.T) / 2


def _precision(cov: np.ndarray, name: str) -> np.ndarray:
    symmetric = (cov + cov.T) / 2
    if np.linalg.eigvalsh(symmetric)[0] <= 0:
        raise ValueError(f"{name} is singular or not positive: take it from at least as many draws as channels")
    return np.linalg.inv(symmetric)
