"""Candidate sets of geos for a test, and the smallest effect each could find, from covariances alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, sqrt

import numpy as np


@dataclass(frozen=True)
class Screened:
    """Sets as indicator rows (M, N), their closed-form smallest detectable lift (M,) and correlation with the rest."""

    sets: np.ndarray
    detectable: np.ndarray
    correlation: np.ndarray
    rejected: dict[str, int]


def candidate_sets(
    geos: int, sizes: Sequence[int], must: Sequence[int], never: Sequence[int], *, most: int, seed: int
) -> np.ndarray:
    """Indicator rows (M, N) of all allowed sets, or of `most` different ones drawn evenly over the sizes."""
    free = [row for row in range(geos) if row not in set(must) | set(never)]
    draw = np.random.default_rng(seed)
    blocks = []
    for size in sizes:
        open_places = size - len(must)
        if open_places < 0 or open_places > len(free):
            continue
        if comb(len(free), open_places) <= most // len(sizes):
            picks = np.array(list(combinations(free, open_places)), dtype=np.int64)
            picks = picks.reshape(comb(len(free), open_places), open_places)
        else:
            keys = draw.random((most // len(sizes), len(free)))
            picks = np.unique(np.sort(np.array(free)[keys.argsort(axis=1)[:, :open_places]], axis=1), axis=0)
        block = np.zeros((picks.shape[0], geos), dtype=np.float64)
        np.put_along_axis(block, picks, 1.0, axis=1)
        block[:, list(must)] = 1.0
        blocks.append(block)
    return np.vstack(blocks) if blocks else np.zeros((0, geos))


def allowed(
    sets: np.ndarray,
    totals: np.ndarray,
    *,
    most_share: float,
    together: Sequence[tuple[int, int]],
    apart: Sequence[tuple[int, int]] = (),
) -> tuple[np.ndarray, dict[str, int]]:
    """Sets that hold at most `most_share` of the KPI, never split a pair of `together` and split each of `apart`.

    The second answer counts what was turned away, by reason.
    """
    share = sets @ totals / totals.sum()
    too_large = share > most_share
    split = np.zeros(sets.shape[0], dtype=bool)
    for first, second in together:
        split |= sets[:, first] != sets[:, second]
    joined = np.zeros(sets.shape[0], dtype=bool)
    for first, second in apart:
        joined |= sets[:, first] == sets[:, second]
    rejected = {
        "holds too much of the business": int(too_large.sum()),
        "splits a pair": int((split & ~too_large).sum()),
    }
    if apart:
        rejected["does not split a matched pair"] = int((joined & ~split & ~too_large).sum())
    return sets[~(too_large | split | joined)], rejected


def screen(
    kpi: np.ndarray, sets: np.ndarray, duration: int, *, alpha: float, power: float, correlation_floor: float
) -> Screened:
    """Smallest detectable lift of every set against all other geos, from a regression with autocorrelated errors.

    `kpi` (N, T) holds the days that may decide. Uses the covariance of geos today and a day apart, so the cost of a
    set does not depend on the number of days. Source: the predictive variance of time-based regression, times the
    variance inflation of an AR(1) error over the window.
    """
    from scipy import stats

    periods = kpi.shape[1]
    centred = kpi - kpi.mean(axis=1, keepdims=True)
    now = centred @ centred.T / (periods - 1)
    later = centred[:, 1:] @ centred[:, :-1].T / (periods - 1)
    later = (later + later.T) / 2
    tested = sets / sets.sum(axis=1, keepdims=True)
    others = (1 - sets) / (1 - sets).sum(axis=1, keepdims=True)
    tested_now, others_now = tested @ now, others @ now
    var_y = (tested_now * tested).sum(axis=1)
    var_x = (others_now * others).sum(axis=1)
    shared = (tested_now * others).sum(axis=1)
    correlation = shared / np.sqrt(var_y * var_x)
    slope = shared / var_x
    error = tested - slope[:, None] * others
    memory = ((error @ later) * error).sum(axis=1) / np.maximum(((error @ now) * error).sum(axis=1), 1e-300)
    memory = np.clip(memory + (1 + 3 * memory) / periods, 0.0, 0.9)
    spread = np.sqrt(var_y * np.maximum(1 - correlation**2, 0.0) * (periods - 1) / (periods - 2))
    lags = np.arange(1, duration)
    inflation = 1 + 2 * ((1 - lags / duration) * memory[:, None] ** lags).sum(axis=1)
    quantiles = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    factor = quantiles * sqrt((1 + duration / periods) / duration)
    detectable = factor * spread * np.sqrt(inflation) / (tested @ kpi.mean(axis=1))
    correlated = correlation >= correlation_floor
    return Screened(
        sets[correlated],
        detectable[correlated],
        correlation[correlated],
        {"follows the other geos too loosely": int((~correlated).sum())},
    )
