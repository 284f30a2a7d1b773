"""Errors, coverage, widths and money lost of each method's numbers, over all channels or a group of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

FLOOR = 0.1  # iROAS below which all values count alike: such a channel is not bought either way


@dataclass(frozen=True)
class Score:
    """Over a method's figures: `rmse` of log iROAS (truth and estimate floored at .1), `median_error` relative to the
    truth (not below .1), `cover` and median log `width` of its 90 % ranges (None where it states none), `right_side` of
    break-even, and `lost`: money on the wrong side of break-even, |margin x iROAS - 1| per spend, in % of spend, mean
    over companies."""

    channels: int
    rmse: float
    median_error: float
    cover: float | None
    width: float | None
    right_side: float
    lost: float


def with_errors(rows: pl.DataFrame) -> pl.DataFrame:
    """The figures with what every score is made of.

    Columns of `rows`: company, kind, channel, channel_class, tested, margin, spend_share, truth, method, point, low,
    high. Adds error (log), relative, inside, width, right, lost.
    """
    floored = {name: pl.col(name).clip(lower_bound=FLOOR).log() for name in ("point", "truth", "low", "high")}
    buys, should = pl.col("margin") * pl.col("point") > 1, pl.col("margin") * pl.col("truth") > 1
    regret = pl.col("spend_share") * (pl.col("margin") * pl.col("truth") - 1).abs()
    return rows.with_columns(
        error=floored["point"] - floored["truth"],
        relative=(pl.col("point") - pl.col("truth")).abs() / pl.col("truth").clip(lower_bound=FLOOR),
        inside=(pl.col("low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("high")),
        width=floored["high"] - floored["low"],
        right=buys == should,
        lost=pl.when(buys != should).then(regret).otherwise(0.0),
    )


def score(rows: pl.DataFrame) -> Score:
    """One method's score over rows of `with_errors`."""
    ranged = rows.filter(pl.col("low").is_not_null())
    whole = ranged.height == rows.height
    lost = rows.group_by("company").agg(pl.col("lost").sum())["lost"]
    return Score(
        channels=rows.height,
        rmse=rmse(rows["error"].to_numpy()),
        median_error=_number(rows["relative"].median()),
        cover=_number(ranged["inside"].mean()) if whole else None,
        width=_number(ranged["width"].median()) if whole else None,
        right_side=_number(rows["right"].mean()),
        lost=100 * _number(lost.mean()),
    )


def rmse(errors: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean(errors**2)))


def ratio_interval(
    rows: pl.DataFrame, method: str, rival: str, *, seed: int, count: int = 2000
) -> tuple[float, float, float]:
    """RMSE of `method` over that of `rival`: 5 %, 50 % and 95 % points of a bootstrap over companies."""
    sums = rows.group_by("company", "method").agg((pl.col("error") ** 2).sum().alias("sum"))
    wide = sums.pivot(on="method", index="company", values="sum").sort("company")
    ours, other = wide[method].to_numpy(), wide[rival].to_numpy()
    picks = np.random.default_rng(seed).integers(0, len(ours), size=(count, len(ours)))
    ratios = np.sqrt(ours[picks].sum(axis=1) / other[picks].sum(axis=1))
    low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)


def worse_companies(rows: pl.DataFrame, method: str, rival: str) -> float:
    """Share of companies in which the squared error of `method` is more than 1.1 times that of `rival`."""
    sums = rows.group_by("company", "method").agg((pl.col("error") ** 2).sum().alias("sum"))
    wide = sums.pivot(on="method", index="company", values="sum")
    return _number((wide[method] > 1.1 * wide[rival]).mean())


def best(rows: pl.DataFrame, methods: Sequence[str]) -> str:
    """The method with the least RMSE, chosen with hindsight."""
    return min(methods, key=lambda name: rmse(rows.filter(pl.col("method") == name)["error"].to_numpy()))


def _number(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]  # polars types a mean widely
