"""method="auto": the estimator and scale with the smallest error on windows before the test, where nothing happened."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from models.incrementality.geo.donor_weights import fit_targets
from models.incrementality.geo.estimator import AUTO_WEIGHINGS, FALLBACK, LAST_RESORT, Estimator, Scale
from models.incrementality.geo.panel import PanelError
from models.incrementality.geo.placebo import on_scale, placebo_sets
from models.incrementality.geo.window import GeoTest

MOST_SETS = 200  # placebo sets used to compare candidates; more would not change the ranking
SHORTEST_TRAINING = 8  # periods a candidate must be fitted on


@dataclass(frozen=True)
class Choice:
    """The chosen estimator and, per candidate, its error in percent of the KPI on the held-back windows."""

    estimator: Estimator
    errors: dict[str, float]
    windows: tuple[tuple[int, int], ...]

    @property
    def reason(self) -> str:
        if not self.errors:
            return f"{self.estimator.name}: the history is too short to compare methods on it, so the fallback was used"
        ranked = sorted(self.errors.items(), key=lambda item: item[1])
        rival = f", next {ranked[1][0]} ({ranked[1][1]:.2f} %)" if len(ranked) > 1 else ""
        return (
            f"{self.estimator.name} had the smallest error ({ranked[0][1]:.2f} %{rival}) on"
            f" {len(self.windows)} window(s) before the test, in which nothing happened"
        )


def held_back_windows(pre: int, periods: int) -> tuple[tuple[int, int], ...]:
    """Up to two windows [first, last) that end the pre-period, as long as the test where the history allows."""
    length = min(periods, pre // 2)
    windows = []
    for shift in (1, 2):
        first = pre - shift * length
        if first >= max(SHORTEST_TRAINING, length):
            windows.append((first, first + length))
    return tuple(windows)


def choose(pre_treated: np.ndarray, pre_donors: np.ndarray, periods: int, *, seed: int, logs: bool = True) -> Choice:
    """Choose on pre-period data only: (k, pre) treated and (J, pre) donors; the test period is not an argument.

    Without `logs` only levels are candidates: some KPI that will be read is not above zero.

    The error is the root mean square, over placebo sets of donors, of the *window mean*, in percent of the KPI: what
    an interval is made of. A daily error would reward averaging away noise.
    """
    every = np.vstack([pre_treated, pre_donors])
    scales: tuple[Scale, ...] = ("level", "log") if logs and (every > 0).all() else ("level",)
    windows = held_back_windows(pre_donors.shape[1], periods)
    candidates = [Estimator(weighing, scale) for scale in scales for weighing in AUTO_WEIGHINGS]
    if not windows:
        return Choice(Estimator(FALLBACK), {}, windows)
    sets, _ = placebo_sets(pre_donors.shape[0], pre_treated.shape[0], seed)
    if sets.shape[0] > MOST_SETS:
        sets = sets[np.random.default_rng(seed).permutation(sets.shape[0])[:MOST_SETS]]
    errors = {c.name: _window_error(pre_donors, sets, windows, c) for c in candidates}
    for best in sorted(candidates, key=lambda c: errors[c.name]):
        if errors[best.name] < inf and _leaves_errors(pre_treated, pre_donors, best):
            return Choice(best, errors, windows)
    return Choice(Estimator(LAST_RESORT), {}, windows)


def choice_of(test: GeoTest, method: str, seed: int, *, periods: int | None = None, logs: bool | None = None) -> Choice:
    """The estimator: the named one, or chosen on the pre-period of this test for a window of `periods` (the test's).

    `logs` says whether logarithms may be chosen (unset: where every KPI until the window's end is above zero); nothing
    else of the window is looked at. Raises PanelError for a named method on logarithms of a KPI that is not above zero.
    """
    logs = test.positive if logs is None else logs
    if method != "auto":
        named_one = Estimator.named(method)
        if named_one.scale == "log" and not logs:
            raise PanelError(
                f"method {method}: logarithms need every KPI above zero until {test.panel.dates[test.last]};"
                f" read with method={method.removesuffix('_log')!r} or auto"
            )
        return Choice(named_one, {}, ())
    kpi = test.panel.kpi[:, : test.pre]
    return choose(kpi[list(test.treated)], kpi[list(test.donors)], periods or test.periods, seed=seed, logs=logs)


def _leaves_errors(treated: np.ndarray, donors: np.ndarray, candidate: Estimator) -> bool:
    """Whether the fit leaves errors to judge by: many donors reproduce few periods exactly."""
    pool, aim = on_scale(donors, candidate), on_scale(treated, candidate).mean(axis=0)[None]
    pre = pool.shape[1]
    try:
        fit_targets(pool, aim, np.empty((1, 0), dtype=np.int64), pre, slice(0, pre), candidate)
    except PanelError:
        return False
    return True


def _window_error(
    donors: np.ndarray, sets: np.ndarray, windows: tuple[tuple[int, int], ...], candidate: Estimator
) -> float:
    """Root mean square error of the window mean over placebo sets and windows, in percent.

    Windows in which a set had no KPI have no percentage and are left out. Infinite when a fit leaves no error at all.
    """
    pool = on_scale(donors, candidate)
    targets = pool[sets].mean(axis=1)
    squares = []
    for first, last in windows:
        try:
            fits = fit_targets(pool[:, :last], targets[:, :last], sets, first, slice(first, last), candidate)
        except PanelError:
            return inf
        if candidate.scale == "log":
            squares.append(np.expm1(fits.tau) ** 2)
            continue
        base = targets[:, first:last].mean(axis=1)
        nonzero = base != 0
        squares.append((fits.tau[nonzero] / base[nonzero]) ** 2)
    every = np.concatenate(squares)
    return float(100 * np.sqrt(every.mean())) if every.size else inf
