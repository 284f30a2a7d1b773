"""What an MMM says of each channel's return: joint posterior draws with the model's own prior inside, counted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.error import PlumblineError

DRAWS = 2000


class MMMEvidenceError(PlumblineError, ValueError):
    """The MMM's reading has a shape or a history with which it cannot be combined."""


@dataclass(frozen=True, eq=False)
class MMMDraws:
    """Joint draws of window iROAS: `returns` (draws, channels), which may be zero or negative.

    `captured` maps a test's method to draws (draws,) of the ratio of what the test would read under that draw to that
    draw's window iROAS, so that shape, carryover and level stay together. `prior` maps a channel to (median, log sd) of
    the iROAS prior of the fit; without it the prior of the channel's class is taken. `booked_per_spend` maps a channel
    to the booked KPI (in money) of the window per unit of its spend, which says how large an error in money is in
    iROAS; without it a usual figure is taken. A fit that has used experiments is refused: they would count twice.
    Raises ValueError on shapes that do not fit, a name given twice, or a ratio that is not above zero.
    """

    channels: tuple[str, ...]
    returns: np.ndarray
    captured: Mapping[str, np.ndarray] = field(default_factory=dict)
    uses_experiments: bool = False
    prior: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    booked_per_spend: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse(self.channels, uses_experiments=self.uses_experiments)
        if self.returns.ndim != 2 or self.returns.shape[1] != len(self.channels) or self.returns.shape[0] < 1:
            raise MMMEvidenceError(
                f"returns has shape {self.returns.shape}: need (draws, {len(self.channels)}) for these channels"
            )
        for method, share in self.captured.items():
            if np.shape(share) != (len(self.returns),):
                raise MMMEvidenceError(f"captured[{method!r}] has shape {np.shape(share)}: need ({len(self.returns)},)")
        for channel, ratio in self.booked_per_spend.items():
            if not (np.isfinite(ratio) and ratio > 0):
                raise MMMEvidenceError(
                    f"booked_per_spend[{channel!r}] is {ratio}: a finite number above zero; leave the channel out where"
                    " its spend or the booked KPI is not known"
                )


@dataclass(frozen=True, eq=False)
class MMMEvidence:
    """Log iROAS of an MMM over the window: `mean` (C,) and full `cov` (C, C), its own prior inside.

    The coarser form of `MMMDraws`, for a model that is known by its summary alone. Raises ValueError on shapes that do
    not fit, a covariance that is not symmetric and positive definite, a name given twice, or a fit that has used
    experiments.
    """

    channels: tuple[str, ...]
    mean: np.ndarray
    cov: np.ndarray
    uses_experiments: bool

    def __post_init__(self) -> None:
        size = len(self.channels)
        _refuse(self.channels, uses_experiments=self.uses_experiments)
        if self.mean.shape != (size,) or self.cov.shape != (size, size):
            raise MMMEvidenceError(
                f"{size} channels need mean ({size},) and cov ({size}, {size}); got {self.mean.shape}, {self.cov.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.cov).all()):
            raise MMMEvidenceError("mean or cov is not finite: the MMM did not converge or a channel has no spend")
        if not np.allclose(self.cov, self.cov.T, rtol=1e-6, atol=1e-12) or np.linalg.eigvalsh(self.cov)[0] <= 0:
            raise MMMEvidenceError("cov is not a covariance matrix: it must be symmetric with positive eigenvalues")

    def as_draws(self, seed: int) -> MMMDraws:
        """The same reading as joint draws."""
        normal = np.random.default_rng(seed).standard_normal((DRAWS, len(self.channels)))
        logs = self.mean + normal @ np.linalg.cholesky(self.cov).T
        return MMMDraws(self.channels, np.exp(np.clip(logs, -50.0, 50.0)), {}, self.uses_experiments)


def _refuse(channels: tuple[str, ...], *, uses_experiments: bool) -> None:
    if uses_experiments:
        raise MMMEvidenceError(
            "this MMM was fitted with experiments, so the evidence model would count them twice:"
            " refit it without experiments"
        )
    if len(set(channels)) < len(channels) or not channels:
        raise MMMEvidenceError(f"channels={channels}: at least one, each named once")
