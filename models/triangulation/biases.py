"""What the evidence says about each method: how far it is off, how much it scatters, and whether it has moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from models.normal_quantile import half_width
from models.triangulation.channel_model import ChannelModel
from models.triangulation.evidence import Readings
from models.triangulation.likelihood import bias_of
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


def biases(read: Readings, models: Sequence[ChannelModel], priors: EvidencePriors, drawn: Draws) -> pl.DataFrame:
    """One row per biased method, on the log scale: posterior and prior of its bias, its own noise, its alarm.

    The MMM's bias is its common error over all channels. A claim method's is log(claim / return) averaged over its
    channels that tests cover, or over all of them where none is; its prior is the average of its classes'. `factor` is
    exp(median bias): 2 means the method reads twice the truth. `noise` is the spread between channels, the prior's
    where a method covers one channel. `measured_on` counts channels where the method meets a test. `drifted`: the
    posterior mean lies outside the prior's central 95 %, on at least one tested channel, so a changed tag, window or
    definition is likelier than such a bias. Methods without readings have no row.
    """
    tested = set(read.tests.channel.tolist())
    rows = []
    if read.mmm is not None:
        met = len(tested & set(read.mmm_channel.tolist()))
        rows.append(_row("mmm", "mmm", drawn.bias, float(drawn.noise.mean()), 0.0, priors.mmm_bias_sd, met))
    claims = read.claims
    for k, (source, kind) in enumerate(zip(claims.sources, claims.source_kind, strict=True)):
        places = np.flatnonzero(claims.source == k).tolist()
        covered = [n for n in places if int(claims.channel[n]) in tested]
        used = covered or places
        gaps = np.column_stack([_gap(read, n, priors, drawn) for n in used])
        prior = [bias_of(models[int(claims.channel[n])].row, claims.claim_type[n]) for n in used]
        prior_sd = float(np.hypot(np.sqrt(sum(p.sd**2 for p in prior)) / len(prior), priors.platform_bias_sd))
        noise = float(gaps.mean(axis=0).std(ddof=1)) if len(used) > 1 else prior[0].sd
        centre = float(np.mean([p.mean for p in prior]))
        rows.append(_row(source, kind, gaps.mean(axis=1), noise, centre, prior_sd, len(covered)))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _gap(read: Readings, n: int, priors: EvidencePriors, drawn: Draws) -> np.ndarray:
    theta = drawn.theta[:, read.claims.channel[n]]
    return np.asarray(read.claims.log_claim[n] - np.log(np.maximum(theta, priors.claim_floor)))


def _row(
    method: str, kind: str, bias: np.ndarray, noise: float, prior_mean: float, prior_sd: float, met: int
) -> tuple[object, ...]:
    low, middle, high = (float(q) for q in np.quantile(bias, [0.05, 0.5, 0.95]))
    drifted = bool(met > 0 and abs(bias.mean() - prior_mean) > half_width(0.95) * prior_sd)
    spread = (float(bias.mean()), float(bias.std(ddof=1)), low, middle, high, float(np.exp(np.clip(middle, -50, 50))))
    return (method, kind, *spread, noise, prior_mean, prior_sd, met, drifted)
