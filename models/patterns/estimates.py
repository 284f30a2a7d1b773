"""Pattern effects learned from tests: one estimate per feature, over all tests or any part of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc
from scipy.stats import norm

from models.patterns.contrasts import Cells, raw_effect
from models.patterns.mixture import Posterior, ScaleMixture, posterior
from models.patterns.prior import PriorPack
from models.patterns.spec import LearnSpec
from models.warning import Warning

Sign = Literal[1, -1]


@dataclass(frozen=True)
class Estimate:
    """The effect of following one statement in one scope (`sign` -1: of leaving the feature out).

    `shrunk` with `low, high` (90 %, posterior of the effect) is the only effect size to quote; `raw` is kept for audit.
    `p_gt_0_now` adds drift since the last data, `p_gt_0_next` also until the next review. Scale: log-odds of a
    success, or margin per 1,000 trials. It is an effect on the tested outcome, not on revenue.
    """

    feature: str
    sign: Sign
    channels: tuple[str, ...]
    outcome: str
    raw: float
    raw_se: float
    shrunk: float
    sd: float
    low: float
    high: float
    p_gt_0: float
    p_gt_0_now: float
    p_gt_0_next: float
    p_gt_delta: float
    p_lt_minus_delta: float
    p_abs_lt_delta: float
    lfsr: float
    delta: float
    expected_gain: float
    n_contrasts: int
    n_contents: int
    n_eff: float
    heterogeneity_sd: float | None
    drift_sd_per_year: float
    first_week: date
    last_week: date

    @property
    def p_value(self) -> float:
        """One-sided, of the unshrunk estimate; only for the false-discovery rule."""
        return float(norm.sf(self.raw / self.raw_se))


@dataclass(frozen=True)
class PatternEstimates:
    """What the tests say about every feature.

    `contrasts` holds one row per feature and cell (see `contrasts.cell_contrasts`), `srm` the split check per test,
    `joint` the effects of the short-listed features held against each other, `usage` the share of new variants
    per week that carry a feature, `placebo_hits` how many features a null world would have passed on average.
    """

    contrasts: pl.DataFrame
    srm: pl.DataFrame
    usage: pl.DataFrame
    joint: dict[str, float]
    split_p: dict[str, float]
    tau: float
    mixture: ScaleMixture
    prior: PriorPack | None
    spec: LearnSpec
    as_of: date
    placebo_hits: float | None
    warnings: tuple[Warning, ...]
    _cells: dict[str, Cells] = field(default_factory=dict, repr=False, compare=False)
    _estimates: dict[tuple[object, ...], Estimate | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def features(self) -> list[str]:
        """Features that varied inside at least two briefs."""
        seen = self.contrasts.group_by("feature").agg(pl.col("brief").n_unique().alias("briefs"))
        return sorted(seen.filter(pl.col("briefs") >= 2)["feature"].to_list())

    def channels(self, feature: str) -> tuple[str, ...]:
        """Channels in which the feature varied inside a brief."""
        return tuple(sorted(set(self.cells(feature).channel.tolist())))

    def cells(self, feature: str) -> Cells:
        """The cell contrasts of one feature, laid out once."""
        if not self._cells:
            parts = self.contrasts.partition_by("feature", as_dict=True, maintain_order=True)
            self._cells.update({str(name): Cells.of(rows) for (name,), rows in parts.items()})
        if feature not in self._cells:
            self._cells[feature] = Cells.of(self.contrasts.clear())
        return self._cells[feature]

    def channels_differ(self, feature: str, channels: tuple[str, ...]) -> float:
        """p of no difference between these channels (Cochran's Q); 1 with a single one."""
        every = self.cells(feature)
        return heterogeneity(every.where(np.isin(every.channel, channels)))[1]

    def estimate(
        self,
        feature: str,
        *,
        sign: Sign = 1,
        channels: tuple[str, ...] | None = None,
        since: date | None = None,
        before: date | None = None,
    ) -> Estimate | None:
        """The effect in a scope and a span of weeks (`since` <= week < `before`); None with fewer than two briefs.

        A part of the channels is shrunk towards the effect over all of them by how much channels really differ.
        """
        scope = (feature, sign, channels, since, before)
        if scope not in self._estimates:
            self._estimates[scope] = self._estimate(feature, sign, channels, since, before)
        return self._estimates[scope]

    def _estimate(
        self, feature: str, sign: Sign, channels: tuple[str, ...] | None, since: date | None, before: date | None
    ) -> Estimate | None:
        every = self.cells(feature)
        span = np.ones(len(every.week), dtype=bool)
        if since is not None:
            span &= every.week >= np.datetime64(since)
        if before is not None:
            span &= every.week < np.datetime64(before)
        every = every.where(span)
        part = every if channels is None else every.where(np.isin(every.channel, channels))
        raw = raw_effect(part)
        if raw is None:
            return None
        mean, widths, weights = self._prior_of(feature)
        omega, _ = heterogeneity(every)
        if channels is not None and set(channels) < set(every.channel):
            overall = raw_effect(every)
            assert overall is not None  # `part` is a subset with two briefs
            centre = self._posterior(feature, overall.b, overall.se, mean, widths, weights, 1, every)
            mean, widths, weights = float(centre.mean[0]), np.array([np.hypot(omega, float(centre.sd[0]))]), np.ones(1)
        p = self._posterior(feature, raw.b, raw.se, mean, widths, weights, sign, part)
        return Estimate(
            feature=feature,
            sign=sign,
            channels=tuple(sorted(set(part.channel.tolist()))),
            outcome=self.spec.outcome,
            raw=sign * raw.b,
            raw_se=raw.se,
            shrunk=float(p.mean[0]),
            sd=float(p.sd[0]),
            low=min(float(p.low[0]), float(p.mean[0])),
            high=max(float(p.high[0]), float(p.mean[0])),
            p_gt_0=float(p.p_gt_0[0]),
            p_gt_0_now=float(p.p_gt_0_now[0]),
            p_gt_0_next=float(p.p_gt_0_next[0]),
            p_gt_delta=float(p.p_gt_delta[0]),
            p_lt_minus_delta=float(p.p_lt_minus_delta[0]),
            p_abs_lt_delta=float(p.p_abs_lt_delta[0]),
            lfsr=float(p.lfsr[0]),
            delta=self.spec.delta,
            expected_gain=float(p.expected_gain[0]),
            n_contrasts=raw.n_contrasts,
            n_contents=raw.n_contents,
            n_eff=raw.n_eff,
            heterogeneity_sd=omega if len(set(every.channel)) > 1 else None,
            drift_sd_per_year=self.spec.drift_sd(feature),
            first_week=part.week.min().astype(date),
            last_week=part.week.max().astype(date),
        )

    @property
    def frame(self) -> pl.DataFrame:
        """One row per feature over all its channels, signed as "feature present"; columns are Estimate's fields."""
        rows = [e for f in self.features if (e := self.estimate(f)) is not None]
        if not rows:
            return pl.DataFrame({"feature": []}, schema={"feature": pl.String})
        return pl.DataFrame([{**vars(e), "channels": list(e.channels)} for e in rows])

    def _prior_of(self, feature: str) -> tuple[float, np.ndarray, np.ndarray]:
        if self.prior is not None and (prior := self.prior.normal(feature, self.spec.drift_sd(feature))) is not None:
            return prior[0], np.array([prior[1]]), np.ones(1)
        return 0.0, self.mixture.scales, self.mixture.weights

    def _posterior(
        self,
        feature: str,
        b: float,
        se: float,
        mean: float,
        widths: np.ndarray,
        weights: np.ndarray,
        sign: int,
        cells: Cells,
    ) -> Posterior:
        last: date = cells.week.max().astype(date)
        idle_years = max((self.as_of - (last + timedelta(days=7))).days, 0) / 365.25
        step = self.spec.drift_sd(feature) ** 2
        return posterior(
            np.array([sign * b]),
            np.array([se]),
            np.array([sign * mean]),
            widths,
            weights,
            delta=self.spec.delta,
            drift_now=np.array([step * idle_years]),
            drift_next=np.array([step * (idle_years + self.spec.review_years)]),
        )


def heterogeneity(cells: Cells) -> tuple[float, float]:
    """(omega, p): sd of a feature's effect between channels beyond chance, and p of no difference at all.

    DerSimonian-Laird moments and Cochran's Q; (0, 1) with fewer than two channels that can be judged.
    """
    by_channel = [raw_effect(cells.where(cells.channel == channel)) for channel in sorted(set(cells.channel.tolist()))]
    effects = [e for e in by_channel if e is not None]
    if len(effects) < 2:
        return 0.0, 1.0
    b, w = np.array([e.b for e in effects]), np.array([1 / e.se**2 for e in effects])
    q, freedom = float(np.sum(w * (b - np.sum(w * b) / w.sum()) ** 2)), len(b) - 1
    omega2 = (q - freedom) / (w.sum() - np.sum(w**2) / w.sum())
    return float(np.sqrt(max(0.0, omega2))), float(chdtrc(freedom, q))
