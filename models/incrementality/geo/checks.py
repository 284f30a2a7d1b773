"""Falsification checks of a geo read: days before the test, one control less, spend in the controls."""

from __future__ import annotations

from math import inf, nan

import numpy as np

from models.incrementality.geo.donor_weights import fit_targets, simplex_weights
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.panel import PanelError
from models.incrementality.geo.placebo import PlaceboRead, on_scale, placebo_read, set_means
from models.incrementality.geo.window import GeoTest
from models.incrementality.inversion import invert
from models.incrementality.result import Check

POOR_FIT_RANK = 0.9  # pre-fit worse than this share of the placebos
POOR_FIT_RATIO = 2.0  # and at least this many times their usual error
PLACEBO_IN_TIME_ALPHA = 0.05
MOST_TIME_WINDOWS = 4
MOST_TIME_SETS = 400  # placebo sets per window: the smallest p-value they allow is far below the limit
HEAVY_DONOR = 0.05
STICKY_RESIDUAL = 0.5
HULL_LIMIT = 0.10
CONTROL_SPEND_SHARE = 0.10  # of the treated geos' spend change
EXTREME_START = 2.5
EXTREME_RANK = 0.05  # and rarer than this among the placebos


def geo_checks(
    test: GeoTest, read: PlaceboRead, half_width: float, level: float, *, holdback: bool = False
) -> tuple[Check, ...]:
    """All checks of one geo read; `half_width` is the reported interval's at `level`, on the estimator's scale.

    In a `holdback` the controls lose their spend by design, so their spend is not checked.
    """
    treated, donors = test.panel.kpi[list(test.treated)], test.panel.kpi[list(test.donors)]
    pool, aim = on_scale(donors, read.estimator), on_scale(treated, read.estimator).mean(axis=0)
    checks = [
        pre_fit(read, pool, on_scale(treated, read.estimator), test.pre),
        placebo_in_time(treated, donors, test.pre, test.periods, read, half_width),
        leave_one_donor_out(test, read, pool, aim, half_width),
        hull(donors, treated.mean(axis=0), test.pre, read.estimator),
        residual_memory(read, test.pre),
        extreme_start(read, test.pre, test.periods),
        placebo_in_space(read, half_width / read.spread, level),
    ]
    if test.panel.spend is not None and not holdback:
        checks.append(control_spend(test, read))
    return tuple(checks)


def pre_fit(read: PlaceboRead, pool: np.ndarray, treated: np.ndarray, pre: int) -> Check:
    """How well the controls followed the treated geos before the test, beside how well they follow each other.

    The measure is the pre-period error relative to that of equally weighted controls (scaled L2).
    """
    mine = _scaled_error(read.treated.gap, (treated.mean(axis=0) - pool.mean(axis=0))[None], pre)[0]
    everyone = read.population(pool, treated)
    size, members = read.sets.shape[1], set_means(everyone, read.sets)
    others = (everyone.sum(axis=0) - size * members) / (everyone.shape[0] - size)
    theirs = _scaled_error(read.placebos.gap, members - others, pre)
    rank = float((theirs < mine).mean())
    noise = read.spread / float(np.median(read.placebos.spread))
    failed = rank > POOR_FIT_RANK and noise > POOR_FIT_RATIO
    return Check(
        "pre_fit",
        not failed,
        True,
        rank,
        POOR_FIT_RANK,
        f"before the test the controls followed the tested geos worse than {rank:.0%} of comparable geos are followed,"
        f" with {noise:.1f} times their usual error",
        "Do not use this read; choose geos that others resemble, or read with another set of controls.",
    )


def placebo_in_time(
    treated: np.ndarray, donors: np.ndarray, pre: int, periods: int, read: PlaceboRead, half_width: float
) -> Check:
    """The same read on windows before the test: an effect there means unsuitable controls.

    Up to four windows of the test's length, none overlapping; smallest p-value times their number against 5 %. It
    invalidates the test only when that effect is also larger than the reported half-width: less would not move it.
    """
    length = min(periods, pre // 3)
    sets = read.sets[:: -(-read.sets.shape[0] // MOST_TIME_SETS)]
    windows: list[tuple[float, float]] = []
    for shift in range(1, MOST_TIME_WINDOWS + 1):
        first = pre - shift * length
        if first < max(8, length):
            break
        try:
            earlier = placebo_read(
                treated[:, : first + length],
                donors[:, : first + length],
                first,
                slice(first, first + length),
                read.estimator,
                sets,
                asc_ridge=read.asc_ridge,
            )
        except PanelError:
            break  # so few periods are left that controls reproduce a geo exactly: nothing to studentise by
        windows.append((invert(earlier.statistic, earlier.placebos.studentised, 0.95).p_value, abs(earlier.tau)))
    if not windows:
        return Check(
            "placebo_in_time",
            True,
            False,
            nan,
            PLACEBO_IN_TIME_ALPHA,
            "the history is too short to try the read on days before the test",
            "Deliver a longer history.",
        )
    p_value, largest = min(windows)
    p_value = min(1.0, p_value * len(windows))
    moved = p_value <= PLACEBO_IN_TIME_ALPHA
    finding = "an effect where nothing was done" if moved else "nothing, as it should"
    return Check(
        "placebo_in_time",
        not moved,
        largest > half_width,
        p_value,
        PLACEBO_IN_TIME_ALPHA,
        f"the same read on {len(windows)} window(s) before the test finds {finding} (p = {p_value:.3f})",
        "Look for what else set tested and control geos apart before the test; do not use the read if it persists.",
    )


def leave_one_donor_out(
    test: GeoTest, read: PlaceboRead, pool: np.ndarray, aim: np.ndarray, half_width: float
) -> Check:
    """Spread of the effect when each control of weight above 5 % is left out in turn, against the reported range."""
    heavy = np.flatnonzero(np.abs(read.treated.weights[0]) > HEAVY_DONOR)
    if heavy.size == 0 or pool.shape[0] < 4:
        return Check(
            "leave_one_donor_out", True, False, 0.0, 0.5, "no single control decides the result", "Nothing to do."
        )
    without = fit_targets(
        pool,
        np.repeat(aim[None], heavy.size, axis=0),
        heavy[:, None],
        test.pre,
        test.post,
        read.estimator,
        group_size=len(test.treated),
        asc_ridge=read.asc_ridge,
    ).tau
    spread = float(without.max() - without.min())
    share = spread / (2 * half_width) if 0 < half_width < inf else 0.0
    pivotal = test.panel.geos[test.donors[heavy[int(np.abs(without - read.tau).argmax())]]]
    return Check(
        "leave_one_donor_out",
        share <= 0.5,
        False,
        share,
        0.5,
        f"leaving out single controls moves the result over {share:.0%} of its reported range (most: {pivotal})",
        f"Read again without {pivotal} and see whether the conclusion holds.",
    )


def hull(donors: np.ndarray, mean: np.ndarray, pre: int, estimator: Estimator) -> Check:
    """Share of the treated geos' level that no mix of controls reaches: level methods then stretch a smaller geo."""
    weights = simplex_weights(donors[:, :pre], mean[None, :pre], np.empty((1, 0), np.int64), np.zeros(1))[0]
    level = float(mean[:pre].mean())
    share = abs(level - float(weights @ donors[:, :pre].mean(axis=1))) / max(abs(level), 1e-300)
    outside = share > HULL_LIMIT and estimator.scale == "level"
    return Check(
        "hull",
        not outside,
        False,
        share,
        HULL_LIMIT,
        f"{share:.0%} of the tested geos' KPI lies outside what a mix of controls reaches",
        "Prefer a read on logarithms, or controls of a similar size.",
    )


def residual_memory(read: PlaceboRead, pre: int) -> Check:
    """Lag-1 correlation of the pre-period gap: with autocorrelated errors, long windows average out little noise."""
    gap = read.treated.gap[0, :pre]
    memory = float(np.corrcoef(gap[1:], gap[:-1])[0, 1])
    return Check(
        "residual_memory",
        memory <= STICKY_RESIDUAL,
        False,
        memory,
        STICKY_RESIDUAL,
        f"errors last from one period to the next (correlation {memory:.2f})",
        "Trust the placebo range rather than any range that assumes independent days.",
    )


def extreme_start(read: PlaceboRead, pre: int, periods: int) -> Check:
    """Gap just before the test against its earlier history: geos picked at a peak regress to their mean.

    Errors that last make such distances common, so it must also be larger than that of nearly all placebos.
    """
    distance = float(_start_distances(read.treated.gap, pre, periods)[0])
    theirs = _start_distances(read.placebos.gap, pre, periods)
    rarer = (1 + int((theirs >= distance).sum())) / (theirs.size + 1)
    return Check(
        "extreme_start",
        distance <= EXTREME_START or rarer > EXTREME_RANK,
        False,
        distance,
        EXTREME_START,
        f"just before the test the tested geos stood {distance:.1f} standard deviations from their"
        " usual distance to the controls",
        "Part of the change may be a return to normal; compare with a read over a longer history.",
    )


def _start_distances(gaps: np.ndarray, pre: int, periods: int) -> np.ndarray:
    """Distance (B,) of the last stretch of each pre-period gap from earlier stretches, in their standard deviations."""
    length = min(periods, pre // 4)
    totals = np.cumsum(np.pad(gaps[:, :pre], ((0, 0), (1, 0))), axis=1)
    means = (totals[:, length:] - totals[:, :-length]) / length
    history = means[:, : pre - 2 * length + 1]
    spread = history.std(axis=1, ddof=1)
    varies = (spread > 0) & (history.shape[1] > 2)
    return np.where(varies, np.abs(means[:, -1] - history.mean(axis=1)) / np.where(varies, spread, 1.0), 0.0)


def placebo_in_space(read: PlaceboRead, critical: float, level: float) -> Check:
    """Share of placebos outside the reported range: twice the nominal share means too narrow a range."""
    statistics = np.abs(read.placebos.studentised)
    share = float((statistics > critical).mean())
    limit = max(2 * (1 - level), 1 / statistics.size)
    return Check(
        "placebo_in_space",
        share <= limit,
        False,
        share,
        limit,
        f"{share:.0%} of the untouched controls would be said to show an effect: some are much noisier than others",
        "Leave out the controls that jump without a reason, or ask for a higher level.",
    )


def control_spend(test: GeoTest, read: PlaceboRead) -> Check:
    """Whether the controls' own spend changed when the test began: then they are no longer untreated."""
    spend = test.panel.spend
    if spend is None:
        raise ValueError("the panel has no spend to compare")
    weights = np.abs(read.treated.weights[0])
    control = weights @ spend[list(test.donors)] / weights.sum()
    mine = spend[list(test.treated)].mean(axis=0)
    change = float(control[test.post].mean() - control[: test.pre].mean())
    own = float(mine[test.post].mean() - mine[: test.pre].mean())
    length = min(test.periods, test.pre // 2)
    usual = [control[i : i + length].mean() - control[: test.pre].mean() for i in range(test.pre - length + 1)]
    beyond = not min(usual) <= change <= max(usual)
    share = abs(change) / abs(own) if own else (inf if change else 0.0)
    return Check(
        "control_spend",
        not (beyond and share > CONTROL_SPEND_SHARE),
        True,
        share,
        CONTROL_SPEND_SHARE,
        f"spend in the controls changed by {change:+.6g} a period when the test began, {share:.0%} of"
        " the change in the tested geos",
        "Do not use this read: the controls were treated too. Leave out the geos whose spend changed and read again.",
    )


def _scaled_error(gap: np.ndarray, uniform: np.ndarray, pre: int) -> np.ndarray:
    """Pre-period error (B,) of the fit over that of equally weighted controls."""
    own = gap[:, :pre] - gap[:, :pre].mean(axis=1, keepdims=True)
    equal = uniform[:, :pre] - uniform[:, :pre].mean(axis=1, keepdims=True)
    return np.sqrt((own**2).sum(axis=1) / np.maximum((equal**2).sum(axis=1), 1e-300))
