"""Evidence of one source on a channel's return before combination: its table, its error, the pooling of readings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy.stats import norm

from models.triangulation.vocabulary import COLUMNS

INTERVAL = 0.9
FEWEST_CONVERSIONS = 30  # behind a claim; below, its counting error alone is a fifth


def evidence_frame(rows: Sequence[Mapping[str, object]], class_of: Mapping[str, str]) -> pl.DataFrame:
    """Readings as the table that `combine` takes, each with its channel's class; what a row does not state is null."""
    full = [
        {name: row.get(name) for name in COLUMNS} | {"channel_class": class_of.get(str(row["channel"]))} for row in rows
    ]
    return pl.DataFrame(full, schema=COLUMNS)


def counting_error(claim: float, conversions: float) -> float:
    """Standard error of a claimed return that rests on `conversions` counted ones, in units of the claim.

    Only the error of counting (Poisson): how far a method as a whole is off is a bias, which the combination learns.
    Below one conversion the error is as large as the claim.
    """
    return claim / math.sqrt(max(conversions, 1.0))


def pooled(readings: pl.DataFrame) -> pl.DataFrame:
    """Readings of one channel by one method as one: channel, method, mean, sd, q05, q50, q95, sorted.

    `readings`: channel, method, iroas, se (above 0). Weighted by precision, with a Normal 90 % sampling interval. For
    showing only: the combination weights every reading separately, with its method's bias.
    """
    z = float(norm.ppf((1 + INTERVAL) / 2))
    rows = []
    for (channel, method), group in readings.sort("channel", "method", maintain_order=True).group_by(
        "channel", "method", maintain_order=True
    ):
        precision = np.array([1 / se**2 for se in group["se"]])
        mean = float(np.sum(precision * group["iroas"].to_numpy()) / precision.sum())
        sd = float(precision.sum() ** -0.5)
        rows.append((channel, method, mean, sd, mean - z * sd, mean, mean + z * sd))
    columns = ["channel", "method", "mean", "sd", "q05", "q50", "q95"]
    return pl.DataFrame(rows, schema=columns, orient="row")
