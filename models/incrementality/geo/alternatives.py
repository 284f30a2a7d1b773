"""Other readings of the same geo test on request: from spend by geo, or by permuting blocks of days.

The placebos in space stay the default; what is read here keeps their checks, weights and pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, nan, sqrt

import numpy as np

from models.incrementality.geo.conformal import block_p_value, null_gaps
from models.incrementality.geo.effect_curves import Total, in_units
from models.incrementality.geo.gbr import geo_regression
from models.incrementality.geo.panel import PanelError
from models.incrementality.geo.placebo import PlaceboRead, on_scale
from models.incrementality.geo.trimmed_match import trimmed_match
from models.incrementality.geo.window import GeoTest
from models.incrementality.inversion import exact_alpha
from models.incrementality.result import LiftResult
from models.incrementality.verdict import judge
from models.warning import Warning

SPEND_METHODS = ("gbr", "trimmed_match")
GRID = 401  # effects tried on each side of the accepted set
WIDENINGS = 6  # times the grid doubles before an end is called unbounded


@dataclass(frozen=True)
class Alternative:
    """What replaces the placebo reading: total effect, its range and p-value, iROAS where it comes first."""

    effect: float
    low: float
    high: float
    p_value: float
    method: str
    inference: str
    iroas: tuple[float, float, float] | None = None
    warnings: tuple[Warning, ...] = ()


def spend_reading(test: GeoTest, method: str, level: float) -> Alternative:
    """iROAS from how KPI and spend moved geo by geo (`gbr`) or pair by pair (`trimmed_match`), and its effect.

    Pairs join treated and control geos of the same rank of KPI before the test. Raises PanelError without spend, or
    when spend did not change.
    """
    spend = test.panel.spend
    if spend is None:
        raise PanelError(f"method {method!r} reads how spend moved by geo: the panel needs a column spend")
    rows = [*test.treated, *test.donors]
    length = test.periods / test.pre
    before = test.panel.kpi[rows, : test.pre].sum(axis=1)
    during = test.panel.kpi[rows][:, test.post].sum(axis=1)
    extra = spend[rows][:, test.post].sum(axis=1) - length * spend[rows, : test.pre].sum(axis=1)
    count = len(test.treated)
    total = float(extra[:count].sum() - count * extra[count:].mean())
    if total == 0:
        raise PanelError("spend of the treated geos did not change against the controls: there is no return to read")
    if method == "gbr":
        fit = geo_regression(before, during, extra)
        low, high = fit.interval(level)
        from scipy import stats

        p_value = float(2 * stats.t.sf(abs(fit.iroas) / fit.standard_error, fit.freedom))
        point, rule = fit.iroas, f"regression over {len(rows) - len(fit.left_out)} geos, independent errors"
    else:
        gain = during - length * before
        order = [np.argsort(-before[:count], kind="stable"), count + np.argsort(-before[count:], kind="stable")]
        pairs = min(count, len(rows) - count)
        spread = np.linspace(0, order[1].size - 1, pairs).round().astype(int)
        first, second = order[0][:pairs], order[1][spread if order[1].size > pairs else slice(None)]
        response, paid = gain[first] - gain[second], extra[first] - extra[second]
        estimate = trimmed_match(response, paid, level)
        point, low, high = estimate.iroas, estimate.low, estimate.high
        p_value = _trimmed_p_value(response, estimate.trimmed)
        rule = f"{pairs} pairs, {estimate.trimmed} trimmed at each end"
    bounds = sorted((low * total, high * total))
    return Alternative(point * total, bounds[0], bounds[1], p_value, method, rule, (point, low, high))


def _trimmed_p_value(response: np.ndarray, trimmed: int) -> float:
    """Two-sided p of "no return": the trimmed t-statistic of the responses themselves."""
    from scipy import stats

    ordered = np.sort(response)
    inner = np.clip(np.arange(ordered.size), trimmed, ordered.size - trimmed - 1)
    untrimmed = ordered[trimmed : ordered.size - trimmed]
    winsorised = ordered[inner]
    spread = sqrt(((winsorised - winsorised.mean()) ** 2).sum() / (untrimmed.size * (untrimmed.size - 1)))
    return float(2 * stats.norm.sf(abs(untrimmed.mean()) / spread)) if spread > 0 else 0.0


def block_reading(test: GeoTest, read: PlaceboRead, total: Total, level: float) -> Alternative:
    """Permute blocks of the test's length in time: effects the treated series' own history does not find unusual.

    The fit (synthetic control with intercept) is repeated under every tried effect on all periods. An empty set gives
    NaN bounds, an end that never is rejected an infinite one, several pieces a warning that lists them.
    """
    columns = slice(0, test.last + 1)
    pool = on_scale(test.panel.kpi[list(test.donors), columns], read.estimator)
    mean = on_scale(test.panel.kpi[list(test.treated), columns], read.estimator).mean(axis=0)
    alpha = float(exact_alpha(level))
    window = np.zeros(mean.size)
    window[test.post] = 1.0

    def accepted(effects: np.ndarray) -> np.ndarray:
        gaps = null_gaps(mean - effects[:, None] * window, pool)
        return np.array([block_p_value(gap, test.periods, "abs_sum") for gap in gaps])

    zero = float(accepted(np.zeros(1))[0])
    reach = 6 * read.spread
    for _ in range(WIDENINGS):
        grid = np.unique(np.append(np.linspace(read.tau - reach, read.tau + reach, GRID), 0.0))
        inside = accepted(grid) > alpha + 1e-12
        if not (inside[0] or inside[-1]):
            break
        reach *= 2
    subject = ", ".join(test.panel.geos[row] for row in test.treated)
    rule = f"block permutation in time, {mean.size} shifts"
    if not inside.any():
        warning = Warning(
            "empty_interval",
            "high",
            subject,
            "No constant effect agrees with the history of these geos, so there is no range.",
            "Read it by placebos in space, and look for an effect that changed within the window.",
        )
        return Alternative(total.effect, nan, nan, zero, read.estimator.name, rule, warnings=(warning,))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    pieces = [(float(grid[a]), float(grid[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    shown = test.panel.kpi[list(test.treated)][:, test.post].sum(axis=0)
    size = len(test.treated)
    low = -inf if inside[0] else in_units(pieces[0][0], shown, read, size)
    high = inf if inside[-1] else in_units(pieces[-1][1], shown, read, size)
    warnings: tuple[Warning, ...] = ()
    if len(pieces) > 1:
        listed = "; ".join(
            f"{in_units(a, shown, read, size):,.0f} to {in_units(b, shown, read, size):,.0f}" for a, b in pieces
        )
        warnings = (
            Warning(
                "disconnected_interval",
                "high",
                subject,
                f"The effects that agree with the data lie in {len(pieces)} pieces: {listed}. The"
                " range shown spans them.",
                "Read it by placebos in space.",
            ),
        )
    return Alternative(total.effect, low, high, zero, read.estimator.name, rule, warnings=warnings)


def rejudged(result: LiftResult, reading: Alternative, relevant: float, why: str, z: float) -> LiftResult:
    """The result with another reading in place of the placebos': range, p-value, iROAS and verdict belong together."""
    names = {check.name for check in result.checks} | {"inconclusive"}
    judgement = judge(
        ", ".join(result.treated),
        result.checks,
        effect=reading.effect,
        low=reading.low,
        high=reading.high,
        p_value=reading.p_value,
        level=result.level,
        relevant=relevant,
        relevant_reason=why,
        further=[*(w for w in result.warnings if w.code not in names), *reading.warnings],
    )
    total = Total(reading.effect, reading.low, reading.high, result.actual)
    changed = replace(
        result,
        effect=reading.effect,
        low=reading.low,
        high=reading.high,
        relative=total.share(reading.effect),
        relative_low=total.share(reading.low),
        relative_high=total.share(reading.high),
        att=reading.effect / (len(result.treated) * result.periods),
        p_value=reading.p_value,
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        warnings=judgement.warnings,
        grade=judgement.grade,
        method=reading.method,
        inference=reading.inference,
        se=(reading.high - reading.low) / 2 / z,
        counterfactual=total.counterfactual,
        profit=None,
        profit_low=None,
        profit_high=None,
        profit_chance=None,
        other_form={"form": "placebo", "p_value": result.p_value, "low": result.low, "high": result.high},
    )
    if reading.iroas is not None:
        return replace(changed, iroas=reading.iroas[0], iroas_low=reading.iroas[1], iroas_high=reading.iroas[2])
    return replace(changed, iroas=None, iroas_low=None, iroas_high=None)
