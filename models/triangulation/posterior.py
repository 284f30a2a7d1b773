"""One posterior of incremental return per channel, from every kind of evidence, with each method's bias learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from models.triangulation.biases import biases
from models.triangulation.conflicts import conflicts, disagreeing
from models.triangulation.evidence import Readings, readings
from models.triangulation.mmm_evidence import MMMEvidence
from models.triangulation.priors import EvidencePriors
from models.triangulation.sampler import Convergence, Draws, SamplerSettings, sample, sample_graph
from models.triangulation.warnings import findings
from models.triangulation.weights import grades, losing, weights
from models.warning import Warning

RETRIES = 1


@dataclass(frozen=True)
class Triangulation:
    """Incremental revenue per unit of spend (iROAS) of each channel, and the evidence behind it.

    estimates: channel, mean, sd, q05, q50, q95 (parameter interval, 90 %), evidence_grade. Multiply the
    mean by spend for anything that is added up; add draws, never interval ends. weights: channel,
    experiment, mmm, attribution, prior (rows sum to 1). biases: one row per method. conflicts: one row per
    reading. warnings: what to know before acting. convergence: the sampler's diagnostics.
    """

    estimates: pl.DataFrame
    weights: pl.DataFrame
    biases: pl.DataFrame
    conflicts: pl.DataFrame
    warnings: tuple[Warning, ...]
    convergence: Convergence
    readings: Readings
    priors: EvidencePriors
    posterior: Draws

    @property
    def theta(self) -> np.ndarray:
        """Joint draws of iROAS, (draws, channels) in the order of `estimates`."""
        return np.exp(self.posterior.eta)

    @property
    def draws(self) -> pl.DataFrame:
        """Joint draws as a frame: draw, channel, theta. Keep draws together when channels are added."""
        count, size = self.theta.shape
        return pl.DataFrame(
            {
                "draw": np.repeat(np.arange(count), size),
                "channel": list(self.readings.channels) * count,
                "theta": self.theta.ravel(),
            }
        )

    def p_profitable(self, margin: float) -> pl.DataFrame:
        """Probability that a channel earns back its spend at this contribution margin: channel, p_profitable.

        Profitable means margin x iROAS > 1, on average over the window; the next unit of spend earns less
        than that. Raises ValueError unless 0 < margin <= 1.
        """
        if not 0 < margin <= 1:
            raise ValueError(f"margin={margin}: a contribution margin is a share between 0 and 1; 62 % is 0.62")
        return pl.DataFrame({"channel": self.readings.channels, "p_profitable": (self.theta * margin > 1).mean(axis=0)})


def combine(
    evidence: pl.DataFrame,
    *,
    seed: int,
    mmm: MMMEvidence | None = None,
    channels: Sequence[str] = (),
    priors: EvidencePriors | None = None,
    settings: SamplerSettings | None = None,
    engine: Literal["compiled", "pymc"] = "compiled",
) -> Triangulation:
    """Posterior iROAS per channel from experiments, an MMM, attribution, platform claims and self-reports.

    `evidence`: one row per reading (see `evidence.readings`); `mmm`: log iROAS mean and full covariance
    with the MMM's own prior removed (`without_prior`); any source may be absent. Every method has its own
    bias and noise; where tests meet a method on a channel, its bias is learned and then corrects channels
    without tests. Old tests lose weight because their variance grows with age at a learned rate.
    Simplified: iROAS is positive (a channel that loses sales ends near 0); tests of one platform or team
    are taken as independent; tests are put on the reporting window by `share_captured` alone; `quality`
    divides a reading's variance. Two engines draw from one posterior: `compiled` in tenths of a second,
    `pymc` from the reference graph after a compilation of tens of seconds. A run that misses a convergence
    gate is repeated once with twice the draws; if it misses again, a warning of severity block withholds
    the figures. Raises ValueError on impossible evidence and on an MMM that has already used the
    experiments.
    """
    read = readings(evidence, mmm=mmm, channels=channels)
    beliefs = priors or EvidencePriors()
    drawn = _converged_draws(read, beliefs, settings or SamplerSettings(), engine, seed)
    share = weights(read, beliefs, drawn)
    bias = biases(read, beliefs, drawn)
    conflict = conflicts(read, beliefs, drawn, seed=seed)
    return Triangulation(
        estimates=_estimates(read, drawn, grades(read, share, disagreeing=[*disagreeing(conflict), *losing(read)])),
        weights=share,
        biases=bias,
        conflicts=conflict,
        warnings=findings(read, share, bias, conflict, drawn.convergence),
        convergence=drawn.convergence,
        readings=read,
        priors=beliefs,
        posterior=drawn,
    )


def _converged_draws(
    read: Readings, priors: EvidencePriors, settings: SamplerSettings, engine: str, seed: int
) -> Draws:
    engines = {"compiled": sample, "pymc": sample_graph}
    if engine not in engines:
        raise ValueError(f"engine={engine!r}: one of {', '.join(engines)}")
    drawn = engines[engine](read, priors, settings, seed=seed)
    for _ in range(RETRIES):
        if drawn.convergence.converged:
            break
        drawn = engines[engine](read, priors, settings.longer(), seed=seed + 1)
    return drawn


def _estimates(read: Readings, drawn: Draws, grade: tuple[str, ...]) -> pl.DataFrame:
    theta = np.exp(drawn.eta)
    low, middle, high = np.quantile(theta, [0.05, 0.5, 0.95], axis=0)
    return pl.DataFrame(
        {
            "channel": read.channels,
            "mean": theta.mean(axis=0),
            "sd": theta.std(axis=0, ddof=1),
            "q05": low,
            "q50": middle,
            "q95": high,
            "evidence_grade": grade,
        }
    )
