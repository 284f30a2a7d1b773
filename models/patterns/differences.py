"""Where and when an effect differs: between channels, between audiences, and with how often the feature was used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl
from scipy.special import ndtr

from models.multiple_testing import benjamini_hochberg
from models.patterns.contrasts import Cells, raw_effect
from models.patterns.estimates import Estimate, PatternEstimates, heterogeneity

FALSE_DISCOVERY = 0.10
USE_WEEKS = 8
# Slope per share of use: from never to on every piece, an effect is expected to lose at most about this much log-odds.
USE_PRIOR_SD = 0.25
Z_90 = 1.6449


@dataclass(frozen=True)
class Interaction:
    """The effect at one level of a dimension ("feature present"), pulled towards the effect over all levels.

    `p` tests that all levels of the dimension have the same effect; `differs` is true only where that is refuted with
    all dimensions of all features counted (false-discovery rate 10 %). For the dimension `use` the effect is the change
    of log-odds from never to on every piece of the last eight weeks, `p` is one-sided, and `differs` says that the
    effect wears out.
    """

    feature: str
    dimension: str
    level: str
    effect: float
    low: float
    high: float
    p: float
    differs: bool
    n_contrasts: int


def interactions(estimates: PatternEstimates, audience_of: Mapping[str, str] | None = None) -> list[Interaction]:
    """Every level of channel and audience with at least two briefs, and the wear-out, of every learned feature.

    `audience_of` maps a brief to its audience; briefs without one stay out of that dimension.
    """
    found: list[Interaction] = []
    for feature in estimates.features:
        whole = estimates.estimate(feature)
        if whole is None:
            continue
        cells = estimates.cells(feature)
        found += _levels(feature, "channel", cells, whole)
        if audience_of:
            found += _levels(feature, "audience", _by_audience(estimates, feature, audience_of), whole)
        found += _wear_out(feature, cells, estimates.usage)
    return _judged(found)


def _levels(feature: str, dimension: str, cells: Cells, whole: Estimate) -> Iterator[Interaction]:
    omega, p = heterogeneity(cells)
    parts = {level: raw_effect(cells.where(cells.channel == level)) for level in sorted(set(cells.channel.tolist()))}
    known = {level: part for level, part in parts.items() if part is not None}
    if len(known) < 2:
        return
    for level, part in known.items():
        # What the level adds to the whole is shrunk, and the whole, which holds the level, counts once.
        kappa = omega**2 / (omega**2 + part.se**2)
        mean = whole.shrunk + kappa * (part.b - whole.shrunk)
        sd = np.sqrt(kappa * part.se**2 + (1 - kappa) ** 2 * whole.sd**2)
        yield Interaction(
            feature, dimension, level, mean, mean - Z_90 * sd, mean + Z_90 * sd, p, False, part.n_contrasts
        )


def _by_audience(estimates: PatternEstimates, feature: str, audience_of: Mapping[str, str]) -> Cells:
    """The feature's cells with the audience in the place of the channel."""
    rows = estimates.contrasts.filter(pl.col("feature") == feature)
    audiences = rows.with_columns(
        channel=pl.col("brief").replace_strict(audience_of, default=None, return_dtype=pl.String)
    )
    return Cells.of(audiences.filter(pl.col("channel").is_not_null()))


def _wear_out(feature: str, cells: Cells, usage: pl.DataFrame) -> Iterator[Interaction]:
    """Slope of the effect on the feature's share of the pieces in the eight weeks before, prior N(0, .25^2)."""
    before = _use_before(feature, cells, usage)
    known = ~np.isnan(before)
    own, share = cells.where(known), before[known]
    if len(set(own.brief.tolist())) < 3 or np.ptp(share) < 0.05:
        return
    w, y = own.den, own.num / own.den
    t = share - np.average(share, weights=w)
    spread = float(np.sum(w * t**2))
    if spread <= 0:
        return
    centred = y - np.average(y, weights=w)
    slope = float(np.sum(w * t * centred)) / spread
    robust = float(np.sum((w * t * (centred - slope * t)) ** 2)) / spread**2
    variance = max(robust, 1 / spread)
    kappa = USE_PRIOR_SD**2 / (USE_PRIOR_SD**2 + variance)
    mean, sd = kappa * slope, np.sqrt(kappa * variance)
    yield Interaction(
        feature,
        "use",
        "from none to all",
        mean,
        mean - Z_90 * sd,
        mean + Z_90 * sd,
        float(ndtr(slope / np.sqrt(variance))),
        False,
        len(set(own.brief.tolist())),
    )


def _use_before(feature: str, cells: Cells, usage: pl.DataFrame) -> np.ndarray:
    """The feature's mean share of the pieces live in the cell's channel in the eight weeks before; NaN without any."""
    weeks = usage.select("channel", "week").unique()
    shares = usage.filter(pl.col("feature") == feature).select("channel", "week", "share")
    series = weeks.join(shares, on=["channel", "week"], how="left").with_columns(pl.col("share").fill_null(0.0))
    by_channel = {
        str(channel): (rows["week"].to_numpy(), rows["share"].to_numpy())
        for (channel,), rows in series.partition_by("channel", as_dict=True).items()
    }
    result = np.full(len(cells.week), np.nan)
    for i, (channel, week) in enumerate(zip(cells.channel.tolist(), cells.week.tolist(), strict=True)):
        when, share = by_channel.get(channel, (np.zeros(0, dtype="datetime64[D]"), np.zeros(0)))
        recent = (when < np.datetime64(week)) & (when >= np.datetime64(week - timedelta(weeks=USE_WEEKS)))
        if recent.any():
            result[i] = share[recent].mean()
    return result


def _judged(found: list[Interaction]) -> list[Interaction]:
    tests = {(i.feature, i.dimension): i.p for i in found}
    adjusted = dict(zip(tests, benjamini_hochberg(list(tests.values())), strict=True))
    return [replace(i, differs=adjusted[i.feature, i.dimension] <= FALSE_DISCOVERY) for i in found]
