"""Placebo in space: every set of controls is read as if it had been tested, by the procedure used for the real test."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from models.incrementality.geo.donor_weights import Fits, cross_validated_ridge, fit_targets
from models.incrementality.geo.estimator import Estimator

ENUMERATED = 5_000  # up to this many placebo sets are all used
SAMPLED = 999  # beyond it, this many are drawn with the caller's seed
LARGE_GROUP = 0.1  # of the donors: from here on leaving the treated geos out of the placebos would bias them

MIRROR = 0.9  # squared share of the effect from which on a set is the treated set in disguise


@dataclass(frozen=True)
class PlaceboRead:
    """The fit of the treated mean (one row) and of B placebo sets made of donors only."""

    estimator: Estimator
    treated: Fits
    placebos: Fits
    sets: np.ndarray
    enumerated: bool
    asc_ridge: float | None = None

    @property
    def overlapping(self) -> bool:
        """Whether placebo sets may hold treated geos (numbered after the donors), their effect taken off first."""
        return bool((self.sets >= self.treated.weights.shape[1]).any())

    def population(self, donors: np.ndarray, treated: np.ndarray) -> np.ndarray:
        """The rows that `sets` number: the donors, followed by the treated geos where sets may hold them."""
        return np.vstack([donors, treated]) if self.overlapping else donors

    @property
    def tau(self) -> float:
        return float(self.treated.tau[0])

    @property
    def spread(self) -> float:
        return float(self.treated.spread[0])

    @property
    def statistic(self) -> float:
        return self.tau / self.spread


def placebo_sets(donors: int, size: int, seed: int) -> tuple[np.ndarray, bool]:
    """Sets of `size` donors, shape (B, size), and whether they are all there are.

    A placebo keeps at least half of the donors as its own controls, so a larger `size` is cut to half.
    """
    size = max(1, min(size, donors // 2))
    if comb(donors, size) <= ENUMERATED:
        return np.array(list(combinations(range(donors), size)), dtype=np.int64), True
    draw = np.random.default_rng(seed)
    ranks = draw.random((SAMPLED, donors)).argsort(axis=1)[:, :size]
    return np.sort(ranks, axis=1).astype(np.int64), False


def reference_sets(donors: int, treated: int, seed: int) -> tuple[np.ndarray, bool]:
    """The sets a test of `treated` geos is compared with, and whether they are all there are.

    Small groups: sets of donors. Groups of two or more that are a tenth of the donors or larger: sets of any geos but
    the treated set itself, as a lottery over all geos could have drawn them. Disjoint sets alone would compare a group
    that holds an odd geo only with groups that do not, and find effects too often.
    """
    if treated == 1 or treated < LARGE_GROUP * donors:
        return placebo_sets(donors, treated, seed)
    sets, enumerated = placebo_sets(donors + treated, treated, seed)
    return sets[(sets < donors).any(axis=1)], enumerated


def set_means(rows: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Mean series (B, T) of the rows (N, T) in each set (B, m); one product, where picking rows would copy them all."""
    share = np.zeros((sets.shape[0], rows.shape[0]))
    np.put_along_axis(share, sets, 1 / sets.shape[1], axis=1)
    return share @ rows


def on_scale(outcome: np.ndarray, estimator: Estimator) -> np.ndarray:
    """Outcome on the estimator's scale; raises ValueError for logs of values that are not above zero."""
    if estimator.scale == "level":
        return outcome
    if (outcome <= 0).any():
        raise ValueError(
            f"method {estimator.name}: logarithms need every KPI above zero, the smallest is {outcome.min():g}"
        )
    return np.log(outcome)


def placebo_read(
    treated: np.ndarray,
    donors: np.ndarray,
    pre: int,
    post: slice,
    estimator: Estimator,
    sets: np.ndarray,
    *,
    enumerated: bool = True,
    asc_ridge: float | None = None,
) -> PlaceboRead:
    """Fit the mean of the treated geos (k, T) on donors (J, T), then each placebo set on the donors outside it.

    On the log scale the mean is of logarithms, so an effect is a common percentage of all treated geos. Sets may hold
    treated geos (rows J to J + k - 1): what the estimated effect adds to such a set, or to its controls, is taken off.
    """
    shown, pool = on_scale(treated, estimator), on_scale(donors, estimator)
    if estimator.weighing == "asc" and asc_ridge is None:
        before = pool[:, :pre] - pool[:, :pre].mean(axis=1, keepdims=True)
        mean = shown.mean(axis=0)[:pre]
        asc_ridge = cross_validated_ridge(before, mean - mean.mean())
    size = treated.shape[0]
    no_exclusions = np.empty((1, 0), dtype=np.int64)
    fit = fit_targets(
        pool, shown.mean(axis=0)[None], no_exclusions, pre, post, estimator, group_size=size, asc_ridge=asc_ridge
    )
    everyone = np.vstack([pool, shown]) if (sets >= pool.shape[0]).any() else pool
    others = fit_targets(
        everyone, set_means(everyone, sets), sets, pre, post, estimator, group_size=sets.shape[1], asc_ridge=asc_ridge
    )
    if everyone is not pool:
        others, usable = _without_effect(others, sets, pool.shape[0], float(fit.tau[0]), post)
        sets = sets[usable]
    return PlaceboRead(estimator, fit, others, sets, enumerated, asc_ridge)


def _without_effect(fits: Fits, sets: np.ndarray, donors: int, tau: float, post: slice) -> tuple[Fits, np.ndarray]:
    """Placebos free of the estimated effect, and which sets are kept.

    A set carries the share `carried` of the effect: its treated members less the weight of treated controls. Taking
    that share of the *estimate* off also takes off that share of the treated geos' noise, so the rest is scaled back by
    1/sqrt(1 - carried^2); sets that are nearly the treated set or its mirror image tell nothing and are dropped. The
    sets share the same few geos: their spread is widened like that of Student's t with one less freedom than geos.
    """
    geos = fits.weights.shape[1]
    mine = np.arange(geos) >= donors
    carried = mine[sets].mean(axis=1) - fits.weights @ mine
    usable = carried**2 < MIRROR
    scale = np.sqrt((geos - 1) / (geos - 3) / (1 - carried[usable] ** 2))
    gap = fits.gap[usable].copy()
    gap[:, post] = (gap[:, post] - carried[usable, None] * tau) * scale[:, None]
    freed = Fits(fits.weights[usable], gap, (fits.tau[usable] - carried[usable] * tau) * scale, fits.spread[usable])
    return freed, usable
