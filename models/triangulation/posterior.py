"""One posterior of incremental return per channel, from every kind of evidence, with each method's error in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.triangulation.biases import biases
from models.triangulation.channel_model import channel_models
from models.triangulation.conflicts import conflicts, disagreeing
from models.triangulation.evidence import EvidenceError, Readings, readings
from models.triangulation.mmm_evidence import MMMDraws, MMMEvidence
from models.triangulation.priors import EvidencePriors
from models.triangulation.sampler import Convergence, Draws, sample
from models.triangulation.warnings import findings
from models.triangulation.weights import NOT_MEASURED, grades, weights
from models.warning import Warning

USELESS_BELOW = 0.1  # an iROAS below this is no return to speak of


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Incremental revenue per unit of spend (iROAS) of each channel, and the evidence behind it.

    estimates: channel, mean, sd, q05, q50, q95 (parameter interval, 90 %), evidence_grade, measured (false where more
    than half of the weight is prior: show the range, never a point), p_useless (probability of an iROAS below 0.1).
    Multiply the mean by spend for anything that is added up; add draws, never interval ends. weights: channel,
    experiment, mmm, attribution, prior (rows sum to 1). biases: one row per method. conflicts: one row per reading.
    warnings: what to know before acting. convergence: how good the draws are.
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
        """Joint draws of iROAS, (draws, channels) in the order of `estimates`; they may be zero or negative."""
        return self.posterior.theta

    @property
    def mmm_draw(self) -> np.ndarray:
        """Row of the MMM's draws whose curve belongs to each theta, (draws, channels); 0 without an MMM."""
        return self.posterior.mmm_row

    @property
    def evidence(self) -> pl.DataFrame:
        """Share of evidence per channel: channel, mmm, tests, claims, prior; the weights under their methods' names."""
        return self.weights.select("channel", "mmm", tests="experiment", claims="attribution", prior="prior")

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
        """Probability that margin x iROAS is above 1, per channel: channel, p_profitable.

        Raises ValueError unless 0 < margin <= 1.
        """
        if not 0 < margin <= 1:
            raise EvidenceError(f"margin={margin}: a contribution margin is a share between 0 and 1; 62 % is 0.62")
        return pl.DataFrame({"channel": self.readings.channels, "p_profitable": (self.theta * margin > 1).mean(axis=0)})


def combine(
    evidence: pl.DataFrame,
    *,
    seed: int,
    mmm: MMMDraws | MMMEvidence | None = None,
    channels: Sequence[str] = (),
    classes: Mapping[str, str] | None = None,
    priors: EvidencePriors | None = None,
    margin: float | None = None,
) -> Triangulation:
    """Posterior iROAS per channel from experiments, an MMM, attribution, platform claims and self-reports.

    `evidence`: one row per reading (see `evidence.readings`); `mmm`: joint draws of an MMM that has seen no experiment,
    with its own class prior inside, which counts once. `channels` are reported even without a reading; `classes` gives
    the class of channels that have no row. `margin` turns the classes' returns, stated as margin x iROAS, into iROAS;
    unset, a usual one is taken and the priors are wider. Any source may be absent: a channel without any has the range
    of its class's prior. Simplified: tests by one team are taken as independent; dependence between channels is that of
    the MMM's draws as a Gaussian copula. Same inputs and seed give the same bits. Raises ValueError on impossible rows
    and on an MMM that has already used the experiments; whatever the readings say, it has an answer or a warning of
    severity block that names the channel.
    """
    if margin is not None and not 0 < margin <= 1:
        raise EvidenceError(f"margin={margin}: a contribution margin is a share between 0 and 1; 62 % is 0.62")
    read = readings(evidence, seed=seed, mmm=mmm, channels=channels, classes=classes)
    beliefs = priors or EvidencePriors()
    models, platforms = channel_models(read, beliefs, margin)
    order = np.argsort(read.mmm_channel)
    drawn = sample(models, len(platforms), read.mmm.returns[:, order] if read.mmm else None, beliefs, seed=seed)
    share = weights(models, drawn, beliefs)
    bias = biases(read, models, beliefs, drawn)
    conflict = conflicts(read, models, beliefs, drawn)
    grade = grades(read, share, disagreeing=[*disagreeing(conflict), *drawn.convergence.stuck])
    table = _estimates(read, drawn, share, grade)
    return Triangulation(
        estimates=table,
        weights=share,
        biases=bias,
        conflicts=conflict,
        warnings=findings(read, models, table, share, bias, conflict, drawn, beliefs),
        convergence=drawn.convergence,
        readings=read,
        priors=beliefs,
        posterior=drawn,
    )


def _estimates(read: Readings, drawn: Draws, share: pl.DataFrame, grade: tuple[str, ...]) -> pl.DataFrame:
    theta = drawn.theta
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
            "measured": share["prior"] <= NOT_MEASURED,
            "p_useless": (theta < USELESS_BELOW).mean(axis=0),
        }
    )
