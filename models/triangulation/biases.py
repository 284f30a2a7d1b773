"""What the model learned about each method: how far it is off, how much it scatters, and whether it has moved."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.normal_quantile import half_width
from models.triangulation.evidence import Readings
from models.triangulation.priors import EvidencePriors
from models.triangulation.sampler import Draws

SCHEMA = {
    "method": pl.String,
    "kind": pl.String,
    "mean": pl.Float64,
    "sd": pl.Float64,
    "q05": pl.Float64,
    "q50": pl.Float64,
    "q95": pl.Float64,
    "factor": pl.Float64,
    "noise": pl.Float64,
    "prior_mean": pl.Float64,
    "prior_sd": pl.Float64,
    "measured_on": pl.Int64,
    "drifted": pl.Boolean,
}


def biases(read: Readings, priors: EvidencePriors, drawn: Draws) -> pl.DataFrame:
    """One row per biased method, on the log scale: posterior and prior of its bias, its own noise, its alarm.

    `factor` is exp(median bias): 2 means the method reads twice the truth. `measured_on` counts channels
    where the method meets a test. `drifted` is true when the posterior mean lies outside the prior's
    central 95 %: a changed tag, window or definition is likelier than such a bias. Methods without readings
    have no row.
    """
    tested = set(read.tests.channel.tolist())
    rows = []
    if read.mmm is not None:
        met = len(tested & set(read.mmm_channel.tolist()))
        rows.append(("mmm", "mmm", drawn.shared(5), drawn.shared(6), 0.0, priors.mmm_bias_sd, met))
    bias, noise = drawn.point[:, drawn.layout.bias], drawn.point[:, drawn.layout.log_noise]
    for k, (source, kind) in enumerate(zip(read.claims.sources, read.claims.source_kind, strict=True)):
        met = len(tested & set(read.claims.channel[read.claims.source == k].tolist()))
        centre, sd = priors.attribution_bias_mean, priors.attribution_bias_sd
        rows.append((source, kind, bias[:, k], noise[:, k], centre, sd, met))
    return pl.DataFrame([_row(*row) for row in rows], schema=SCHEMA, orient="row")


def _row(
    method: str, kind: str, bias: np.ndarray, log_noise: np.ndarray, prior_mean: float, prior_sd: float, met: int
) -> tuple[object, ...]:
    low, middle, high = (float(q) for q in np.quantile(bias, [0.05, 0.5, 0.95]))
    drifted = bool(abs(bias.mean() - prior_mean) > half_width(0.95) * prior_sd)
    spread = (float(bias.mean()), float(bias.std(ddof=1)), low, middle, high, float(np.exp(middle)))
    return (method, kind, *spread, float(np.exp(log_noise).mean()), prior_mean, prior_sd, met, drifted)
